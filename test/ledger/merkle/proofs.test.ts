import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leafHashOfBytes } from '../../../src/ledger/format/chain.ts'
import { consistencyProof, frontierAt, inclusionProof } from '../../../src/ledger/merkle/proofs.ts'
import { createTileReader } from '../../../src/ledger/merkle/tiles.ts'
import { appendLeaves, EMPTY, EMPTY_ROOT, type Hash, rootOf } from '../../../src/ledger/merkle/tree.ts'
import { verifyConsistency, verifyInclusion } from '../../../src/ledger/merkle/verify-proof.ts'
import { leavesUpTo, memoryTree } from './memory-tree.ts'

interface Vectors {
  readonly emptyRoot: string
  readonly leaves: readonly string[]
  readonly roots: readonly string[]
  readonly inclusion: readonly { readonly index: number; readonly size: number; readonly proof: readonly string[] }[]
  readonly consistency: readonly {
    readonly first: number
    readonly second: number
    readonly proof: readonly string[]
  }[]
}

const vectors: Vectors = JSON.parse(readFileSync(new URL('../../vectors/merkle.json', import.meta.url), 'utf8'))
const bytes = (hex: string) => Buffer.from(hex, 'hex')
const hex = (hashes: readonly Hash[]) => hashes.map((hash) => Buffer.from(hash).toString('hex'))

/** The definition of RFC 6962 section 2.1, word for word: the oracle. */
function treeHash(leaves: readonly Hash[]): Buffer {
  if (leaves.length === 0) return createHash('sha256').digest()
  if (leaves.length === 1) return Buffer.from(leaves[0] ?? [])
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  const [left, right] = [treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split))]
  return createHash('sha256').update(Uint8Array.of(1)).update(left).update(right).digest()
}

const MANY = leavesUpTo(700)
const rootAt = (size: number) => rootOf(appendLeaves(EMPTY, MANY.slice(0, size)))

function sourceOf(leaves: readonly Hash[]) {
  const tree = memoryTree()
  tree.leaves.push(...leaves)
  return createTileReader(tree.store, leaves.length).subtree
}

const subtree = sourceOf(MANY)

/** A size and an index in it. */
const place = fc
  .integer({ min: 1, max: MANY.length })
  .chain((size) => fc.record({ size: fc.constant(size), index: fc.integer({ min: 0, max: size - 1 }) }))

const twoSizes = fc
  .tuple(fc.integer({ min: 1, max: MANY.length }), fc.integer({ min: 1, max: MANY.length }))
  .map(([a, b]) => ({ first: Math.min(a, b), second: Math.max(a, b) }))

/** One bit flipped, one hash more, one fewer, two swapped, one cut short: every way but leaving it alone. */
function damaged(proof: readonly Hash[]): fc.Arbitrary<Hash[]> {
  const longer = fc.nat(proof.length).map((at) => proof.toSpliced(at, 0, Buffer.alloc(32, 1)))
  if (proof.length === 0) return longer
  const at = fc.nat(proof.length - 1)
  const flipped = fc.tuple(at, fc.nat(255)).map(([which, bit]) =>
    proof.map((hash, i) => {
      const copy = Buffer.from(hash)
      if (i === which) copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      return copy
    }),
  )
  const shorter = at.map((which) => proof.toSpliced(which, 1))
  const cut = at.map((which) => proof.with(which, (proof[which] ?? EMPTY_ROOT).subarray(0, 31)))
  return fc.oneof(flipped, longer, shorter, cut)
}

describe('the reference tree of Certificate Transparency', () => {
  const leaves = vectors.leaves.map((data) => bytes(leafHashOfBytes(bytes(data))))
  const source = sourceOf(leaves)

  it('has the roots that all its implementations have', async () => {
    expect(EMPTY_ROOT.toString()).toBe(bytes(vectors.emptyRoot).toString())
    for (const [at, root] of vectors.roots.entries()) {
      expect(hex([rootOf(appendLeaves(EMPTY, leaves.slice(0, at + 1)))])).toEqual([root])
      expect(hex([rootOf(await frontierAt(at + 1, source))])).toEqual([root])
    }
  })

  it('has the inclusion proofs that all its implementations have', async () => {
    for (const { index, size, proof } of vectors.inclusion) {
      expect(hex(await inclusionProof(index, size, source))).toEqual(proof)
      const [leaf, root] = [leaves[index] ?? EMPTY_ROOT, bytes(vectors.roots[size - 1] ?? '')]
      expect(verifyInclusion(leaf, index, size, proof.map(bytes), root)).toBe(true)
    }
  })

  it('has the consistency proofs that all its implementations have', async () => {
    for (const { first, second, proof } of vectors.consistency) {
      expect(hex(await consistencyProof(first, second, source))).toEqual(proof)
      const [old, now] = [first, second].map((size) => bytes(vectors.roots[size - 1] ?? ''))
      expect(verifyConsistency(first, second, old ?? EMPTY_ROOT, now ?? EMPTY_ROOT, proof.map(bytes))).toBe(true)
    }
  })
})

