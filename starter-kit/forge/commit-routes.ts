import type { JsonObject } from '../../src/core/json.ts'
import { forRepository, READ_CONTENTS } from './access.ts'
import { optionalText } from './body.ts'
import { latestStatuses } from './checks.ts'
import { changedFile, commitShape, EMPTY_TREE } from './commit-shapes.ts'
import type { Commit } from './git.ts'
import { isTreePath } from './names.ts'
import { linkHeader, pageOf, pageOfObject } from './page.ts'
import { notFound, Refusal } from './problem.ts'
import { resolveCommit } from './repository.ts'
import { created, ok, type Reply, type RepositoryAsk, type Route } from './router.ts'
import { account, instant, nodeId, repositoryApi, repositoryShape } from './shapes.ts'
import type { StatusRecord } from './state.ts'

/** Commits as listings show them, comparisons, statuses and checks. */
export const commitRoutes: readonly Route[] = [
  forRepository('GET /repos/{owner}/{repo}/commits', [READ_CONTENTS], listCommits),
  forRepository('GET /repos/{owner}/{repo}/commits/{ref+}/status', [{ statuses: 'read' }], combinedStatus),
  forRepository('GET /repos/{owner}/{repo}/commits/{ref+}', [READ_CONTENTS], readCommit),
  forRepository('POST /repos/{owner}/{repo}/statuses/{sha}', [{ statuses: 'write' }], createStatus),
  forRepository('GET /repos/{owner}/{repo}/compare/{basehead+}', [READ_CONTENTS], compare),
]

export async function commitNamed(ask: RepositoryAsk, name: string): Promise<Commit> {
  const sha = await resolveCommit(ask.repository, name)
  const [commit] = sha === null ? [] : await ask.repository.git.commits([sha])
  if (commit === undefined) throw new Refusal(422, `No commit found for SHA: ${name.slice(0, 250)}`)
  return commit
}

async function listCommits(ask: RepositoryAsk): Promise<Reply> {
  const { site, repository, query } = ask
  const from = await resolveCommit(repository, query.get('sha') ?? '')
  if (from === null) throw notFound()
  const path = query.get('path')
  if (path !== null && path !== '' && !isTreePath(path)) throw notFound()
  const { page, size } = pageOf(ask)
  const within = path === null || path === '' ? {} : { path }
  // One more than asked for tells whether there is a next page.
  const shas = await repository.git.history(from, { ...within, skip: (page - 1) * size, count: size + 1 })
  const commits = await repository.git.commits(shas.slice(0, size))
  const link = linkHeader(ask, `/repos/${repository.fullName}/commits`, page, shas.length > size ? page + 1 : page)
  return {
    status: 200,
    json: commits.map((commit) => commitShape(site, repository, commit)),
    headers: link === '' ? {} : { link },
  }
}

async function readCommit(ask: RepositoryAsk): Promise<Reply> {
  const { site, repository } = ask
  const commit = await commitNamed(ask, ask.part('ref'))
  const changes = await repository.git.changes(commit.parents[0] ?? EMPTY_TREE, commit.sha)
  const additions = changes.reduce((sum, change) => sum + change.additions, 0)
  const deletions = changes.reduce((sum, change) => sum + change.deletions, 0)
  return ok({
    ...commitShape(site, repository, commit),
    stats: { additions, deletions, total: additions + deletions },
    files: changes.slice(0, 300).map((change) => changedFile(site, repository, commit.sha, change)),
  })
}

async function combinedStatus(ask: RepositoryAsk): Promise<Reply> {
  const { site, repository } = ask
  const { sha } = await commitNamed(ask, ask.part('ref'))
  const statuses = latestStatuses(ask, sha)
  const failed = statuses.some(({ state }) => state === 'failure' || state === 'error')
  const passed = statuses.length > 0 && statuses.every(({ state }) => state === 'success')
  const url = `${repositoryApi(site, repository)}/commits/${sha}`
  const path = `/repos/${repository.fullName}/commits/${ask.part('ref')}/status`
  return pageOfObject(ask, path, statuses, (shown) => ({
    state: failed ? 'failure' : passed ? 'success' : 'pending',
    statuses: shown.map((status) => statusShape(ask, status)),
    sha,
    total_count: statuses.length,
    repository: repositoryShape(site, repository),
    commit_url: url,
    url: `${url}/status`,
  }))
}

