import { buildBundle, type EvidenceBundle } from '../../src/ledger/bundle/bundle.ts'
import { formatSignatureLine } from '../../src/ledger/notes/note.ts'
import { createCosigner, privateKeyPem, type Signer, signNote } from '../../src/ledger/notes/sign.ts'
import { parseVkey } from '../../src/ledger/notes/vkey.ts'
import { SESSION } from '../support/drafts.ts'
import type { Case, Evidence, Expected, Group } from './case.ts'
import { type LogState, memoryReader, SIGNER, STRANGER } from './log.ts'
import { newest, PINS, sample, storeOf } from './sample.ts'

const WITNESS = createCosigner('witness.example/w', privateKeyPem(Buffer.alloc(32, 21)), () => 1_775_000_000)

const textOf = (note: string) => note.slice(0, note.lastIndexOf('\n\n') + 1)
const base64 = (bytes: number) => Buffer.alloc(bytes, 3).toString('base64')

/** Signs whatever it is given, as nobody who is honest does. */
async function signedRaw(text: string, signer: Signer): Promise<string> {
  const key = parseVkey(signer.vkey)
  if (key === null) throw new Error('no key')
  const { name, id } = key
  return `${text}\n${formatSignatureLine({ name, id, signature: await signer.sign(Buffer.from(text)) })}\n`
}

/** Beside the good signature of the pinned key, which alone would do. */
interface Spelling {
  readonly name: string
  readonly note: (honest: string) => string | Promise<string>
}

/** Lines of keys that nobody pinned say nothing, but a note is one only where all of its lines are lines. */
const NO_NOTES: readonly Spelling[] = [
  { name: 'a line more, with another dash', note: (note) => `${note}- a.example ${base64(70)}\n` },
  { name: 'a line more, of four words', note: (note) => `${note}— a.example ${base64(70)} more\n` },
  { name: 'a line more, of a name that is none', note: (note) => `${note}— a+example ${base64(70)}\n` },
  { name: 'a line more, in no base64', note: (note) => `${note}— a.example ${base64(70)}=\n` },
  { name: 'a line more, without a signature', note: (note) => `${note}— a.example ${base64(4)}\n` },
  { name: 'a line more, which does not end', note: (note) => `${note}— a.example ${base64(69)}x` },
  { name: 'a hundred lines more', note: (note) => `${note}${`— a.example ${base64(70)}\n`.repeat(100)}` },
  { name: 'a line more, of 128 KiB', note: (note) => `${note}— a.example ${base64(3 * 32 * 1024)}\n` },
  { name: 'an empty line more in the text', note: (note) => signedRaw(`${textOf(note)}\n`, SIGNER) },
]

const STRANGERS: readonly Spelling[] = [
  { name: 'ninety-nine lines more', note: (note) => `${note}${`— a.example ${base64(70)}\n`.repeat(99)}` },
  { name: 'a line more, of a signature of one byte', note: (note) => `${note}— a.example ${base64(5)}\n` },
]

type Proof = (proof: string) => string

const withoutNote: Proof = (proof) => `${proof.slice(0, proof.indexOf('\n\n'))}\n`
const before =
  (line: string): Proof =>
  (proof) =>
    proof.replace('index 15\n', `${line}index 15\n`)

const VALID: Expected = { outcome: 'valid', only: [], trust: 'self-signed' }
const BAD: Expected = { outcome: 'tampered', only: ['BAD_SIGNATURE'] }
const FORGED: Expected = { outcome: 'tampered', only: ['MANIFEST_FORGED'] }

