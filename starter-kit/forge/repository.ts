import { join } from 'node:path'
import { type Git, openGit } from './git.ts'
import { isRefName, isSha } from './names.ts'

/** One hosted repository. */
export interface Repository {
  readonly id: number
  /** As its owner wrote it: `owner/name`. */
  readonly fullName: string
  /** The full name in lower case: GitHub compares names without case. */
  readonly key: string
  readonly owner: string
  readonly name: string
  readonly createdAt: number
  readonly defaultBranch: string
  readonly git: Git
  /** Runs one writer at a time, so that what was read still holds when the ref moves. */
  alone<T>(work: () => Promise<T>): Promise<T>
}

export async function openRepository(
  dataDir: string,
  fullName: string,
  id: number,
  createdAt: number,
): Promise<Repository> {
  const key = fullName.toLowerCase()
  const [owner = '', name = ''] = fullName.split('/')
  const git = await openGit(join(dataDir, 'repositories', `${key}.git`))
  let last: Promise<unknown> = Promise.resolve()
  return {
    id,
    fullName,
    key,
    owner,
    name,
    createdAt,
    defaultBranch: 'main',
    git,
    alone(work) {
      const mine = last.then(work)
      last = mine.catch(() => undefined)
      return mine
    },
  }
}

/** A commit by what a caller calls it: a full SHA, a branch, a tag, or a ref with its prefix. Never revision syntax. */
export async function resolveCommit(repository: Repository, name: string): Promise<string | null> {
  const { git } = repository
  if (name === '' || name === 'HEAD') return git.ref(`refs/heads/${repository.defaultBranch}`)
  if (isSha(name)) return (await git.objectType(name)) === 'commit' ? name : null
  const plain = name.replace(/^refs\//, '')
  if (!isRefName(plain)) return null
  if (/^(?:heads|tags)\//.test(plain)) {
    const found = await git.ref(`refs/${plain}`)
    if (found !== null) return found
  }
  return (await git.ref(`refs/heads/${plain}`)) ?? (await git.ref(`refs/tags/${plain}`))
}

export function branchSha(repository: Repository, branch: string): Promise<string | null> {
  return isRefName(branch) ? repository.git.ref(`refs/heads/${branch}`) : Promise.resolve(null)
}
