import { buildBundle, type EvidenceBundle } from '../../src/ledger/bundle/bundle.ts'
import { SESSION } from '../support/drafts.ts'
import type { Case, Evidence, Expected, Group } from './case.ts'
import { copyOf, createLogWriter, type LogState, leafHashOf, memoryReader } from './log.ts'
import { ENTRIES, fullDraft, OTHER, PINS, sample, storeOf } from './sample.ts'

interface Erasing {
  readonly refs?: readonly number[]
  readonly paths?: readonly string[]
  readonly session?: string
  readonly log?: string
  readonly kind?: string
  /** Is the value really gone? Default: yes. */
  readonly keep?: true
  readonly change?: (body: string) => string
}

/** Seven entries at `n` 0 to 6; the value of the fourth is erased. */
async function erased({
  refs = [3],
  paths = ['params'],
  session = SESSION,
  log,
  keep,
  change = same,
}: Erasing): Promise<LogState> {
  const writer = createLogWriter()
  for (let index = 0; index < ENTRIES; index += 1) writer.append(fullDraft(index))
  const words = { session, reason: 'a person asked for it', authority: 'GDPR 17', by: 'key_admin' }
  const gone = keep === true ? [] : [{ n: 3, path: 'params' }]
  writer.leaf('erase', { ...words, refs: [...refs], paths: [...paths] }, { session, erased: gone })
  await writer.sign()
  const state = writer.state()
  const last = state.entries.at(-1)
  if (last === undefined) throw new Error('no leaf')
  const text = Buffer.from(last.body).toString()
  const body = Buffer.from(log === undefined ? change(text) : text.replace(state.log.origin, log))
  if (!body.equals(last.body)) state.entries[ENTRIES] = { ...last, body, hash: leafHashOf(body) }
  return state
}

const same = (text: string) => text
const ERASED: Expected = { outcome: 'valid', class: 'ERASED', seq: 3, n: 3, only: ['ERASED'], trust: 'self-signed' }
const MISSING: Expected = { outcome: 'tampered', class: 'PAYLOAD_MISSING', seq: 3, n: 3 }
const REPLACED: Expected = { outcome: 'tampered', class: 'REWRITTEN' }

const ERASURES: readonly { readonly name: string; readonly how: Erasing; readonly expect: Expected }[] = [
  { name: 'a value that was erased', how: {}, expect: ERASED },
  { name: 'a value that was erased with others', how: { refs: [1, 3], paths: ['params', 'result'] }, expect: ERASED },
  { name: 'an erasure of another entry', how: { refs: [4] }, expect: MISSING },
  { name: 'an erasure of another value', how: { paths: ['result'] }, expect: MISSING },
  { name: 'an erasure of another session', how: { session: OTHER }, expect: MISSING },
  { name: 'an erasure of another log', how: { log: 'aegis.example/x' }, expect: MISSING },
  { name: 'an erasure that names no value', how: { paths: [] }, expect: MISSING },
  { name: 'an erasure that names no entry', how: { refs: [] }, expect: MISSING },
  { name: 'an erasure that names a value there is none of', how: { paths: ['everything'] }, expect: MISSING },
  { name: 'an erasure of minus one', how: { refs: [-1, 3] }, expect: MISSING },
  { name: 'an erasure recorded before the value went', how: { keep: true }, expect: { outcome: 'valid', only: [] } },
  {
    name: 'an erasure made up after the signing',
    how: { change: (body) => body.replace('GDPR 17', 'nobody') },
    expect: REPLACED,
  },
  {
    name: 'an erasure of another version',
    how: { change: (body) => body.replace('evidence/1', 'evidence/9') },
    expect: MISSING,
  },
  {
    name: 'an erasure that calls itself otherwise',
    how: { change: (body) => body.replace('"kind":"erase"', '"kind":"erasure"') },
    expect: MISSING,
  },
  { name: 'an erasure that is not canonical', how: { change: (body) => `${body} ` }, expect: MISSING },
  ...['reason', 'authority', 'by', 'ts'].map((name) => ({
    name: `an erasure without its ${name}`,
    how: { change: (body: string) => body.replace(new RegExp(`,?"${name}":"[^"]*"`), '').replace('{,', '{') },
    expect: MISSING,
  })),
]

type Edit = (bundle: EvidenceBundle) => EvidenceBundle

