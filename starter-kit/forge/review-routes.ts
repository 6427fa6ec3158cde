import type { JsonObject } from '../../src/core/json.ts'
import { forRepository, READ_PULLS, WRITE_PULLS } from './access.ts'
import { objectList, optionalText, requiredText, wholeNumber } from './body.ts'
import type { Change } from './git-diff.ts'
import { pageReply } from './page.ts'
import { notFound, Refusal } from './problem.ts'
import { compareBranches } from './pulls.ts'
import { ok, type Reply, type RepositoryAsk, type Route } from './router.ts'
import { account, instant, nodeId, repositoryApi } from './shapes.ts'
import type { ReviewCommentRecord, ReviewRecord, ReviewState } from './state.ts'
import { pullAt } from './threads.ts'

/** Reviews of a pull request and the comments that came with them. */
export const reviewRoutes: readonly Route[] = [
  forRepository('GET /repos/{owner}/{repo}/pulls/{number}/reviews', [READ_PULLS], (ask) => {
    const { number } = pullAt(ask)
    const reviews = ask.site.state.current().reviews.filter((review) => at(ask, review, number))
    const path = `/repos/${ask.repository.fullName}/pulls/${number}/reviews`
    return pageReply(ask, path, reviews, (review) => reviewShape(ask, review))
  }),
  forRepository('POST /repos/{owner}/{repo}/pulls/{number}/reviews', [WRITE_PULLS], review),
  forRepository('GET /repos/{owner}/{repo}/pulls/{number}/comments', [READ_PULLS], (ask) => {
    const { number } = pullAt(ask)
    const comments = ask.site.state.current().reviewComments.filter((comment) => at(ask, comment, number))
    const path = `/repos/${ask.repository.fullName}/pulls/${number}/comments`
    return pageReply(ask, path, comments, (comment) => commentShape(ask, comment))
  }),
  forRepository('PUT /repos/{owner}/{repo}/pulls/{number}/reviews/{id}/dismissals', [WRITE_PULLS], dismiss),
  // There are no collaborators here who could be asked.
  forRepository('POST /repos/{owner}/{repo}/pulls/{number}/requested_reviewers', [WRITE_PULLS], (ask) => {
    pullAt(ask)
    throw new Refusal(422, 'Reviews may only be requested from collaborators.')
  }),
]

const at = (ask: RepositoryAsk, record: { repository: string; number: number }, number: number): boolean =>
  record.repository === ask.repository.key && record.number === number

const STATES: Readonly<Record<string, ReviewState>> = {
  APPROVE: 'APPROVED',
  REQUEST_CHANGES: 'CHANGES_REQUESTED',
  COMMENT: 'COMMENTED',
  PENDING: 'PENDING',
}

async function review(ask: RepositoryAsk): Promise<Reply> {
  const { site, repository, actor } = ask
  const thread = pullAt(ask)
  const state = STATES[optionalText(ask.body, 'event') ?? 'PENDING']
  if (state === undefined) throw new Refusal(422, "Invalid request.\n\n'event' is unknown.")
  const own = thread.user === actor && (state === 'APPROVED' || state === 'CHANGES_REQUESTED')
  if (own)
    throw new Refusal(422, `Can not ${state === 'APPROVED' ? 'approve' : 'request changes on'} your own pull request`)
  const body = optionalText(ask.body, 'body') ?? ''
  if (body === '' && (state === 'COMMENTED' || state === 'CHANGES_REQUESTED'))
    throw new Refusal(422, 'Body cannot be blank')
  const compared = await compareBranches(repository, thread)
  const commit = optionalText(ask.body, 'commit_id') ?? compared.head
  const comments = objectList(ask.body, 'comments').map((comment) => reviewComment(comment, compared.changes))
  const record = await site.state.change((draft) => {
    const common = { repository: repository.key, number: thread.number, user: actor, at: site.now() }
    const added: ReviewRecord = { id: draft.nextId++, ...common, body, state, commit, ...associationOf(ask) }
    draft.reviews.push(added)
    for (const comment of comments) {
      draft.reviewComments.push({ id: draft.nextId++, ...common, review: added.id, commit, ...comment })
    }
    return added
  })
  return ok(reviewShape(ask, record))
}