const PROOFS: readonly { readonly name: string; readonly proof: Proof; readonly expect: Expected }[] = [
  { name: 'with an extra line', proof: before('extra AAAA\n'), expect: VALID },
  { name: 'with an extra line in no base64', proof: before('extra A\n'), expect: FORGED },
  { name: 'with two extra lines', proof: before('extra AAAA\nextra AAAA\n'), expect: FORGED },
  { name: 'without a checkpoint', proof: withoutNote, expect: FORGED },
  {
    name: 'with a line that is no hash',
    proof: (text) => text.replace('index 15\n', 'index 15\nAAAA\n'),
    expect: FORGED,
  },
  { name: 'with a line in no base64', proof: (text) => text.replace('index 15\n', 'index 15\nA\n'), expect: FORGED },
]

const REFUSED: Expected = { outcome: 'refused' }
const [NAME = '', ID = '', ...MATERIAL] = SIGNER.vkey.split('+')
const KEY = MATERIAL.join('+')
const bytes = (edit: (material: Buffer) => Buffer) => edit(Buffer.from(KEY, 'base64')).toString('base64')

/** Lines of a `log.vkey`. Where one of them is no key, none is believed: whoever made the file meant something by it. */
const KEYS: readonly { readonly name: string; readonly pins: string; readonly expect: Expected }[] = [
  { name: 'a key with its last size', pins: `${SIGNER.vkey} 0 16`, expect: VALID },
  { name: 'a key with its only size', pins: `${SIGNER.vkey} 16 16 # rotated`, expect: VALID },
  { name: 'a comment alone', pins: '# none yet\n', expect: REFUSED },
  { name: 'nothing', pins: '', expect: REFUSED },
  { name: 'more than 64 KiB', pins: `${PINS}#${' '.repeat(64 * 1024)}`, expect: REFUSED },
  { name: 'a line that is no key', pins: `${PINS}key`, expect: REFUSED },
  { name: 'a key without its id', pins: `${PINS}${NAME}+${KEY}`, expect: REFUSED },
  {
    name: 'a key with another id',
    pins: `${PINS}${NAME}+${ID.replace(/./, (digit) => (digit === '0' ? '1' : '0'))}+${KEY}`,
    expect: REFUSED,
  },
  { name: 'a key without a name', pins: `${PINS}+${ID}+${KEY}`, expect: REFUSED },
  { name: 'a key in no base64', pins: `${PINS}${NAME}+${ID}+${KEY}=`, expect: REFUSED },
  {
    name: 'a key of another kind',
    pins: `${PINS}${NAME}+${ID}+${bytes((key) => Buffer.concat([Buffer.of(9), key.subarray(1)]))}`,
    expect: REFUSED,
  },
  { name: 'a key of 31 bytes', pins: `${PINS}${NAME}+${ID}+${bytes((key) => key.subarray(0, 32))}`, expect: REFUSED },
  { name: 'a key twice', pins: `${PINS}${PINS}`, expect: REFUSED },
  { name: 'a first size that is none', pins: `${SIGNER.vkey} first`, expect: REFUSED },
  { name: 'a last size that is none', pins: `${SIGNER.vkey} 0 last`, expect: REFUSED },
  { name: 'sizes that run backwards', pins: `${SIGNER.vkey} 16 15`, expect: REFUSED },
  { name: 'a word too many', pins: `${SIGNER.vkey} 0 16 17`, expect: REFUSED },
]

/** What an anchor gives back, and what is said of it. */
const ANCHORED: readonly (Spelling & { readonly expect: Expected })[] = [
  { name: 'what is no note', note: (note) => `${note}no signature\n`, expect: BAD },
  { name: 'a checkpoint that nobody signed', note: textOf, expect: { outcome: 'tampered', only: ['UNSIGNED'] } },
  {
    name: 'a checkpoint that a stranger signed',
    note: (note) => signNote(textOf(note), [STRANGER]),
    expect: { outcome: 'tampered', only: ['WRONG_KEY'] },
  },
]

/** Lines of the pinned witness that are too short to be one. */
function cosignature(length: number): string {
  const key = parseVkey(WITNESS.vkey)
  return formatSignatureLine({ name: key?.name ?? '', id: key?.id ?? '', signature: Buffer.alloc(length, 1) })
}

