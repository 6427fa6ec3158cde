import { HASH_BYTES, type Hash } from '../merkle/node.ts'
import { verifyInclusion } from '../merkle/verify-proof.ts'
import { type Checkpoint, readCheckpoint } from '../notes/checkpoint.ts'
import { openNote, parseNote, type VerifiedSignature } from '../notes/note.ts'
import { keysInForce, type TrustPolicy, witnessesInForce } from '../notes/trust-policy.ts'
import type { DamageClass } from './damage.ts'

/** How much stands behind what was verified. */
export interface Trust {
  /** `unsigned`: edits show, a full rewrite does not. `self-signed`: not without the log's key. The others: not even with it. */
  readonly level: 'unsigned' | 'self-signed' | 'anchored' | 'witnessed'
  /** The signed checkpoint that covers all of it, and the key (`<name>+<id>`) that vouches. */
  readonly checkpoint: { readonly size: number; readonly key: string } | null
  /** Anchors asked, that hold the same history at least as far. */
  readonly anchors: readonly string[]
  readonly witnesses: { readonly seen: number; readonly known: number }
}

export const UNSIGNED: Trust = { level: 'unsigned', checkpoint: null, anchors: [], witnesses: { seen: 0, known: 0 } }

/** `unsigned`, `self-signed`, `anchored(file,git)` or `witnessed(2/3)`. */
export function trustName({ level, anchors, witnesses }: Trust): string {
  if (level === 'anchored') return `anchored(${anchors.join(',')})`
  return level === 'witnessed' ? `witnessed(${witnesses.seen}/${witnesses.known})` : level
}

/** The keys a verifier brings along. Keys that come with the evidence are never among them. */
export interface Pins {
  readonly policy: TrustPolicy
  /** Named for this very verification: then what other keys signed is an answer, not a lack of one. */
  readonly named: boolean
}

/** Is a key of this log among the pins? A log's keys bear its name (c2sp.org/tlog-checkpoint). */
export function pinned(pins: Pins | null, origin: string): pins is Pins {
  return pins !== null && (pins.named || pins.policy.keys.some(({ key }) => key.name === origin))
}

/** Less than what a pinned key makes one expect. */
export const NOT_SIGNED = 'no checkpoint is signed by a pinned key'

/** Signed, but by nobody the verifier knows: neither valid nor tampered. */
export function unvouched(signers: string): string {
  return `all links hold, but nobody you know vouches for them: signed by ${signers}, and no key of this log is pinned`
}

/** A fault of the log as a whole. */
export interface LogFault {
  readonly kind: DamageClass
  readonly detail: string
  /** The entry at fault, where one is. */
  readonly n?: number
}

/** What a checkpoint is worth. `unknown`: well-formed and signed, by nobody whom the verifier knows. */
export type Vouched =
  | { readonly by: 'pinned'; readonly checkpoint: Checkpoint; readonly text: string; readonly trust: Trust }
  | { readonly by: 'unknown'; readonly checkpoint: Checkpoint; readonly text: string; readonly signers: string }
  | { readonly by: 'fault'; readonly fault: LogFault }

/** Opens a checkpoint of this log with the pinned keys that may sign its size. Total. */
export function vouch(note: string, origin: string, pins: Pins | null): Vouched {
  const parsed = parseNote(note)
  const checkpoint = typeof parsed === 'string' ? null : readCheckpoint(parsed.text)
  if (typeof parsed === 'string' || checkpoint === null)
    return fault('BAD_SIGNATURE', 'the checkpoint is no signed note')
  if (checkpoint.origin !== origin) return fault('WRONG_LOG', 'the checkpoint is of another log')
  const { text, lines } = parsed
  if (lines.length === 0) return fault('UNSIGNED', 'the checkpoint has lost its signature')
  const what = `the checkpoint of ${checkpoint.size} entries`
  if (!pinned(pins, origin)) {
    return { by: 'unknown', checkpoint, text, signers: lines.map(({ name, id }) => `${name}+${id}`).join(', ') }
  }
  const keys = keysInForce(pins.policy, checkpoint.size).filter(({ name }) => name === origin)
  const opened = openNote(note, [...keys, ...witnessesInForce(pins.policy, checkpoint.size)])
  if (!opened.ok && opened.fault === 'bad_signature') return fault('BAD_SIGNATURE', `${what}: ${opened.reason}`)
  const own = opened.ok ? opened.signatures.find(({ key }) => key.kind === 'ed25519') : undefined
  if (!opened.ok || own === undefined) {
    return fault('WRONG_KEY', `${what} is not signed by a pinned key that may sign it`)
  }
  const witnesses = countWitnesses(opened.signatures, pins, checkpoint.size)
  const level = witnesses.seen > 0 ? 'witnessed' : 'self-signed'
  const trust: Trust = {
    level,
    checkpoint: { size: checkpoint.size, key: `${own.name}+${own.id}` },
    anchors: [],
    witnesses,
  }
  return { by: 'pinned', checkpoint, text, trust }
}

function fault(kind: DamageClass, detail: string): Vouched {
  return { by: 'fault', fault: { kind, detail } }
}

function countWitnesses(signatures: readonly VerifiedSignature[], { policy }: Pins, size: number): Trust['witnesses'] {
  const seen = signatures.filter(({ key }) => key.kind === 'cosignature').length
  return { seen, known: witnessesInForce(policy, size).length }
}

/** The 32 bytes of 64 hex digits. */
export function hashBytes(hex: string): Hash {
  const bytes = Buffer.from(hex, 'hex')
  return bytes.length === HASH_BYTES ? bytes : Buffer.alloc(HASH_BYTES)
}

/** Is the leaf at this place of the tree the checkpoint stands for? */
export function included(leaf: string, n: number, { size, root }: Checkpoint, proof: readonly Hash[]): boolean {
  return verifyInclusion(hashBytes(leaf), n, size, proof, root)
}