function statusShape(ask: RepositoryAsk, status: StatusRecord): JsonObject {
  return {
    id: status.id,
    node_id: nodeId('Status', status.id),
    url: `${repositoryApi(ask.site, ask.repository)}/statuses/${status.sha}`,
    avatar_url: `${ask.site.origin}/avatars/${encodeURIComponent(status.user)}`,
    state: status.state,
    description: status.description,
    target_url: status.targetUrl,
    context: status.context,
    created_at: instant(status.at),
    updated_at: instant(status.at),
  }
}

async function createStatus(ask: RepositoryAsk): Promise<Reply> {
  const { site, repository, body } = ask
  const { sha } = await commitNamed(ask, ask.part('sha'))
  const state = optionalText(body, 'state')
  if (state !== 'error' && state !== 'failure' && state !== 'pending' && state !== 'success') {
    throw new Refusal(422, 'Validation Failed', { errors: [{ resource: 'Status', field: 'state', code: 'invalid' }] })
  }
  const record = await site.state.change((draft) => {
    const status: StatusRecord = {
      id: draft.nextId++,
      repository: repository.key,
      sha,
      user: ask.actor,
      state,
      context: optionalText(body, 'context') ?? 'default',
      description: optionalText(body, 'description') ?? null,
      targetUrl: optionalText(body, 'target_url') ?? null,
      at: site.now(),
    }
    draft.statuses.push(status)
    return status
  })
  return created({ ...statusShape(ask, record), creator: account(site, ask.actor) })
}

async function compare(ask: RepositoryAsk): Promise<Reply> {
  const { site, repository } = ask
  const { git } = repository
  const [baseName = '', headName, ...rest] = ask.part('basehead').split('...')
  const base = await resolveCommit(repository, baseName)
  const head = headName === undefined || rest.length > 0 ? null : await resolveCommit(repository, headName)
  const fork = base === null || head === null ? null : await git.mergeBase(base, head)
  if (base === null || head === null || fork === null) throw notFound()
  const ahead = await git.history(head, { exclude: base, count: 10_000 })
  const behind = await git.history(base, { exclude: head, count: 10_000 })
  const [baseCommit, forkCommit] = await git.commits([base, fork])
  if (baseCommit === undefined || forkCommit === undefined) throw notFound()
  const { page, size } = ask.query.has('page') || ask.query.has('per_page') ? pageOf(ask) : { page: 1, size: 250 }
  const oldestFirst = [...ahead].reverse().slice((page - 1) * size, page * size)
  const commits = oldestFirst.length === 0 ? [] : await git.commits(oldestFirst)
  // Files come with the first page only, 300 at most.
  const changes = page === 1 ? await git.changes(fork, head) : []
  const html = `${site.origin}/${repository.fullName}/compare/${baseName}...${headName}`
  return ok({
    url: `${repositoryApi(site, repository)}/compare/${baseName}...${headName}`,
    html_url: html,
    permalink_url: `${site.origin}/${repository.fullName}/compare/${base}...${head}`,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    base_commit: commitShape(site, repository, baseCommit),
    merge_base_commit: commitShape(site, repository, forkCommit),
    status: ahead.length > 0 ? (behind.length > 0 ? 'diverged' : 'ahead') : behind.length > 0 ? 'behind' : 'identical',
    ahead_by: ahead.length,
    behind_by: behind.length,
    total_commits: ahead.length,
    commits: commits.map((commit) => commitShape(site, repository, commit)),
    files: changes.slice(0, 300).map((change) => changedFile(site, repository, head, change)),
  })
}
