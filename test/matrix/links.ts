import { buildBundle, type EvidenceBundle } from '../../src/ledger/bundle/bundle.ts'
import type { StoredEntry } from '../../src/ledger/store.ts'
import { SESSION } from '../support/drafts.ts'
import type { Case, Evidence, Expected, Group } from './case.ts'
import { copyOf, createLogWriter, type LogState, leafHashOf, memoryReader } from './log.ts'
import { entryAt, fullDraft, headOf, indexOf, OTHER, PINS, sample, storeOf } from './sample.ts'

const otherTool = (body: string) => body.replace('forge.', 'other.')
const otherPrev = (body: string) => body.replace(/"prev":"\w{64}"/, `"prev":"${'ab'.repeat(32)}"`)

/** The row of an entry with another body; its hash fits where `rehash` says so. */
function edited(entry: StoredEntry, edit: (body: string) => string, rehash: boolean): StoredEntry {
  const text = edit(Buffer.from(entry.body).toString())
  const prev = /"prev":"(\w{64})"/.exec(text)?.[1] ?? null
  return { ...entry, prev, body: Buffer.from(text), hash: rehash ? leafHashOf(text) : entry.hash }
}

function replace(copy: LogState, seq: number, change: (entry: StoredEntry) => StoredEntry): void {
  const index = indexOf(copy, seq)
  copy.entries[index] = change(entryAt(copy, index))
}

/** Puts a rival of entry 3 into the row before it, which is the other session's, whose values stay there: the log holds as many rows as it did. */
function rivalBefore(copy: LogState): void {
  const index = indexOf(copy, 3)
  const rival = edited(entryAt(copy, index), otherTool, true)
  copy.entries[index - 1] = { ...rival, n: entryAt(copy, index - 1).n }
}

function rivalAfter(edit: (body: string) => string, rehash: boolean): (copy: LogState) => void {
  return (copy) => {
    const index = indexOf(copy, 3)
    const rival = edited(entryAt(copy, index), edit, rehash)
    copy.entries[index + 1] = { ...rival, n: entryAt(copy, index + 1).n }
  }
}

interface Deed {
  readonly name: string
  readonly edit: (copy: LogState) => void
  readonly expect: Expected
}

/** In stores that nobody signed: the links alone tell. */
const STORES: readonly Deed[] = [
  {
    name: 'an entry that names another before it, with its hash: what follows does not name it',
    edit: (copy) => replace(copy, 3, (entry) => edited(entry, otherPrev, true)),
    expect: {
      ...{ outcome: 'tampered', first: 'seq 2 -> 3 (entry 7) ALTERED_LINK' },
      ...{ only: ['ALTERED_LINK', 'ALTERED_BODY'], count: 2 },
    },
  },
  {
    name: 'a rival that stands before the entry which the next one names',
    edit: rivalBefore,
    expect: { outcome: 'tampered', class: 'FORK', seq: 2, n: 7, only: ['FORK', 'PAYLOAD_MISMATCH'], count: 2 },
  },
  {
    name: 'a rival that names another before it',
    edit: rivalAfter(otherPrev, true),
    expect: { outcome: 'tampered', class: 'INSERTED', seq: 2, n: 8, only: ['INSERTED', 'PAYLOAD_MISMATCH'] },
  },
  {
    name: 'a rival that does not have its hash',
    edit: rivalAfter(otherTool, false),
    expect: {
      outcome: 'tampered',
      class: 'INSERTED',
      seq: 2,
      n: 8,
      only: ['INSERTED', 'ALTERED_BODY', 'PAYLOAD_MISMATCH'],
    },
  },
  {
    name: 'an altered entry in a row that counts from below zero',
    edit: (copy) => replace(copy, 3, (entry) => ({ ...edited(entry, otherTool, false), seq: -1 })),
    expect: {
      outcome: 'tampered',
      only: ['ALTERED_BODY', 'REORDERED', 'PROJECTION_MISMATCH', 'CLOCK_BACKWARDS'],
      class: 'REORDERED',
      seq: 0,
    },
  },
  {
    name: 'a head that knows nothing',
    edit: (copy) => {
      copy.sessions.set(SESSION, { ...headOf(copy), nextSeq: 0, headHash: 'ab'.repeat(32) })
    },
    expect: { outcome: 'tampered', class: 'INSERTED' },
  },
  {
    name: 'the hash of the last entry, where the head counts one more',
    edit: (copy) => {
      replace(copy, 6, (entry) => ({ ...entry, hash: 'ab'.repeat(32) }))
      copy.sessions.set(SESSION, { ...headOf(copy), nextSeq: 9 })
    },
    expect: { outcome: 'tampered', class: 'ALTERED_HASH', seq: 6, only: ['ALTERED_HASH', 'PROJECTION_MISMATCH'] },
  },
  {
    name: 'every entry is gone, the head and the manifest are not',
    edit: (copy) => {
      copy.entries = copy.entries.map((entry) =>
        entry.session === SESSION && entry.seq !== null ? { ...entry, session: OTHER, seq: 90 + entry.n } : entry,
      )
    },
    expect: { outcome: 'tampered', class: 'SESSION_MISSING', only: ['SESSION_MISSING'], count: 1 },
  },
]

