import type { Plan } from '../../core/envelope.ts'
import { AegisError, asAegisError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { type GithubRest, repositoryPath, statusOf } from '../../github/index.ts'
import { listIn, numberIn, objectIn, shaIn, textIn } from './answers.ts'
import { Refused } from './refused.ts'
import { plannedEntries } from './tree.ts'

/** A pull request that stands for a direct write. */
export interface Proposal {
  readonly branch: string
  readonly commit: string
  readonly pull: { readonly number: number; readonly url: string }
  /** Whether it was there before this call: an earlier try of the same change made it. */
  readonly existing: boolean
}

/**
 * Carries out a plan: one commit with all files on the tip of the base, one branch at this commit, one pull request. The branch
 * is made whole or not at all; where the pull request then fails, the branch is taken away again, or the error names it.
 * @throws Refused where nothing was left behind and the agent can do something about it
 * @throws AegisError as `GithubRest`; `data.sent` false where nothing can be seen of it at GitHub
 */
export async function propose(rest: GithubRest, plan: Plan, signal: AbortSignal): Promise<Proposal> {
  const at = (...parts: string[]) => repositoryPath(plan.repository, ...parts)

  async function commitOf(branch: string): Promise<string | null> {
    try {
      const { body } = await rest.get(at('git', 'ref', 'heads', branch), { signal })
      return shaIn(objectIn(body, 'object'))
    } catch (error) {
      if (statusOf(error) === 404) return null
      throw error
    }
  }

  async function treeOf(commit: string): Promise<{ tree: string; parents: readonly string[] }> {
    const { body } = await rest.get(at('git', 'commits', commit), { signal, keep: 'for good' })
    const object = objectIn(body)
    return {
      tree: shaIn(objectIn(object, 'tree')),
      parents: listIn(object['parents'] ?? null, 'parents').map((one) => shaIn(one)),
    }
  }

  /** The tree that the files make of a commit's. Git names trees by their content, so equal names are equal content. */
  async function plannedTree(root: string): Promise<string> {
    const tree = await plannedEntries(rest, plan.repository, root, plan.files)
    const { body } = await rest.send('POST', at('git', 'trees'), { base_tree: root, tree }, { signal })
    return shaIn(objectIn(body))
  }

  /** Whoever could push such a branch before us could have anything proposed: it is used only where it holds just this change. */
  async function demandSame(commit: string, base: string): Promise<void> {
    const { tree, parents } = await treeOf(commit)
    const [parent, ...others] = parents
    if (parent !== undefined && others.length === 0 && (await isBehind(parent, base))) {
      const before = await treeOf(parent)
      if ((await plannedTree(before.tree)) === tree) return
    }
    throw new Refused(
      409,
      `the branch ${plan.branch} is there already and holds something else; change the commit message`,
    )
  }

  async function isBehind(commit: string, base: string): Promise<boolean> {
    if (commit === base) return true
    const { body } = await rest.get(at('compare', `${base}...${commit}`), { signal, limit: COMPARE_LIMIT })
    const status = textIn(objectIn(body), 'status')
    return status === 'behind' || status === 'identical'
  }

  async function newCommit(base: string): Promise<string> {
    const { tree: root } = await treeOf(base)
    const tree = await plannedTree(root)
    if (tree === root) throw new Refused(422, `nothing to change: ${plan.base} already holds this content`)
    const commit = { message: plan.message, tree, parents: [base] }
    const { body } = await rest.send('POST', at('git', 'commits'), commit, { signal })
    return shaIn(objectIn(body))
  }

  /** The commit to propose, and the pull request where an earlier try of the same change got so far. */
  async function prepare(): Promise<{ commit: string; made: boolean; pull: Proposal['pull'] | null }> {
    const base = await commitOf(plan.base)
    if (base === null) throw new Refused(404, `there is no branch ${plan.base}`)
    const present = await commitOf(plan.branch)
    if (present === null) return { commit: await newCommit(base), made: false, pull: null }
    await demandSame(present, base)
    return { commit: present, made: true, pull: await pullOf(rest, plan, signal) }
  }

  const { branch } = plan
  const { commit, made, pull: earlier } = await prepare().catch(unseen)
  if (earlier !== null) return { branch, commit, pull: earlier, existing: true }
  if (!made) await makeBranch(rest, plan, commit)
  const pull = await openPull(rest, plan).catch((error: unknown) => withoutBranch(rest, plan, commit, error))
  return { branch, commit, pull, existing: false }
}

/** Trees and commits that no branch names are nothing that anybody sees: so far, nothing was sent. */
function unseen(error: unknown): never {
  if (!(error instanceof AegisError) || statusOf(error) !== null) throw error
  const { code, message, advice, data } = error
  throw new AegisError(code, message, { ...(advice === null ? {} : { advice }), data: { ...data, sent: false } })
}

/** The comparison lists files that nobody here reads. */
const COMPARE_LIMIT = 32 * 1024 * 1024

/** From here on the client's going away stops nothing: half a rewrite is worse than a whole one nobody waits for. */
async function makeBranch(rest: GithubRest, { repository, branch }: Plan, sha: string): Promise<void> {
  const ref = `refs/heads/${branch}`
  try {
    await rest.send('POST', repositoryPath(repository, 'git', 'refs'), { ref, sha })
  } catch (error) {
    const status = statusOf(error)
    if (status === 422 || status === 409)
      throw new Refused(409, `the branch ${branch} was made by somebody else meanwhile; make the same call again`)
    throw error
  }
}

async function pullOf(
  rest: GithubRest,
  { repository, branch, base }: Plan,
  signal: AbortSignal,
): Promise<Proposal['pull'] | null> {
  const head = encodeURIComponent(`${repository.owner}:${branch}`)
  const path = `${repositoryPath(repository, 'pulls')}?state=all&head=${head}&base=${encodeURIComponent(base)}`
  const { items } = await rest.pages(path, { most: 1, signal })
  const [found] = listIn(items, 'pulls').filter((one) => textIn(objectIn(one, 'head'), 'ref') === branch)
  if (found === undefined) return null
  const pull = pullIn(found)
  if (found['state'] === 'open' || typeof found['merged_at'] === 'string') return pull
  throw new Refused(409, `this very change was proposed as ${pull.url}, and a person has closed it`)
}

async function openPull(rest: GithubRest, plan: Plan): Promise<Proposal['pull']> {
  const { title, body, branch: head, base } = plan
  const answer = await rest.send('POST', repositoryPath(plan.repository, 'pulls'), { title, body, head, base })
  return pullIn(objectIn(answer.body))
}

function pullIn(object: JsonObject): Proposal['pull'] {
  return { number: numberIn(object, 'number'), url: textIn(object, 'html_url') }
}

/** Takes the branch away again, and says in the error what became of it. */
async function withoutBranch(
  rest: GithubRest,
  { repository, branch, base }: Plan,
  commit: string,
  error: unknown,
): Promise<never> {
  const cause = asAegisError(error)
  const removed = await rest
    .send('DELETE', repositoryPath(repository, 'git', 'refs', 'heads', branch))
    .then(() => true)
    .catch(() => false)
  if (removed && statusOf(error) !== null)
    throw new Refused(statusOf(error) ?? 422, `no pull request: ${cause.message}`)
  const left = removed ? `the branch ${branch} was taken away again` : `the branch ${branch} (${commit}) is left behind`
  throw new AegisError('upstream_unreachable', `the pull request to ${base} failed: ${cause.message}; ${left}`, {
    advice: removed ? 'make the same call again' : 'make the same call again: it goes on from this branch',
    data: { sent: true, branch, commit, branch_removed: removed },
  })
}
