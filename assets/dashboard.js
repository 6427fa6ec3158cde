// Comfort only: every page and form works without this. Nothing here makes markup out of text: fragments come from the
// server, which escapes them, and are moved over as nodes.

const REFRESH_MS = 30_000
/** A stream that says nothing for so long is dead, whatever the browser thinks. */
const SILENT_MS = 25_000
const HEADERS = { 'x-aegis-page': 'part', accept: 'text/html' }

const find = (selector, within = document) => within.querySelector(selector)
const isLive = document.body.dataset.live === 'yes'
const onApprovals = document.body.dataset.place === 'approvals'
/** The approval that is open. */
const opened = () => find('#detail')?.dataset.approval ?? null
const form = () => find('#decide')
/** Nobody decides about what is not on the screen: on a narrow one the queue stands alone. */
const isShown = () => (find('#detail')?.getClientRects().length ?? 0) > 0

function say(text) {
  const news = find('#news')
  news.textContent = ''
  requestAnimationFrame(() => {
    news.textContent = text
  })
}

function notice(...nodes) {
  find('#notice').replaceChildren(...nodes)
}

function callout(text, link) {
  const box = document.createElement('p')
  box.className = 'callout k-review'
  box.textContent = text
  if (link !== undefined) {
    const to = document.createElement('a')
    to.href = link
    to.textContent = 'Log in again'
    box.append(' ', to)
  }
  return box
}

let over = false
function loginEnded() {
  over = true
  source?.close()
  const here = location.pathname + location.search
  const text = 'Your login has ended. Nothing more is recorded from here; what you wrote stays on this page.'
  notice(callout(text, `/login?return_to=${encodeURIComponent(here)}`))
  say('Your login has ended.')
  streamSays('logged out', false)
}

async function fetched(address, options = {}) {
  const answer = await fetch(address, { ...options, headers: { ...HEADERS, ...options.headers } })
  if (answer.status === 401) loginEnded()
  const text = await answer.text()
  return { answer, page: new DOMParser().parseFromString(text, 'text/html') }
}

/** Takes over from a fresh page what changed in the regions named; what somebody is writing in stays. */
function take(page, skip = []) {
  for (const now of document.querySelectorAll('[data-region]')) {
    const fresh = page.getElementById(now.id)
    if (fresh === null || skip.includes(now.id) || now.outerHTML === fresh.outerHTML) continue
    const focused = now.contains(document.activeElement) ? document.activeElement : null
    const href = focused?.getAttribute('href')
    const scroll = now.scrollTop
    const opens = [...now.querySelectorAll('details')].map((one) => one.open)
    now.replaceWith(fresh)
    fresh.scrollTop = scroll
    for (const [index, one] of [...fresh.querySelectorAll('details')].entries()) one.open = opens[index] ?? false
    if (href) [...fresh.querySelectorAll('a')].find((one) => one.getAttribute('href') === href)?.focus()
  }
}

/* ---- what happens while the page is open ---- */

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
  const known = new Set([...document.querySelectorAll('.queue a')].map((one) => one.getAttribute('href')))
  const { answer, page } = await fetched(location.href)
  if (!answer.ok || id !== opened()) return
  // Of the open approval only what reviewers said is taken over: what is read and written there stays put.
  take(page, id === null ? [] : ['detail'])
  if (id === null && opened() !== null) cameUp = performance.now()
  if (!onApprovals) return
  if (id !== null) settledElsewhere(page)
  markOpen()
  const fresh = [...document.querySelectorAll('.queue a')].filter((one) => !known.has(one.getAttribute('href')))
  for (const one of fresh) one.parentElement.classList.add('fresh')
  if (fresh.length > 0)
    say(fresh.length === 1 ? `New approval: ${find('.what', fresh[0]).textContent}` : `${fresh.length} new approvals`)
}

/** Somebody else was faster, or it ran out of time: what is written here was not recorded. */
function settledElsewhere(page) {
  const open = form()
  const status = find('#votes')?.dataset.status
  if (open === null || status === undefined || status === 'pending' || page.getElementById('decide') !== null) return
  for (const one of open.elements) one.disabled = one.tagName === 'BUTTON' || one.type === 'checkbox'
  find('#comment').readOnly = true
  find('#left')?.replaceWith(document.importNode(page.getElementById('left') ?? document.createElement('span'), true))
  if (find('#settled') !== null) return
  const box = callout(`This was settled elsewhere: it is ${status}. Nothing was recorded from here.`)
  box.id = 'settled'
  open.prepend(box)
  say(box.textContent)
}

let source = null
let timer = 0
let heard = Date.now()
function streamSays(text, on) {
  const place = find('#stream')
  place.hidden = false
  place.textContent = text
  place.classList.toggle('on', on)
}

function down() {
  if (over) return
  streamSays('refreshes every 30 s', false)
  timer ||= setInterval(refresh, REFRESH_MS)
}

