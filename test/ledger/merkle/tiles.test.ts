import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { consistencyProof, frontierAt, inclusionProof } from '../../../src/ledger/merkle/proofs.ts'
import { completedTiles, createTileReader } from '../../../src/ledger/merkle/tiles.ts'
import { appendLeaves, EMPTY, EMPTY_ROOT, type Hash, rootOf } from '../../../src/ledger/merkle/tree.ts'
import { verifyConsistency, verifyInclusion } from '../../../src/ledger/merkle/verify-proof.ts'
import { leavesUpTo, type MemoryTree, memoryTree } from './memory-tree.ts'

const hex = (hashes: readonly Hash[]) => hashes.map((hash) => Buffer.from(hash).toString('hex'))
const LEAVES = leavesUpTo(66_100)

function listing({ tiles }: MemoryTree) {
  return Object.fromEntries([...tiles].sort().map(([key, hashes]) => [key, Buffer.from(hashes).toString('base64')]))
}

async function grownBy(steps: readonly number[]): Promise<MemoryTree> {
  const tree = memoryTree()
  for (const step of steps) await tree.grow(LEAVES.slice(tree.leaves.length, tree.leaves.length + step))
  return tree
}

describe('the tiles of a log', () => {
  it('are the same whether it grew by steps or at once', async () => {
    const steps = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(steps, async (path) => {
        const size = path.reduce((sum, step) => sum + step, 0)
        const [grown, atOnce] = [await grownBy(path), await grownBy([size])]
        expect(listing(grown)).toEqual(listing(atOnce))
        expect(grown.tiles.size).toBe(Math.floor(size / 256))
      }),
      { numRuns: 40 },
    )
  })

  it('hold the leaf hashes end to end', async () => {
    const tree = await grownBy([256])
    expect([...tree.tiles.keys()]).toEqual(['0/0'])
    expect(tree.tiles.get('0/0')).toEqual(Buffer.concat(LEAVES.slice(0, 256)))
  })

  it.each([
    [0, 255, []],
    [0, 256, ['0/0']],
    [255, 256, ['0/0']],
    [256, 511, []],
    [255, 513, ['0/0', '0/1']],
  ])('from %i to %i entries, %j are complete', async (from, to, expected) => {
    const tree = await grownBy([from])
    tree.tiles.clear()
    await tree.grow(LEAVES.slice(from, to))
    expect([...tree.tiles.keys()]).toEqual(expected)
  })
})

describe('a log of 66,100 entries', () => {
  let tree: MemoryTree
  beforeAll(async () => {
    tree = await grownBy([60_000, 5_000, 535, 1, 564])
  })

  it('has one tile of the second level over 258 of the first', async () => {
    expect(tree.tiles.size).toBe(259)
    expect(tree.tiles.has('1/0')).toBe(true)
    expect(listing(await grownBy([66_100]))).toEqual(listing(tree))
  })

  it('gives its root from four reads', async () => {
    tree.reads.length = 0
    const frontier = await frontierAt(66_100, createTileReader(tree.store, 66_100).subtree)
    expect(hex([rootOf(frontier)])).toEqual(hex([rootOf(tree.frontier)]))
    expect(tree.reads).toEqual(['tile 1/0', 'tile 0/256', 'tile 0/257', 'leaves 66048-66100'])
  })

  it('gives proofs that verify, of old and new entries and between sizes', async () => {
    const { subtree } = createTileReader(tree.store, 66_100)
    const root = rootOf(tree.frontier)
    for (const index of [0, 255, 256, 40_000, 65_535, 65_536, 66_099]) {
      const proof = await inclusionProof(index, 66_100, subtree)
      expect(verifyInclusion(LEAVES[index] ?? EMPTY_ROOT, index, 66_100, proof, root), `leaf ${index}`).toBe(true)
    }
    for (const size of [1, 256, 257, 65_535, 65_536, 65_537]) {
      const old = rootOf(await frontierAt(size, subtree))
      expect(hex([old])).toEqual(hex([rootOf(appendLeaves(EMPTY, LEAVES.slice(0, size)))]))
      const proof = await consistencyProof(size, 66_100, subtree)
      expect(verifyConsistency(size, 66_100, old, root, proof), `size ${size}`).toBe(true)
    }
  })

  it('is read from its leaf hashes where no tile was stored yet', async () => {
    const store = { ...tree.store, tile: async () => null }
    const frontier = await frontierAt(66_100, createTileReader(store, 66_100).subtree)
    expect(hex([rootOf(frontier)])).toEqual(hex([rootOf(tree.frontier)]))
  })

  it('keeps its proofs where the rows of full tiles were pruned', async () => {
    const store = {
      ...tree.store,
      leafHashes: async (from: number, to: number) => (from < 66_048 ? [] : LEAVES.slice(from, to)),
    }
    const proof = await inclusionProof(3, 66_100, createTileReader(store, 66_100).subtree)
    expect(verifyInclusion(LEAVES[3] ?? EMPTY_ROOT, 3, 66_100, proof, rootOf(tree.frontier))).toBe(true)
  })
})

describe('a store that lies', () => {
  it('with a tile of another length is refused', async () => {
    const tree = await grownBy([300])
    tree.tiles.set('0/0', Buffer.alloc(8191))
    await expect(createTileReader(tree.store, 300).subtree(8, 0)).rejects.toThrow('tile 0/0 is damaged')
  })

  it('with missing leaves is refused', async () => {
    const tree = await grownBy([300])
    tree.leaves.pop()
    await expect(frontierAt(300, createTileReader(tree.store, 300).subtree)).rejects.toThrow('256 to 299 are missing')
  })

  it('that changed what is left of the new entries gets no tile made of it', async () => {
    const tree = await grownBy([200])
    tree.leaves[7] = Buffer.alloc(32)
    await expect(tree.grow(LEAVES.slice(200, 300))).rejects.toThrow('not the tree that was signed')
    expect(tree.tiles.size).toBe(0)
  })

  it('that changed a full tile gets no tile of the level above made of it', async () => {
    const tree = await grownBy([65_400])
    tree.tiles.set('0/9', Buffer.alloc(8192))
    await expect(tree.grow(LEAVES.slice(65_400, 65_600))).rejects.toThrow('not the tree that was signed')
  })

  it('is not asked for what lies beyond the size', async () => {
    const tree = await grownBy([300])
    const { subtree } = createTileReader(tree.store, 290)
    await expect(subtree(0, 290)).rejects.toThrow('not within 290 leaves')
    await expect(subtree(9, 0)).rejects.toThrow('not within 290 leaves')
  })

  it('is told apart by its frontier as well as by its leaves', async () => {
    const tree = await grownBy([10])
    const other = appendLeaves(EMPTY, leavesUpTo(11).slice(1))
    const reader = createTileReader(tree.store, 10)
    await expect(completedTiles(other, LEAVES.slice(10, 256), reader)).rejects.toThrow('not the tree that was signed')
  })
})
