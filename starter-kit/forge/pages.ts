import { hostedAs } from './hosting.ts'
import { notFound } from './problem.ts'
import { compareBranches } from './pulls.ts'
import type { Repository } from './repository.ts'
import { type Ask, type Reply, type Route, route } from './router.ts'
import { isPull, type PullThread, threadsOf } from './threads.ts'

/** What a person sees in a browser on this machine: the pull request and its diff. Read-only, no script, no login. */
export const pageRoutes: readonly Route[] = [
  route('GET /', (ask) => {
    const names = [...ask.site.repositories.values()].map(({ fullName }) => fullName)
    return html('Local forge', names.map((name) => `<p><a href="/${text(name)}/pulls">${text(name)}</a></p>`).join(''))
  }),
  route('GET /{owner}/{repo}/pulls', (ask) => {
    const repository = repositoryAt(ask)
    const items = threadsOf(ask.site, repository)
      .filter(isPull)
      .map(({ number, title, state }) => `<li><a href="pull/${number}">#${number}</a> ${text(title)} (${state})</li>`)
    return html(`Pull requests of ${repository.fullName}`, `<ul>${items.join('')}</ul>`)
  }),
  route('GET /{owner}/{repo}/pull/{number}', async (ask) => {
    const repository = repositoryAt(ask)
    const thread = threadsOf(ask.site, repository).find(({ number }) => String(number) === ask.part('number'))
    if (thread === undefined || !isPull(thread)) throw notFound()
    return html(`#${thread.number} ${thread.title}`, await pullPage(repository, thread))
  }),
]

function repositoryAt(ask: Ask): Repository {
  const repository = hostedAs(ask.site, `${ask.part('owner')}/${ask.part('repo')}`)
  if (repository === undefined) throw notFound()
  return repository
}

async function pullPage(repository: Repository, thread: PullThread): Promise<string> {
  const { changes } = await compareBranches(repository, thread)
  const { pull } = thread
  const state = pull.mergedAt === null ? thread.state : 'merged'
  const files = changes.map(
    ({ path, additions, deletions, patch }) =>
      `<h3>${text(path)} <small>+${additions} -${deletions}</small></h3><pre>${diffLines(patch ?? 'binary or renamed')}</pre>`,
  )
  return `<p><b>${state}</b> · ${text(thread.user)} wants to merge <code>${text(pull.head)}</code> into <code>${text(pull.base)}</code></p>
<p class="body">${text(thread.body ?? '')}</p>${files.join('')}`
}

function diffLines(patch: string): string {
  const kind = (line: string): string => (line.startsWith('+') ? 'add' : line.startsWith('-') ? 'del' : 'ctx')
  return patch
    .split('\n')
    .map((line) => `<span class="${kind(line)}">${text(line)}</span>`)
    .join('\n')
}

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
pre{background:#f6f8fa;padding:1rem;overflow:auto}.body{white-space:pre-wrap}
.add{background:#dafbe1}.del{background:#ffebe9}footer{color:#59636e;margin-top:3rem}`

function html(title: string, body: string): Reply {
  const content = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${text(title)}</title><style>${STYLE}</style></head>
<body><h1>${text(title)}</h1>${body}<footer>Local forge: everything here lives on this machine; GitHub knows nothing of it.</footer></body></html>`
  return { status: 200, type: 'text/html; charset=utf-8', content }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Titles, bodies, paths and diffs are agent-controlled: text, never markup. */
function text(value: string): string {
  return value.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
