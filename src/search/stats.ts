import { doublesOf } from './block-builder.ts'
import { find } from './find.ts'
import { BLOCK_SLOTS, type BlockRange, type Field, type IndexReader, type PlacedPosting } from './ports.ts'
import { count, has, intersect, noSlots, remove, type Slots, unpack } from './slots.ts'

export interface StatsRequest {
  /** Milliseconds since the epoch: from `since` to `until` (exclusive), by the entries' own claims. */
  readonly since: number
  readonly until: number
  /** Only of the sessions of this principal. */
  readonly principal?: string
}

export interface Bucket {
  /** When it begins, milliseconds since the epoch. */
  readonly at: number
  readonly kinds: Readonly<Record<string, number>>
}

export interface Counted {
  readonly name: string
  readonly entries: number
  readonly blocked: number
}

export interface SearchStats {
  readonly since: number
  readonly until: number
  /** Entries by kind. */
  readonly kinds: Readonly<Record<string, number>>
  readonly bucketMs: number
  /** In order of time, empty ones among them. */
  readonly buckets: readonly Bucket[]
  /** Most often blocked first. */
  readonly blockedTools: readonly Counted[]
  /** Most entries first. */
  readonly agents: readonly Counted[]
  readonly sessions: readonly Counted[]
  /** How many sessions there were. */
  readonly sessionCount: number
  /** What reviewers said, and the median of how long it had been waited for, milliseconds; null where nothing was. */
  readonly reviews: { readonly resolved: number; readonly medianWaitMs: number | null }
  /** False where more of the log lies in this time than is counted at once: then it is the newest part of it. */
  readonly complete: boolean
}

/** Blocks counted at most: about a million entries. */
const MOST_BLOCKS = 256
const STEP = 16
/** Rows of each table. */
const TOP = 20
const MOST_BUCKETS = 60
const MINUTE = 60_000
/** Lengths people think in: a minute to a year. */
const LENGTHS = [1, 5, 15, 60, 180, 720, 1440, 10_080, 43_200, 525_600].map((minutes) => minutes * MINUTE)

interface Tally {
  readonly kinds: Map<string, number>
  readonly buckets: { readonly at: number; readonly kinds: Record<string, number> }[]
  readonly tools: Map<string, Counted>
  readonly agents: Map<string, Counted>
  readonly sessions: Map<string, Counted>
  readonly waits: number[]
}

export async function statsOf(
  index: IndexReader,
  request: StatsRequest,
  log: { readonly minIndex: number; readonly upTo: number },
): Promise<SearchStats> {
  const all = {
    from: Math.floor(log.minIndex / BLOCK_SLOTS),
    to: Math.max(0, Math.floor((log.upTo - 1) / BLOCK_SLOTS)),
  }
  const spans = await index.blocks(all, request.since, request.until)
  const counted = spans.slice(-MOST_BLOCKS)
  const firstAt = Math.max(request.since, Math.min(...counted.map(({ first }) => first)))
  const bucketMs = lengthFor(request.until - firstAt)
  const tally = emptyTally(firstAt, request.until, bucketMs)
  const [from, to] = [counted[0]?.block ?? 0, counted.at(-1)?.block ?? -1]
  for (let next = from; next <= to; next += STEP) {
    await countBlocks(index, request, { from: next, to: Math.min(to, next + STEP - 1) }, log, tally)
  }
  return {
    ...{ since: request.since, until: request.until, bucketMs, buckets: tally.buckets },
    kinds: Object.fromEntries([...tally.kinds].sort(([one], [two]) => (one < two ? -1 : 1))),
    blockedTools: top(tally.tools, ({ blocked }) => blocked),
    agents: top(tally.agents, ({ entries }) => entries),
    sessions: top(tally.sessions, ({ entries }) => entries),
    sessionCount: tally.sessions.size,
    reviews: { resolved: tally.waits.length, medianWaitMs: median(tally.waits) },
    complete: counted.length === spans.length,
  }
}

function lengthFor(span: number): number {
  return LENGTHS.find((length) => span / length <= MOST_BUCKETS - 1) ?? Math.ceil(span / MOST_BUCKETS)
}

function emptyTally(from: number, until: number, bucketMs: number): Tally {
  const start = Math.floor(from / bucketMs) * bucketMs
  const many = Number.isFinite(start) ? Math.max(0, Math.min(MOST_BUCKETS, Math.ceil((until - start) / bucketMs))) : 0
  const buckets = Array.from({ length: many }, (_, at) => ({ at: start + at * bucketMs, kinds: {} }))
  return { kinds: new Map(), buckets, tools: new Map(), agents: new Map(), sessions: new Map(), waits: [] }
}

