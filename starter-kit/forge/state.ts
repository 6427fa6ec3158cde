import { existsSync, readFileSync } from 'node:fs'
import { mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AegisError } from '../../src/core/errors.ts'
import type { JsonObject } from '../../src/core/json.ts'
import type { Permissions } from './permissions.ts'

/** A pull request or an issue: GitHub numbers both from one counter. */
export interface ThreadRecord {
  readonly id: number
  readonly repository: string
  readonly number: number
  readonly user: string
  readonly createdAt: number
  title: string
  body: string | null
  state: 'open' | 'closed'
  labels: string[]
  assignees: string[]
  updatedAt: number
  closedAt: number | null
  pull: PullRecord | null
}

export interface PullRecord {
  readonly head: string
  base: string
  /** Frozen when the pull request closes; while it is open the branches are read. */
  headSha: string
  baseSha: string
  draft: boolean
  readonly maintainerCanModify: boolean
  reviewers: string[]
  mergedAt: number | null
  mergedBy: string | null
  mergeSha: string | null
}

export interface CommentRecord {
  readonly id: number
  readonly repository: string
  readonly number: number
  readonly user: string
  body: string
  readonly at: number
  editedAt?: number
}

export type ReviewState = 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'PENDING' | 'DISMISSED'

export interface ReviewRecord extends CommentRecord {
  state: ReviewState
  readonly commit: string
  /** What the reviewer was to the repository; a contributor where nothing is said. */
  readonly association?: Association
}

/** GitHub's `author_association`, of the people that can be made here. */
export type Association = 'OWNER' | 'MEMBER' | 'COLLABORATOR' | 'NONE'

export interface ReviewCommentRecord extends CommentRecord {
  readonly review: number
  readonly commit: string
  readonly path: string
  readonly hunk: string
  readonly line: number
  readonly position: number
}

export interface StatusRecord {
  readonly id: number
  readonly repository: string
  readonly sha: string
  readonly user: string
  readonly state: 'error' | 'failure' | 'pending' | 'success'
  readonly context: string
  readonly description: string | null
  readonly targetUrl: string | null
  readonly at: number
}

export type CheckStatus = 'queued' | 'in_progress' | 'completed'

export interface CheckRunRecord {
  readonly id: number
  readonly repository: string
  readonly sha: string
  name: string
  status: CheckStatus
  conclusion: string | null
  detailsUrl: string | null
  readonly startedAt: number
  completedAt: number | null
}

/** Classic branch protection. */
export interface ProtectionRecord {
  readonly repository: string
  readonly branch: string
  readonly checks: readonly { readonly context: string; readonly app: number | null }[]
  readonly demandsChecks: boolean
  readonly strict: boolean
  /** Approvals that a pull request needs; null where direct pushes are fine. */
  readonly reviews: number | null
  readonly admins: boolean
}

export interface RulesetRecord {
  readonly id: number
  readonly repository: string
  readonly name: string
  readonly enforcement: 'active' | 'evaluate' | 'disabled'
  /** `~ALL`, `~DEFAULT_BRANCH` or `refs/heads/` with a pattern. */
  readonly include: readonly string[]
  readonly rules: readonly JsonObject[]
  readonly at: number
}

/** What an administrator has changed of a repository. */
export interface RepositorySettings {
  readonly repository: string
  name: string
  private: boolean
  archived: boolean
  defaultBranch: string
  /** Full names in lower case, which lead here still. */
  formerNames: string[]
}

/** An installation token, known by its hash only. Times in milliseconds since the epoch. */
export interface TokenRecord {
  readonly hash: string
  readonly expiresAt: number
  readonly permissions: Permissions
  /** Full names in lower case; null: every repository of the installation. */
  readonly repositories: readonly string[] | null
  /** Whose it is, where it is a person's and not the installation's. */
  readonly login?: string
  readonly association?: Association
}

export interface State {
  readonly version: 1
  nextId: number
  /** Next number of each repository, by its full name in lower case. */
  nextNumber: Record<string, number>
  threads: ThreadRecord[]
  comments: CommentRecord[]
  reviews: ReviewRecord[]
  reviewComments: ReviewCommentRecord[]
  statuses: StatusRecord[]
  tokens: TokenRecord[]
  checkRuns: CheckRunRecord[]
  protections: ProtectionRecord[]
  rulesets: RulesetRecord[]
  settings: RepositorySettings[]
}

export interface StateFile {
  /** What is on disk. Not to be changed in place. */
  current(): Readonly<State>
  /** Applies the change to a copy, writes it through to disk, then makes it current: a failed write changes nothing. */
  change<T>(apply: (draft: State) => T): Promise<T>
}

/** @throws AegisError `config` where the file is not a forge's state. */
export async function openState(file: string): Promise<StateFile> {
  await mkdir(dirname(file), { recursive: true })
  let current = existsSync(file) ? parseState(readFileSync(file, 'utf8'), file) : emptyState()
  let last: Promise<unknown> = Promise.resolve()
  return {
    current: () => current,
    change(apply) {
      const mine = last.then(async () => {
        const draft = structuredClone(current)
        const result = apply(draft)
        await writeWhole(file, JSON.stringify(draft))
        current = draft
        return result
      })
      last = mine.catch(() => undefined)
      return mine
    },
  }
}

function emptyState(): State {
  const lists = { threads: [], comments: [], reviews: [], reviewComments: [], statuses: [], tokens: [] }
  return { version: 1, nextId: 1, nextNumber: {}, ...lists, ...laterLists() }
}

/** What forges of an earlier day did not keep. */
function laterLists() {
  return { checkRuns: [], protections: [], rulesets: [], settings: [] }
}

async function writeWhole(file: string, content: string): Promise<void> {
  const temporary = `${file}.new`
  const handle = await open(temporary, 'w', 0o600)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
}

function parseState(content: string, file: string): State {
  const advice = 'move the file away: the forge then starts empty'
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (cause) {
    throw new AegisError('config', `forge state ${file} is not JSON`, { advice, path: file, cause })
  }
  if (!isState(value))
    throw new AegisError('config', `forge state ${file} is of another version`, { advice, path: file })
  return { ...laterLists(), ...value }
}

const LISTS = ['threads', 'comments', 'reviews', 'reviewComments', 'statuses', 'tokens']

function isState(value: unknown): value is State {
  if (typeof value !== 'object' || value === null) return false
  const members = new Map<string, unknown>(Object.entries(value))
  const counters = Number.isSafeInteger(members.get('nextId')) && typeof members.get('nextNumber') === 'object'
  return members.get('version') === 1 && counters && LISTS.every((list) => Array.isArray(members.get(list)))
}
