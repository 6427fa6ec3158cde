/** What every write to a branch goes through, whichever endpoint it came by. */
import { EMPTY_TREE, noReply } from './commit-shapes.ts'
import type { Signature } from './git.ts'
import { covers } from './permissions.ts'
import { notPermitted, Refusal } from './problem.ts'
import { guardBranch, type Way } from './protection.ts'
import type { RepositoryAsk } from './router.ts'

/**
 * GitHub lets no App change a workflow without the `workflows` permission, for a workflow runs with the repository's secrets.
 * `from` is the old tip; null for a new branch, which is then compared with what the default branch holds.
 */
export async function guardWorkflows(ask: RepositoryAsk, from: string | null, to: string): Promise<void> {
  if (covers(ask.permissions, { workflows: 'write' })) return
  const { git, defaultBranch } = ask.repository
  const tips = await git.refs('refs/heads/')
  if (tips.some((tip) => tip.sha === to)) return
  const trunk = await git.ref(`refs/heads/${defaultBranch}`)
  const base = from ?? (trunk === null ? null : await git.mergeBase(trunk, to)) ?? EMPTY_TREE
  const changes = await git.changes(base, to)
  const touched = changes.some(({ path, previousPath }) => isWorkflow(path) || isWorkflow(previousPath ?? ''))
  if (touched) throw notPermitted('contents=write,workflows=write')
}

const isWorkflow = (path: string): boolean => path.startsWith('.github/workflows/')

export function signatureOf(ask: RepositoryAsk): Signature {
  return { name: ask.actor, email: noReply(ask.actor), at: ask.site.now() }
}

/**
 * Moves a branch under the repository's lock, after the branch's protection and the workflow check. `way` says how it is moved, and so how
 * GitHub words what the protection refuses. @throws Refusal 409 where somebody else moved it first.
 */
export async function moveBranch(
  ask: RepositoryAsk,
  ref: string,
  from: string | null,
  to: string,
  way: Way,
): Promise<void> {
  await guardBranch(ask, ref, from, to, way)
  await guardWorkflows(ask, from, to)
  if (!(await ask.repository.git.moveRef(ref, from, to))) {
    throw new Refusal(409, `${ref} is at another commit than expected`)
  }
}
