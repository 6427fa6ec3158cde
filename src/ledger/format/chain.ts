import { createHash, hash } from 'node:crypto'
import type { Sha256 } from '../../core/ids.ts'

/** Leaf hash (RFC 6962 section 2.1): SHA-256(0x00 || canonical body), 64 hex digits. One hash serves chain and Merkle log. */
export function leafHash(body: string): Sha256 {
  // U+0000 is the single byte 0x00 in UTF-8.
  return hash('sha256', `\0${body}`, 'hex') as Sha256
}

/** What is hashed, filled anew each time: most bodies fit, and the first byte stays 0x00. */
const leaf = Buffer.alloc(8 * 1024)

/** The same over stored bytes, which need not be valid UTF-8, or an honest body. */
export function leafHashOfBytes(body: Uint8Array): Sha256 {
  if (body.length >= leaf.length) return createHash('sha256').update(LEAF).update(body).digest('hex') as Sha256
  leaf.set(body, 1)
  return hash('sha256', leaf.subarray(0, 1 + body.length), 'hex') as Sha256
}

const LEAF = Uint8Array.of(0)

/**
 * `prev` of seq 0: binds a chain to its log and session, so that no entry can be spliced into another.
 * Origins and sessions hold no line feed (`isLogName`), hence the concatenation is unambiguous.
 */
export function genesis(origin: string, session: string): Sha256 {
  return hash('sha256', `aegis-session/1\n${origin}\n${session}\n`, 'hex') as Sha256
}

const NAME = /^[\x21-\x7e]{1,300}$/

/** Origins and session ids: 1 to 300 printable ASCII characters without spaces. */
export function isLogName(text: string): boolean {
  return NAME.test(text)
}

const HEX = /^[0-9a-f]{64}$/

export function isHash(text: unknown): text is Sha256 {
  return typeof text === 'string' && HEX.test(text)
}
