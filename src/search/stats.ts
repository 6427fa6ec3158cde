import { doublesOf } from './block-builder.ts'
import { find } from './find.ts'
import { BLOCK_SLOTS, type BlockRange, type Field, type IndexReader, type NameCount } from './ports.ts'
import { allSlots, descending, has, intersect, noSlots, put, remove, type Slots, unpack } from './slots.ts'

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
  readonly bucketMs: number
  readonly names: Readonly<Record<Name, Map<string, Counted>>>
  readonly waits: number[]
}

const NAMES = ['tool', 'agent', 'session'] as const satisfies readonly Field[]
type Name = (typeof NAMES)[number]

/** Where the log begins, and up to where it is known. */
interface Extent {
  readonly minIndex: number
  readonly upTo: number
}

export async function statsOf(index: IndexReader, request: StatsRequest, log: Extent): Promise<SearchStats> {
  const { since, until } = request
  const to = Math.max(0, Math.floor((log.upTo - 1) / BLOCK_SLOTS))
  const spans = await index.blocks({ from: Math.floor(log.minIndex / BLOCK_SLOTS), to }, since, until)
  const counted = spans.slice(-MOST_BLOCKS)
  const tally = emptyTally(Math.max(since, Math.min(until, ...counted.map(({ first }) => first))), until)
  const last = counted.at(-1)?.block ?? -1
  for (let from = counted[0]?.block ?? 0; from <= last; from += STEP) {
    await countBlocks(index, request, { from, to: Math.min(last, from + STEP - 1) }, log, tally)
  }
  const { tool, agent, session } = tally.names
  return {
    ...{ since, until, bucketMs: tally.bucketMs, buckets: tally.buckets },
    kinds: Object.fromEntries([...tally.kinds].sort(([one], [two]) => (one < two ? -1 : 1))),
    blockedTools: top(tool, ({ blocked }) => blocked),
    agents: top(agent, ({ entries }) => entries),
    sessions: top(session, ({ entries }) => entries),
    sessionCount: session.size,
    reviews: { resolved: tally.waits.length, medianWaitMs: median(tally.waits) },
    complete: counted.length === spans.length,
  }
}

function emptyTally(from: number, until: number): Tally {
  const span = until - from
  const bucketMs = LENGTHS.find((length) => span / length <= MOST_BUCKETS - 1) ?? Math.ceil(span / MOST_BUCKETS)
  const start = Math.floor(from / bucketMs) * bucketMs
  const many = Math.max(0, Math.ceil((until - start) / bucketMs))
  const buckets = Array.from({ length: many }, (_, at) => ({ at: start + at * bucketMs, kinds: {} }))
  return {
    ...{ kinds: new Map(), buckets, bucketMs, waits: [] },
    names: { tool: new Map(), agent: new Map(), session: new Map() },
  }
}

/** Most blocks count as a whole. Those at the ends of the time, of the log, and all where only one's entries count, are looked into. */
async function countBlocks(
  index: IndexReader,
  request: StatsRequest,
  range: BlockRange,
  log: Extent,
  tally: Tally,
): Promise<void> {
  const { principal, since, until } = request
  for (const counted of await index.counts(range)) {
    const { block, first, last, counts } = counted
    if (last < since || first >= until) continue
    const inTime = first >= since && last < until
    const inLog = block * BLOCK_SLOTS >= log.minIndex && (block + 1) * BLOCK_SLOTS <= log.upTo
    const bucket = bucketAt(tally, first)
    const whole = principal === undefined && inTime && inLog
    if (whole) for (const name of NAMES) for (const one of counts[name]) countName(one, tally.names[name])
    if (whole && bucket !== undefined && bucket === bucketAt(tally, last)) {
      for (const [kind, entries] of counts.kinds) countKind(kind, entries, bucket, tally)
      const [details] = counts.kinds.some(([kind]) => WAITED.has(kind)) ? await index.details(only(block)) : []
      if (details !== undefined) noteWaits(doublesOf(details.waits), allSlots(), tally)
    } else await countEntries(index, request, block, log, tally, whole ? [] : NAMES)
  }
}

const WAITED = new Set(['approve', 'deny'])

function only(block: number): BlockRange {
  return { from: block, to: block }
}

function bucketAt({ buckets, bucketMs }: Tally, at: number) {
  return buckets[Math.floor((at - (buckets[0]?.at ?? 0)) / bucketMs)]
}

/** Entry by entry. */
async function countEntries(
  index: IndexReader,
  { principal, since, until }: StatsRequest,
  block: number,
  log: Extent,
  tally: Tally,
  names: readonly Name[],
): Promise<void> {
  const criteria = principal === undefined ? [] : [{ field: 'principal' as const, any: [{ value: principal }] }]
  const wanted = (await find(index, { criteria, only: null, time: { since, until } }, only(block))).get(block)
  const [details] = wanted === undefined ? [] : await index.details(only(block))
  if (wanted === undefined || details === undefined) return
  const inLog = within(wanted, block, log)
  const times = doublesOf(details.times)
  const blocked = noSlots()
  for (const { value, slots } of await index.postings('kind', { prefix: '' }, only(block))) {
    const list = among(slots, inLog)
    if (value === 'block') for (const slot of list) put(blocked, slot)
    for (const slot of list) countKind(value, 1, bucketAt(tally, times[slot] ?? Number.NaN), tally)
  }
  noteWaits(doublesOf(details.waits), inLog, tally)
  for (const name of names) {
    const prefix = name === 'session' && principal !== undefined ? `${principal}/` : ''
    for (const { value, slots } of await index.postings(name, { prefix }, only(block))) {
      const list = among(slots, inLog)
      const stopped = list.filter((slot) => has(blocked, slot)).length
      if (list.length > 0) countName([value, list.length, stopped], tally.names[name])
    }
  }
}

function within(slots: Slots, block: number, { minIndex, upTo }: Extent): Slots {
  const start = block * BLOCK_SLOTS
  const kept = slots.slice()
  for (let slot = 0; slot < minIndex - start && slot < BLOCK_SLOTS; slot += 1) remove(kept, slot)
  for (let slot = Math.max(0, upTo - start); slot < BLOCK_SLOTS; slot += 1) remove(kept, slot)
  return kept
}

function among(packed: Uint8Array, wanted: Slots): readonly number[] {
  const slots = noSlots()
  unpack(packed, slots)
  intersect(slots, wanted)
  return descending(slots)
}

function countKind(
  kind: string,
  entries: number,
  bucket: Tally['buckets'][number] | undefined,
  { kinds }: Tally,
): void {
  kinds.set(kind, (kinds.get(kind) ?? 0) + entries)
  if (bucket !== undefined) bucket.kinds[kind] = (bucket.kinds[kind] ?? 0) + entries
}

function countName([name, entries, blocked]: NameCount, counts: Map<string, Counted>): void {
  const before = counts.get(name)
  counts.set(name, { name, entries: (before?.entries ?? 0) + entries, blocked: (before?.blocked ?? 0) + blocked })
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
