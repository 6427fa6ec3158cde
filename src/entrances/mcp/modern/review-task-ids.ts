import { createHmac, timingSafeEqual } from 'node:crypto'
import { type EnvelopeId, type Principal, parseEnvelopeId } from '../../../core/ids.ts'

/**
 * Names of tasks that are approvals: the approval's id under an HMAC of this installation over it and the key that asked. So
 * nobody can guess one, none is of use to another key, and all outlive a restart though nothing is kept of them.
 */
export interface ReviewTaskIds {
  of(approval: EnvelopeId, principal: Principal): string
  /** Whether a text has the form of our names: then it is no upstream's, and none may be told of it. */
  owns(text: string): boolean
  /** The approval behind a name that was given to this key; null for any other text. */
  open(text: string, principal: Principal): EnvelopeId | null
}

/** Hex digits of the part that tells installations apart, of an approval, and of the proof (128 bits). */
const TAG = 8
const ID = 32
const PROOF = 32

export function createReviewTaskIds(key: Uint8Array): ReviewTaskIds {
  const mac = (text: string): string => createHmac('sha256', key).update(text).digest('hex')
  // Another Aegis may be an upstream of this one.
  const prefix = `aegis-${mac('aegis-task-tag/1').slice(0, TAG)}-`

  const proof = (approval: EnvelopeId, principal: Principal): string =>
    mac(`aegis-task/1\0${principal}\0${approval}`).slice(0, PROOF)

  return {
    of: (approval, principal) => prefix + approval.replaceAll('-', '') + proof(approval, principal),
    owns: (text) => text.startsWith(prefix),
    open(text, principal) {
      const rest = text.slice(prefix.length)
      if (!text.startsWith(prefix) || !/^[0-9a-f]+$/.test(rest) || rest.length !== ID + PROOF) return null
      const approval = parseEnvelopeId(dashed(rest.slice(0, ID)))
      if (approval === null) return null
      const same = timingSafeEqual(Buffer.from(rest.slice(ID)), Buffer.from(proof(approval, principal)))
      return same ? approval : null
    },
  }
}

function dashed(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
