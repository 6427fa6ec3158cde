import { type Frontier, type Hash, nodeHash } from './tree.ts'

/** Root of the leaves from `index * 2^level` to `(index + 1) * 2^level`, which must all exist. `tiles.ts` reads it from a store. */
export type SubtreeSource = (level: number, index: number) => Promise<Hash>

/** Leaves from `start` to `end` (exclusive), where `start` is a multiple of the largest power of two in the length. */
interface Range {
  readonly start: number
  readonly end: number
}

/**
 * Inclusion proof of the leaf at `index` in the log of `size` leaves, sibling of the leaf first (RFC 6962 section 2.1.1).
 * @throws RangeError where there is no such leaf
 */
export async function inclusionProof(index: number, size: number, subtree: SubtreeSource): Promise<Hash[]> {
  if (!isSize(size) || !isSize(index) || index >= size) throw new RangeError(`no leaf ${index} in a log of ${size}`)
  const siblings: Range[] = []
  let { start, end }: Range = { start: 0, end: size }
  while (end - start > 1) {
    const middle = start + powerBelow(end - start)
    if (index < middle) {
      siblings.push({ start: middle, end })
      end = middle
    } else {
      siblings.push({ start, end: middle })
      start = middle
    }
  }
  return rootsOf(siblings.reverse(), subtree)
}

/**
 * Proof that the log of `first` leaves is a prefix of the log of `second` (RFC 6962 section 2.1.2); empty where `first` is 0 or
 * `second`.
 * @throws RangeError where `first` is larger
 */
export async function consistencyProof(first: number, second: number, subtree: SubtreeSource): Promise<Hash[]> {
  if (!isSize(first) || !isSize(second) || first > second)
    throw new RangeError(`a log does not shrink: ${first} > ${second}`)
  if (first === 0) return []
  const nodes: Range[] = []
  let { start, end }: Range = { start: 0, end: second }
  while (first < end) {
    const middle = start + powerBelow(end - start)
    if (first <= middle) {
      nodes.push({ start: middle, end })
      end = middle
    } else {
      nodes.push({ start, end: middle })
      start = middle
    }
  }
  // Where the old log is a node of the new, the verifier knows it: it is the old root.
  if (start > 0) nodes.push({ start, end })
  return rootsOf(nodes.reverse(), subtree)
}

/** The frontier of the first `size` leaves. With `rootOf` it gives the root of any earlier size. */
export async function frontierAt(size: number, subtree: SubtreeSource): Promise<Frontier> {
  if (!isSize(size)) throw new RangeError(`not a log's size: ${size}`)
  return { size, roots: await perfectRoots({ start: 0, end: size }, subtree) }
}

async function rootsOf(ranges: readonly Range[], subtree: SubtreeSource): Promise<Hash[]> {
  const roots: Hash[] = []
  for (const range of ranges) {
    const perfect = await perfectRoots(range, subtree)
    roots.push(perfect.reduceRight((right, left) => nodeHash(left, right)))
  }
  return roots
}

/** Roots of the perfect subtrees that make up a range, the largest (leftmost) first. */
async function perfectRoots({ start, end }: Range, subtree: SubtreeSource): Promise<Hash[]> {
  const roots: Hash[] = []
  // One at a time: what they read overlaps, and the source remembers what it read.
  for (let at = start; at < end; ) {
    const { level, length } = largestPower(end - at)
    roots.push(await subtree(level, at / length))
    at += length
  }
  return roots
}

/** The largest power of two that is smaller than `length`: where RFC 6962 splits a tree. */
function powerBelow(length: number): number {
  return largestPower(length - 1).length
}

/** By doubling: a logarithm of a double rounds up near 2^53. */
function largestPower(limit: number): { readonly level: number; readonly length: number } {
  let level = 0
  let length = 1
  for (; length * 2 <= limit; length *= 2) level += 1
  return { level, length }
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
