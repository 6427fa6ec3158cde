import { doublesOf } from './block-builder.ts'
import { type Criterion, isWithin, type SearchFilter } from './filter.ts'
import { BLOCK_SLOTS, type BlockRange, type IndexReader } from './ports.ts'
import { allSlots, has, intersect, isEmpty, noSlots, put, remove, type Slots, unpack } from './slots.ts'

/** By block: which of its entries are wanted. */
export type Found = ReadonlyMap<number, Slots>

export interface Wanted {
  readonly criteria: readonly Criterion[]
  /** Where only some entries can be meant at all: their `n`. */
  readonly only: readonly number[] | null
  readonly time: Pick<SearchFilter, 'since' | 'until'>
}

/**
 * What is wanted of the blocks in this range. What one criterion rules out is not looked at by the next, so that a rare value
 * makes the whole question cheap; and no question costs more than a row a value and block.
 */
export async function find(index: IndexReader, { criteria, only, time }: Wanted, range: BlockRange): Promise<Found> {
  let found = only === null ? null : placed(only, range)
  for (const criterion of criteria) {
    const span = found === null ? range : spanOf(found)
    if (span === null) return new Map()
    found = both(found, await holding(index, criterion, span))
  }
  const span = found === null ? range : spanOf(found)
  return span === null ? new Map() : within(index, found, span, time)
}

function placed(ns: readonly number[], { from, to }: BlockRange): Map<number, Slots> {
  const found = new Map<number, Slots>()
  for (const n of ns) {
    const block = Math.floor(n / BLOCK_SLOTS)
    if (block >= from && block <= to) put(at(found, block), n % BLOCK_SLOTS)
  }
  return found
}

function at(found: Map<number, Slots>, block: number): Slots {
  const slots = found.get(block) ?? noSlots()
  found.set(block, slots)
  return slots
}

async function holding(index: IndexReader, { field, any }: Criterion, span: BlockRange): Promise<Map<number, Slots>> {
  const found = new Map<number, Slots>()
  for (const match of any) {
    for (const { block, slots } of await index.postings(field, match, span)) unpack(slots, at(found, block))
  }
  return found
}

function both(found: Map<number, Slots> | null, other: Map<number, Slots>): Map<number, Slots> {
  if (found === null) return other
  for (const [block, slots] of found) {
    const others = other.get(block)
    if (others !== undefined) intersect(slots, others)
    if (others === undefined || isEmpty(slots)) found.delete(block)
  }
  return found
}

function spanOf(found: ReadonlyMap<number, Slots>): BlockRange | null {
  let [from, to] = [Number.MAX_SAFE_INTEGER, -1]
  for (const block of found.keys()) {
    from = Math.min(from, block)
    to = Math.max(to, block)
  }
  return to < 0 ? null : { from, to }
}

/** Blocks that lie wholly in the time asked for need no look at each of their entries. */
async function within(
  index: IndexReader,
  found: Map<number, Slots> | null,
  span: BlockRange,
  { since, until }: Wanted['time'],
): Promise<Found> {
  const timed = since !== undefined || until !== undefined
  if (!timed && found !== null) return found
  const kept = new Map<number, Slots>()
  const blocks = await index.blocks(span, since ?? 0, until ?? Number.POSITIVE_INFINITY)
  for (const { block, first, last } of blocks) {
    const slots = found === null ? allSlots() : found.get(block)
    if (slots === undefined) continue
    const whole = !timed || (first >= (since ?? 0) && last < (until ?? Number.POSITIVE_INFINITY))
    if (whole || (await cut(index, block, slots, { since, until }))) kept.set(block, slots)
  }
  return kept
}

/** Takes out what is at another time. Whether anything is left. */
async function cut(
  index: IndexReader,
  block: number,
  slots: Slots,
  time: { since: number | undefined; until: number | undefined },
): Promise<boolean> {
  const [details] = await index.details({ from: block, to: block })
  const times = doublesOf(details?.times ?? new Uint8Array())
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = time
  for (let slot = 0; slot < BLOCK_SLOTS; slot += 1) {
    if (has(slots, slot) && !isWithin(times[slot] ?? Number.NaN, { since, until })) remove(slots, slot)
  }
  return !isEmpty(slots)
}
