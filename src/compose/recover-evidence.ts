import type { Config } from '../config.ts'
import { AegisError } from '../core/errors.ts'
import { findLoss, type Loss } from '../ledger/keeping/loss.ts'
import { openLedger } from '../ledger/ledger.ts'
import type { StoredCheckpoint } from '../ledger/store.ts'
import { checkpointMemory, openLogKey } from '../store/files/log-key.ts'
import { openStores } from '../store/open.ts'
import { systemClock, systemRandom } from './system.ts'

export interface Recovery {
  /** Null where the store continues all that was signed: nothing was changed. */
  readonly loss: Loss | null
  /** Signed over the record of the loss; null where nothing was recorded. */
  readonly checkpoint: StoredCheckpoint | null
}

/**
 * Compares the store with what the gateway remembers to have signed. Where entries were lost and a reason is given, records that
 * and goes on from what is left. As the store's writer: of a SQLite store the server must be stopped.
 * @throws AegisError as `findLoss`; `not_found` where the store holds no log; `conflict` where its server runs
 */
export async function recoverEvidence({ store, places }: Config, reason: string | null): Promise<Recovery> {
  const stores = await openStores(store)
  try {
    const head = await stores.ledger.head()
    if (head === null) throw new AegisError('not_found', 'the store holds no log')
    const random = systemRandom()
    const key = openLogKey(places, head.origin, true, random)
    const memory = checkpointMemory(places.lastCheckpoint)
    const loss = await findLoss({ store: stores.ledger, origin: head.origin, known: key.known, memory })
    if (loss === null || reason === null) return { loss, checkpoint: null }
    const ledger = await openLedger({
      ...{ store: stores.ledger, clock: systemClock(), random, gateway: `recovery-${tag(random.bytes(4))}` },
      accepted: { loss, reason },
      // What is remembered is what is given up; the signature over the record of it is remembered next.
      signing: () => ({ ...key, memory: { load: async () => null, save: memory.save } }),
    })
    try {
      return { loss, checkpoint: await ledger.sign() }
    } finally {
      await ledger.close()
    }
  } finally {
    await stores.close()
  }
}

function tag(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
