import type { ApprovalChange } from '../core/approval.ts'

/** The log's head row. `size` is the next `n`; `replayFrom` is the oldest `n` that recovery must look at again. */
export interface LogHead {
  readonly origin: string
  readonly size: number
  readonly replayFrom: number
}

/** A session's head row. `headHash` is the hash of its last entry, 64 hex digits. */
export interface SessionHead {
  readonly session: string
  readonly tenant: string
  readonly nextSeq: number
  readonly headHash: string
  readonly status: 'open' | 'closed'
  /** `n` of the newest manifest leaf, or null. */
  readonly manifestN: number | null
  /** `n` of its last entry. */
  readonly lastN: number
}

/** A row of the log. The hashed bytes are `body` and nothing else; every other column is a projection that verify compares. */
export interface StoredEntry {
  readonly n: number
  /** Null for log-level leaves, as are `seq`, `env`, `ts` and `prev`. */
  readonly eid: string | null
  readonly session: string | null
  readonly seq: number | null
  readonly kind: string
  readonly env: string | null
  readonly ts: string | null
  readonly hash: string
  readonly prev: string | null
  readonly body: Uint8Array
}

/** A committed value with its salt: beside the hashed bytes, never under the hash, and the only thing that can be erased. */
export interface StoredPayload {
  readonly n: number
  readonly path: string
  readonly salt: Uint8Array
  /** The canonical JSON that was committed, UTF-8. */
  readonly value: Uint8Array
}

export interface EntryWithPayloads {
  readonly entry: StoredEntry
  readonly payloads: readonly StoredPayload[]
}

/** What the writer finds under the lock. */
export interface LockedState {
  readonly log: LogHead
  /** Heads of the sessions asked for, where they exist. */
  readonly sessions: ReadonlyMap<string, SessionHead>
  /** For each slot of the request: did its changes hold? */
  readonly held: readonly boolean[]
}

/** What the writer wants written, all or nothing. */
export interface SealedBatch {
  readonly log: LogHead
  readonly sessions: readonly SessionHead[]
  readonly entries: readonly StoredEntry[]
  readonly payloads: readonly StoredPayload[]
}

export interface CommitRequest {
  readonly sessions: readonly string[]
  /** One slot a draft, in order; a slot whose changes do not all hold leaves no trace of them. */
  readonly slots: readonly (readonly ApprovalChange[])[]
  /** Called once, under the lock, synchronously: gives places to the drafts that held. */
  readonly seal: (state: LockedState) => SealedBatch
}

export interface StoreHealth {
  /** Bytes free for an unprivileged writer where the store lives, or null where that is not ours to know. */
  readonly freeBytes: number | null
  /** Why nothing may be written, such as a database file that was replaced under us; null where all is well. */
  readonly fault: string | null
}

/** What a session looks like in a list. Times are the entries' own claims, RFC 3339. */
export interface SessionSummary {
  readonly session: string
  readonly principal: string
  readonly label: string
  readonly entries: number
  readonly first: string
  readonly last: string
  readonly status: 'open' | 'closed'
  readonly counts: Readonly<Record<string, number>>
}

export interface EntryFilter {
  readonly session?: string
  readonly env?: string
  readonly kind?: string
  /** Entries with a smaller `n` only: the cursor of a list that runs from newest to oldest. */
  readonly before?: number
  /** At most 1,000. */
  readonly limit: number
}

/** Reading the evidence. Iterators hold one page at a time. Text that is not UTF-8 comes back altered, never as an error. */
export interface LedgerReader {
  /** Null before the log was made. */
  head(): Promise<LogHead | null>
  session(id: string): Promise<SessionHead | null>
  /** Sessions whose head row does not name their last entry; at most ten. */
  brokenHeads(): Promise<readonly string[]>
  /** Rows with `n` at least `from`, by `n`, in pages. */
  entries(from: number): AsyncIterable<readonly StoredEntry[]>
  /** The session's entries by `seq` with their payloads, in pages; no leaves. */
  sessionEntries(id: string): AsyncIterable<readonly EntryWithPayloads[]>
  entry(n: number): Promise<StoredEntry | null>
  /** Entries of one envelope, oldest first. */
  byEnvelope(env: string): Promise<readonly StoredEntry[]>
  payloads(n: number): Promise<readonly StoredPayload[]>
  /** How many rows the log holds and the largest `n`, -1 where empty. */
  extent(): Promise<{ readonly count: number; readonly last: number }>
  /** Full ids of the sessions with this label, also of such as have lost their head row; at most 100. */
  sessionsNamed(label: string): Promise<readonly string[]>
  /** Most recently written first, at most `limit`. */
  sessions(limit: number): Promise<readonly SessionSummary[]>
  /** Newest first. */
  list(filter: EntryFilter): Promise<readonly StoredEntry[]>
}

/** Why a commit failed, as the store can tell. */
export type CommitFailure = 'full' | 'busy' | 'fatal'

/** Thrown by `commit` and `probe`: nothing of the batch was written. After `fatal` the process must restart and recover: a failed fsync is never retried. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly failure: CommitFailure

  constructor(failure: CommitFailure, message: string, cause: unknown) {
    super(message, { cause })
    this.failure = failure
  }
}

/** Where the evidence lives. Only `ledger.ts` writes. */
export interface LedgerStore extends LedgerReader {
  /** Makes the head row where none exists; an existing origin stays. */
  initialize(origin: string): Promise<LogHead>
  /**
   * One transaction: lock the head, apply the changes slot by slot, seal, write; resolves only when durable.
   * @throws StoreError where nothing was written
   */
  commit(request: CommitRequest): Promise<void>
  health(): StoreHealth
  /** A reader that sees the store as it is now, whatever is written meanwhile. */
  snapshot(): Promise<LedgerReader & { close(): void }>
  /** Writes and syncs something harmless. @throws StoreError where that fails */
  probe(): Promise<void>
  /** Settings that durability rests on, for the `boot` leaf. */
  readonly settings: Readonly<Record<string, string>>
}