async function countBlocks(
  index: IndexReader,
  { principal, since, until }: StatsRequest,
  range: BlockRange,
  { minIndex, upTo }: { readonly minIndex: number; readonly upTo: number },
  tally: Tally,
): Promise<void> {
  const criteria = principal === undefined ? [] : [{ field: 'principal' as const, any: [{ value: principal }] }]
  const wanted = await find(index, { criteria, only: null, time: { since, until } }, range)
  const [kinds, details] = await Promise.all([index.postings('kind', { prefix: '' }, range), index.details(range)])
  const blocked = new Map<number, Slots>()
  const times = new Map(details.map(({ block, times }) => [block, doublesOf(times)]))
  for (const posting of kinds) {
    const slots = among(posting, wanted, minIndex, upTo)
    if (posting.value === 'block') blocked.set(posting.block, slots)
    countKind(posting.value, slots, times.get(posting.block) ?? new Float64Array(), tally)
  }
  for (const { block, waits } of details) {
    const slots = wanted.get(block)
    if (slots !== undefined) noteWaits(doublesOf(waits), slots, tally)
  }
  const named = [
    ['tool', tally.tools],
    ['agent', tally.agents],
    ['session', tally.sessions],
  ] as const satisfies readonly (readonly [Field, Map<string, Counted>])[]
  for (const [field, counts] of named) {
    for (const posting of await index.postings(field, { prefix: '' }, range)) {
      countName(posting, among(posting, wanted, minIndex, upTo), blocked.get(posting.block), counts)
    }
  }
}

/** The posting's entries that are wanted and in the log. */
function among(posting: PlacedPosting, wanted: ReadonlyMap<number, Slots>, minIndex: number, upTo: number): Slots {
  const slots = noSlots()
  const others = wanted.get(posting.block)
  if (others === undefined) return slots
  unpack(posting.slots, slots)
  intersect(slots, others)
  const start = posting.block * BLOCK_SLOTS
  for (let slot = 0; slot < minIndex - start && slot < BLOCK_SLOTS; slot += 1) remove(slots, slot)
  for (let slot = Math.max(0, upTo - start); slot < BLOCK_SLOTS; slot += 1) remove(slots, slot)
  return slots
}

function countKind(kind: string, slots: Slots, times: Float64Array, { kinds, buckets }: Tally): void {
  const many = count(slots)
  if (many === 0) return
  kinds.set(kind, (kinds.get(kind) ?? 0) + many)
  const [start, length] = [buckets[0]?.at ?? 0, (buckets[1]?.at ?? 0) - (buckets[0]?.at ?? 0)]
  for (let slot = 0; slot < times.length; slot += 1) {
    const at = times[slot] ?? Number.NaN
    if (!has(slots, slot) || Number.isNaN(at)) continue
    const bucket = buckets[length > 0 ? Math.floor((at - start) / length) : 0]
    if (bucket !== undefined) bucket.kinds[kind] = (bucket.kinds[kind] ?? 0) + 1
  }
}

function countName(
  { value }: PlacedPosting,
  slots: Slots,
  blocked: Slots | undefined,
  counts: Map<string, Counted>,
): void {
  const entries = count(slots)
  if (entries === 0) return
  if (blocked !== undefined) intersect(slots, blocked)
  const before = counts.get(value)
  const more = blocked === undefined ? 0 : count(slots)
  counts.set(value, { name: value, entries: (before?.entries ?? 0) + entries, blocked: (before?.blocked ?? 0) + more })
}

function noteWaits(pairs: Float64Array, wanted: Slots, { waits }: Tally): void {
  for (let at = 0; at + 1 < pairs.length; at += 2) {
    if (has(wanted, pairs[at] ?? 0)) waits.push(pairs[at + 1] ?? 0)
  }
}

function top(counts: ReadonlyMap<string, Counted>, by: (one: Counted) => number): readonly Counted[] {
  return [...counts.values()]
    .filter((one) => by(one) > 0)
    .sort((one, two) => by(two) - by(one) || (one.name < two.name ? -1 : 1))
    .slice(0, TOP)
}

function median(values: readonly number[]): number | null {
  const sorted = Float64Array.from(values).sort()
  const middle = Math.floor(sorted.length / 2)
  if (sorted.length === 0) return null
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}
