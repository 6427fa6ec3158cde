import type { StoredEntry } from '../ledger/store.ts'
import { type Criterion, criteriaOf, isWanted, type SearchFilter } from './filter.ts'
import { type Found, find, type Wanted } from './find.ts'
import { type Indexer, type IndexerParts, startIndexer } from './indexer.ts'
import { BLOCK_SLOTS, type BlockRange, type IndexReader, type SearchSource, type SearchStore } from './ports.ts'
import { descending } from './slots.ts'
import { type SearchStats, type StatsRequest, statsOf } from './stats.ts'

export interface SearchPage {
  /** Newest first. */
  readonly entries: readonly StoredEntry[]
  /** `n` to go on before; null where nothing is older. */
  readonly next: number | null
  readonly known: Known
}

/** How far the index has read, and how far the log goes. */
export interface Known {
  /** Entries below it can be found. */
  readonly upTo: number
  readonly size: number
}

/** Finding entries by what they say. Knows nothing of who asks. */
export interface Search {
  /** @param before entries with a smaller `n` only; null for the newest. @param limit at most 1,000 */
  page(filter: SearchFilter, before: number | null, limit: number): Promise<SearchPage>
  stats(request: StatsRequest): Promise<SearchStats>
  close(): Promise<void>
}

/** How long a question waits for what was appended just before it, in milliseconds. */
const PATIENCE_MS = 150
/** What is waited for at most, entries: more takes its time, and the page says so. */
const CATCH_UP = 2000
/** Blocks looked at together: few first, for most pages are full soon. */
const STEPS = [4, 32, 256] as const

export function createSearch(parts: IndexerParts): Search {
  const { reader, store, key } = parts
  const indexer = startIndexer(parts)
  const index = joined(store, indexer)

  async function known(): Promise<Known & { readonly minIndex: number }> {
    const head = await reader.head()
    const size = head?.size ?? 0
    if (size > indexer.known() && size - indexer.known() <= CATCH_UP) {
      parts.tail.wake()
      await indexer.reached(size, PATIENCE_MS)
    }
    return { upTo: Math.min(size, indexer.known()), size, minIndex: head?.minIndex ?? 0 }
  }

  return {
    async page(filter, before, limit) {
      const { minIndex, ...now } = await known()
      const criteria = criteriaOf(filter, key)
      const wanted = await wantedBy(reader, filter, criteria)
      const below = Math.min(before ?? now.upTo, now.upTo)
      const ns = await newest(index, wanted, { minIndex, below }, limit + 1)
      const entries = await reader.entriesAt(ns.slice(0, limit))
      return {
        entries: entries.filter((entry) => isWanted(entry, filter, criteria)).sort((one, two) => two.n - one.n),
        next: ns.length > limit ? (ns[limit - 1] ?? null) : null,
        known: now,
      }
    },
    async stats(request) {
      const { minIndex, ...now } = await known()
      return statsOf(index, request, { minIndex, ...now })
    },
    close: () => indexer.close(),
  }
}

async function wantedBy(
  reader: SearchSource,
  { envelope, since, until }: SearchFilter,
  criteria: readonly Criterion[],
): Promise<Wanted> {
  const only = envelope === undefined ? null : (await reader.byEnvelope(envelope)).map(({ n }) => n)
  const time = { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) }
  return { criteria, only, time }
}

/** The newest `limit` places that are wanted, newest first. */
async function newest(
  index: IndexReader,
  wanted: Wanted,
  { minIndex, below }: { readonly minIndex: number; readonly below: number },
  limit: number,
): Promise<readonly number[]> {
  const ns: number[] = []
  const oldest = Math.floor(minIndex / BLOCK_SLOTS)
  let to = Math.floor((below - 1) / BLOCK_SLOTS)
  for (let step = 0; to >= oldest && ns.length < limit; step += 1) {
    const width = STEPS[Math.min(step, STEPS.length - 1)] ?? 1
    const range = { from: Math.max(oldest, to - width + 1), to }
    for (const n of placesOf(await find(index, wanted, range))) {
      if (n >= below || n < minIndex) continue
      ns.push(n)
      if (ns.length === limit) break
    }
    to = range.from - 1
  }
  return ns
}

function* placesOf(found: Found): Generator<number> {
  for (const block of [...found.keys()].sort((one, two) => two - one)) {
    for (const slot of descending(found.get(block) ?? new Uint8Array())) yield block * BLOCK_SLOTS + slot
  }
}

/** What is stored and the edge in memory, as one index. */
function joined(store: SearchStore, indexer: Indexer): IndexReader {
  /** The edge stays what it was while one question is answered. */
  function split<T>(ask: (reader: IndexReader, range: BlockRange) => Promise<readonly T[]>, range: BlockRange) {
    const edge = indexer.edge()
    const stored = { from: range.from, to: Math.min(range.to, edge.block - 1) }
    const old = stored.from <= stored.to ? ask(store, stored) : Promise.resolve([])
    const fresh = range.to >= edge.block ? ask(edge, range) : Promise.resolve([])
    return Promise.all([old, fresh]).then((both) => both.flat())
  }
  return {
    postings: (field, match, range) => split((reader, part) => reader.postings(field, match, part), range),
    blocks: (range, since, until) => split((reader, part) => reader.blocks(part, since, until), range),
    counts: (range) => split((reader, part) => reader.counts(part), range),
    details: (range) => split((reader, part) => reader.details(part), range),
  }
}
