import { hash } from 'node:crypto'
import { EMPTY_ROOT, HASH_BYTES, type Hash, node, nodeHash } from './node.ts'

export { EMPTY_ROOT, HASH_BYTES, type Hash, nodeHash } from './node.ts'

/** The node hashes of each two neighbours in a row of hashes, end to end: half as long. By way of a string, which halves the time. */
export function hashPairs(row: Uint8Array): Uint8Array {
  const above = Buffer.alloc(row.length / 2)
  for (let at = 0; at < above.length; at += HASH_BYTES) {
    node.set(row.subarray(2 * at, 2 * (at + HASH_BYTES)), 1)
    above.write(hash('sha256', node, 'binary'), at, 'binary')
  }
  return above
}

/**
 * What is kept of a log of `size` leaves: the roots of its perfect subtrees, the largest (leftmost) first; one for each 1
 * in `size` as binary. Enough to append and to give the root, whatever the size.
 */
export interface Frontier {
  readonly size: number
  readonly roots: readonly Hash[]
}

export const EMPTY: Frontier = { size: 0, roots: [] }

/** The frontier with these leaves appended. At most one hash a leaf, amortised. */
export function appendLeaves({ size, roots }: Frontier, leaves: readonly Hash[]): Frontier {
  const kept = [...roots]
  let next = size
  for (const leaf of leaves) {
    let subtree: Hash = leaf
    for (let rest = next; rest % 2 === 1; rest = (rest - 1) / 2) {
      const left = kept.pop()
      if (left === undefined) throw new TypeError('the frontier does not have the roots of its size')
      subtree = nodeHash(left, subtree)
    }
    kept.push(subtree)
    next += 1
  }
  return { size: next, roots: kept }
}

/** Merkle tree hash (RFC 6962 section 2.1). */
export function rootOf({ roots }: Frontier): Hash {
  const [last, ...earlier] = roots.toReversed()
  return last === undefined ? EMPTY_ROOT : earlier.reduce((right, left) => nodeHash(left, right), last)
}

/** As the head row keeps it: the roots one after another. */
export function packRoots(roots: readonly Hash[]): Uint8Array {
  return Buffer.concat(roots)
}

/** Null where the bytes cannot be the roots of a log of that size. */
export function unpackFrontier(size: number, bytes: Uint8Array): Frontier | null {
  let ones = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2
  if (bytes.length !== ones * HASH_BYTES) return null
  const roots = Array.from({ length: ones }, (_, i) => bytes.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES))
  return { size, roots }
}
