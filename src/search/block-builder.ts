import {
  BLOCK_SLOTS,
  type BlockCounts,
  type BlockSummary,
  type Field,
  type IndexReader,
  type NameCount,
  type PlacedPosting,
  type Posting,
  type StoredBlock,
} from './ports.ts'
import { packList } from './slots.ts'
import type { EntryTerms, Term } from './terms.ts'

/** Everything is within all of time: where one entry claims no time, its block is always looked into. */
export const ALWAYS = { first: 0, last: Number.MAX_SAFE_INTEGER } as const

/** A block in memory while its entries come in: the ragged edge of the index, which is never stored. */
export interface BlockBuilder extends IndexReader {
  readonly block: number
  /** In the order of `n`; `target` as it is kept. */
  add(n: number, entry: EntryTerms, target: string | null, hash: string): void
  /** Forgets the target of an entry whose values were erased. */
  forgetTarget(n: number): void
  /** As it is to be stored. */
  finished(): { readonly stored: StoredBlock; readonly postings: readonly Posting[] }
}

export function createBlockBuilder(block: number): BlockBuilder {
  const start = block * BLOCK_SLOTS
  const postings = new Map<Field, Map<string, number[]>>()
  const times = new Float64Array(BLOCK_SLOTS).fill(Number.NaN)
  const waits: number[] = []
  let [first, last, filled, lastHash] = [Number.MAX_SAFE_INTEGER, 0, false, '']

  function note({ field, value }: Term, slot: number): void {
    const values = postings.get(field) ?? new Map<string, number[]>()
    postings.set(field, values)
    const slots = values.get(value)
    if (slots === undefined) values.set(value, [slot])
    else if (slots.at(-1) !== slot) slots.push(slot)
  }

  function summary(): BlockSummary {
    return { block, ...(filled ? { first, last } : ALWAYS), lastHash }
  }

  function stored(): StoredBlock {
    const bytes = { times: bytesOf(times), waits: bytesOf(Float64Array.from(waits)) }
    return { ...summary(), counts: countsOf(postings), ...bytes }
  }

  function all(): Posting[] {
    return [...postings].flatMap(([field, values]) =>
      [...values].map(([value, slots]) => ({ field, value, slots: packList(slots) })),
    )
  }

  return {
    block,
    add(n, { terms, at, waited }, target, hash) {
      const slot = n - start
      for (const term of terms) note(term, slot)
      if (target !== null) note({ field: 'target', value: target }, slot)
      times[slot] = at
      if (waited !== null) waits.push(slot, waited)
      first = Math.min(first, Number.isNaN(at) ? ALWAYS.first : at)
      last = Math.max(last, Number.isNaN(at) ? ALWAYS.last : at)
      filled = true
      lastHash = hash
    },
    forgetTarget(n) {
      const targets = postings.get('target')
      for (const [value, slots] of targets ?? []) {
        const left = slots.filter((slot) => slot !== n - start)
        if (left.length === 0) targets?.delete(value)
        else targets?.set(value, left)
      }
    },
    finished: () => ({ stored: stored(), postings: all() }),
    async postings(field, match, { from, to }) {
      if (block < from || block > to) return []
      const values = postings.get(field) ?? new Map<string, number[]>()
      const found: PlacedPosting[] = []
      const take = (value: string, slots: readonly number[]) =>
        void found.push({ field, value, block, slots: packList(slots) })
      if ('value' in match) {
        const slots = values.get(match.value)
        if (slots !== undefined) take(match.value, slots)
      } else {
        for (const [value, slots] of values) if (value.startsWith(match.prefix)) take(value, slots)
      }
      return found
    },
    async blocks({ from, to }, since, until) {
      return block < from || block > to || !filled || last < since || first >= until ? [] : [summary()]
    },
    async counts({ from, to }) {
      return block < from || block > to ? [] : [{ ...summary(), counts: countsOf(postings) }]
    },
    details: async ({ from, to }) => (block < from || block > to ? [] : [stored()]),
  }
}

function countsOf(postings: ReadonlyMap<Field, ReadonlyMap<string, readonly number[]>>): BlockCounts {
  const valuesOf = (field: Field) => [...(postings.get(field) ?? [])]
  const blocked = new Set(postings.get('kind')?.get('block') ?? [])
  const named = (field: Field) =>
    valuesOf(field).map(
      ([name, slots]): NameCount => [name, slots.length, slots.filter((slot) => blocked.has(slot)).length],
    )
  const kinds = valuesOf('kind').map(([kind, slots]) => [kind, slots.length] as const)
  return { kinds, tool: named('tool'), agent: named('agent'), session: named('session') }
}

/** Doubles as bytes, little-endian whatever the machine. */
function bytesOf(values: Float64Array): Uint8Array {
  const bytes = new Uint8Array(values.length * 8)
  const view = new DataView(bytes.buffer)
  values.forEach((value, at) => {
    view.setFloat64(at * 8, value, true)
  })
  return bytes
}

/** Null where the bytes are no doubles. */
export function doublesOf(bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Float64Array.from({ length: Math.floor(bytes.byteLength / 8) }, (_, at) => view.getFloat64(at * 8, true))
}
