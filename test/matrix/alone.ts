import { buildBundle, type EvidenceBundle } from '../../src/ledger/bundle/bundle.ts'
import type { SessionHead } from '../../src/ledger/store.ts'
import { SESSION } from '../support/drafts.ts'
import type { Case, Evidence, Expected, Group } from './case.ts'
import { copyOf, type LogState, leafHashOf, memoryReader } from './log.ts'
import { rewriteFrom } from './rewrite.ts'
import { entryAt, headOf, indexOf, OTHER, PINS, sample } from './sample.ts'

/** Where no signature helps: each damage is told by the one check that can tell it, and called by its name alone. */
const exactly = (first: string, ...only: string[]): Expected => ({ outcome: 'tampered', first, only })

const otherPrev = (body: string) => body.replace(/"prev":"\w{64}"/, `"prev":"${'ab'.repeat(32)}"`)
const otherTool = (body: string) => body.replace('forge.', 'other.')

function edited(seq: number, edit: (body: string) => string, rehash = false): (copy: LogState) => void {
  return (copy) => {
    const index = indexOf(copy, seq)
    const entry = entryAt(copy, index)
    const body = edit(Buffer.from(entry.body).toString())
    const prev = /"prev":"(\w{64})"/.exec(body)?.[1] ?? null
    copy.entries[index] = { ...entry, prev, body: Buffer.from(body), hash: rehash ? leafHashOf(body) : entry.hash }
  }
}

const againFrom = (seq: number, edit: (body: string) => string) => (copy: LogState) =>
  rewriteFrom(copy, indexOf(copy, seq), edit)

function head(change: Partial<SessionHead>): (copy: LogState) => void {
  return (copy) => {
    copy.sessions.set(SESSION, { ...headOf(copy), ...change })
  }
}

const STORES: readonly { readonly name: string; readonly edit: (copy: LogState) => void; readonly expect: Expected }[] =
  [
    {
      name: 'a chain that starts elsewhere',
      edit: againFrom(0, otherPrev),
      expect: exactly('seq start -> 0 (entry 1) TRUNCATED_HEAD', 'TRUNCATED_HEAD'),
    },
    {
      name: 'a first entry that names another start, its hash not made to fit',
      edit: edited(0, otherPrev),
      expect: exactly('seq start -> 0 (entry 1) ALTERED_LINK', 'ALTERED_LINK', 'ALTERED_BODY'),
    },
    {
      name: 'an entry that names another before it, its hash not made to fit',
      edit: edited(3, otherPrev),
      expect: exactly('seq 2 -> 3 (entry 7) ALTERED_LINK', 'ALTERED_LINK', 'ALTERED_BODY'),
    },
    {
      name: 'an entry that names another before it, all after it made to fit',
      edit: againFrom(3, otherPrev),
      expect: exactly('seq 2 -> 3 (entry 5) ALTERED_BODY', 'ALTERED_BODY'),
    },
    {
      name: 'an entry of another log, all after it made to fit',
      edit: againFrom(3, (body) => body.replace('log/test', 'log/else')),
      expect: exactly('seq 2 -> 3 (entry 7) WRONG_LOG', 'WRONG_LOG'),
    },
    {
      name: 'an entry rewritten with its hash',
      edit: edited(3, otherTool, true),
      expect: exactly('seq 3 -> 4 (entry 7) ALTERED_BODY', 'ALTERED_BODY'),
    },
    {
      name: 'two entries in a row, the first rewritten with its hash, the other without',
      edit: (copy) => {
        edited(3, otherTool, true)(copy)
        edited(4, otherTool)(copy)
      },
      expect: exactly('seq 3 -> 4 (entry 9) ALTERED_LINK', 'ALTERED_LINK', 'ALTERED_BODY'),
    },
    {
      name: 'the last entry rewritten with its hash',
      edit: edited(6, otherTool, true),
      expect: exactly('seq 6 -> head (entry 13) ALTERED_LINK', 'ALTERED_LINK'),
    },
    {
      name: 'the last entry, its hash not made to fit',
      edit: edited(6, otherTool),
      expect: exactly('seq 6 -> 7 (entry 13) ALTERED_BODY', 'ALTERED_BODY'),
    },
    {
      name: 'a head that names another last entry',
      edit: head({ headHash: 'ab'.repeat(32) }),
      expect: exactly('seq 6 -> head (entry 13) ALTERED_LINK', 'ALTERED_LINK'),
    },
    {
      name: 'a head that counts otherwise',
      edit: head({ nextSeq: 9 }),
      expect: exactly('seq 6 -> head (entry 13) PROJECTION_MISMATCH', 'PROJECTION_MISMATCH'),
    },
    {
      name: 'a head that knows less',
      edit: (copy) => head({ nextSeq: 5, headHash: entryAt(copy, indexOf(copy, 4)).hash })(copy),
      expect: exactly('seq 4 -> 5 (entry 13) INSERTED', 'INSERTED'),
    },
    {
      name: 'a head that is gone',
      edit: (copy) => {
        copy.sessions.delete(SESSION)
      },
      expect: exactly('log PROJECTION_MISMATCH', 'PROJECTION_MISMATCH'),
    },
    {
      name: 'an entry of the other session is gone',
      edit: (copy) => {
        copy.entries.splice(indexOf(copy, 3, OTHER), 1)
      },
      expect: exactly('log DELETED', 'DELETED'),
    },
    {
      name: 'a row too many',
      edit: (copy) => {
        copy.entries.push({ ...entryAt(copy, 0), n: 16 })
      },
      expect: exactly('log INSERTED', 'INSERTED'),
    },
    {
      name: 'the last row is numbered otherwise',
      edit: (copy) => {
        const last = entryAt(copy, 15)
        copy.entries[15] = { ...last, n: 40 }
        copy.sessions.set(SESSION, { ...headOf(copy), manifestN: 40 })
      },
      expect: exactly('log PROJECTION_MISMATCH', 'PROJECTION_MISMATCH'),
    },
    {
      name: 'a manifest that is gone',
      edit: (copy) => {
        copy.sessions.set(SESSION, { ...headOf(copy), manifestN: 99 })
      },
      expect: exactly('seq start -> manifest (entry 99) MANIFEST_FORGED', 'MANIFEST_FORGED'),
    },
    {
      name: 'a tail cut so that only the manifest knows',
      edit: (copy) => {
        copy.entries.splice(indexOf(copy, 6), 1)
        copy.log = { ...copy.log, size: 15 }
        head({ nextSeq: 6, headHash: entryAt(copy, indexOf(copy, 5)).hash })(copy)
        copy.sessions.set(SESSION, { ...headOf(copy), manifestN: 15 })
      },
      expect: { outcome: 'tampered', class: 'TRUNCATED_TAIL', seq: 5 },
    },
    {
      name: 'a manifest whose sums are others',
      edit: (copy) => {
        const leaf = entryAt(copy, 15)
        const body = Buffer.from(leaf.body).toString().replace('"block":2', '"block":1')
        copy.entries[15] = { ...leaf, body: Buffer.from(body), hash: leafHashOf(body) }
      },
      expect: exactly('seq 6 -> manifest (entry 15) MANIFEST_FORGED', 'MANIFEST_FORGED'),
    },
  ]

