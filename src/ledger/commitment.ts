import { hash } from 'node:crypto'
import { canonicalize } from '../core/canonical.ts'
import type { Json } from '../core/json.ts'
import type { Commitment, Committed } from './draft.ts'
import { commitmentMac } from './format/opening.ts'

export { commitmentMac, opens } from './format/opening.ts'
export { isCommitted } from './format/version.ts'

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

function committedText(path: Committed, value: Json): string {
  const text = canonicalize(value)
  if (path !== 'result' || text.length * 3 <= MAX_RESULT_BYTES) return text
  const length = Buffer.byteLength(text, 'utf8')
  if (length <= MAX_RESULT_BYTES) return text
  return canonicalize({ length, sha256: hash('sha256', text, 'hex') })
}