function associationOf({ caller }: RepositoryAsk): Pick<ReviewRecord, 'association'> {
  const association = caller.kind === 'token' ? caller.token.association : undefined
  return association === undefined ? {} : { association }
}

async function dismiss(ask: RepositoryAsk): Promise<Reply> {
  const { number } = pullAt(ask)
  requiredText(ask.body, 'message', 'PullRequestReview')
  const dismissed = await ask.site.state.change((draft) => {
    const found = draft.reviews.find((known) => at(ask, known, number) && String(known.id) === ask.part('id'))
    if (found === undefined) throw notFound()
    if (found.state !== 'APPROVED' && found.state !== 'CHANGES_REQUESTED') {
      throw new Refusal(422, `Can not dismiss a ${found.state.toLowerCase()} pull request review`)
    }
    found.state = 'DISMISSED'
    return found
  })
  return ok(reviewShape(ask, dismissed))
}

type NewComment = Pick<ReviewCommentRecord, 'body' | 'path' | 'hunk' | 'line' | 'position'>

/** A comment on a line of the diff. `position` counts lines below the first hunk header; `line` is the file's own. */
function reviewComment(comment: JsonObject, changes: readonly Change[]): NewComment {
  const path = requiredText(comment, 'path', 'PullRequestReviewComment')
  const body = requiredText(comment, 'body', 'PullRequestReviewComment')
  const patch = changes.find((change) => change.path === path)?.patch?.split('\n')
  if (patch === undefined) throw new Refusal(422, 'Path could not be resolved')
  const lines = fileLines(patch)
  const wanted = wholeNumber(comment, 'line')
  const position = wholeNumber(comment, 'position') ?? (wanted === null ? -1 : lines.lastIndexOf(wanted))
  const line = position < 1 ? undefined : lines[position]
  if (line === undefined) throw new Refusal(422, 'Line could not be resolved')
  return { body, path, line, position, hunk: patch.slice(0, position + 1).join('\n') }
}

/** For each line of a patch the line it has in the changed file (for a removed line, the one it stood before). */
function fileLines(patch: readonly string[]): number[] {
  let next = 0
  return patch.map((text) => {
    const start = /^@@ -\d+(?:,\d+)? \+(\d+)/.exec(text)?.[1]
    if (start === undefined) return /^[-\\]/.test(text) ? next : next++
    next = Number(start)
    return 0
  })
}

function pullUrls(ask: RepositoryAsk, number: number): { readonly api: string; readonly html: string } {
  const html = `${ask.site.origin}/${ask.repository.fullName}/pull/${number}`
  return { api: `${repositoryApi(ask.site, ask.repository)}/pulls/${number}`, html }
}

function reviewShape(ask: RepositoryAsk, record: ReviewRecord): JsonObject {
  const { api, html } = pullUrls(ask, record.number)
  const page = `${html}#pullrequestreview-${record.id}`
  return {
    id: record.id,
    node_id: nodeId('PullRequestReview', record.id),
    user: account(ask.site, record.user),
    body: record.body,
    state: record.state,
    html_url: page,
    pull_request_url: api,
    _links: { html: { href: page }, pull_request: { href: api } },
    submitted_at: instant(record.at),
    commit_id: record.commit,
    author_association: record.association ?? 'CONTRIBUTOR',
  }
}

function commentShape(ask: RepositoryAsk, record: ReviewCommentRecord): JsonObject {
  const { api, html } = pullUrls(ask, record.number)
  const page = `${html}#discussion_r${record.id}`
  const url = `${repositoryApi(ask.site, ask.repository)}/pulls/comments/${record.id}`
  return {
    id: record.id,
    node_id: nodeId('PullRequestReviewComment', record.id),
    url,
    pull_request_review_id: record.review,
    diff_hunk: record.hunk,
    path: record.path,
    position: record.position,
    original_position: record.position,
    line: record.line,
    commit_id: record.commit,
    original_commit_id: record.commit,
    user: account(ask.site, record.user),
    body: record.body,
    created_at: instant(record.at),
    updated_at: instant(record.at),
    html_url: page,
    pull_request_url: api,
    author_association: 'CONTRIBUTOR',
    _links: { self: { href: url }, html: { href: page }, pull_request: { href: api } },
  }
}