export async function texts(): Promise<Group> {
  const state = await sample()
  const bundle = await buildBundle(memoryReader(state), SESSION, [])
  const pinnedBundle = (more: Partial<EvidenceBundle>, pins = PINS): Evidence => ({
    as: 'bundle',
    text: JSON.stringify({ ...bundle, ...more }),
    pins,
  })
  const { note: honest, size } = newest(state)
  const noted = (list: readonly Spelling[], expect: Expected) =>
    list.flatMap(({ name, note }): Case[] => [
      {
        name: `a checkpoint with ${name}: a bundle`,
        evidence: async () => pinnedBundle({ proof: bundle.proof?.replace(honest, await note(honest)) ?? null }),
        expect,
      },
      {
        name: `a checkpoint with ${name}: a store`,
        evidence: async () => storeOf(withNote(state, await note(honest))),
        expect,
      },
    ])
  const proofs = PROOFS.map(
    ({ name, proof, expect }): Case => ({
      name: `a proof ${name}`,
      evidence: () => pinnedBundle({ proof: proof(bundle.proof ?? '') }),
      expect,
    }),
  )
  const keys = KEYS.map(({ name, pins, expect }): Case => ({ name, evidence: () => pinnedBundle({}, pins), expect }))
  const anchored = ANCHORED.map(
    ({ name, note, expect }): Case => ({
      name: `an anchor that holds ${name}`,
      evidence: async () => storeOf(state, { anchors: [{ by: 'place', sink: 'file', note: await note(honest) }] }),
      expect,
    }),
  )
  const short = [1, 8, 71, 73].map(
    (length): Case => ({
      name: `a receipt: a line of a pinned witness of ${length} bytes`,
      evidence: () =>
        pinnedBundle({ receipts: [{ sink: 'witness', size, receipt: cosignature(length) }] }, `${PINS}${WITNESS.vkey}`),
      expect: BAD,
    }),
  )
  return {
    name: 'T6 texts of notes, proofs and keys',
    cases: [
      ...noted(NO_NOTES, BAD),
      ...noted(STRANGERS, VALID),
      ...proofs,
      ...keys,
      ...anchored,
      ...short,
      ...pinning(state, bundle),
    ],
  }
}

function withNote(state: LogState, note: string): LogState {
  return { ...state, checkpoints: [...state.checkpoints.slice(0, -1), { ...newest(state), note }] }
}

/** Whose keys are at hand, and whether a person named them for this. */
function pinning(state: LogState, bundle: EvidenceBundle): Case[] {
  const elsewhere = createCosigner('aegis.example/log/other', privateKeyPem(Buffer.alloc(32, 11)), () => 0).vkey
  const text = JSON.stringify(bundle)
  const both = (name: string, pins: string, found: boolean, expect: Expected): Case[] => [
    { name: `${name}: a bundle`, evidence: () => ({ as: 'bundle', text, pins, found }), expect },
    { name: `${name}: a store`, evidence: () => storeOf(state, { pins, found }), expect },
  ]
  const witnessed: Case = {
    name: 'a checkpoint that only a pinned witness signed',
    evidence: async () => ({
      ...{ as: 'bundle', pins: `${PINS}${WITNESS.vkey}` },
      text: JSON.stringify({
        ...bundle,
        proof: bundle.proof?.replace(newest(state).note, await signNote(textOf(newest(state).note), [WITNESS])),
      }),
    }),
    expect: { outcome: 'tampered', only: ['WRONG_KEY'] },
  }
  return [
    witnessed,
    ...both('a key of this log that was at hand', PINS, true, VALID),
    ...both('keys of another log that were at hand', elsewhere, true, { outcome: 'undecided', only: [] }),
    ...both('keys of another log that were named', elsewhere, false, { outcome: 'tampered', only: ['WRONG_KEY'] }),
  ]
}
