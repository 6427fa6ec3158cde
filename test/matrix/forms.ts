import { buildBundle, type EvidenceBundle } from '../../src/ledger/bundle/bundle.ts'
import { createCosigner, privateKeyPem, type Signer, signNote } from '../../src/ledger/notes/sign.ts'
import type { LedgerReader } from '../../src/ledger/store.ts'
import { draft, SESSION } from '../support/drafts.ts'
import type { Case, Evidence, Expected, Group } from './case.ts'
import { createLogWriter, type LogState, leafHashOf, memoryReader, SIGNER } from './log.ts'
import { rewriteFrom } from './rewrite.ts'
import { fullDraft, newest, PINS, sample, storeOf } from './sample.ts'

type Edit = (bundle: EvidenceBundle) => EvidenceBundle

const tampered = (kind: string, more: Partial<Expected> = {}): Expected => ({
  ...{ outcome: 'tampered', class: kind, only: [kind] },
  ...more,
})

const manifest =
  (from: string | RegExp, to: string): Edit =>
  (bundle) => {
    const body = bundle.manifest.body.replace(from, to)
    return { ...bundle, manifest: { n: null, body, hash: leafHashOf(body) } }
  }

/** Of a manifest whose form is wrong nothing is believed: it is not even compared. */
const UNREAD = tampered('MANIFEST_FORGED', { first: 'seq start -> manifest MANIFEST_FORGED' })

