import type { JsonObject } from '../../src/core/json.ts'
import { forRepository, READ_ISSUES, READ_PULLS, WRITE_ISSUES, WRITE_PULLS } from './access.ts'
import { optionalText, requiredText, textList } from './body.ts'
import { pageReply } from './page.ts'
import { covers } from './permissions.ts'
import { invalid, notFound, notPermitted } from './problem.ts'
import { created, ok, type Reply, type RepositoryAsk, type Route } from './router.ts'
import { account, instant, integration, nodeId, repositoryApi } from './shapes.ts'
import type { CommentRecord, ThreadRecord } from './state.ts'
import { addThread, changeThread, issueShape, setState, threadAt, threadsOf } from './threads.ts'

/** Issues and their comments; a pull request's conversation is one of them. */
export function issueRoutes(first: number): readonly Route[] {
  return [
    forRepository('GET /repos/{owner}/{repo}/issues', [READ_ISSUES, READ_PULLS], list),
    forRepository('POST /repos/{owner}/{repo}/issues', [WRITE_ISSUES], (ask) => create(ask, first)),
    forRepository('GET /repos/{owner}/{repo}/issues/{number}', [READ_ISSUES, READ_PULLS], (ask) =>
      ok(issueShape(ask.site, ask.repository, permitted(ask, 'read'))),
    ),
    forRepository('PATCH /repos/{owner}/{repo}/issues/{number}', [WRITE_ISSUES, WRITE_PULLS], edit),
    forRepository('GET /repos/{owner}/{repo}/issues/{number}/comments', [READ_ISSUES, READ_PULLS], (ask) => {
      const { number } = permitted(ask, 'read')
      const mine = (comment: CommentRecord): boolean =>
        comment.repository === ask.repository.key && comment.number === number
      const comments = ask.site.state.current().comments.filter(mine)
      const path = `/repos/${ask.repository.fullName}/issues/${number}/comments`
      return pageReply(ask, path, comments, (comment) => commentShape(ask, comment))
    }),
    forRepository('POST /repos/{owner}/{repo}/issues/{number}/comments', [WRITE_ISSUES, WRITE_PULLS], comment),
    forRepository('PATCH /repos/{owner}/{repo}/issues/comments/{id}', [WRITE_ISSUES, WRITE_PULLS], editComment),
    forRepository('DELETE /repos/{owner}/{repo}/issues/comments/{id}', [WRITE_ISSUES, WRITE_PULLS], deleteComment),
  ]
}

/** The thread, where the token's permission is the one for its kind. */
function permitted(ask: RepositoryAsk, level: 'read' | 'write'): ThreadRecord {
  const thread = threadAt(ask)
  const name = thread.pull === null ? 'issues' : 'pull_requests'
  // A pull request is an issue too: either permission reaches its conversation, but a plain issue needs its own.
  const suffices = covers(ask.permissions, { [name]: level }) || covers(ask.permissions, { issues: level })
  if (!suffices) throw notPermitted(`${name}=${level}`)
  return thread
}

function list(ask: RepositoryAsk): Promise<Reply> {
  const { site, repository, query } = ask
  const state = query.get('state') ?? 'open'
  const labels = (query.get('labels') ?? '').split(',').filter(Boolean)
  const since = Date.parse(query.get('since') ?? '')
  const time = (thread: ThreadRecord): number => (query.get('sort') === 'updated' ? thread.updatedAt : thread.createdAt)
  const sign = query.get('direction') === 'asc' ? 1 : -1
  const found = threadsOf(site, repository)
    .filter((thread) => covers(ask.permissions, thread.pull === null ? READ_ISSUES : READ_PULLS))
    .filter((thread) => state === 'all' || thread.state === state)
    .filter((thread) => labels.every((label) => thread.labels.includes(label)))
    .filter((thread) => Number.isNaN(since) || thread.updatedAt >= since)
    .sort((one, other) => sign * (time(one) - time(other) || one.number - other.number))
  return pageReply(ask, `/repos/${repository.fullName}/issues`, found, (thread) => issueShape(site, repository, thread))
}

