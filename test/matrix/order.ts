import { type BundleEntry, buildBundle } from '../../src/ledger/bundle/bundle.ts'
import { SESSION } from '../support/drafts.ts'
import type { Case, Evidence, Expected, Group } from './case.ts'
import { type LogState, leafHashOf, memoryReader } from './log.ts'
import { ENTRIES, entryAt, indexOf, OTHER, PINS, PLACES, sample, tampered } from './sample.ts'

type Place = (typeof PLACES)[number]

interface Disorder {
  readonly name: string
  readonly store: (copy: LogState, seq: number) => void
  readonly bundle: (entries: readonly BundleEntry[], seq: number, others: readonly BundleEntry[]) => BundleEntry[]
  readonly expect: (place: Place) => Pick<Expected, 'class' | 'seq'>
  /** Which session shows it in a store; default: the one that was edited. */
  readonly session?: string
}

const LAST = ENTRIES - 1
const near = (seq: number) => (seq === LAST ? seq - 1 : seq + 1)
const far = (seq: number) => (seq === LAST ? 0 : LAST)
const missing = ({ seq }: Place) => ({
  class: seq === 0 ? 'TRUNCATED_HEAD' : seq === LAST ? 'TRUNCATED_TAIL' : 'DELETED',
})

function removed(copy: LogState, seqs: readonly number[]): void {
  copy.entries = copy.entries.filter(({ session, seq }) => session !== SESSION || !seqs.includes(seq ?? -1))
}

function exchanged(copy: LogState, one: number, other: number): void {
  const [at, to] = [indexOf(copy, one), indexOf(copy, other)]
  copy.entries[at] = { ...entryAt(copy, at), seq: other }
  copy.entries[to] = { ...entryAt(copy, to), seq: one }
}

/** Two of them; at the end, the last two. */
const range = (seq: number) => (seq === LAST ? [seq - 1, seq] : [seq, seq + 1])

function swapped(entries: readonly BundleEntry[], one: number, other: number): BundleEntry[] {
  return entries.map((entry, seq) => entries[seq === one ? other : seq === other ? one : seq] ?? entry)
}

function rival<T extends { readonly body: Uint8Array | string; readonly hash: string }>(
  entry: T,
): { body: string; hash: string } {
  const body = Buffer.from(entry.body).toString().replace('forge.', 'other.')
  return { body, hash: leafHashOf(body) }
}

const DISORDERS: readonly Disorder[] = [
  {
    name: 'delete one',
    store: (copy, seq) => removed(copy, [seq]),
    bundle: (entries, seq) => entries.filter((_, index) => index !== seq),
    expect: missing,
  },
  {
    name: 'delete a range',
    store: (copy, seq) => removed(copy, range(seq)),
    bundle: (entries, seq) => entries.filter((_, index) => !range(seq).includes(index)),
    expect: missing,
  },
  {
    name: 'insert a rival',
    store: (copy, seq) => {
      const entry = entryAt(copy, indexOf(copy, seq))
      const { body, hash } = rival(entry)
      copy.entries.push({ ...entry, n: copy.log.size, body: Buffer.from(body), hash })
    },
    bundle: (entries, seq) =>
      entries.flatMap((entry, index) => (index === seq ? [entry, { n: entry.n, ...rival(entry) }] : [entry])),
    expect: ({ seq }) => ({ class: 'FORK', seq: Math.max(0, seq - 1) }),
  },
  {
    name: 'duplicate',
    store: (copy, seq) => {
      copy.entries.push({ ...entryAt(copy, indexOf(copy, seq)), n: copy.log.size })
    },
    bundle: (entries, seq) => entries.flatMap((entry, index) => (index === seq ? [entry, entry] : [entry])),
    expect: ({ seq }) => ({ class: 'INSERTED', seq: Math.max(0, seq - 1) }),
  },
  {
    name: 'swap with the next',
    store: (copy, seq) => exchanged(copy, seq, near(seq)),
    bundle: (entries, seq) => swapped(entries, seq, near(seq)),
    expect: ({ seq }) => ({ class: 'REORDERED', seq: Math.max(0, Math.min(seq, near(seq)) - 1) }),
  },
  {
    name: 'swap with the farthest',
    store: (copy, seq) => exchanged(copy, seq, far(seq)),
    bundle: (entries, seq) => swapped(entries, seq, far(seq)),
    expect: () => ({ class: 'REORDERED' }),
  },
  {
    name: 'move to another session',
    session: OTHER,
    store: (copy, seq) => {
      const at = indexOf(copy, seq)
      copy.entries[at] = { ...entryAt(copy, at), session: OTHER }
    },
    bundle: (entries, seq, others) => entries.map((entry, index) => (index === seq ? (others[seq] ?? entry) : entry)),
    expect: ({ seq }) => ({ class: 'WRONG_SESSION', seq: Math.max(0, seq - 1) }),
  },
  {
    name: 'reverse up to there',
    store: (copy, seq) => {
      const end = Math.max(seq, 1)
      for (let one = 0; one < end - one; one += 1) exchanged(copy, one, end - one)
    },
    bundle: (entries, seq) => {
      const end = Math.max(seq, 1) + 1
      return [...entries.slice(0, end).reverse(), ...entries.slice(end)]
    },
    expect: () => ({ class: 'REORDERED' }),
  },
]

export async function orderOfEntries(): Promise<Group> {
  const state = await sample()
  const bundle = await buildBundle(memoryReader(state), SESSION, [])
  const others = (await buildBundle(memoryReader(state), OTHER, [])).entries
  const cases = DISORDERS.flatMap((disorder) =>
    PLACES.flatMap((place): Case[] => {
      const expected: Expected = { outcome: 'tampered', ...disorder.expect(place) }
      const inBundle = (): Evidence => {
        const entries = disorder.bundle(bundle.entries, place.seq, others)
        return { as: 'bundle', text: JSON.stringify({ ...bundle, entries }), pins: PINS }
      }
      const { session = SESSION } = disorder
      const inStore = tampered(state, (copy) => disorder.store(copy, place.seq), { session })
      return [
        { name: `${disorder.name}, ${place.name}, in a store`, evidence: inStore, expect: expected },
        { name: `${disorder.name}, ${place.name}, in a bundle`, evidence: inBundle, expect: expected },
      ]
    }),
  )
  return { name: 'T3 deleted, inserted, reordered', cases }
}
