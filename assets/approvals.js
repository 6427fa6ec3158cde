import { callout, fetched, find, notice, onApprovals, over, say, take } from './page.js'

/** The approval that is open. */
export const opened = () => find('#detail')?.dataset.approval ?? null
const form = () => find('#decide')
/** Nobody decides about what is not on the screen: on a narrow one the queue stands alone. */
const isShown = () => (find('#detail')?.getClientRects().length ?? 0) > 0

export const rows = () => [...document.querySelectorAll('.queue a')]
const idOf = (row) => row.getAttribute('href').split('/').pop()

export function markOpen() {
  const id = opened()
  for (const row of rows()) {
    if (idOf(row) === id) row.setAttribute('aria-current', 'true')
    else row.removeAttribute('aria-current')
  }
}

/** Somebody else was faster, or it ran out of time: what is written here was not recorded. */
export function settledElsewhere(page) {
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

/** Milliseconds in which nobody can have seen what has just come up: a second press was meant for the one before. */
const UNSEEN_MS = 700
let cameUp = Number.NEGATIVE_INFINITY
export function justCameUp() {
  cameUp = performance.now()
}

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
  justCameUp()
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
    if (target.id !== 'comment') return
    sessionStorage.setItem(draftName(), target.value)
    // Who writes about it has seen it.
    cameUp = Number.NEGATIVE_INFINITY
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
