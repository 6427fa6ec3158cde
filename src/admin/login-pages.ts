import { html } from 'hono/html'
import type { Ending } from '../identity/index.ts'

/** Nothing from elsewhere, nothing inline, in no frame. A stricter referrer policy would blank the Origin that forms are checked by. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
} as const

type Markup = ReturnType<typeof html>

/** What the login page shows. */
export interface LoginPage {
  /** Name of the provider; null where there is none. */
  readonly provider: string | null
  readonly returnTo: string
  /** What went wrong before, and what to do about it. */
  readonly said: string | null
}

const ENDINGS: Readonly<Record<Ending, string>> = {
  idle: 'Your login has ended: nothing was asked for too long.',
  lasted: 'Your login has ended: its time was over.',
  shut_out:
    'Your login has ended: what you logged in with is good no more. It was revoked, has expired, or gives no role any more.',
  ended: 'Your login has ended: it was ended from elsewhere, or made room for newer ones.',
  unknown: 'Your login has ended.',
}

/** Why somebody is here again. Only a browser that shows the session is told. */
export function endingText(ending: Ending): string {
  return `${ENDINGS[ending]} Log in again.`
}

export function loginPage({ provider, returnTo, said }: LoginPage, status = 200): Promise<Response> {
  const query = returnTo === '/' ? '' : `?return_to=${encodeURIComponent(returnTo)}`
  const button =
    provider === null ? '' : html`<p><a class="button" href="/login/start${query}">Log in with ${provider}</a></p>`
  const lead = provider === null ? '' : html`<p class="or">or with a key</p>`
  const notice = said === null ? '' : html`<p class="said" role="alert">${said}</p>`
  const body = html`<h1>Aegis</h1>
${notice}
${button}
${lead}
<form method="post" action="/login${query}">
<label for="key">Your key</label>
<input id="key" name="key" type="password" autocomplete="current-password" required${provider === null ? ' autofocus' : ''}>
<button>Log in</button>
</form>
<p class="note">Keys of agents open nothing here.</p>`
  return page('Log in', body, status)
}

/**
 * A page that goes on by itself. A redirect would still count as coming from the other site, and the browser would leave the session's
 * cookie at home.
 */
export function onwardPage(path: string): Promise<Response> {
  const refresh = html`<meta http-equiv="refresh" content="0; url=${path}">`
  return page('Aegis', html`<p><a class="button" href="${path}">Go on</a></p>`, 200, refresh)
}

async function page(title: string, body: Markup, status: number, head: Markup | string = ''): Promise<Response> {
  const text = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${head}
<title>${title}</title>
<link rel="stylesheet" href="/login/style.css">
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`
  return new Response(text.toString(), { status, headers: { ...HEADERS, 'content-type': 'text/html; charset=utf-8' } })
}

export function loginStyle(): Response {
  return new Response(STYLE, { headers: { ...HEADERS, 'content-type': 'text/css; charset=utf-8' } })
}

const STYLE = `:root { color-scheme: light dark; --ink: #1b1f24; --ground: #f6f7f9; --card: #fff; --line: #c3c9d1; --act: #0b57d0; --on: #fff; --bad: #a4121a }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --ground: #14171b; --card: #1d2126; --line: #4a525c; --act: #a8c7fa; --on: #0b1d3a; --bad: #ffb4ab } }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; color: var(--ink); background: var(--ground) }
main { max-width: 24rem; margin: 12vh auto 2rem; padding: 1.5rem 2rem 2rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; box-sizing: border-box }
h1 { font-size: 1.5rem; margin: 0 0 1rem }
label { display: block; margin-top: 1rem }
input { width: 100%; box-sizing: border-box; padding: .5rem; font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: .25rem }
button, .button { display: block; width: 100%; box-sizing: border-box; margin-top: 1rem; padding: .6rem 1rem; font: inherit; text-align: center; text-decoration: none; color: var(--on); background: var(--act); border: 0; border-radius: .25rem; cursor: pointer }
:focus-visible { outline: 3px solid var(--act); outline-offset: 2px }
.or { margin: 1.5rem 0 0; text-align: center }
.said { padding: .5rem .75rem; color: var(--bad); border: 1px solid currentcolor; border-radius: .25rem; overflow-wrap: anywhere }
.note { margin: 1rem 0 0; font-size: .875rem }
@media (max-width: 30rem) { main { margin: 0; border: 0; border-radius: 0; min-height: 100vh } }
`