describe('an inclusion proof', () => {
  it('verifies for every leaf of every size, against the root by definition', async () => {
    await fc.assert(
      fc.asyncProperty(place, async ({ index, size }) => {
        const proof = await inclusionProof(index, size, subtree)
        const leaf = MANY[index] ?? EMPTY_ROOT
        expect(verifyInclusion(leaf, index, size, proof, treeHash(MANY.slice(0, size)))).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('fails with a changed, added, missing or shortened hash, another leaf, index or root', async () => {
    await fc.assert(
      fc.asyncProperty(place, fc.nat(699), fc.gen(), async ({ index, size }, other, gen) => {
        const proof = await inclusionProof(index, size, subtree)
        const [leaf, root] = [MANY[index] ?? EMPTY_ROOT, rootAt(size)]
        const bad = gen(() => damaged(proof))
        expect(verifyInclusion(leaf, index, size, bad, root)).toBe(false)
        if (other === index) return
        expect(verifyInclusion(leaf, other, size, proof, root)).toBe(false)
        expect(verifyInclusion(MANY[other] ?? EMPTY_ROOT, index, size, proof, root)).toBe(false)
        expect(verifyInclusion(leaf, index, size, proof, rootAt(other))).toBe(other === size)
      }),
    )
  })

  it('of a size for which no leaf has that index, or a size that is no size, is refused', () => {
    const [leaf = EMPTY_ROOT] = MANY
    const sizes = [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]
    for (const size of sizes) expect(verifyInclusion(leaf, 0, size, [], leaf), String(size)).toBe(false)
    for (const index of [1, -1, 0.5, Number.NaN]) expect(verifyInclusion(leaf, index, 1, [], leaf)).toBe(false)
    expect(verifyInclusion(leaf, 0, 1, [], leaf)).toBe(true)
  })

  it('works where 32 bits do not: the last leaf of a log of 2^52 and one', () => {
    const size = 2 ** 52 + 1
    const [leaf = EMPTY_ROOT, left = EMPTY_ROOT] = MANY
    const root = rootOf({ size, roots: [left, leaf] })
    expect(verifyInclusion(leaf, size - 1, size, [left], root)).toBe(true)
    expect(verifyInclusion(leaf, size - 2, size, [left], root)).toBe(false)
  })
})

describe('a consistency proof', () => {
  it('verifies between every two sizes', async () => {
    await fc.assert(
      fc.asyncProperty(twoSizes, async ({ first, second }) => {
        const proof = await consistencyProof(first, second, subtree)
        expect(verifyConsistency(first, second, rootAt(first), rootAt(second), proof)).toBe(true)
      }),
    )
  })

  it('fails with a changed, added, missing or shortened hash, another old size or another root', async () => {
    await fc.assert(
      fc.asyncProperty(twoSizes, fc.integer({ min: 1, max: 700 }), fc.gen(), async ({ first, second }, other, gen) => {
        const proof = await consistencyProof(first, second, subtree)
        const [old, now] = [rootAt(first), rootAt(second)]
        const bad = gen(() => damaged(proof))
        expect(verifyConsistency(first, second, old, now, bad)).toBe(false)
        if (other !== first) {
          expect(verifyConsistency(other, second, old, now, proof)).toBe(false)
          expect(verifyConsistency(first, second, rootAt(other), now, proof)).toBe(false)
        }
        if (other !== second) expect(verifyConsistency(first, second, old, rootAt(other), proof)).toBe(false)
      }),
    )
  })

  it('is empty from the empty log and between equal sizes, and then the roots decide', async () => {
    const root = rootAt(5)
    expect(await consistencyProof(0, 5, subtree)).toEqual([])
    expect(await consistencyProof(5, 5, subtree)).toEqual([])
    expect(verifyConsistency(0, 5, EMPTY_ROOT, root, [])).toBe(true)
    expect(verifyConsistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])).toBe(true)
    expect(verifyConsistency(5, 5, root, root, [])).toBe(true)
    expect(verifyConsistency(5, 5, root, rootAt(6), [])).toBe(false)
    expect(verifyConsistency(0, 5, root, root, [])).toBe(false)
    expect(verifyConsistency(0, 0, root, root, [])).toBe(false)
    expect(verifyConsistency(0, 5, EMPTY_ROOT, root, [root])).toBe(false)
    expect(verifyConsistency(4, 5, rootAt(4), root, [])).toBe(false)
  })

  it('never leads to a smaller log', async () => {
    const proof = await consistencyProof(4, 7, subtree)
    expect(verifyConsistency(7, 4, rootAt(7), rootAt(4), proof)).toBe(false)
    await expect(consistencyProof(7, 4, subtree)).rejects.toThrow('does not shrink')
  })
})

describe('whatever a stranger sends', () => {
  const size = fc.oneof(fc.nat(20), fc.double(), fc.maxSafeNat(), fc.integer())
  const hash = fc.oneof(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ minLength: 0, maxLength: 70 }))

  it('is answered with false, never with an error', () => {
    fc.assert(
      fc.property(size, size, hash, hash, fc.array(hash, { maxLength: 80 }), (a, b, one, two, proof) => {
        expect(verifyInclusion(one, a, b, proof, two)).toBe(false)
        const same = a === b && one.length === 32 && Buffer.compare(one, two) === 0
        if (!same) expect(verifyConsistency(a, b, one, two, proof)).toBe(false)
      }),
    )
  })
})

describe('the frontier of an earlier size', () => {
  it('is the one that appending its leaves gives', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: MANY.length }), async (size) => {
        expect(hex((await frontierAt(size, subtree)).roots)).toEqual(
          hex(appendLeaves(EMPTY, MANY.slice(0, size)).roots),
        )
      }),
      { numRuns: 50 },
    )
  })

  it('gives the root by definition, however the log grew', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 7 }), (steps) => {
        let frontier = EMPTY
        for (const step of steps) {
          frontier = appendLeaves(frontier, MANY.slice(frontier.size, frontier.size + step))
        }
        expect(hex([rootOf(frontier)])).toEqual(hex([treeHash(MANY.slice(0, frontier.size))]))
      }),
      { numRuns: 40 },
    )
  })
})
