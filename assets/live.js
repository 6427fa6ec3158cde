import { justCameUp, markOpen, opened, rows, settledElsewhere } from './approvals.js'
import { fetched, find, isLive, loginEnded, onApprovals, over, say, streamSays, take } from './page.js'

const REFRESH_MS = 30_000
/** A busy log must not have pages made without end. */
const LEAST_MS = 1000
/** A stream that says nothing for so long is dead, whatever the browser thinks. */
const SILENT_MS = 25_000

let under = null
let again = false
async function refresh() {
  if (over || !isLive) return
  if (under !== null) {
    again = true
    return
  }
  under = (async () => {
    do {
      again = false
      await refreshOnce().catch(() => undefined)
    } while (again && !over)
  })()
  await under
  under = null
}

async function refreshOnce() {
  const id = opened()
  const known = new Set(rows().map((one) => one.getAttribute('href')))
  const { answer, page } = await fetched(location.href)
  if (!answer.ok || id !== opened()) return
  // Of the open approval only what reviewers said is taken over: what is read and written there stays put.
  take(page, id === null ? [] : ['detail'])
  if (id === null && opened() !== null) justCameUp()
  if (!onApprovals) return
  if (id !== null) settledElsewhere(page)
  markOpen()
  const fresh = rows().filter((one) => !known.has(one.getAttribute('href')))
  for (const one of fresh) one.parentElement.classList.add('fresh')
  if (fresh.length > 0)
    say(fresh.length === 1 ? `New approval: ${find('.what', fresh[0]).textContent}` : `${fresh.length} new approvals`)
}

let source = null
let timer = 0
let heard = Date.now()
document.addEventListener('login-ended', () => source?.close())

function down() {
  if (over) return
  streamSays('refreshes every 30 s', false)
  timer ||= setInterval(refresh, REFRESH_MS)
}

let next = 0
function soon() {
  if (next !== 0) return
  next = setTimeout(() => {
    next = 0
    refresh()
  }, LEAST_MS)
}

function follow() {
  source?.close()
  source = new EventSource('/live')
  const listen = (name, act) =>
    source.addEventListener(name, (event) => {
      heard = Date.now()
      act(JSON.parse(event.data))
    })
  listen('ready', () => {
    streamSays('live', true)
    clearInterval(timer)
    timer = 0
    refresh()
  })
  listen('change', ({ pending }) => {
    // What agents may do unasked changes nothing among what waits.
    if (!onApprovals) soon()
    else if (pending !== undefined) refresh()
  })
  listen('beat', () => undefined)
  listen('ended', loginEnded)
  listen('stopped', down)
  source.addEventListener('error', () => {
    down()
    // Refused for good: the page's own refresh finds out whether the login is over.
    if (source.readyState === EventSource.CLOSED) refresh()
  })
}

if (isLive) {
  follow()
  setInterval(() => {
    if (over || Date.now() - heard < SILENT_MS) return
    heard = Date.now()
    down()
    follow()
  }, 5000)
}
