import { forRepository, WRITE_CONTENTS, WRITE_PULLS } from './access.ts'
import { optionalText } from './body.ts'
import { Refusal } from './problem.ts'
import { type Comparison, compareBranches, mergedTree } from './pulls.ts'
import { ok, type Reply, type RepositoryAsk, type Route } from './router.ts'
import { repositoryApi } from './shapes.ts'
import { changeThread, type PullThread, pullAt, setState } from './threads.ts'
import { moveBranch, signatureOf } from './writes.ts'

/** Merging a pull request, and bringing its branch up to date. */
export const mergeRoutes: readonly Route[] = [
  forRepository('PUT /repos/{owner}/{repo}/pulls/{number}/merge', [WRITE_CONTENTS], (ask) =>
    ask.repository.alone(() => merge(ask)),
  ),
  forRepository('PUT /repos/{owner}/{repo}/pulls/{number}/update-branch', [WRITE_PULLS], (ask) =>
    ask.repository.alone(() => updateBranch(ask)),
  ),
]

async function merge(ask: RepositoryAsk): Promise<Reply> {
  const { site, repository, body } = ask
  const thread = pullAt(ask)
  if (thread.pull.draft) throw new Refusal(405, 'Pull Request is still a draft')
  if (thread.state !== 'open') throw new Refusal(405, 'Pull Request is not mergeable')
  const compared = await compareBranches(repository, thread)
  const expected = optionalText(body, 'sha')
  if (expected !== undefined && expected !== compared.head) {
    throw new Refusal(409, 'Head branch was modified. Review and try the merge again.')
  }
  const sha = await mergedCommit(ask, thread, compared)
  await moveBranch(ask, `refs/heads/${thread.pull.base}`, compared.base, sha, {
    by: 'merge',
    thread,
    head: compared.head,
  })
  await changeThread(ask, thread.number, (draft) => {
    const settled = { headSha: compared.head, baseSha: compared.base, mergedAt: site.now(), mergedBy: ask.actor }
    if (draft.pull !== null) Object.assign(draft.pull, settled, { mergeSha: sha })
    setState(draft, 'closed', site.now())
  })
  return ok({ sha, merged: true, message: 'Pull Request successfully merged' })
}

async function mergedCommit(ask: RepositoryAsk, thread: PullThread, compared: Comparison): Promise<string> {
  const { git } = ask.repository
  const method = optionalText(ask.body, 'merge_method') ?? 'merge'
  if (method === 'rebase') return rebased(ask, compared)
  if (method !== 'merge' && method !== 'squash')
    throw new Refusal(422, "Invalid request.\n\n'merge_method' is unknown.")
  const tree = await mergedTree(ask.repository, compared)
  if (tree === null) throw new Refusal(405, 'Pull Request has merge conflicts')
  const squash = method === 'squash'
  const title =
    optionalText(ask.body, 'commit_title') ??
    (squash
      ? `${thread.title} (#${thread.number})`
      : `Merge pull request #${thread.number} from ${ask.repository.owner}/${thread.pull.head}`)
  const text = optionalText(ask.body, 'commit_message') ?? (squash ? '' : thread.title)
  const by = signatureOf(ask)
  const parents = squash ? [compared.base] : [compared.base, compared.head]
  return git.writeCommit({ tree, parents, author: by, committer: by, message: `${title}\n\n${text}`.trim() })
}

/** Each commit of the branch again on top of the base. */
async function rebased(ask: RepositoryAsk, compared: Comparison): Promise<string> {
  const { git } = ask.repository
  const committer = signatureOf(ask)
  let tip = compared.base
  for (const commit of await git.commits(compared.commits)) {
    const [parent, second] = commit.parents
    const [onto] = await git.commits([tip])
    if (parent === undefined || second !== undefined || onto === undefined) {
      throw new Refusal(405, "This branch can't be rebased")
    }
    // A commit with the tip's tree and the original's parent makes that parent the merge base: a cherry-pick.
    const stand = await git.writeCommit({ ...onto, parents: [parent], author: committer, committer })
    const tree = await git.mergeTrees(stand, commit.sha)
    if (tree === null) throw new Refusal(405, "This branch can't be rebased due to conflicts")
    tip = await git.writeCommit({ tree, parents: [tip], author: commit.author, committer, message: commit.message })
  }
  return tip
}

async function updateBranch(ask: RepositoryAsk): Promise<Reply> {
  const { repository, site } = ask
  const thread = pullAt(ask)
  const { pull } = thread
  const compared = await compareBranches(repository, thread)
  const expected = optionalText(ask.body, 'expected_head_sha')
  if (expected !== undefined && expected !== compared.head) {
    throw new Refusal(422, 'expected head sha didn’t match current head ref.')
  }
  if (thread.state !== 'open') throw new Refusal(422, 'pull request is closed')
  if (compared.fork === compared.base) throw new Refusal(422, 'There are no new commits on the base branch.')
  const tree = await mergedTree(repository, compared)
  if (tree === null) throw new Refusal(422, 'merge conflict between base and head')
  const by = signatureOf(ask)
  const message = `Merge branch '${pull.base}' into ${pull.head}`
  const parents = [compared.head, compared.base]
  const sha = await repository.git.writeCommit({ tree, parents, author: by, committer: by, message })
  await moveBranch(ask, `refs/heads/${pull.head}`, compared.head, sha, { by: 'ref' })
  const url = `${repositoryApi(site, repository)}/pulls/${thread.number}`
  return { status: 202, json: { message: 'Updating pull request branch.', url } }
}
