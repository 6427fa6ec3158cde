import { EMPTY_ROOT, HASH_BYTES, type Hash, nodeHash } from './node.ts'

/**
 * Is `leaf` (a leaf hash) at `index` in the log of `size` leaves with this root? RFC 9162 section 2.1.3.2. Total: false for
 * whatever cannot be such a proof, so that it may be called on what a stranger sent. At most 53 hashes of work. A path may fit
 * several sizes: `size` must come from where `root` does, a signed checkpoint.
 */
export function verifyInclusion(leaf: Hash, index: number, size: number, proof: readonly Hash[], root: Hash): boolean {
  if (!isSize(index) || !isSize(size) || index >= size || !isHash(leaf)) return false
  let place: Place = { at: index, last: size - 1 }
  let computed = leaf
  for (const sibling of proof) {
    if (place.last === 0 || !isHash(sibling)) return false
    const left = isRightOrLast(place)
    computed = left ? nodeHash(sibling, computed) : nodeHash(computed, sibling)
    place = parent(left ? skipLonely(place) : place)
  }
  return place.last === 0 && sameHash(computed, root)
}

/**
 * Is the log of `first` leaves a prefix of the log of `second`? RFC 9162 section 2.1.4.2. Of two equal sizes the roots must be
 * equal and the proof empty; the empty log (its root is SHA-256 of nothing) is a prefix of every log, by an empty proof. Total.
 */
export function verifyConsistency(
  first: number,
  second: number,
  firstRoot: Hash,
  secondRoot: Hash,
  proof: readonly Hash[],
): boolean {
  if (!isSize(first) || !isSize(second) || first > second || !isHash(secondRoot)) return false
  if (first === 0 && !sameHash(firstRoot, EMPTY_ROOT)) return false
  if (first === second) return proof.length === 0 && sameHash(firstRoot, secondRoot)
  if (first === 0) return proof.length === 0
  return foldsToBoth(first, second, firstRoot, secondRoot, proof)
}

function foldsToBoth(first: number, second: number, firstRoot: Hash, secondRoot: Hash, proof: readonly Hash[]) {
  let place: Place = { at: first - 1, last: second - 1 }
  while (place.at % 2 === 1) place = parent(place)
  // Where the old log is one perfect subtree, its root is the start, and the proof does not repeat it.
  const [start, rest] = place.at === 0 ? [firstRoot, proof] : [proof[0], proof.slice(1)]
  if (start === undefined || !isHash(start)) return false
  let old = start
  let now = start
  for (const node of rest) {
    if (place.last === 0 || !isHash(node)) return false
    const left = isRightOrLast(place)
    if (left) old = nodeHash(node, old)
    now = left ? nodeHash(node, now) : nodeHash(now, node)
    place = parent(left ? skipLonely(place) : place)
  }
  return place.last === 0 && sameHash(old, firstRoot) && sameHash(now, secondRoot)
}

/** A node's index in its level and the index of the last node there: `fn` and `sn` of RFC 9162. */
interface Place {
  readonly at: number
  readonly last: number
}

/** Division, for shifts would cut the number to 32 bits. */
function parent({ at, last }: Place): Place {
  return { at: Math.floor(at / 2), last: Math.floor(last / 2) }
}

/** Its sibling in the proof stands on its left. */
function isRightOrLast({ at, last }: Place): boolean {
  return at % 2 === 1 || at === last
}

/** The last node of a level with nothing beside it rises unchanged until it is somebody's right child. */
function skipLonely(place: Place): Place {
  let risen = place
  while (risen.at % 2 === 0 && risen.at !== 0) risen = parent(risen)
  return risen
}

/** Sizes and indexes are exact integers in a double. */
function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** Asked of every part of a proof: `nodeHash` takes its length for granted. */
function isHash(value: Hash): boolean {
  return value instanceof Uint8Array && value.length === HASH_BYTES
}

function sameHash(a: Hash, b: Hash): boolean {
  return isHash(b) && Buffer.compare(a, b) === 0
}