/** Members of an unsigned manifest that are something else than they must be. */
const MANIFESTS: readonly { readonly name: string; readonly edit: Edit }[] = [
  { name: 'a count below zero', edit: manifest('"entries":7', '"entries":-1') },
  { name: 'a count that is text', edit: manifest('"entries":7', '"entries":"7"') },
  { name: 'a last entry that is no hash', edit: manifest(/"last":"\w{64}"/, '"last":"none"') },
  { name: 'a last entry that is a number', edit: manifest(/"last":"\w{64}"/, '"last":7') },
  { name: 'final, which is a number', edit: manifest('"final":false', '"final":0') },
  { name: 'a session that is a number', edit: manifest(/"session":"[^"]*"/, '"session":7') },
  { name: 'a log that is a number', edit: manifest(/"log":"[^"]*"/, '"log":7') },
  { name: 'counts that are a list', edit: manifest(/"counts":\{[^}]*\}/, '"counts":[]') },
  { name: 'another session', edit: manifest(/"session":"[^"]*"/, '"session":"key_b2/x"') },
  { name: 'another log', edit: manifest(/"log":"[^"]*"/, '"log":"aegis.example/x"') },
  { name: 'another version', edit: manifest('evidence/1', 'evidence/2') },
  { name: 'another kind', edit: manifest('"kind":"manifest"', '"kind":"boot"') },
]

const ERASURE = {
  ...{ authority: 'GDPR 17', by: 'key_admin', gw: 'gw-1', kind: 'erase', paths: ['params'], reason: 'asked for' },
  ...{ refs: [7], ts: '2026-04-06T14:22:00.000Z', v: 'aegis-evidence/1' },
}

/** An erasure that comes with an unsigned bundle, with these members; its text is canonical. */
function erasure(change: object): Edit {
  return (bundle) => {
    const members = Object.entries({ ...ERASURE, log: bundle.origin, session: bundle.session, ...change })
    const body = JSON.stringify(Object.fromEntries(members.sort(([one], [other]) => (one < other ? -1 : 1))))
    return { ...bundle, disclosures: [], erasures: [{ n: 14, body, proof: null }] }
  }
}

const NO_ERASURE: Expected = { outcome: 'tampered', class: 'REWRITTEN', n: 14, only: ['REWRITTEN'] }
const MANY = Array.from({ length: 1025 }, (_, n) => n)

const ERASURES: readonly { readonly name: string; readonly edit: Edit; readonly expect: Expected }[] = [
  { name: 'as it must be', edit: erasure({}), expect: { outcome: 'valid', class: 'ERASED', n: 7, only: ['ERASED'] } },
  { name: 'of no entry', edit: erasure({ refs: [] }), expect: NO_ERASURE },
  { name: 'of what is no list', edit: erasure({ refs: 7 }), expect: NO_ERASURE },
  { name: 'of too many entries', edit: erasure({ refs: MANY }), expect: NO_ERASURE },
  { name: 'of an entry below zero', edit: erasure({ refs: [7, -1] }), expect: NO_ERASURE },
  { name: 'of an entry that is text', edit: erasure({ refs: [7, '8'] }), expect: NO_ERASURE },
  { name: 'of no value', edit: erasure({ paths: [] }), expect: NO_ERASURE },
  { name: 'of values that are no list', edit: erasure({ paths: 'params' }), expect: NO_ERASURE },
  { name: 'of a value there is none of', edit: erasure({ paths: ['params', 'everything'] }), expect: NO_ERASURE },
  { name: 'of a value that is a number', edit: erasure({ paths: ['params', 7] }), expect: NO_ERASURE },
  { name: 'of another session', edit: erasure({ session: 'key_b2/x' }), expect: NO_ERASURE },
  { name: 'of another log', edit: erasure({ log: 'aegis.example/x' }), expect: NO_ERASURE },
  { name: 'of another version', edit: erasure({ v: 'aegis-evidence/2' }), expect: NO_ERASURE },
  { name: 'of another kind', edit: erasure({ kind: 'prune' }), expect: NO_ERASURE },
  ...['reason', 'authority', 'by', 'ts'].map((name) => ({
    name: `whose ${name} is a number`,
    edit: erasure({ [name]: 7 }),
    expect: NO_ERASURE,
  })),
]

const WITNESS = createCosigner('witness.example/w', privateKeyPem(Buffer.alloc(32, 21)), () => 1_775_000_000)
const OTHER_WITNESS = createCosigner('witness.example/o', privateKeyPem(Buffer.alloc(32, 22)), () => 1_775_000_000)
const WITNESSED = `${PINS}${WITNESS.vkey}\n`

const textOf = (note: string) => note.slice(0, note.lastIndexOf('\n\n') + 1)
const lineOf = (note: string) => note.slice(note.lastIndexOf('\n\n') + 2).trimEnd()

/** The line by which this witness signs the checkpoint. */
async function cosigned(note: string, witness: Signer): Promise<string> {
  return lineOf(await signNote(textOf(note), [witness]))
}

type Receipt = EvidenceBundle['receipts'][number]

/** Receipts that lie with a bundle, of its checkpoint with this note. */
const RECEIPTS: readonly {
  readonly name: string
  readonly receipt: (note: string, size: number) => Promise<Receipt>
  readonly pins?: string
  readonly expect: Expected
}[] = [
  {
    name: 'a pinned witness',
    receipt: async (note, size) => ({ sink: 'witness', size, receipt: await cosigned(note, WITNESS) }),
    expect: { outcome: 'valid', only: [], trust: 'witnessed(1/1)' },
  },
  {
    name: 'a witness that nobody pinned',
    receipt: async (note, size) => ({ sink: 'witness', size, receipt: await cosigned(note, OTHER_WITNESS) }),
    expect: { outcome: 'valid', only: [], trust: 'self-signed' },
  },
  {
    name: 'a pinned witness, of another size',
    receipt: async (note, size) => ({ sink: 'witness', size: size - 1, receipt: await cosigned(note, WITNESS) }),
    expect: { outcome: 'valid', only: [], trust: 'self-signed' },
  },
  {
    name: 'a line of a pinned witness that is not its signature',
    receipt: async (note, size) => {
      const line = await cosigned(note, WITNESS)
      return { sink: 'witness', size, receipt: `${line.slice(0, -12)}AAAAAAAAAA==` }
    },
    expect: { outcome: 'tampered', class: 'BAD_SIGNATURE' },
  },
  {
    name: 'words',
    receipt: async (_, size) => ({ sink: 'file', size, receipt: 'kept at 0+181' }),
    expect: { outcome: 'valid', only: [], trust: 'self-signed' },
  },
  {
    name: 'the same checkpoint with a line more',
    receipt: async (note, size) => {
      const line = await cosigned(note, OTHER_WITNESS)
      return { sink: 'git', size, receipt: 'kept', note: `${note}${line}\n` }
    },
    expect: { outcome: 'valid', only: [], trust: 'self-signed' },
  },
  {
    name: 'another root for the same size, signed with the stolen key',
    receipt: async (note, size) => {
      const text = textOf(note).replace(/\n[A-Za-z0-9+/=]{44}\n$/, `\n${Buffer.alloc(32, 5).toString('base64')}\n`)
      return { sink: 'git', size, receipt: 'kept', note: await signNote(text, [SIGNER]) }
    },
    expect: { outcome: 'tampered', class: 'FORK' },
  },
]

/** What an honest gateway writes, and what somebody made of it: each a story of its own. */
interface Story {
  readonly name: string
  readonly state: () => Promise<LogState>
  readonly ask?: string | null
  readonly pins?: string | null
  readonly expect: Expected
}

const MORE_THAN_LISTED = 2100

/** Every second entry is older than the one before: there are more remarks than a report lists. */
async function remarks(): Promise<LogState> {
  const writer = createLogWriter()
  for (let index = 0; index < 2 * MORE_THAN_LISTED; index += 1) {
    writer.at(`2026-04-06T14:22:0${index % 2 === 0 ? 1 : 0}.000Z`)
    writer.append(draft())
  }
  const state = writer.state()
  const last = state.entries.at(-1)
  if (last === undefined) throw new Error('nothing was written')
  state.entries[last.n] = { ...last, body: Buffer.from(Buffer.from(last.body).toString().replace('github.', 'other.')) }
  return state
}

async function open(final: boolean): Promise<LogState> {
  const writer = createLogWriter()
  writer.append(draft({ effect: 'forward' }), draft())
  await writer.manifest(SESSION, final)
  await writer.sign()
  return writer.state()
}

async function reopened(): Promise<LogState> {
  const writer = createLogWriter()
  writer.append(draft())
  await writer.manifest(SESSION, true)
  writer.append(draft({ kind: 'approve', effect: null }))
  await writer.sign()
  return writer.state()
}

/** Of four blocks of leaves the last is not full: its half of the tree is not either. */
async function ragged(): Promise<LogState> {
  const writer = createLogWriter()
  for (let index = 0; index < 900; index += 1) writer.append(draft())
  await writer.sign()
  return writer.state()
}

/** A body of half the bytes that one may have. */
async function long(): Promise<LogState> {
  const writer = createLogWriter()
  const findings = Array.from(
    { length: 64 },
    (_, index) => ({ name: `${index}`.padEnd(192, 'x'), verdict: 'allow' }) as const,
  )
  writer.append(draft({ findings }))
  await writer.sign()
  return writer.state()
}

const ABROAD = 'Zürich'

async function abroad(stored: string): Promise<LogState> {
  const writer = createLogWriter()
  writer.append(draft({ actor: { agent: 'claude-code', subject: 'key_a1', tenant: ABROAD } }))
  await writer.sign()
  const state = writer.state()
  for (const [id, head] of state.sessions) state.sessions.set(id, { ...head, tenant: stored })
  return state
}

/** Version 2 of the format, by a gateway that is newer than this verifier. */
async function newer(): Promise<LogState> {
  const writer = createLogWriter()
  for (let index = 0; index < 3; index += 1) writer.append(fullDraft(index))
  const state = writer.state()
  rewriteFrom(state, 2, (body) => body.replace('evidence/1', 'evidence/2'))
  return state
}

async function unsignedTree(): Promise<LogState> {
  const writer = createLogWriter()
  writer.append(draft(), draft())
  const state = writer.state()
  return { ...state, log: { ...state.log, frontier: Buffer.alloc(32, 1) } }
}

async function elsewhereErased(): Promise<LogState> {
  const writer = createLogWriter()
  writer.append(fullDraft(0))
  const words = { session: 'key_b2/x', reason: 'asked for', authority: 'GDPR 17', by: 'key_admin' }
  // The row names the session that is asked for, the leaf itself another.
  writer.leaf(
    'erase',
    { ...words, refs: [0], paths: ['params'] },
    { session: SESSION, erased: [{ n: 0, path: 'params' }] },
  )
  await writer.sign()
  return writer.state()
}

const STORIES: readonly Story[] = [
  {
    name: 'more remarks than are listed, then damage',
    state: remarks,
    pins: null,
    expect: { outcome: 'tampered', first: 'seq 4199 -> 4200 (entry 4199) ALTERED_BODY' },
  },
  {
    name: 'an intent that is open as the manifest says',
    state: () => open(false),
    expect: { outcome: 'valid', class: 'UNRESOLVED', seq: 0, only: ['UNRESOLVED'] },
  },
  {
    name: 'an intent that is open as the final manifest says',
    state: () => open(true),
    expect: { outcome: 'valid', class: 'UNRESOLVED', seq: 0, only: ['UNRESOLVED'] },
  },
  { name: 'a session that was closed and went on', state: reopened, expect: { outcome: 'valid', only: [] } },
  { name: 'three blocks and a half', state: ragged, expect: { outcome: 'valid', only: [], trust: 'self-signed' } },
  { name: 'a body of 14 KiB', state: long, expect: { outcome: 'valid', only: [] } },
  { name: 'a tenant abroad', state: () => abroad(ABROAD), expect: { outcome: 'valid', only: [] } },
  {
    name: 'a tenant abroad, byte by byte',
    state: () => abroad(Buffer.from(ABROAD).toString('latin1')),
    expect: { outcome: 'valid', only: [] },
  },
  {
    name: 'a tenant abroad, otherwise',
    state: () => abroad('Zurich'),
    expect: tampered('PROJECTION_MISMATCH'),
  },
  { name: 'a format of the future', state: newer, pins: null, expect: { outcome: 'undecided', only: [] } },
  {
    name: 'another tree in the head row of a log that nobody signed, which is for the whole log to find',
    state: unsignedTree,
    expect: { outcome: 'below', only: [] },
  },
  {
    name: 'another tree in the head row of a log that nobody signed: the whole log',
    state: unsignedTree,
    ask: null,
    expect: tampered('PROJECTION_MISMATCH'),
  },
  {
    name: 'an erasure of another session in a row of this one',
    state: elsewhereErased,
    expect: { outcome: 'tampered', class: 'PAYLOAD_MISSING', n: 0, only: ['PAYLOAD_MISSING'] },
  },
]

function told({ name, state, ask = SESSION, pins = PINS, expect }: Story): Case {
  const evidence = async (): Promise<Evidence> => {
    const made = await state()
    const unasked: Evidence = { as: 'store', reader: memoryReader(made), session: ask }
    return pins === null ? unasked : storeOf(made, { session: ask, pins })
  }
  return { name, evidence, expect }
}

function headless(state: LogState): LedgerReader {
  return { ...memoryReader(state), head: async () => null }
}

export async function forms(): Promise<Group> {
  const state = await sample()
  const signed = await buildBundle(memoryReader(state), SESSION, [])
  const bundle: EvidenceBundle = { ...signed, proof: null, receipts: [] }
  const unsigned = (edit: Edit) => (): Evidence => ({ as: 'bundle', text: JSON.stringify(edit(bundle)), pins: null })
  const checkpoint = newest(state)
  const receipts = RECEIPTS.map(({ name, receipt, pins = WITNESSED, expect }): Case => {
    const evidence = async (): Promise<Evidence> => {
      const receipts = [await receipt(checkpoint.note, checkpoint.size)]
      return { as: 'bundle', text: JSON.stringify({ ...signed, receipts }), pins }
    }
    return { name: `a receipt: ${name}`, evidence, expect }
  })
  const { proof: _, receipts: __, erasures: ___, keys: ____, ...members } = bundle
  const old = (format: string): Evidence => ({ as: 'bundle', text: JSON.stringify({ ...members, format }), pins: null })
  return {
    name: 'forms',
    cases: [
      ...MANIFESTS.map(
        ({ name, edit }): Case => ({ name: `a manifest: ${name}`, evidence: unsigned(edit), expect: UNREAD }),
      ),
      ...ERASURES.map(
        ({ name, edit, expect }): Case => ({ name: `an erasure ${name}`, evidence: unsigned(edit), expect }),
      ),
      ...receipts,
      ...STORIES.map(told),
      ...[SESSION, null].map(
        (session): Case => ({
          name: `a store that holds no log: ${session ?? 'the whole log'}`,
          evidence: () => ({ as: 'store', session, reader: headless(state), pins: PINS }),
          expect: { outcome: 'refused' },
        }),
      ),
      {
        name: 'the format of before logs were signed',
        evidence: () => old('aegis-evidence-bundle/1'),
        expect: { outcome: 'valid', only: [] },
      },
      {
        name: 'a format of nobody with the members of that',
        evidence: () => old('aegis-evidence-bundle/0'),
        expect: { outcome: 'refused' },
      },
    ],
  }
}
