import { existsSync, readFileSync } from 'node:fs'
import { mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AegisError } from '../../src/core/errors.ts'
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
  readonly body: string
  readonly at: number
}

export type ReviewState = 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'PENDING'

export interface ReviewRecord extends CommentRecord {
  readonly state: ReviewState
  readonly commit: string
}

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

/** An installation token, known by its hash only. Times in milliseconds since the epoch. */
export interface TokenRecord {
  readonly hash: string
  readonly expiresAt: number
  readonly permissions: Permissions
  /** Full names in lower case; null: every repository of the installation. */
  readonly repositories: readonly string[] | null
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
  return { version: 1, nextId: 1, nextNumber: {}, ...lists }
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
  return value
}

const LISTS = ['threads', 'comments', 'reviews', 'reviewComments', 'statuses', 'tokens']

function isState(value: unknown): value is State {
  if (typeof value !== 'object' || value === null) return false
  const members = new Map<string, unknown>(Object.entries(value))
  const counters = Number.isSafeInteger(members.get('nextId')) && typeof members.get('nextNumber') === 'object'
  return members.get('version') === 1 && counters && LISTS.every((list) => Array.isArray(members.get(list)))
}
