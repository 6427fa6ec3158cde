import { renameSync } from 'node:fs'
import { AegisError } from '../../core/errors.ts'
import type { Random } from '../../core/runtime.ts'
import { createSigner, privateKeyPem, type Signer } from '../../ledger/notes/sign.ts'
import { formatTrustPolicy, parseTrustPolicy, type TrustPolicy } from '../../ledger/notes/trust-policy.ts'
import { parseVkey, type VerifierKey } from '../../ledger/notes/vkey.ts'
import type { CheckpointMemory } from '../../ledger/signing/starting-point.ts'
import { readIfThere, replaceDurably, replaceWhole } from './durable-file.ts'

/** Where the log's key, its public half and the gateway's memory lie. */
export interface LogFiles {
  readonly logKey: string
  readonly logTrust: string
  readonly lastCheckpoint: string
}

export interface LogKey {
  readonly signer: Signer
  /** The log's keys, those it replaced among them. */
  readonly known: readonly VerifierKey[]
  /** Whom a verifier here believes: as the file says now, after a key was handed over. */
  readonly trust: () => TrustPolicy | null
}

const PRIVATE = 0o600
const PUBLIC = 0o644

/**
 * The key that signs this log's checkpoints. A log that never was signed gets one.
 * @param signed whether the store holds checkpoints already: then a missing key is not made anew, for nobody trusts a new one.
 * @throws AegisError `config` where a key is missing, unreadable, or not the log's
 */
export function openLogKey(files: LogFiles, origin: string, signed: boolean, random: Random): LogKey {
  const trust = readTrust(files.logTrust)
  if (trust !== null) finishTakeOver(files, origin, trust)
  const pem = readIfThere(files.logKey)
  if (pem === null && (signed || trust !== null)) {
    throw new AegisError('config', `the log's key ${files.logKey} is missing`, {
      advice: 'Restore it from a backup. A new key would sign evidence that nobody trusts.',
      path: files.logKey,
    })
  }
  const signer = createSigner(origin, pem ?? newKey(files.logKey, random))
  const known = trust ?? firstTrust(files.logTrust, signer)
  if (known.keys.some(({ key }) => key.vkey === signer.vkey)) {
    const own = known.keys.map(({ key }) => key).filter(({ kind }) => kind === 'ed25519')
    return { signer, known: own, trust: () => readTrust(files.logTrust) }
  }
  throw new AegisError('config', `${files.logKey} is not a key that ${files.logTrust} names`, {
    advice: 'Restore the two files from the same backup.',
    path: files.logTrust,
  })
}

/** A key that is to take over. */
export interface NextKey {
  readonly signer: Signer
  /** The checkpoint of this size was signed by both keys: from it on the new one speaks, and the old one no longer. */
  takeOver(size: number): void
}

/** Makes the key that is to replace the log's; nothing changes before it takes over. */
export function nextLogKey(files: LogFiles, origin: string, random: Random): NextKey {
  const pem = privateKeyPem(random.bytes(32))
  const beside = nextOf(files)
  replaceDurably(beside, pem, PRIVATE)
  const signer = createSigner(origin, pem)
  return {
    signer,
    takeOver(size) {
      const key = parseVkey(signer.vkey)
      const trust = readTrust(files.logTrust)
      if (key === null || trust === null) throw new AegisError('internal', 'the keys of the log are gone')
      const ended = trust.keys.map((known) =>
        known.to === null && known.key.kind === 'ed25519' ? { ...known, to: size } : known,
      )
      replaceDurably(files.logTrust, formatTrustPolicy({ keys: [...ended, { key, from: size, to: null }] }), PUBLIC)
      renameSync(beside, files.logKey)
    },
  }
}

function nextOf(files: LogFiles): string {
  return `${files.logKey}.next`
}

/** A stop between the two files of `takeOver` left the new key beside: where the trust file names it, it has taken over. */
function finishTakeOver(files: LogFiles, origin: string, trust: TrustPolicy): void {
  const pem = readIfThere(nextOf(files))
  if (pem === null) return
  const { vkey } = createSigner(origin, pem)
  if (trust.keys.some(({ key, to }) => key.vkey === vkey && to === null)) renameSync(nextOf(files), files.logKey)
}

/** Null where there is none yet. @throws AegisError `config`, naming the lines at fault */
export function readTrust(path: string): TrustPolicy | null {
  const text = readIfThere(path)
  if (text === null) return null
  const parsed = parseTrustPolicy(text)
  if (parsed.ok) return parsed.policy
  const [first] = parsed.problems
  throw new AegisError('config', `${path}:${first?.line}: ${first?.message}`, { path })
}

function newKey(path: string, random: Random): string {
  const pem = privateKeyPem(random.bytes(32))
  replaceDurably(path, pem, PRIVATE)
  return pem
}

function firstTrust(path: string, signer: Signer): TrustPolicy {
  const key = parseVkey(signer.vkey)
  if (key === null) throw new AegisError('internal', 'the signer has no valid vkey')
  const policy = { keys: [{ key, from: 0, to: null }] }
  replaceDurably(path, formatTrustPolicy(policy), PUBLIC)
  return policy
}

/** The last checkpoint signed, in a file of its own: a store that is set back does not set it back too. */
export function checkpointMemory(path: string): CheckpointMemory {
  return {
    load: async () => readIfThere(path),
    save: (note) => replaceWhole(path, note, PRIVATE),
  }
}
