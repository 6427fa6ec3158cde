import { join } from 'node:path'
import { type Git, openGit } from './git.ts'
import { isRefName, isSha } from './names.ts'
import type { RepositorySettings, StateFile } from './state.ts'

/** One hosted repository. */
export interface Repository {
  readonly id: number
  /** As its owner wrote it: `owner/name`. A rename changes it. */
  readonly fullName: string
  /** What everything of it is kept under: the full name that it began with, in lower case. */
  readonly key: string
  readonly owner: string
  readonly name: string
  readonly createdAt: number
  readonly defaultBranch: string
  readonly private: boolean
  readonly archived: boolean
  readonly git: Git
  /** Runs one writer at a time, so that what was read still holds when the ref moves. */
  alone<T>(work: () => Promise<T>): Promise<T>
}

export async function openRepository(
  dataDir: string,
  fullName: string,
  id: number,
  createdAt: number,
  state: StateFile,
): Promise<Repository> {
  const key = fullName.toLowerCase()
  const [owner = '', name = ''] = fullName.split('/')
  const settings = (): RepositorySettings | undefined =>
    state.current().settings.find((known) => known.repository === key)
  const git = await openGit(join(dataDir, 'repositories', `${key}.git`))
  let last: Promise<unknown> = Promise.resolve()
  return {
    id,
    key,
    owner,
    createdAt,
    git,
    get name() {
      return settings()?.name ?? name
    },
    get fullName() {
      return `${owner}/${settings()?.name ?? name}`
    },
    get defaultBranch() {
      return settings()?.defaultBranch ?? 'main'
    },
    get private() {
      return settings()?.private ?? true
    },
    get archived() {
      return settings()?.archived ?? false
    },
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