type Edit = (bundle: EvidenceBundle) => EvidenceBundle

const manifest =
  (from: string | RegExp, to: string): Edit =>
  (bundle) => {
    const body = bundle.manifest.body.replace(from, to)
    return { ...bundle, manifest: { n: null, body, hash: leafHashOf(body) } }
  }

const FORGED = (place: string) => exactly(`${place} MANIFEST_FORGED`, 'MANIFEST_FORGED')

const BUNDLES: readonly { readonly name: string; readonly edit: Edit; readonly expect: Expected }[] = [
  {
    name: 'a manifest with another last entry',
    edit: manifest(/"last":"\w{64}"/, `"last":"${'ab'.repeat(32)}"`),
    expect: FORGED('seq 6 -> manifest (entry 13)'),
  },
  {
    name: 'a manifest with one entry more',
    edit: manifest('"entries":7', '"entries":8'),
    expect: FORGED('seq 6 -> manifest (entry 13)'),
  },
  {
    name: 'a manifest with one entry less',
    edit: manifest('"entries":7', '"entries":6'),
    expect: { outcome: 'tampered', only: ['MANIFEST_FORGED'] },
  },
  { name: 'a manifest with other sums', edit: manifest('"block":2', '"block":3'), expect: FORGED('seq 6 -> manifest') },
  {
    name: 'a manifest whose hash is another',
    edit: (bundle) => ({ ...bundle, manifest: { ...bundle.manifest, hash: 'ab'.repeat(32) } }),
    expect: { outcome: 'tampered', class: 'MANIFEST_FORGED', seq: 0, only: ['MANIFEST_FORGED'] },
  },
  {
    name: 'an entry that comes again at the end',
    edit: (bundle) => ({ ...bundle, entries: [...bundle.entries, ...bundle.entries.slice(2, 3)] }),
    expect: { outcome: 'tampered', class: 'INSERTED', seq: 1 },
  },
  {
    name: 'an entry that comes again at once',
    edit: (bundle) => ({ ...bundle, entries: bundle.entries.flatMap((one, at) => (at === 2 ? [one, one] : [one])) }),
    expect: { outcome: 'tampered', class: 'INSERTED', seq: 1 },
  },
  {
    name: 'a hash that is another, then an entry that claims another position',
    edit: (bundle) => ({
      ...bundle,
      disclosures: [],
      entries: bundle.entries.map((one, at) => ({
        ...one,
        hash: at === 2 ? 'ab'.repeat(32) : one.hash,
        body: at === 3 ? one.body.replace('"seq":3', '"seq":40') : one.body,
      })),
    }),
    expect: exactly('seq 2 -> 3 (entry 5) ALTERED_HASH', 'ALTERED_HASH', 'ALTERED_BODY'),
  },
  {
    name: 'places that do not ascend',
    edit: (bundle) => ({
      ...bundle,
      disclosures: [],
      entries: bundle.entries.map((one, at) => (at === 3 ? { ...one, n: 1 } : one)),
    }),
    expect: { outcome: 'tampered', class: 'REORDERED', seq: 3, n: 1, only: ['REORDERED'] },
  },
]

