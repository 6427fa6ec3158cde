import { consistencyProof } from '../ledger/merkle/proofs.ts'
import { createTileReader, type TileStore } from '../ledger/merkle/tiles.ts'
import type { Hash } from '../ledger/merkle/tree.ts'

/** Consistency proofs between two sizes of the stored log. Not checked here: a witness does, and says so where they fail. */
export function createProver(store: TileStore): (from: number, to: number) => Promise<readonly Hash[]> {
  return (from, to) => consistencyProof(from, to, createTileReader(store, to).subtree)
}
