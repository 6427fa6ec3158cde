import { noReply } from './commit-shapes.ts'
import type { Git, Signature } from './git.ts'
import type { Repository } from './repository.ts'
import { FIX_BRANCH, FIXED_TEST, MAIN_FILES, TEST_FILE } from './seed-project.ts'

// Fixed times make fixed commits: every forge starts with the same SHAs.
const STARTED = Date.parse('2026-04-06T09:00:00Z')
const FIXED = Date.parse('2026-04-06T14:20:00Z')

/** Fills an empty repository; one that has a default branch is left as it is. */
export async function seedRepository(repository: Repository): Promise<void> {
  const { git, owner, defaultBranch } = repository
  if ((await git.ref(`refs/heads/${defaultBranch}`)) !== null) return
  const tree = await treeOf(git, null, MAIN_FILES)
  const first = await commit(git, tree, [], 'start the evidence chain', signature(owner, STARTED))
  const fixedTree = await treeOf(git, first, { [TEST_FILE]: FIXED_TEST })
  const message = `fix: stabilize flaky TestEvidenceChain_Concurrent

The goroutines wrote to one map without a lock.`
  const fix = await commit(git, fixedTree, [first], message, signature('claude-code', FIXED))
  // The branch first: a start that dies between the two is seeded again.
  await git.moveRef(`refs/heads/${FIX_BRANCH}`, await git.ref(`refs/heads/${FIX_BRANCH}`), fix)
  await git.moveRef(`refs/heads/${defaultBranch}`, null, first)
}

async function treeOf(git: Git, base: string | null, files: Readonly<Record<string, string>>): Promise<string> {
  const changes = Object.entries(files).map(async ([path, content]) => ({
    path,
    mode: '100644',
    sha: await git.writeBlob(Buffer.from(content)),
  }))
  return git.writeTree(base, await Promise.all(changes))
}

function commit(git: Git, tree: string, parents: readonly string[], message: string, by: Signature): Promise<string> {
  return git.writeCommit({ tree, parents, message, author: by, committer: by })
}

const signature = (login: string, at: number): Signature => ({ name: login, email: noReply(login), at })