/** A busy log must not have pages made without end. */
let waiting = 0
function soon() {
  waiting ||= setTimeout(() => {
    waiting = 0
    refresh()
  }, 1000)
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

setInterval(() => {
  for (const one of document.querySelectorAll('[data-until]')) {
    const seconds = Math.max(0, Math.floor((Number(one.dataset.until) - Date.now()) / 1000))
    one.textContent = seconds === 0 ? 'over' : `${spoken(seconds)} left`
  }
}, 1000)

function spoken(seconds) {
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

find('nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })

/* ---- approvals ---- */

const rows = () => [...document.querySelectorAll('.queue a')]
const idOf = (row) => row.getAttribute('href').split('/').pop()

function markOpen() {
  const id = opened()
  for (const row of rows()) {
    if (idOf(row) === id) row.setAttribute('aria-current', 'true')
    else row.removeAttribute('aria-current')
  }
}

/** Milliseconds in which nobody can have seen what has just come up: a second press was meant for the one before. */
const UNSEEN_MS = 700
let cameUp = Number.NEGATIVE_INFINITY

let asked = 0
async function open(id) {
  const mine = ++asked
  find('#detail').setAttribute('aria-busy', 'true')
  const shown = new URLSearchParams(location.search).get('rows')
  const { answer, page } = await fetched(
    `/approvals/${id}${shown === null ? '' : `?rows=${encodeURIComponent(shown)}`}`,
  )
  // Somebody who pressed on must not decide about what they do not see.
  if (mine !== asked || over) return
  const detail = page.getElementById('detail')
  if (detail === null) return notice(...find('#main', page).childNodes)
  find('#detail').replaceWith(detail)
  cameUp = performance.now()
  history.replaceState(null, '', answer.url)
  restoreDraft()
  markOpen()
  find('.queue a[aria-current]')?.scrollIntoView({ block: 'nearest' })
  scrollTo(0, 0)
}

function neighbour(step) {
  const list = rows()
  const at = isShown() ? list.findIndex((row) => idOf(row) === opened()) : -1
  return at < 0 ? list[0] : list[at + step]
}

const isWide = () => matchMedia('(min-width: 64rem)').matches
function move(step) {
  const row = neighbour(step)
  if (row === undefined) return say(step > 0 ? 'That was the last one.' : 'That was the first one.')
  if (isWide()) return open(idOf(row))
  location.assign(row.href)
}

async function settle(verb) {
  const current = form()
  if (current === null || !isShown() || over || find('#detail').getAttribute('aria-busy') === 'true') return
  if (performance.now() - cameUp < UNSEEN_MS) return say('This has just come up: nothing was decided about it.')
  const sure = current.elements.sure
  if (verb === 'approve' && current.dataset.risky === 'yes' && !sure.checked) {
    if (!(await confirmed())) return
    sure.checked = true
  }
  const next = neighbour(1) ?? neighbour(-1)
  const what = find('#what').textContent
  for (const one of current.querySelectorAll('button')) one.disabled = true
  const id = opened()
  const body = new URLSearchParams(new FormData(current))
  const sent = await fetched(`/approvals/${id}/${verb}`, { method: 'POST', body }).catch(() => null)
  for (const one of current.querySelectorAll('button')) one.disabled = false
  if (sent === null) return notice(callout('The server cannot be reached. Nothing was recorded.'))
  if (over) return
  if (!sent.answer.ok) {
    notice(...find('#notice', sent.page).childNodes)
    say(find('#notice').textContent)
    take(sent.page, ['detail'])
    settledElsewhere(sent.page)
    return
  }
  sessionStorage.removeItem(`comment ${id}`)
  const text = `${verb === 'approve' ? 'Approved' : 'Denied'}: ${what}`
  notice(callout(text))
  say(text)
  take(sent.page, ['detail'])
  const still = next !== undefined && rows().find((row) => idOf(row) === idOf(next))
  if (isWide() && still) return open(idOf(still))
  find('#detail').replaceWith(sent.page.getElementById('detail'))
  history.replaceState(null, '', `/approvals/${id}`)
  markOpen()
}

/** One more press for what could do much harm. */
function confirmed() {
  const box = document.createElement('dialog')
  const text = document.createElement('p')
  const yes = document.createElement('button')
  const no = document.createElement('button')
  text.textContent = `${find('.detail .blast')?.textContent ?? ''} blast radius. Approve? ${find('#what').textContent}`
  yes.textContent = 'Approve'
  yes.className = 'approve'
  no.textContent = 'Back'
  box.setAttribute('aria-label', 'Approve what could do much harm?')
  box.append(text, yes, ' ', no)
  document.body.append(box)
  return new Promise((resolve) => {
    yes.addEventListener('click', () => box.close('yes'))
    no.addEventListener('click', () => box.close('no'))
    box.addEventListener('close', () => {
      box.remove()
      resolve(box.returnValue === 'yes')
    })
    box.showModal()
    yes.focus()
  })
}

const draftName = () => `comment ${opened()}`
function restoreDraft() {
  const field = find('#comment')
  if (field !== null && field.value === '') field.value = sessionStorage.getItem(draftName()) ?? ''
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  a: () => settle('approve'),
  d: () => settle('deny'),
  c: () => isShown() && find('#comment')?.focus(),
  o: () => isShown() && opened() && location.assign(`/approvals/${opened()}`),
  g: () => location.assign('/approvals'),
  '?': () => find('#keys')?.showModal(),
}

if (onApprovals) {
  restoreDraft()
  document.addEventListener('input', ({ target }) => {
    if (target.id === 'comment') sessionStorage.setItem(draftName(), target.value)
  })
  document.addEventListener('submit', (event) => {
    if (event.target.id !== 'decide') return
    event.preventDefault()
    settle(event.submitter?.classList.contains('deny') ? 'deny' : 'approve')
  })
  document.addEventListener('click', (event) => {
    const row = event.target.closest('.queue a')
    if (row === null || !isWide() || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
    event.preventDefault()
    open(idOf(row))
  })
  document.addEventListener('keydown', (event) => {
    const { key, target, metaKey, ctrlKey, altKey, repeat } = event
    if (key === 'Escape' && target.id === 'comment') return target.blur()
    if (metaKey || ctrlKey || altKey || repeat || find('dialog[open]') !== null) return
    if (target.matches('input:not([type=checkbox]), textarea, select')) return
    const act = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined
    if (act === undefined) return
    event.preventDefault()
    act()
  })
}
