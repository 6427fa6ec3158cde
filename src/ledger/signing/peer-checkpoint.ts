import { consistencyProof, frontierAt } from '../merkle/proofs.ts'
import { createTileReader } from '../merkle/tiles.ts'
import { type Frontier, rootOf } from '../merkle/tree.ts'
import { verifyConsistency } from '../merkle/verify-proof.ts'
import { readCheckpoint } from '../notes/checkpoint.ts'
import { openNote } from '../notes/note.ts'
import type { VerifierKey } from '../notes/vkey.ts'
import type { LedgerReader, LedgerStore, StoredCheckpoint } from '../store.ts'

/** Fewer entries than these are hashed sooner than proven. */
const WORTH_PROVING = 256

export interface PeerCheckpoint {
  readonly frontier: Frontier
  readonly checkpoint: StoredCheckpoint
}

/**
 * The newest checkpoint, where another gateway signed it with the log's key and it is proven to continue the log we signed
 * last. Each gateway hashed by itself what all append, which of four gateways took most of their time. Null where there is
 * nothing to go on from, also where something does not check: then the stored bytes are hashed here, and that tells what is wrong.
 */
export async function peerCheckpoint(
  store: LedgerStore,
  origin: string,
  known: readonly VerifierKey[],
  last: Frontier,
): Promise<PeerCheckpoint | null> {
  const snapshot = await store.snapshot()
  try {
    const newest = await snapshot.latestCheckpoint()
    if (newest === null || newest.size < last.size + WORTH_PROVING) return null
    const size = (await snapshot.head())?.size ?? 0
    const checkpoint = signedBy(known, origin, newest.note)
    if (checkpoint === null || checkpoint.size > size) return null
    // Tiles that are missing or damaged.
    const frontier = await proven(snapshot, last, checkpoint).catch(() => null)
    return frontier === null ? null : { frontier, checkpoint }
  } finally {
    snapshot.close()
  }
}

function signedBy(known: readonly VerifierKey[], origin: string, note: string): StoredCheckpoint | null {
  const opened = openNote(note, known)
  const said = opened.ok ? readCheckpoint(opened.text) : null
  return said === null || said.origin !== origin ? null : { size: said.size, root: said.root, note }
}

async function proven(
  reader: LedgerReader,
  last: Frontier,
  { size, root }: StoredCheckpoint,
): Promise<Frontier | null> {
  const { subtree } = createTileReader(reader, size)
  const proof = await consistencyProof(last.size, size, subtree)
  if (!verifyConsistency(last.size, size, rootOf(last), root, proof)) return null
  const frontier = await frontierAt(size, subtree)
  return Buffer.from(rootOf(frontier)).equals(root) ? frontier : null
}
