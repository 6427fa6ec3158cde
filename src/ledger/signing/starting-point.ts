import { AegisError } from '../../core/errors.ts'
import { frontierAt } from '../merkle/proofs.ts'
import { createTileReader } from '../merkle/tiles.ts'
import { EMPTY, type Frontier, rootOf } from '../merkle/tree.ts'
import { readCheckpoint } from '../notes/checkpoint.ts'
import { openNote } from '../notes/note.ts'
import type { VerifierKey } from '../notes/vkey.ts'
import type { LedgerReader, LedgerStore, StoredCheckpoint } from '../store.ts'

/** A gateway's own memory of what it last signed, apart from the store: a store that forgets is found out. */
export interface CheckpointMemory {
  /** The note last kept, or null where none ever was. */
  load(): Promise<string | null>
  /** Replaces the note; an older one after a power cut does no harm. */
  save(note: string): Promise<void>
}

/** A store, and what is known of it apart from it. */
export interface SignedStore {
  readonly store: LedgerStore
  readonly origin: string
  /** Keys whose signatures count as ours: the signer's own, and those it replaced. */
  readonly known: readonly VerifierKey[]
  readonly memory: CheckpointMemory
}

/** Where signing goes on: the later of what we remember and what the store shows, each proven against the stored hashes. */
export async function startingPoint(
  parts: SignedStore,
): Promise<{ frontier: Frontier; checkpoint: StoredCheckpoint | null }> {
  const { store, origin, known, memory } = parts
  const note = await memory.load()
  const remembered = note === null ? null : ours(note, origin, known, 'the last checkpoint kept beside the store')
  const newest = await store.latestCheckpoint()
  const stored =
    newest === null ? null : ours(newest.note, origin, known, `the stored checkpoint of size ${newest.size}`)
  const snapshot = await store.snapshot()
  try {
    const size = (await snapshot.head())?.size ?? 0
    for (const checkpoint of [remembered, stored]) if (checkpoint !== null) await prove(snapshot, size, checkpoint)
    // A row that was taken from the store is put back: auditors look for it there.
    if (remembered !== null && remembered.size > (stored?.size ?? 0)) await store.putCheckpoint(remembered, [])
    const last = [remembered, stored].reduce((a, b) => ((b?.size ?? -1) > (a?.size ?? -1) ? b : a), null)
    if (last === null) return { frontier: EMPTY, checkpoint: null }
    return { frontier: await frontierOf(snapshot, last.size), checkpoint: last }
  } finally {
    snapshot.close()
  }
}

/** @throws AegisError `evidence_unavailable` where the note is not one of this log's */
export function ours(note: string, origin: string, known: readonly VerifierKey[], what: string): StoredCheckpoint {
  const opened = openNote(note, known)
  const checkpoint = opened.ok ? readCheckpoint(opened.text) : null
  if (checkpoint !== null && checkpoint.origin === origin) return { size: checkpoint.size, root: checkpoint.root, note }
  throw unfaithful(`${what} is not one of this log's, or not signed with its key`)
}

/** @throws AegisError `evidence_unavailable` where the store does not hold what this checkpoint covers */
export async function prove(reader: LedgerReader, size: number, checkpoint: StoredCheckpoint): Promise<void> {
  if (size < checkpoint.size) {
    throw unfaithful(`ROLLBACK: a log of ${checkpoint.size} entries was signed, the store holds ${size}`)
  }
  const frontier = await frontierOf(reader, checkpoint.size)
  if (Buffer.from(rootOf(frontier)).equals(checkpoint.root)) return
  throw unfaithful(`REWRITTEN: the first ${checkpoint.size} entries are not those that were signed`)
}

export function frontierOf(reader: LedgerReader, size: number): Promise<Frontier> {
  return frontierAt(size, createTileReader(reader, size).subtree)
}

export function unfaithful(why: string): AegisError {
  return new AegisError('evidence_unavailable', `the store is not what was signed: ${why}`, {
    advice:
      'Stop Aegis, keep the data directory as it is, run `aegisctl evidence verify --all`, then restore a backup. What a failover lost: `aegisctl evidence recover`.',
  })
}
