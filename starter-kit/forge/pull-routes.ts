import { forRepository, READ_PULLS, WRITE_PULLS } from './access.ts'
import { flag, optionalText, requiredText } from './body.ts'
import { changedFile, commitShape } from './commit-shapes.ts'
import { isRefName } from './names.ts'
import { pageReply } from './page.ts'
import { invalid, Refusal } from './problem.ts'
import { compareBranches, pullDetail, pullSummary } from './pulls.ts'
import { branchSha } from './repository.ts'
import { created, ok, type Reply, type RepositoryAsk, type Route } from './router.ts'
import { addThread, changeThread, isPull, type PullThread, pullAt, setState, threadsOf } from './threads.ts'

/** Pull requests: opening, reading, editing. `first` is the number the first thread of a repository gets. */
export function pullRoutes(first: number): readonly Route[] {
  return [
    forRepository('GET /repos/{owner}/{repo}/pulls', [READ_PULLS], list),
    forRepository('POST /repos/{owner}/{repo}/pulls', [WRITE_PULLS], (ask) =>
      ask.repository.alone(() => open(ask, first)),
    ),
    forRepository('GET /repos/{owner}/{repo}/pulls/{number}', [READ_PULLS], read),
    forRepository('PATCH /repos/{owner}/{repo}/pulls/{number}', [WRITE_PULLS], edit),
    forRepository('GET /repos/{owner}/{repo}/pulls/{number}/files', [READ_PULLS], async (ask) => {
      const { head, changes } = await compareBranches(ask.repository, pullAt(ask))
      const path = `/repos/${ask.repository.fullName}/pulls/${ask.part('number')}/files`
      // "Responses include a maximum of 3000 files."
      return pageReply(ask, path, changes.slice(0, 3000), (change) =>
        changedFile(ask.site, ask.repository, head, change),
      )
    }),
    forRepository('GET /repos/{owner}/{repo}/pulls/{number}/commits', [READ_PULLS], async (ask) => {
      const { commits } = await compareBranches(ask.repository, pullAt(ask))
      const path = `/repos/${ask.repository.fullName}/pulls/${ask.part('number')}/commits`
      const read = await ask.repository.git.commits(commits)
      return pageReply(ask, path, read, (commit) => commitShape(ask.site, ask.repository, commit))
    }),
  ]
}

async function list(ask: RepositoryAsk): Promise<Reply> {
  const { site, repository, query } = ask
  const state = query.get('state') ?? 'open'
  const head = query.get('head')?.replace(/^[^:]*:/, '')
  const base = query.get('base')
  const found = threadsOf(site, repository)
    .filter(isPull)
    .filter((thread) => state === 'all' || thread.state === state)
    .filter(({ pull }) => (head === undefined || pull.head === head) && (base === null || pull.base === base))
    .sort(order(query))
  return pageReply(ask, `/repos/${repository.fullName}/pulls`, found, async (thread) =>
    pullSummary(site, repository, thread, await compareBranches(repository, thread)),
  )
}

function order(query: URLSearchParams): (one: PullThread, other: PullThread) => number {
  const time = (thread: PullThread): number => (query.get('sort') === 'updated' ? thread.updatedAt : thread.createdAt)
  // By creation, newest first, unless asked otherwise; with a sort of another kind GitHub starts with the oldest.
  const sort = query.get('sort')
  const fallback = sort === null || sort === 'created' ? 'desc' : 'asc'
  const sign = (query.get('direction') ?? fallback) === 'asc' ? 1 : -1
  return (one, other) => sign * (time(one) - time(other) || one.number - other.number)
}

