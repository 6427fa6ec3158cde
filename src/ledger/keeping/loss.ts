import { AegisError } from '../../core/errors.ts'
import { logLeaf } from '../log-leaves.ts'
import { rootOf } from '../merkle/tree.ts'
import type { Leaf, Scribe } from '../seal.ts'
import { frontierOf, ours, prove, type SignedStore } from '../signing/starting-point.ts'

/** A log's first `size` entries and the root over them, 64 hex digits. */
export interface LogState {
  readonly size: number
  readonly root: string
}

/** What a gateway remembers to have signed, and what the store holds instead: less, or other entries from some place on. */
export interface Loss {
  readonly remembered: LogState
  readonly found: LogState
}

const MAX_REASON = 1000

/**
 * Null where the store continues all that was signed.
 * @throws AegisError `not_found` where nothing is remembered; `evidence_unavailable` where what is left is not what its own
 * newest checkpoint covers: then it is damaged, and nothing may go on from it
 */
export async function findLoss({ store, origin, known, memory }: SignedStore): Promise<Loss | null> {
  const note = await memory.load()
  if (note === null)
    throw new AegisError('not_found', 'no checkpoint is kept beside the store: nothing tells of a loss')
  const remembered = ours(note, origin, known, 'the last checkpoint kept beside the store')
  const snapshot = await store.snapshot()
  try {
    const size = (await snapshot.head())?.size ?? 0
    const newest = await snapshot.latestCheckpoint()
    if (newest === null) {
      throw new AegisError('evidence_unavailable', 'no checkpoint is left in the store: nothing can go on from it', {
        advice: 'Restore a backup that has one, or keep this store as evidence and begin another log.',
      })
    }
    const rootAt = async (at: number) => rootOf(await frontierOf(snapshot, at))
    if (size >= remembered.size && Buffer.from(await rootAt(remembered.size)).equals(remembered.root)) return null
    await prove(snapshot, size, ours(newest.note, origin, known, `the stored checkpoint of size ${newest.size}`))
    return {
      remembered: { size: remembered.size, root: hex(remembered.root) },
      found: { size, root: hex(await rootAt(size)) },
    }
  } finally {
    snapshot.close()
  }
}

/**
 * The leaf by which a log goes on without what was lost: both states, for whoever holds a checkpoint or an anchor of the other.
 * @throws AegisError `invalid_request` where the reason is missing or too long
 */
export function lossLeaf(scribe: Scribe, { remembered, found }: Loss, reason: string): Leaf {
  if (reason.trim() === '' || reason.length > MAX_REASON) {
    throw new AegisError('invalid_request', `a loss is accepted with a reason of at most ${MAX_REASON} characters`)
  }
  return logLeaf(scribe, 'checkpoint-recovery', { found: { ...found }, reason, remembered: { ...remembered } })
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
