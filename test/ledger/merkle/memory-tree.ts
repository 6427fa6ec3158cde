import { hash } from 'node:crypto'
import { completedTiles, createTileReader, type TileStore } from '../../../src/ledger/merkle/tiles.ts'
import { appendLeaves, EMPTY, type Frontier, type Hash } from '../../../src/ledger/merkle/tree.ts'

export function leavesUpTo(count: number): Hash[] {
  return Array.from({ length: count }, (_, at) => hash('sha256', `leaf ${at}`, 'buffer'))
}

export interface MemoryTree {
  readonly store: TileStore
  readonly tiles: Map<string, Uint8Array>
  readonly leaves: Hash[]
  /** What was asked of the store, in order. */
  readonly reads: string[]
  frontier: Frontier
  /** As the checkpointer does it: new leaves, then the tiles they complete. */
  grow(leaves: readonly Hash[]): Promise<void>
}

/** What a store keeps of a tree: full tiles, and the leaf hashes. */
export function memoryTree(): MemoryTree {
  const tiles = new Map<string, Uint8Array>()
  const leaves: Hash[] = []
  const reads: string[] = []
  const store: TileStore = {
    tile: async (level, index) => {
      reads.push(`tile ${level}/${index}`)
      return tiles.get(`${level}/${index}`) ?? null
    },
    leafHashes: async (from, to) => {
      reads.push(`leaves ${from}-${to}`)
      return leaves.slice(from, to)
    },
  }
  return {
    ...{ store, tiles, leaves, reads, frontier: EMPTY },
    async grow(more) {
      for (const leaf of more) leaves.push(leaf)
      const reader = createTileReader(store, leaves.length)
      for (const { level, index, hashes } of await completedTiles(this.frontier, more, reader)) {
        tiles.set(`${level}/${index}`, hashes)
      }
      this.frontier = appendLeaves(this.frontier, more)
    },
  }
}
