import type { LedgerReader, StoredEntry, StoredPayload } from '../ledger/store.ts'

/** What entries can be found by. `catalog`: what stands before the dot of a tool. `target` is kept as its HMAC only (`terms.ts`). */
export const FIELDS = [
  'kind',
  'session',
  'principal',
  'agent',
  'catalog',
  'tool',
  'policy',
  'room',
  'reviewer',
  'target',
] as const
export type Field = (typeof FIELDS)[number]

/** Entries of one block: the index is written once a block, so that an append never waits for it. */
export const BLOCK_SLOTS = 4096

/** Which entries of a block hold one value: packed slots (`slots.ts`). */
export interface Posting {
  readonly field: Field
  readonly value: string
  readonly slots: Uint8Array
}

export interface PlacedPosting extends Posting {
  readonly block: number
}

/** What a block says of all its entries. Times in milliseconds since the epoch. */
export interface BlockSummary {
  readonly block: number
  /** The earliest and the latest time that an entry claims. One without a time makes the span all of time. */
  readonly first: number
  readonly last: number
  /** Hash of its last entry that was there: by it an index is known to be of another log. */
  readonly lastHash: string
}

/** How many entries of a block have a name, and how many of them are blocked. */
export type NameCount = readonly [name: string, entries: number, blocked: number]

/** What a block adds to the statistics where all of it counts. */
export interface BlockCounts {
  readonly kinds: readonly (readonly [kind: string, entries: number])[]
  readonly tool: readonly NameCount[]
  readonly agent: readonly NameCount[]
  readonly session: readonly NameCount[]
}

export interface CountedBlock extends BlockSummary {
  readonly counts: BlockCounts
}

export interface StoredBlock extends CountedBlock {
  /** Little-endian doubles, one a slot; NaN where the entry has none. */
  readonly times: Uint8Array
  /** Little-endian doubles in pairs: a slot of an `approve` or `deny`, and how long its approval had waited. */
  readonly waits: Uint8Array
}

export interface SearchState {
  /** Of which log, in which form and under which key the index was made. */
  readonly identity: string
  /** The first block that is not stored yet; all before it are, down to the pruned ones. */
  readonly next: number
}

/** One value, or all that begin so. */
export type ValueMatch = { readonly value: string } | { readonly prefix: string }

/** Blocks from `from` to `to`, both included. */
export interface BlockRange {
  readonly from: number
  readonly to: number
}

/** Looking things up in an index, wherever it is kept. */
export interface IndexReader {
  postings(field: Field, match: ValueMatch, range: BlockRange): Promise<readonly PlacedPosting[]>
  /** Those that may hold entries with a time from `since` to `until` (exclusive), by number. */
  blocks(range: BlockRange, since: number, until: number): Promise<readonly BlockSummary[]>
  /** By number. */
  counts(range: BlockRange): Promise<readonly CountedBlock[]>
  /** With what takes room; by number. */
  details(range: BlockRange): Promise<readonly StoredBlock[]>
}

/**
 * Where the index is kept. Everything in it is made from the log and can be made again. A block becomes visible whole: `next`
 * moves last.
 */
export interface SearchStore extends IndexReader {
  state(): Promise<SearchState>
  /** Whether this gateway may write until then; one at a time does. Times in milliseconds since the epoch. */
  lease(holder: string, now: number, until: number): Promise<boolean>
  /** Forgets everything: an index of this identity begins at this block. For who holds the lease. */
  reset(identity: string, next: number): Promise<void>
  /** Stores a block whole; from then on `next` is the first that is missing. For who holds the lease. */
  put(block: StoredBlock, postings: readonly Posting[], next: number): Promise<void>
  /** Has the postings of a block changed, those of one field or all of them; null drops one. */
  rewrite(block: number, field: Field | null, change: (slots: Uint8Array) => Uint8Array | null): Promise<void>
  /** Deletes the blocks below this one. */
  drop(below: number): Promise<void>
}

/** What the index is made of, and what is shown of it. */
export interface SearchSource extends LedgerReader {
  /** The entries with these `n`, by `n`; those that are not there are left out. At most 1,001. */
  entriesAt(ns: readonly number[]): Promise<readonly StoredEntry[]>
  /** Committed values at these paths of the entries from `from` to `to` (exclusive), of at most so many bytes, by `n`. */
  payloadsBetween(
    from: number,
    to: number,
    paths: readonly string[],
    mostBytes: number,
  ): Promise<readonly StoredPayload[]>
}

/** Both, as a store opens them. */
export interface OpenSearch {
  readonly source: SearchSource
  readonly index: SearchStore
  close(): Promise<void>
}
