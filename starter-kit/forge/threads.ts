/** Pull requests and issues as they are kept: numbered, found, and shown as issues. */
import type { JsonObject } from '../../src/core/json.ts'
import { notFound } from './problem.ts'
import type { Repository } from './repository.ts'
import type { RepositoryAsk, Site } from './router.ts'
import { account, instant, maybeInstant, nodeId, numberFor, repositoryApi } from './shapes.ts'
import type { PullRecord, State, ThreadRecord } from './state.ts'

export type PullThread = ThreadRecord & { pull: PullRecord }

export const isPull = (thread: ThreadRecord): thread is PullThread => thread.pull !== null

export function threadsOf(site: Site, repository: Repository): ThreadRecord[] {
  return site.state.current().threads.filter((thread) => thread.repository === repository.key)
}

/** @throws Refusal 404 where the repository has no such number. */
export function threadAt(ask: RepositoryAsk): ThreadRecord {
  const number = Number(ask.part('number'))
  const thread = threadsOf(ask.site, ask.repository).find((known) => known.number === number)
  if (thread === undefined) throw notFound()
  return thread
}

export function pullAt(ask: RepositoryAsk): PullThread {
  const thread = threadAt(ask)
  if (!isPull(thread)) throw notFound()
  return thread
}

export interface NewThread {
  readonly title: string
  readonly body: string | null
  readonly labels: string[]
  readonly assignees: string[]
  readonly pull: PullRecord | null
}

/** Adds the thread under the repository's next number. Runs inside a change of the state. */
export function addThread(draft: State, ask: RepositoryAsk, first: number, thread: NewThread): ThreadRecord {
  const { key } = ask.repository
  const number = draft.nextNumber[key] ?? first
  const at = ask.site.now()
  const times = { createdAt: at, updatedAt: at, closedAt: null }
  const added: ThreadRecord = {
    id: draft.nextId++,
    repository: key,
    number,
    user: ask.actor,
    state: 'open',
    ...times,
    ...thread,
  }
  draft.nextNumber[key] = number + 1
  draft.threads.push(added)
  return added
}

/** Changes the thread on disk. @throws Refusal 404 where it has gone meanwhile. */
export function changeThread(
  ask: RepositoryAsk,
  number: number,
  apply: (thread: ThreadRecord) => void,
): Promise<ThreadRecord> {
  return ask.site.state.change((draft) => {
    const thread = draft.threads.find((known) => known.repository === ask.repository.key && known.number === number)
    if (thread === undefined) throw notFound()
    apply(thread)
    thread.updatedAt = ask.site.now()
    return thread
  })
}

/** Opens or closes; keeps the time of closing. */
export function setState(thread: ThreadRecord, state: 'open' | 'closed', at: number): void {
  if (thread.state === state) return
  thread.state = state
  thread.closedAt = state === 'closed' ? at : null
}

export function labelShapes(site: Site, repository: Repository, labels: readonly string[]): JsonObject[] {
  return labels.map((name) => ({
    id: numberFor(`${repository.key}:${name}`),
    node_id: nodeId('Label', name),
    url: `${repositoryApi(site, repository)}/labels/${encodeURIComponent(name)}`,
    name,
    color: 'ededed',
    default: false,
    description: null,
  }))
}

/** `issue`; a pull request is shown as one too, with its `pull_request` member. */
export function issueShape(site: Site, repository: Repository, thread: ThreadRecord): JsonObject {
  const api = repositoryApi(site, repository)
  const url = `${api}/issues/${thread.number}`
  const page = `${site.origin}/${repository.fullName}/${thread.pull === null ? 'issues' : 'pull'}/${thread.number}`
  const comments = site.state
    .current()
    .comments.filter((comment) => comment.repository === repository.key && comment.number === thread.number).length
  return {
    id: thread.id,
    node_id: nodeId('Issue', thread.id),
    url,
    repository_url: api,
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    html_url: page,
    number: thread.number,
    title: thread.title,
    user: account(site, thread.user),
    labels: labelShapes(site, repository, thread.labels),
    state: thread.state,
    locked: false,
    ...assigneeShapes(site, thread.assignees),
    milestone: null,
    comments,
    created_at: instant(thread.createdAt),
    updated_at: instant(thread.updatedAt),
    closed_at: maybeInstant(thread.closedAt),
    author_association: 'CONTRIBUTOR',
    body: thread.body,
    ...pullLinks(thread, api, page),
  }
}

export function assigneeShapes(site: Site, assignees: readonly string[]): JsonObject {
  const shapes = assignees.map((login) => account(site, login))
  return { assignee: shapes[0] ?? null, assignees: shapes }
}

function pullLinks(thread: ThreadRecord, api: string, page: string): JsonObject {
  if (thread.pull === null) return {}
  const links = { url: `${api}/pulls/${thread.number}`, html_url: page }
  const mergedAt = maybeInstant(thread.pull.mergedAt)
  return { pull_request: { ...links, diff_url: `${page}.diff`, patch_url: `${page}.patch`, merged_at: mergedAt } }
}
