import { buildBundle, type EvidenceBundle } from '../../src/ledger/bundle/bundle.ts'
import { createSigner, privateKeyPem, type Signer, signNote } from '../../src/ledger/notes/sign.ts'
import { SESSION } from '../support/drafts.ts'
import { ORIGIN } from '../support/evidence-store.ts'
import type { Case, Evidence, Expected, Group } from './case.ts'
import { copyOf, type LogState, leafHashOf, memoryReader, SIGNER, STRANGER } from './log.ts'
import { newest, PINS, sample, storeOf } from './sample.ts'

const ELSEWHERE = createSigner('aegis.example/log/other', privateKeyPem(Buffer.alloc(32, 11)))
const SIZE = 16

/** What a forger does to the signed note, and which keys the verifier has pinned. */
interface Forgery {
  readonly name: string
  readonly note?: (honest: string, older: string) => string | Promise<string>
  readonly pins?: string | null
  readonly store: Expected
  /** Default: the same as in a store. */
  readonly bundle?: Expected
  readonly keys?: readonly string[]
}

const textOf = (note: string) => note.slice(0, note.lastIndexOf('\n\n') + 1)
const linesOf = (note: string) => note.slice(note.lastIndexOf('\n\n') + 1)
const again =
  (edit: (text: string) => string, ...signers: Signer[]) =>
  (note: string) =>
    signNote(edit(textOf(note)), signers)
const same = (text: string) => text
const unsigned = (edit: (text: string) => string) => (note: string) => edit(textOf(note)) + linesOf(note)
const sized = (size: string) => (text: string) => text.replace(`\n${SIZE}\n`, `\n${size}\n`)
const rooted = (text: string) =>
  text.replace(/\n[A-Za-z0-9+/=]{44}\n$/, `\n${Buffer.alloc(32, 5).toString('base64')}\n`)
/** Digits of the signature change, its key id and its padding stay. */
const spoiled = (note: string) =>
  note.replace(/.{8}(=*)\n$/, (end) => (end.startsWith('AAAAAAAA') ? end.replace('A', 'B') : `AAAAAAAA${end.slice(8)}`))

const faulty = (kind: string): Expected => ({ outcome: 'tampered', class: kind })
const BAD = faulty('BAD_SIGNATURE')
const WRONG = faulty('WRONG_KEY')
const UNDECIDED: Expected = { outcome: 'undecided', only: [] }

const FORGERIES: readonly Forgery[] = [
  { name: 'nothing is forged', store: { outcome: 'valid', only: [], trust: 'self-signed' } },
  { name: 'signed by a stranger of the same name', note: again(same, STRANGER), store: WRONG },
  { name: 'only a stranger is pinned', pins: STRANGER.vkey, store: WRONG },
  { name: 'no key is pinned', pins: null, store: UNDECIDED },
  { name: 'the key is only in the bundle', pins: null, keys: [SIGNER.vkey], store: UNDECIDED },
  { name: 'the key’s time is over', pins: `${SIGNER.vkey} 0 ${SIZE - 1}`, store: WRONG },
  { name: 'the key’s time has not come', pins: `${SIGNER.vkey} ${SIZE + 1}`, store: WRONG },
  { name: 'a signature that is not one', note: spoiled, store: BAD },
  { name: 'the signature is cut off', note: textOf, store: faulty('UNSIGNED') },
  { name: 'the signature of an older checkpoint', note: (note, older) => textOf(note) + linesOf(older), store: BAD },
  { name: 'one entry more, not signed again', note: unsigned(sized('17')), store: BAD },
  { name: 'one entry less, not signed again', note: unsigned(sized('15')), store: BAD },
  { name: 'another root, not signed again', note: unsigned(rooted), store: BAD },
  {
    name: 'another log, not signed again',
    note: unsigned((text) => text.replace(ORIGIN, 'aegis.example/x')),
    store: faulty('WRONG_LOG'),
  },
  {
    name: 'another log’s checkpoint, by that log’s pinned key',
    note: again((text) => text.replace(ORIGIN, 'aegis.example/log/other'), ELSEWHERE),
    pins: `${PINS}${ELSEWHERE.vkey}`,
    store: faulty('WRONG_LOG'),
  },
  {
    name: 'a known key’s bad line beside a pinned key’s good one',
    note: async (note) => spoiled(note) + linesOf(await signNote(textOf(note), [STRANGER])).slice(1),
    pins: `${PINS}${STRANGER.vkey}`,
    store: BAD,
  },
  { name: 'a line that is no signature', note: (note) => `${note}not a signature\n`, store: BAD },
  { name: 'a line more in the text, signed', note: again((text) => `${text}extension\n`, SIGNER), store: BAD },
  { name: 'a size with a leading zero, signed', note: again(sized('016'), SIGNER), store: BAD },
  {
    name: 'one entry more, signed by the stolen key',
    note: again(sized('17'), SIGNER),
    store: faulty('ROLLBACK'),
    bundle: faulty('MANIFEST_FORGED'),
  },
  {
    name: 'another root, signed by the stolen key',
    note: again(rooted, SIGNER),
    store: faulty('REWRITTEN'),
    bundle: faulty('MANIFEST_FORGED'),
  },
  {
    name: 'a key of another log vouches for this one',
    note: again(same, ELSEWHERE),
    pins: `${PINS}${ELSEWHERE.vkey}`,
    store: WRONG,
  },
]

