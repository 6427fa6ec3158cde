/** A pull request over the real branches: what it compares now, and how GitHub shows it. */
import type { JsonObject } from '../../src/core/json.ts'
import type { Change } from './git-diff.ts'
import type { Repository } from './repository.ts'
import type { Site } from './router.ts'
import { account, instant, maybeInstant, nodeId, repositoryApi, repositoryShape } from './shapes.ts'
import { assigneeShapes, labelShapes, type PullThread } from './threads.ts'

/** What a pull request compares: while it is open, the branches as they are; afterwards, as they were. */
export interface Comparison {
  readonly head: string
  readonly base: string
  /** Where the branches parted; the diff starts here. */
  readonly fork: string
  readonly changes: readonly Change[]
  /** Oldest first. */
  readonly commits: readonly string[]
}

export async function compareBranches(repository: Repository, thread: PullThread): Promise<Comparison> {
  const { git } = repository
  const { pull } = thread
  const open = thread.state === 'open'
  const head = (open ? await git.ref(`refs/heads/${pull.head}`) : null) ?? pull.headSha
  const base = (open ? await git.ref(`refs/heads/${pull.base}`) : null) ?? pull.baseSha
  const fork = (await git.mergeBase(base, head)) ?? base
  const changes = await git.changes(fork, head)
  const commits = await git.history(head, { exclude: base, count: 250 })
  return { head, base, fork, changes, commits: commits.reverse() }
}

/** `pull-request-simple`: as lists show it. */
export function pullSummary(site: Site, repository: Repository, thread: PullThread, compared: Comparison): JsonObject {
  const api = repositoryApi(site, repository)
  const { pull } = thread
  const url = `${api}/pulls/${thread.number}`
  return {
    id: thread.id,
    node_id: nodeId('PullRequest', thread.id),
    ...addresses(site, repository, thread, compared.head),
    number: thread.number,
    state: thread.state,
    locked: false,
    title: thread.title,
    user: account(site, thread.user),
    body: thread.body,
    labels: labelShapes(site, repository, thread.labels),
    milestone: null,
    created_at: instant(thread.createdAt),
    updated_at: instant(thread.updatedAt),
    closed_at: maybeInstant(thread.closedAt),
    merged_at: maybeInstant(pull.mergedAt),
    merge_commit_sha: pull.mergeSha,
    ...assigneeShapes(site, thread.assignees),
    requested_reviewers: pull.reviewers.map((login) => account(site, login)),
    requested_teams: [],
    head: side(site, repository, pull.head, compared.head),
    base: side(site, repository, pull.base, compared.base),
    author_association: 'CONTRIBUTOR',
    auto_merge: null,
    draft: pull.draft,
    _links: links(
      url,
      `${api}/issues/${thread.number}`,
      `${api}/statuses/${compared.head}`,
      page(site, repository, thread),
    ),
  }
}

/** `pull-request`: alone, with its counts and whether it merges. */
export async function pullDetail(site: Site, repository: Repository, thread: PullThread): Promise<JsonObject> {
  const compared = await compareBranches(repository, thread)
  const { comments, reviewComments } = site.state.current()
  const mine = (record: { repository: string; number: number }): boolean =>
    record.repository === repository.key && record.number === thread.number
  const { pull } = thread
  const mergeable = pull.mergedAt === null ? (await mergedTree(repository, compared)) !== null : null
  return {
    ...pullSummary(site, repository, thread, compared),
    merged: pull.mergedAt !== null,
    mergeable,
    rebaseable: mergeable,
    mergeable_state: mergeable === null ? 'unknown' : pull.draft ? 'draft' : mergeable ? 'clean' : 'dirty',
    merged_by: pull.mergedBy === null ? null : account(site, pull.mergedBy),
    comments: comments.filter(mine).length,
    review_comments: reviewComments.filter(mine).length,
    maintainer_can_modify: pull.maintainerCanModify,
    commits: compared.commits.length,
    additions: compared.changes.reduce((sum, change) => sum + change.additions, 0),
    deletions: compared.changes.reduce((sum, change) => sum + change.deletions, 0),
    changed_files: compared.changes.length,
  }
}

/** The tree that merging would give; null where it conflicts. */
export async function mergedTree(repository: Repository, compared: Comparison): Promise<string | null> {
  const { git } = repository
  if (compared.fork === compared.base) return (await git.commits([compared.head]))[0]?.tree ?? null
  return git.mergeTrees(compared.base, compared.head)
}

export const page = (site: Site, repository: Repository, thread: PullThread): string =>
  `${site.origin}/${repository.fullName}/pull/${thread.number}`

function addresses(site: Site, repository: Repository, thread: PullThread, head: string): JsonObject {
  const api = repositoryApi(site, repository)
  const url = `${api}/pulls/${thread.number}`
  const html = page(site, repository, thread)
  return {
    url,
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    issue_url: `${api}/issues/${thread.number}`,
    commits_url: `${url}/commits`,
    review_comments_url: `${url}/comments`,
    review_comment_url: `${api}/pulls/comments{/number}`,
    comments_url: `${api}/issues/${thread.number}/comments`,
    statuses_url: `${api}/statuses/${head}`,
  }
}

function links(pull: string, issue: string, statuses: string, html: string): JsonObject {
  return {
    self: { href: pull },
    html: { href: html },
    issue: { href: issue },
    comments: { href: `${issue}/comments` },
    review_comments: { href: `${pull}/comments` },
    review_comment: { href: `${pull.replace(/\/\d+$/, '')}/comments{/number}` },
    commits: { href: `${pull}/commits` },
    statuses: { href: statuses },
  }
}

function side(site: Site, repository: Repository, ref: string, sha: string): JsonObject {
  return {
    label: `${repository.owner}:${ref}`,
    ref,
    sha,
    user: account(site, repository.owner),
    repo: repositoryShape(site, repository),
  }
}
