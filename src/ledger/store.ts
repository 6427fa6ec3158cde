import type { ApprovalChange } from '../core/approval.ts'
import type { StoredTile, TileStore } from './merkle/tiles.ts'
import type { Hash } from './merkle/tree.ts'

export type { StoredTile } from './merkle/tiles.ts'

/** The log's head row. `size` is the next `n`; `replayFrom` is the oldest `n` that recovery must look at again. */
export interface LogHead {
  readonly origin: string
  readonly size: number
  readonly replayFrom: number
  /** The Merkle frontier at `size`, packed (`merkle/tree.ts`). */
  readonly frontier: Uint8Array
  /** Entries below this `n` were pruned: their hashes live on in the tiles, their rows are gone. A multiple of 256. */
  readonly minIndex: number
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

/** A signed checkpoint as stored. `note` is a C2SP signed note and the only authority; the rest is a projection of it. */
export interface StoredCheckpoint {
  readonly size: number
  readonly root: Hash
  readonly note: string
}

/** What an anchor or witness answered for the checkpoint of this size. `at` is milliseconds since the epoch, a claim. */
export interface StoredReceipt {
  readonly size: number
  readonly sink: string
  readonly receipt: string
  readonly at: number
}

/** Why a session may not be pruned. */
export interface LegalHold {
  readonly session: string
  readonly reason: string
  readonly at: number
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
  /** Payloads to delete: an `erase` leaf in `entries` says so. What is not there is no error. */
  readonly erased: readonly { readonly n: number; readonly path: string }[]
}

export interface CommitRequest {
  readonly sessions: readonly string[]
  /** One slot a draft, in order; a slot whose changes do not all hold leaves no trace of them. */
  readonly slots: readonly (readonly ApprovalChange[])[]
  /**
   * Gives places to the drafts that held; synchronous. What it makes counts only where the log was as `state` says when it was
   * written: it may be called again with another.
   */
  readonly seal: (state: LockedState) => SealedBatch
}

export interface StoreFault {
  readonly failure: CommitFailure
  readonly why: string
}

export interface StoreHealth {
  /** Bytes free for an unprivileged writer where the store lives, or null where that is not ours to know. */
  readonly freeBytes: number | null
  /** Why nothing may be written until a restart, such as a database file that was replaced under us; null where all is well. */
  readonly fault: StoreFault | null
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
  /** `n` of its last entry: its place in the list. */
  readonly lastN: number
}

/** Which sessions are wanted. */
export interface SessionChoice {
  /** Such as were last written before this `n`. */
  readonly before?: number
  /** This one alone. */
  readonly session?: string
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

/** The log as it was at one moment, opened for reading only. */
export interface OpenReader {
  readonly ledger: LedgerReader
  /** Whether somebody may be writing to the log now. */
  grows(): boolean
  close(): Promise<void>
}

/** Reading the evidence. Iterators hold one page at a time. Text that is not UTF-8 comes back altered, never as an error. */
export interface LedgerReader extends TileStore {
  /** Null before the log was made. */
  head(): Promise<LogHead | null>
  session(id: string): Promise<SessionHead | null>
  /** Sessions whose head row does not name their last entry, pruned ones apart; at most ten. */
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
  /** Most recently written first, at most `limit` (1,001: a page and what follows it); all of them, or those of one principal. */
  sessions(limit: number, principal?: string, choice?: SessionChoice): Promise<readonly SessionSummary[]>
  /** Log-level leaves of this kind that name the session, oldest first, at most 10,000. */
  leaves(session: string, kind: string): Promise<readonly StoredEntry[]>
  /** Newest first. */
  list(filter: EntryFilter): Promise<readonly StoredEntry[]>
  /** The newest checkpoint, or null. */
  latestCheckpoint(): Promise<StoredCheckpoint | null>
  /** Checkpoints of at least this size, by size, at most `limit` (1,000). */
  checkpoints(from: number, limit: number): Promise<readonly StoredCheckpoint[]>
  /** Receipts of anchors for checkpoints of at least this size, by size, at most `limit` (1,000). */
  receipts(from: number, limit: number): Promise<readonly StoredReceipt[]>
  holds(): Promise<readonly LegalHold[]>
}

/** What passes while this process lives. */
type Passing = 'full' | 'busy' | 'unreachable' | 'conflict'

/**
 * What does not: only a restart looks at the store again. `fatal`: the disk failed, and a failed fsync is never retried.
 * `unsettled`: whether a batch was written cannot be found out. `superseded`: another gateway has closed what this one left open.
 * `replaced`: the file under us is not the one we opened. `damaged`: the store is not what this process wrote or signed.
 */
const LASTING = ['fatal', 'unsettled', 'superseded', 'replaced', 'damaged'] as const
type Lasting = (typeof LASTING)[number]

/** Why a commit failed, as the store can tell. */
export type CommitFailure = Passing | Lasting

export function isLasting(failure: CommitFailure): failure is Lasting {
  return LASTING.some((known) => known === failure)
}

/** Thrown by `commit` and `probe`: nothing of the batch was written, or with `unsettled` nobody knows. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly failure: CommitFailure

  constructor(failure: CommitFailure, message: string, cause: unknown) {
    super(message, { cause })
    this.failure = failure
  }
}

/** A gateway that is no more, and where the oldest intent it left open stands. */
export interface Departed {
  readonly gateway: string
  readonly replayFrom: number
}

/**
 * The gateways of one log. An intent without a result is an orphan only where its gateway is dead; that is decided here, once:
 * of the living, one claims a dead one, and from then on the dead one cannot write any more, should it wake.
 */
export interface Fleet {
  /** From now on this store writes as that gateway, and says that it is alive. @throws AegisError `conflict` where the name is taken */
  join(gateway: string): Promise<void>
  /**
   * Gateways whose time is over, now ours to clean up: what they left open is to be closed as `orphan`. Asking again gives them
   * again. `seen`: gateways found in the log with intents open; of those, such as never joined (they wrote before this log had a
   * fleet, or in the file it was copied from) are dead too.
   */
  claim(seen?: readonly Departed[]): Promise<readonly Departed[]>
  /** Nothing of theirs is open any more. */
  settled(gateways: readonly string[]): Promise<void>
  /** This gateway stops. What it left open may be claimed at once. */
  leave(): Promise<void>
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
  /**
   * Stores a signed checkpoint and the tiles that were completed since the last one, durably. The same again is no error.
   * @throws StoreError `conflict` where another root is signed for this size, or another tile stands in a tile's place
   */
  putCheckpoint(checkpoint: StoredCheckpoint, tiles: readonly StoredTile[]): Promise<void>
  /** Keeps a receipt; a later one of the same sink and size replaces it. */
  putReceipt(receipt: StoredReceipt): Promise<void>
  /** Sets or lifts a legal hold. */
  hold(session: string, hold: LegalHold | null): Promise<void>
  /**
   * Overwrites what erased values left in free pages and logs, as far as the store can reach; `gone` are byte sequences by which
   * their remains can be known. @throws StoreError where some may be left
   */
  scour(gone: readonly Uint8Array[]): Promise<void>
  /**
   * Deletes the rows and payloads below `minIndex` (a multiple of 256 whose tiles are all stored) and notes it in the head row.
   * The one way rows leave the log; a `prune` leaf was appended before.
   */
  prune(minIndex: number): Promise<void>
  /** Who else may write to this log; null where one process at a time is its only writer. */
  readonly fleet: Fleet | null
  health(): StoreHealth
  /** A reader that sees the store as it is now, whatever is written meanwhile. */
  snapshot(): Promise<LedgerReader & { close(): void }>
  /** Writes and syncs something harmless. @throws StoreError where that fails */
  probe(): Promise<void>
  /** Settings that durability rests on, for the `boot` leaf. */
  readonly settings: Readonly<Record<string, string>>
}