async function open(ask: RepositoryAsk, first: number): Promise<Reply> {
  const { site, repository, body } = ask
  const { git } = repository
  const title = requiredText(body, 'title', 'PullRequest')
  const base = requiredText(body, 'base', 'PullRequest')
  const head = headBranch(ask, requiredText(body, 'head', 'PullRequest'))
  const draft = flag(body, 'draft')
  const text = optionalText(body, 'body') ?? null
  const maintainerCanModify = flag(body, 'maintainer_can_modify')
  const baseSha = await branchSha(repository, base)
  if (baseSha === null) throw invalid('PullRequest', 'base')
  const headSha = await branchSha(repository, head)
  if (headSha === null) throw invalid('PullRequest', 'head')
  refuseTwin(ask, head, base)
  if ((await git.history(headSha, { exclude: baseSha, count: 1 })).length === 0) {
    throw invalid('PullRequest', 'head', `No commits between ${base} and ${head}`)
  }
  if ((await git.mergeBase(baseSha, headSha)) === null) {
    throw invalid('PullRequest', 'head', `The ${head} branch has no history in common with ${base}`)
  }
  const settled = { reviewers: [], mergedAt: null, mergedBy: null, mergeSha: null }
  const pull = { head, base, headSha, baseSha, draft, maintainerCanModify, ...settled }
  const thread = await site.state.change((state) =>
    addThread(state, ask, first, { title, body: text, labels: [], assignees: [], pull }),
  )
  // As at GitHub, the head stays reachable under the pull request's own ref when its branch has gone.
  await git.moveRef(`refs/pull/${thread.number}/head`, await git.ref(`refs/pull/${thread.number}/head`), headSha)
  if (!isPull(thread)) throw new Refusal(500, 'Server Error')
  return created(await pullDetail(site, repository, thread))
}

/** `owner:branch` or `branch`; only this repository's own branches can be heads here, for there are no forks. */
function headBranch(ask: RepositoryAsk, text: string): string {
  const [, owner, branch = text] = /^([^:]*):(.*)$/s.exec(text) ?? []
  const foreign = owner !== undefined && owner.toLowerCase() !== ask.repository.owner.toLowerCase()
  if (foreign || !isRefName(branch)) throw invalid('PullRequest', 'head')
  return branch
}

function refuseTwin(ask: RepositoryAsk, head: string, base: string): void {
  const twin = threadsOf(ask.site, ask.repository)
    .filter(isPull)
    .some((known) => known.state === 'open' && known.pull.head === head && known.pull.base === base)
  if (twin) throw invalid('PullRequest', 'head', `A pull request already exists for ${ask.repository.owner}:${head}.`)
}

async function read(ask: RepositoryAsk): Promise<Reply> {
  const thread = pullAt(ask)
  if (/\bdiff\b/.test(ask.accept))
    return { status: 200, type: 'text/plain; charset=utf-8', content: await diffText(ask, thread) }
  return ok(await pullDetail(ask.site, ask.repository, thread))
}

async function diffText(ask: RepositoryAsk, thread: PullThread): Promise<string> {
  const { changes } = await compareBranches(ask.repository, thread)
  return changes
    .map(({ path, previousPath, status, patch }) => {
      const before = status === 'added' ? '/dev/null' : `a/${previousPath ?? path}`
      const after = status === 'removed' ? '/dev/null' : `b/${path}`
      const head = `diff --git a/${previousPath ?? path} b/${path}\n--- ${before}\n+++ ${after}\n`
      return patch === null ? head : `${head}${patch}\n`
    })
    .join('')
}

async function edit(ask: RepositoryAsk): Promise<Reply> {
  const { site, repository, body } = ask
  const thread = pullAt(ask)
  const state = optionalText(body, 'state')
  if (state !== undefined && state !== 'open' && state !== 'closed') throw invalid('PullRequest', 'state')
  if (state === 'open' && thread.pull.mergedAt !== null) {
    throw invalid('PullRequest', 'state', 'state cannot be changed. The pull request is merged.')
  }
  const base = optionalText(body, 'base')
  if (base !== undefined && (await branchSha(repository, base)) === null) throw invalid('PullRequest', 'base')
  const title = optionalText(body, 'title')
  const text = optionalText(body, 'body')
  const compared = await compareBranches(repository, thread)
  const changed = await changeThread(ask, thread.number, (draft) => {
    if (title !== undefined) draft.title = title
    if (text !== undefined) draft.body = text
    if (draft.pull === null) return
    if (base !== undefined) draft.pull.base = base
    if (state === 'closed') Object.assign(draft.pull, { headSha: compared.head, baseSha: compared.base })
    if (state !== undefined) setState(draft, state, site.now())
  })
  return ok(isPull(changed) ? await pullDetail(site, repository, changed) : {})
}
