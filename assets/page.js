// Comfort only: every page and form works without this. Nothing here makes markup out of text: fragments come from the
// server, which escapes them, and are moved over as nodes.

const HEADERS = { 'x-aegis-page': 'part', accept: 'text/html' }

export const find = (selector, within = document) => within.querySelector(selector)
export const isLive = document.body.dataset.live === 'yes'
export const onApprovals = document.body.dataset.place === 'approvals'

export function say(text) {
  const news = find('#news')
  news.textContent = ''
  requestAnimationFrame(() => {
    news.textContent = text
  })
}

export function notice(...nodes) {
  find('#notice').replaceChildren(...nodes)
}

export function callout(text, link) {
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

export function streamSays(text, on) {
  const place = find('#stream')
  place.hidden = false
  place.textContent = text
  place.classList.toggle('on', on)
}

/** True from the moment the login is known to be over: then `login-ended` was told to the document. */
export let over = false
export function loginEnded() {
  over = true
  const here = location.pathname + location.search
  const text = 'Your login has ended. Nothing more is recorded from here; what you wrote stays on this page.'
  notice(callout(text, `/login?return_to=${encodeURIComponent(here)}`))
  say('Your login has ended.')
  streamSays('logged out', false)
  document.dispatchEvent(new Event('login-ended'))
}

export async function fetched(address, options = {}) {
  const answer = await fetch(address, { ...options, headers: { ...HEADERS, ...options.headers } })
  if (answer.status === 401) loginEnded()
  const text = await answer.text()
  return { answer, page: new DOMParser().parseFromString(text, 'text/html') }
}

/** Takes over from a fresh page what changed in the regions named; what somebody is writing in stays. */
export function take(page, skip = []) {
  for (const now of document.querySelectorAll('[data-region]')) {
    const found = page.getElementById(now.id)
    if (found === null || skip.includes(now.id) || now.outerHTML === found.outerHTML) continue
    // A copy: regions lie within others, and the page may be asked for those as well.
    const fresh = document.importNode(found, true)
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