const one =
  (at: number, edit: (body: string) => string, rehash: boolean): Edit =>
  (bundle) => ({
    ...bundle,
    entries: bundle.entries.map((entry, index) => {
      const body = index === at ? edit(entry.body) : entry.body
      return { ...entry, body, hash: index === at && rehash ? leafHashOf(body) : entry.hash }
    }),
  })

const found = (kind: string, n: number, seq?: number): Expected => ({
  ...{ outcome: 'tampered', class: kind, n },
  ...(seq !== undefined && { seq }),
})

/** Of the entries 2, 3 and 5, each with its proof. */
const PARTS: readonly { readonly name: string; readonly edit: Edit; readonly expect: Expected }[] = [
  { name: 'nothing', edit: (bundle) => bundle, expect: { outcome: 'valid', only: [], trust: 'self-signed' } },
  { name: 'a body, its hash not made to fit', edit: one(1, otherTool, false), expect: found('ALTERED_BODY', 7) },
  { name: 'a body with its hash', edit: one(1, otherTool, true), expect: found('REWRITTEN', 7) },
  { name: 'a body that is not canonical', edit: one(1, (body) => `${body} `, true), expect: found('NON_CANONICAL', 7) },
  { name: 'a link between neighbours', edit: one(1, otherPrev, true), expect: found('ALTERED_LINK', 7, 2) },
  {
    name: 'the session of an entry',
    edit: one(1, (body) => body.replace(SESSION, OTHER), true),
    expect: found('WRONG_SESSION', 7, 2),
  },
  {
    name: 'the log of an entry',
    edit: one(1, (body) => body.replace('log/test', 'log/else'), true),
    expect: found('WRONG_LOG', 7, 2),
  },
  {
    name: 'the order',
    edit: (bundle) => ({ ...bundle, entries: bundle.entries.toReversed() }),
    expect: found('REORDERED', 7, 5),
  },
  {
    name: 'the number of one, which comes twice',
    edit: (bundle) => ({ ...bundle, entries: bundle.entries.flatMap((entry) => [entry, entry]) }),
    expect: found('REORDERED', 5, 2),
  },
  {
    name: 'a proof, which is gone',
    edit: (bundle) => ({ ...bundle, entries: bundle.entries.map(({ proof: _, ...entry }) => entry) }),
    expect: found('UNSIGNED', 7),
  },
  {
    name: 'a proof, which is another’s',
    edit: (bundle) => ({
      ...bundle,
      entries: bundle.entries.map((entry) => ({
        ...entry,
        ...(bundle.entries[0]?.proof && { proof: bundle.entries[0].proof }),
      })),
    }),
    expect: found('REWRITTEN', 7),
  },
  {
    name: 'a disclosed value',
    edit: (bundle) => ({ ...bundle, disclosures: bundle.disclosures.map((value) => ({ ...value, value: '1' })) }),
    expect: found('PAYLOAD_MISMATCH', 7, 3),
  },
  {
    name: 'the manifest’s hash',
    edit: (bundle) => ({ ...bundle, manifest: { ...bundle.manifest, hash: 'ab'.repeat(32) } }),
    expect: { outcome: 'tampered', class: 'MANIFEST_FORGED', seq: 0 },
  },
]

export async function oneCheckAlone(): Promise<Group> {
  const state = await sample()
  const { proof: _, ...signed } = await buildBundle(memoryReader(state), SESSION, [])
  const bundle: EvidenceBundle = { ...signed, proof: null, receipts: [] }
  const stores = STORES.map(({ name, edit, expect }): Case => {
    const evidence = (): Evidence => {
      const copy = copyOf(state)
      edit(copy)
      return { as: 'store', reader: memoryReader(copy), session: SESSION }
    }
    return { name: `an unsigned store: ${name}`, evidence, expect }
  })
  const bundles = BUNDLES.map(({ name, edit, expect }): Case => {
    const evidence = (): Evidence => ({ as: 'bundle', text: JSON.stringify(edit(bundle)), pins: null })
    return { name: `an unsigned bundle: ${name}`, evidence, expect }
  })
  const part = await buildBundle(memoryReader(state), SESSION, [], { only: [2, 3, 5] })
  const parts = PARTS.map(({ name, edit, expect }): Case => {
    const evidence = (): Evidence => ({ as: 'bundle', text: JSON.stringify(edit(part)), pins: PINS })
    return { name: `a part of a session: ${name}`, evidence, expect }
  })
  return { name: 'one check alone', cases: [...stores, ...bundles, ...parts] }
}