export async function forgeries(): Promise<Group> {
  const state = await sample()
  const whole = await buildBundle(memoryReader(state), SESSION, [])
  const part = await buildBundle(memoryReader(state), SESSION, [], { only: [2, 3, 5] })
  const cases = FORGERIES.flatMap((forgery): Case[] => {
    const { name, pins = PINS, store, bundle = store } = forgery
    const inPart: Expected = bundle.class === 'MANIFEST_FORGED' ? { outcome: 'tampered', class: 'REWRITTEN' } : bundle
    return [
      { name: `${name}: a store`, evidence: () => forgedStore(state, forgery), expect: store },
      { name: `${name}: a bundle`, evidence: () => forgedBundle(state, whole, forgery, pins), expect: bundle },
      { name: `${name}: part of a session`, evidence: () => forgedBundle(state, part, forgery, pins), expect: inPart },
    ]
  })
  return { name: 'T6 forged notes and keys', cases }
}

async function forgedNote(state: LogState, { note }: Forgery): Promise<string> {
  const honest = newest(state).note
  const older = state.checkpoints[0]?.note ?? ''
  return note === undefined ? honest : note(honest, older)
}

async function forgedStore(honest: LogState, forgery: Forgery): Promise<Evidence> {
  const state = copyOf(honest)
  const checkpoint = newest(state)
  const note = await forgedNote(honest, forgery)
  const [, size = '', root = ''] = note.split('\n')
  // The columns say what the note says: what is forged is the note.
  const columns = { size: Number(size), root: Buffer.from(root, 'base64') }
  state.checkpoints = [...state.checkpoints.slice(0, -1), { ...checkpoint, ...columns, note }]
  return storeOf(state, forgery.pins === undefined ? {} : { pins: forgery.pins })
}

async function forgedBundle(
  state: LogState,
  bundle: EvidenceBundle,
  forgery: Forgery,
  pins: string | null,
): Promise<Evidence> {
  const honest = newest(state).note
  const note = await forgedNote(state, forgery)
  const swap = (proof: string) => proof.replace(honest, () => note)
  const forged = {
    ...bundle,
    proof: bundle.proof === null ? null : swap(bundle.proof),
    entries: bundle.entries.map((entry) =>
      entry.proof === undefined ? entry : { ...entry, proof: swap(entry.proof) },
    ),
    keys: forgery.keys ?? [],
  }
  return { as: 'bundle', text: JSON.stringify(forged), pins }
}

type Edit = (bundle: EvidenceBundle) => EvidenceBundle

const manifestWith =
  (edit: (body: string) => string): Edit =>
  (bundle) => {
    const body = edit(bundle.manifest.body)
    return { ...bundle, manifest: { ...bundle.manifest, body, hash: leafHashOf(body) } }
  }
const proofWith =
  (edit: (proof: string) => string): Edit =>
  (bundle) => ({ ...bundle, proof: edit(bundle.proof ?? '') })
const entryWith =
  (at: number, edit: (body: string) => string): Edit =>
  (bundle) => ({
    ...bundle,
    entries: bundle.entries.map((entry, index) => {
      const body = index === at ? edit(entry.body) : entry.body
      return { ...entry, body, hash: index === at ? leafHashOf(body) : entry.hash }
    }),
  })

const FORGED = faulty('MANIFEST_FORGED')