async function create(ask: RepositoryAsk, first: number): Promise<Reply> {
  const { site, repository, body } = ask
  const title = requiredText(body, 'title', 'Issue')
  const text = optionalText(body, 'body') ?? null
  const labels = textList(body, 'labels') ?? []
  const assignees = textList(body, 'assignees') ?? []
  const thread = await site.state.change((draft) =>
    addThread(draft, ask, first, { title, body: text, labels, assignees, pull: null }),
  )
  return created(issueShape(site, repository, thread))
}

async function edit(ask: RepositoryAsk): Promise<Reply> {
  const { site, repository, body } = ask
  const { number } = permitted(ask, 'write')
  const state = optionalText(body, 'state')
  if (state !== undefined && state !== 'open' && state !== 'closed') throw invalid('Issue', 'state')
  const title = optionalText(body, 'title')
  const text = optionalText(body, 'body')
  const labels = textList(body, 'labels')
  const assignees = textList(body, 'assignees')
  const changed = await changeThread(ask, number, (draft) => {
    if (title !== undefined) draft.title = title
    if (text !== undefined) draft.body = text
    if (labels !== undefined) draft.labels = labels
    if (assignees !== undefined) draft.assignees = assignees
    if (state !== undefined) setState(draft, state, site.now())
  })
  return ok(issueShape(site, repository, changed))
}

async function comment(ask: RepositoryAsk): Promise<Reply> {
  const { site, repository, actor } = ask
  const { number } = permitted(ask, 'write')
  const body = requiredText(ask.body, 'body', 'IssueComment')
  const record = await site.state.change((draft) => {
    const added = { id: draft.nextId++, repository: repository.key, number, user: actor, body, at: site.now() }
    draft.comments.push(added)
    return added
  })
  return created(commentShape(ask, record))
}

async function editComment(ask: RepositoryAsk): Promise<Reply> {
  const { id } = commentAt(ask)
  const body = requiredText(ask.body, 'body', 'IssueComment')
  const record = await ask.site.state.change((draft) => {
    const found = draft.comments.find((known) => known.id === id)
    if (found === undefined) throw notFound()
    found.body = body
    found.editedAt = ask.site.now()
    return found
  })
  return ok(commentShape(ask, record))
}

async function deleteComment(ask: RepositoryAsk): Promise<Reply> {
  const { id } = commentAt(ask)
  await ask.site.state.change((draft) => {
    draft.comments = draft.comments.filter((known) => known.id !== id)
  })
  return { status: 204 }
}

function commentAt(ask: RepositoryAsk): CommentRecord {
  const { comments } = ask.site.state.current()
  const found = comments.find(
    ({ id, repository }) => String(id) === ask.part('id') && repository === ask.repository.key,
  )
  if (found === undefined) throw notFound()
  return found
}

function commentShape(ask: RepositoryAsk, record: CommentRecord): JsonObject {
  const api = repositoryApi(ask.site, ask.repository)
  const thread = threadsOf(ask.site, ask.repository).find(({ number }) => number === record.number)
  const kind = thread?.pull === null ? 'issues' : 'pull'
  return {
    id: record.id,
    node_id: nodeId('IssueComment', record.id),
    url: `${api}/issues/comments/${record.id}`,
    html_url: `${ask.site.origin}/${ask.repository.fullName}/${kind}/${record.number}#issuecomment-${record.id}`,
    issue_url: `${api}/issues/${record.number}`,
    user: account(ask.site, record.user),
    created_at: instant(record.at),
    updated_at: instant(record.editedAt ?? record.at),
    body: record.body,
    author_association: 'CONTRIBUTOR',
    performed_via_github_app: record.user === `${ask.site.desk.config.slug}[bot]` ? integration(ask.site) : null,
  }
}