const BUNDLES: readonly {
  readonly name: string
  readonly edit: Edit
  readonly expect: Expected
  readonly pins?: null
}[] = [
  { name: 'an erased value', edit: (bundle) => bundle, expect: ERASED },
  { name: 'an erased value, no key pinned', edit: (bundle) => bundle, pins: null, expect: { outcome: 'undecided' } },
  {
    name: 'a value that is withheld',
    edit: (bundle) => ({ ...bundle, disclosures: [], erasures: [] }),
    expect: { outcome: 'valid', only: [] },
  },
  { name: 'an erasure of another place', edit: withErasure((one) => ({ ...one, n: 6 })), expect: REPLACED },
  {
    name: 'an erasure with another authority',
    edit: withErasure((one) => ({ ...one, body: one.body.replace('GDPR', 'nobody') })),
    expect: REPLACED,
  },
  {
    name: 'an erasure of another session',
    edit: withErasure((one) => ({ ...one, body: one.body.replace(SESSION, OTHER) })),
    expect: REPLACED,
  },
  {
    name: 'an erasure with no proof at all',
    edit: withErasure((one) => ({ ...one, proof: 'none' })),
    expect: REPLACED,
  },
  {
    name: 'a guessed value',
    edit: guess('{"title":"value 3"}'),
    expect: { outcome: 'tampered', class: 'PAYLOAD_MISMATCH', n: 3 },
  },
  {
    name: 'another value of the same salt',
    edit: (bundle) => ({
      ...bundle,
      disclosures: bundle.disclosures.map((one) => ({ ...one, value: '{"title":"other"}' })),
    }),
    expect: { outcome: 'tampered', class: 'PAYLOAD_MISMATCH' },
  },
  {
    name: 'a value under another path',
    edit: (bundle) => ({ ...bundle, disclosures: bundle.disclosures.map((one) => ({ ...one, path: 'result' })) }),
    expect: { outcome: 'tampered', class: 'PAYLOAD_MISMATCH' },
  },
  {
    name: 'a value under the path `__proto__`',
    edit: (bundle) => ({ ...bundle, disclosures: bundle.disclosures.map((one) => ({ ...one, path: 'constructor' })) }),
    expect: { outcome: 'tampered', class: 'PAYLOAD_MISMATCH' },
  },
]

function withErasure(edit: (one: EvidenceBundle['erasures'][number]) => EvidenceBundle['erasures'][number]): Edit {
  return (bundle) => ({ ...bundle, erasures: bundle.erasures.map(edit) })
}

function guess(value: string): Edit {
  return (bundle) => ({
    ...bundle,
    disclosures: [...bundle.disclosures, { n: 3, path: 'params', salt: '0'.repeat(64), value }],
  })
}

export async function erasing(): Promise<Group> {
  const stored = ERASURES.map(
    ({ name, how, expect }): Case => ({
      name: `a store: ${name}`,
      evidence: async () => storeOf(await erased(how)),
      expect:
        expect === MISSING && how.change === undefined && how.log === undefined
          ? { ...MISSING, only: ['PAYLOAD_MISSING'] }
          : expect,
    }),
  )
  const bundle = await buildBundle(memoryReader(await erased({})), SESSION, [])
  const bundles = BUNDLES.map(
    ({ name, edit, expect, pins = PINS }): Case => ({
      name: `a bundle: ${name}`,
      evidence: (): Evidence => ({ as: 'bundle', text: JSON.stringify(edit(bundle)), pins }),
      expect,
    }),
  )
  return { name: 'T15 erased, disclosed, guessed', cases: [...stored, ...bundles, ...(await resalted())] }
}

async function resalted(): Promise<Case[]> {
  const honest = await sample()
  const salts: readonly { readonly name: string; readonly salt: (salt: Uint8Array) => Uint8Array }[] = [
    { name: 'another salt', salt: () => Buffer.alloc(32, 1) },
    { name: 'no salt', salt: () => new Uint8Array() },
    { name: 'a longer salt', salt: (salt) => Buffer.concat([salt, Uint8Array.of(1)]) },
  ]
  return salts.map(({ name, salt }) => ({
    name: `a store: a value under ${name}`,
    evidence: () => {
      const copy = copyOf(honest)
      copy.payloads = copy.payloads.map((one) => ({ ...one, salt: salt(one.salt) }))
      return storeOf(copy)
    },
    expect: { outcome: 'tampered', class: 'PAYLOAD_MISMATCH', seq: 0 },
  }))
}
