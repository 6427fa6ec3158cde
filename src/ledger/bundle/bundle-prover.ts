import type { BundleReceipt } from '../format/bundle-format.ts'
import { inclusionProof } from '../merkle/proofs.ts'
import { createTileReader } from '../merkle/tiles.ts'
import { formatTlogProof } from '../notes/tlog-proof.ts'
import type { LedgerReader, StoredCheckpoint, StoredReceipt } from '../store.ts'

/** Proves leaves against one checkpoint of a log. */
export interface Prover {
  /** The proof of the leaf `n` (c2sp.org/tlog-proof); null where no checkpoint covers it. */
  proof(n: number): Promise<string | null>
  /** What anchors and witnesses answered to this checkpoint, and the newest answer of each to a later one. */
  receipts(): Promise<readonly BundleReceipt[]>
}

/** Receipts looked at: a bundle holds a handful. */
const MAX_RECEIPTS = 1000

/** `need`: the size that the checkpoint should have at least, so that it covers all that a bundle holds. */
export async function createProver(reader: LedgerReader, need: number): Promise<Prover> {
  const newest = await reader.latestCheckpoint()
  if (newest === null) return { proof: async () => null, receipts: async () => [] }
  const receipts = await reader.receipts(Math.min(need, newest.size), MAX_RECEIPTS)
  const { size, note } = await bestKnown(reader, newest, receipts)
  const { subtree } = createTileReader(reader, size)
  return {
    proof: async (index) =>
      index < size
        ? formatTlogProof({ index, hashes: await inclusionProof(index, size, subtree), checkpoint: note })
        : null,
    receipts: () => told(reader, size, receipts),
  }
}

/** The newest checkpoint that the most anchors and witnesses know; where none does, the newest of all. */
async function bestKnown(
  reader: LedgerReader,
  newest: StoredCheckpoint,
  receipts: readonly StoredReceipt[],
): Promise<StoredCheckpoint> {
  const sinks = new Map<number, number>()
  for (const { size } of receipts) sinks.set(size, (sinks.get(size) ?? 0) + 1)
  const most = Math.max(...sinks.values())
  const size = [...sinks].findLast(([, count]) => count === most)?.[0]
  const [known] = size === undefined ? [] : await reader.checkpoints(size, 1)
  return known?.size === size && known !== undefined ? known : newest
}

async function told(reader: LedgerReader, size: number, all: readonly StoredReceipt[]): Promise<BundleReceipt[]> {
  const here = all.filter((one) => one.size === size)
  const later = new Map<string, StoredReceipt>()
  for (const one of all) if (one.size > size) later.set(one.sink, one)
  const found: BundleReceipt[] = here.map(({ sink, receipt }) => ({ sink, size, receipt }))
  for (const { sink, size: at, receipt } of later.values()) {
    const [checkpoint] = await reader.checkpoints(at, 1)
    if (checkpoint?.size === at) found.push({ sink, size: at, receipt, note: checkpoint.note })
  }
  return found
}