const BUNDLE_FORGERIES: readonly {
  readonly name: string
  readonly edit: Edit
  readonly expect: Expected
  readonly pins?: string | null
}[] = [
  {
    name: 'a manifest with another count of a kind',
    edit: manifestWith((body) => body.replace('"block":2', '"block":1')),
    expect: FORGED,
  },
  {
    name: 'a manifest with another last entry',
    edit: manifestWith((body) => body.replace(/"last":"\w{8}/, '"last":"00000000')),
    expect: FORGED,
  },
  {
    name: 'a manifest of fewer entries',
    edit: manifestWith((body) => body.replace('"entries":7', '"entries":6')),
    expect: FORGED,
  },
  {
    name: 'a manifest of more entries',
    edit: manifestWith((body) => body.replace('"entries":7', '"entries":8')),
    expect: FORGED,
  },
  {
    name: 'a manifest of none',
    edit: manifestWith((body) => body.replace('"entries":7', '"entries":0')),
    expect: FORGED,
  },
  {
    name: 'a manifest that calls itself final',
    edit: manifestWith((body) => body.replace('"final":false', '"final":true')),
    expect: FORGED,
  },
  {
    name: 'a manifest of another session',
    edit: manifestWith((body) => body.replace(SESSION, 'key_a1/other')),
    expect: FORGED,
  },
  {
    name: 'a manifest of another log',
    edit: manifestWith((body) => body.replace(ORIGIN, 'aegis.example/x')),
    expect: FORGED,
  },
  {
    name: 'a manifest of another version',
    edit: manifestWith((body) => body.replace('evidence/1', 'evidence/0')),
    expect: FORGED,
  },
  {
    name: 'a manifest of another kind',
    edit: manifestWith((body) => body.replace('"kind":"manifest"', '"kind":"erase"')),
    expect: FORGED,
  },
  {
    name: 'a manifest whose hash is another',
    edit: (bundle) => ({ ...bundle, manifest: { ...bundle.manifest, hash: 'ab'.repeat(32) } }),
    expect: FORGED,
  },
  {
    name: 'a manifest without its place in the log',
    edit: (bundle) => ({ ...bundle, manifest: { ...bundle.manifest, n: null } }),
    expect: FORGED,
  },
  {
    name: 'a manifest at another place in the log',
    edit: (bundle) => ({ ...bundle, manifest: { ...bundle.manifest, n: 14 } }),
    expect: FORGED,
  },
  {
    name: 'a proof of another leaf',
    edit: proofWith((proof) => proof.replace('index 15', 'index 14')),
    expect: FORGED,
  },
  {
    name: 'a proof with a hash too many',
    edit: proofWith((proof) => proof.replace('index 15\n', `index 15\n${Buffer.alloc(32).toString('base64')}\n`)),
    expect: FORGED,
  },
  {
    name: 'a proof with a hash too few',
    edit: proofWith((proof) => proof.replace(/(index 15\n)\S+\n/, '$1')),
    expect: FORGED,
  },
  {
    name: 'a proof with another hash',
    edit: proofWith((proof) => proof.replace(/(index 15\n)\S+\n/, `$1${Buffer.alloc(32).toString('base64')}\n`)),
    expect: FORGED,
  },
  {
    name: 'a proof of another format',
    edit: proofWith((proof) => proof.replace('tlog-proof@v1', 'tlog-proof@v2')),
    expect: FORGED,
  },
  { name: 'an empty proof', edit: proofWith(() => ''), expect: FORGED },
  {
    name: 'the proof left out',
    edit: (bundle) => ({ ...bundle, proof: null }),
    expect: { outcome: 'below', trust: 'unsigned' },
  },
  {
    name: 'the proof left out, no key pinned',
    edit: (bundle) => ({ ...bundle, proof: null }),
    pins: null,
    expect: { outcome: 'valid', trust: 'unsigned' },
  },
  {
    name: 'the claim to be another session',
    edit: (bundle) => ({ ...bundle, session: 'key_a1/other' }),
    expect: faulty('WRONG_SESSION'),
  },
  {
    name: 'the claim to be another log',
    edit: (bundle) => ({ ...bundle, origin: 'aegis.example/x' }),
    expect: faulty('WRONG_LOG'),
  },
  {
    name: 'an entry of a version that is not known',
    edit: entryWith(6, (body) => body.replace('evidence/1', 'evidence/2')),
    expect: { outcome: 'tampered' },
  },
  {
    name: 'the format of the unsigned past',
    edit: (bundle) => ({ ...bundle, format: 'aegis-evidence-bundle/1' }),
    expect: { outcome: 'refused' },
  },
  {
    name: 'a format of the future',
    edit: (bundle) => JSON.parse(JSON.stringify(bundle).replace('bundle/2', 'bundle/3')),
    expect: { outcome: 'refused' },
  },
  {
    name: 'a whole session called a part',
    edit: (bundle) => ({ ...bundle, partial: true }),
    expect: faulty('UNSIGNED'),
  },
  {
    name: 'a disclosure for an entry that is not there',
    edit: (bundle) => ({ ...bundle, disclosures: bundle.disclosures.map((one) => ({ ...one, n: 90 })) }),
    expect: faulty('PAYLOAD_MISMATCH'),
  },
  {
    name: 'a disclosure under another salt',
    edit: (bundle) => ({ ...bundle, disclosures: bundle.disclosures.map((one) => ({ ...one, salt: '0'.repeat(64) })) }),
    expect: faulty('PAYLOAD_MISMATCH'),
  },
  {
    name: 'an erasure that is none',
    edit: (bundle) => ({ ...bundle, erasures: [{ n: 0, body: '{}', proof: null }] }),
    expect: faulty('REWRITTEN'),
  },
]

export async function bundleForgeries(): Promise<Group> {
  const state = await sample()
  const bundle = await buildBundle(memoryReader(state), SESSION, [])
  const cases = BUNDLE_FORGERIES.map(
    ({ name, edit, expect, pins = PINS }): Case => ({
      name,
      evidence: () => {
        const text = JSON.stringify(edit(bundle))
        if (text === JSON.stringify(bundle)) throw new Error(`nothing is forged: ${name}`)
        return { as: 'bundle', text, pins }
      },
      expect,
    }),
  )
  return { name: 'T6 forged manifests, proofs, bundles', cases }
}
