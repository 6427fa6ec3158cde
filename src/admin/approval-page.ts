import type { Hono } from 'hono'
import { AegisError } from '../core/errors.ts'
import { parseEnvelopeId } from '../core/ids.ts'
import type { AdminEnv } from './door.ts'

/** Nothing from elsewhere, nothing inline, in no frame: what a reviewer sees and presses here is ours. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const

/**
 * The page of one approval, for whom an agent's client shows it to (MCP, "URL Mode Elicitation Requests"). It holds nothing by
 * itself: who opens it says who they are with a reviewer's key, and the admin API shows and decides as for any other caller.
 */
export function approvalPage(app: Hono<AdminEnv>): void {
  app.get('/approvals/page.js', () => asset('text/javascript', SCRIPT))
  app.get('/approvals/page.css', () => asset('text/css', STYLE))
  app.get('/admin/v1/approvals/:id', async (context, next) => {
    const id = parseEnvelopeId(context.req.param('id'))
    if (id === null || !isBrowser(context.req)) return next()
    return context.redirect(`/approvals/${id}`, 303)
  })
  app.get('/approvals/:id', (context) => {
    const id = context.req.param('id')
    if (parseEnvelopeId(id) === null) throw new AegisError('not_found', `no approval ${id.slice(0, 64)}`)
    return asset('text/html', PAGE)
  })
}

/** A browser that follows the address which agents are told: it can send no key by itself. */
function isBrowser(request: { header(name: string): string | undefined }): boolean {
  const keyless = request.header('x-api-key') === undefined && request.header('authorization') === undefined
  return keyless && /\btext\/html\b/.test(request.header('accept') ?? '')
}

function asset(type: string, text: string): Response {
  return new Response(text, { headers: { ...HEADERS, 'content-type': `${type}; charset=utf-8` } })
}

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Aegis: approval</title>
<link rel="stylesheet" href="page.css">
<script src="page.js" defer></script>
</head>
<body>
<main>
<h1>An agent asks for approval</h1>
<form id="who">
<label for="key">Your reviewer key</label>
<input id="key" type="password" autocomplete="off" required>
<button>Show</button>
</form>
<section id="what" hidden>
<dl id="facts"></dl>
<h2>What will run</h2>
<pre id="parameters"></pre>
<label for="comment">Comment</label>
<input id="comment" maxlength="4000">
<p><button id="approve" type="button">Approve</button> <button id="deny" type="button">Deny</button></p>
</section>
<p id="said" role="status"></p>
</main>
</body>
</html>
`

const STYLE = `body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; color: #1b1f24; background: #f6f7f9 }
main { max-width: 46rem; margin: 2rem auto; padding: 1rem 2rem; background: #fff; border: 1px solid #d5d9df; border-radius: .5rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem }
label { display: block; margin-top: 1rem }
input { width: 100%; box-sizing: border-box; padding: .4rem; font: inherit }
button { margin-top: 1rem; padding: .4rem 1.2rem; font: inherit }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem } dd { margin: 0; overflow-wrap: anywhere }
pre { overflow: auto; max-height: 24rem; padding: 1rem; background: #f0f2f5; white-space: pre-wrap; overflow-wrap: anywhere }
`

/** What an agent wrote is set as text only, and characters that nobody can see are written out. */
const SCRIPT = `'use strict'
const at = (id) => document.getElementById(id)
const path = '/admin/v1/approvals/' + encodeURIComponent(location.pathname.split('/').pop())
const HIDDEN = /[\\p{Cc}\\p{Cf}\\p{Co}\\p{Cn}\\p{Zl}\\p{Zp}]/gu
const seen = (text) =>
  text.replace(HIDDEN, (c) => (c === '\\n' ? c : '[U+' + c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0') + ']'))

async function ask(method, to, body) {
  const headers = { 'x-api-key': at('key').value }
  if (body !== undefined) headers['content-type'] = 'application/json'
  const answer = await fetch(to, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) })
  const said = await answer.json()
  if (!answer.ok) throw new Error([said.error.message, said.error.advice].filter(Boolean).join('. '))
  return said
}

function show(approval) {
  const facts = {
    Tool: approval.tool,
    Target: approval.target,
    Agent: approval.actor.agent + ', session ' + approval.actor.session,
    Rule: approval.matched_rule + ' (policy ' + approval.policy + ')',
    'Blast radius': [approval.blast_radius, ...(approval.blast_reasons ?? [])].join(', '),
    ...planned(approval),
    Justification: approval.justification ?? 'none given',
    Asked: approval.queued_at,
    'Answer by': approval.expires_at,
    Status: approval.status,
  }
  at('facts').replaceChildren(
    ...Object.entries(facts).flatMap(([name, value]) => {
      const term = document.createElement('dt')
      const fact = document.createElement('dd')
      const alone = document.createElement('bdi')
      term.textContent = name
      alone.textContent = seen(String(value))
      fact.append(alone)
      return [term, fact]
    }),
  )
  at('parameters').textContent = seen(JSON.stringify(approval.parameters, null, 2))
  at('what').hidden = false
  for (const verb of ['approve', 'deny']) at(verb).disabled = approval.status !== 'pending'
}

function planned({ rewritten_to: plan, head_sha: head, base }) {
  return {
    ...(plan === undefined
      ? {}
      : {
          Runs: 'as a pull request, not as a direct write',
          Title: plan.pull_request.title,
          Text: plan.pull_request.body,
          Branches: plan.pull_request.head + ' into ' + plan.pull_request.base,
        }),
    ...(head === undefined ? {} : { Commit: head }),
    ...(base === undefined ? {} : { Into: base }),
  }
}

async function attempt(work) {
  at('said').textContent = ''
  try {
    at('said').textContent = seen((await work()) ?? '')
  } catch (error) {
    at('said').textContent = seen(error.message)
  }
}

const look = async () => show(await ask('GET', path))
at('who').addEventListener('submit', (event) => {
  event.preventDefault()
  attempt(look)
})
for (const verb of ['approve', 'deny']) {
  at(verb).addEventListener('click', () =>
    attempt(async () => {
      const { status } = await ask('POST', path + '/' + verb, { comment: at('comment').value })
      await look()
      return 'Recorded: ' + status
    }),
  )
}
`
