import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import { canonicalize } from '../core/canonical.ts'
import type { Json } from '../core/json.ts'
import { COMMITTED, type Commitment, type Committed } from './draft.ts'

/** Larger results are committed as `{"length","sha256"}` of their canonical text; bytes of UTF-8. */
const MAX_RESULT_BYTES = 256 * 1024

export interface MadeCommitment {
  readonly path: Committed
  /** What goes into the body: 64 hex digits. */
  readonly mac: string
  readonly salt: Uint8Array
  /** Canonical JSON, UTF-8: what the payload keeps. */
  readonly value: Uint8Array
}

/** HMAC-SHA256(salt, "aegis-commit/1\0" || path || "\0" || JCS(value)): says nothing about a short value to who lacks the salt. */
export function commitmentMac(salt: Uint8Array, path: string, value: Uint8Array | string): string {
  return createHmac('sha256', salt).update(`aegis-commit/1\0${path}\0`).update(value).digest('hex')
}

/** @throws AegisError where the value has no canonical form; TypeError where the salt is not 32 bytes */
export function makeCommitment(commitment: Commitment): MadeCommitment {
  if (commitment.salt.length !== 32) throw new TypeError('a commitment salt has 32 bytes')
  const value = Buffer.from(committedText(commitment.path, commitment.value), 'utf8')
  return {
    path: commitment.path,
    mac: commitmentMac(commitment.salt, commitment.path, value),
    salt: commitment.salt,
    value,
  }
}

/** Does the payload open the commitment? */
export function opens(mac: string, salt: Uint8Array, path: string, value: Uint8Array | string): boolean {
  const made = Buffer.from(commitmentMac(salt, path, value), 'latin1')
  const claimed = Buffer.from(mac, 'latin1')
  return made.length === claimed.length && timingSafeEqual(made, claimed)
}

export function isCommitted(path: string): path is Committed {
  return COMMITTED.some((known) => known === path)
}

function committedText(path: Committed, value: Json): string {
  const text = canonicalize(value)
  if (path !== 'result' || text.length * 3 <= MAX_RESULT_BYTES) return text
  const length = Buffer.byteLength(text, 'utf8')
  if (length <= MAX_RESULT_BYTES) return text
  return canonicalize({ length, sha256: hash('sha256', text, 'hex') })
}