type Entries = EvidenceBundle['entries']

const moved = (entries: Entries, from: number, to: number): Entries => {
  const rest = entries.filter((_, at) => at !== from)
  return [...rest.slice(0, to), ...entries.slice(from, from + 1), ...rest.slice(to)]
}

/** Unsigned bundles, in the order their sender gave them. */
const BUNDLES: readonly {
  readonly name: string
  readonly edit: (entries: Entries) => Entries
  readonly expect: Expected
}[] = [
  {
    name: 'an entry is gone and a later one comes twice: it does not stand for the one that is gone',
    edit: (entries) => [...entries.filter((_, at) => at !== 2), ...entries.slice(4, 5)],
    expect: { outcome: 'tampered', class: 'INSERTED', seq: 3, n: 9 },
  },
  {
    name: 'an entry comes late: it fills the gap it left',
    edit: (entries) => moved(entries, 2, 5),
    expect: { outcome: 'tampered', class: 'REORDERED', seq: 1, n: 5, only: ['REORDERED', 'CLOCK_BACKWARDS'] },
  },
]

/** Of the entries 2, 3 and 5. */
const PARTS: typeof BUNDLES = [
  {
    name: 'the place of one',
    edit: (entries) => entries.map((entry, at) => (at === 1 ? { ...entry, n: 4 } : entry)),
    expect: { outcome: 'tampered', class: 'REORDERED', seq: 2, n: 4 },
  },
  {
    name: 'nothing: three are shown',
    edit: (entries) => entries,
    expect: { outcome: 'valid', only: [], shown: 3 },
  },
]

/** More gaps than are remembered: the oldest is then told as it is, and what fills it comes too late. */
async function ruin(): Promise<EvidenceBundle> {
  const writer = createLogWriter()
  const most = 1000
  for (let index = 0; index < 2 * (most + 2) + 1; index += 1) writer.append(fullDraft(index))
  const whole = await buildBundle(memoryReader(writer.state()), SESSION, [])
  const second = whole.entries.filter((_, seq) => seq % 2 === 0)
  return { ...whole, entries: [...second, ...whole.entries.slice(1, 2)] }
}

export async function links(): Promise<Group> {
  const state = await sample()
  const signed = await buildBundle(memoryReader(state), SESSION, [])
  const bundle: EvidenceBundle = { ...signed, proof: null, receipts: [], disclosures: [] }
  const part = await buildBundle(memoryReader(state), SESSION, [], { only: [2, 3, 5] })
  const stores = STORES.map(({ name, edit, expect }): Case => {
    const evidence = (): Evidence => {
      const copy = copyOf(state)
      edit(copy)
      return { as: 'store', reader: memoryReader(copy), session: SESSION }
    }
    return { name: `an unsigned store: ${name}`, evidence, expect }
  })
  const bundles = [
    ...BUNDLES.map((one) => ({ ...one, of: bundle, pins: null, what: 'an unsigned bundle' })),
    ...PARTS.map((one) => ({ ...one, of: part, pins: PINS, what: 'a part of a session' })),
  ].map(({ name, edit, expect, of, pins, what }): Case => {
    const text = () => JSON.stringify({ ...of, entries: edit(of.entries) })
    return { name: `${what}: ${name}`, evidence: () => ({ as: 'bundle', text: text(), pins }), expect }
  })
  const ruined = JSON.stringify(await ruin())
  return {
    name: 'one link alone',
    cases: [
      ...stores,
      ...bundles,
      {
        name: 'an unsigned bundle: a thousand gaps and two, then what fills the first',
        evidence: () => ({ as: 'bundle', text: ruined, pins: null }),
        expect: { outcome: 'tampered', class: 'INSERTED', seq: 0, n: 1 },
      },
      {
        name: 'a store: seven entries are shown',
        evidence: () => storeOf(state),
        expect: { outcome: 'valid', only: [], shown: 7 },
      },
      {
        name: 'a bundle: seven entries are shown',
        evidence: () => ({ as: 'bundle', text: JSON.stringify(signed), pins: PINS }),
        expect: { outcome: 'valid', only: [], shown: 7 },
      },
    ],
  }
}
