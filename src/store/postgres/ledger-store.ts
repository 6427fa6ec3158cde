import { AegisError } from '../../core/errors.ts'
import type { Fleet, LedgerStore } from '../../ledger/store.ts'
import { createCommit } from './commit.ts'
import { type Pool, queryOn } from './connection.ts'
import { storeError } from './failures.ts'
import { createFleet } from './fleet.ts'
import { createLedgerReader } from './ledger-reader.ts'
import { HEAD, headOf } from './rows.ts'
import type { ServerSettings } from './server-settings.ts'
import { openSnapshot } from './snapshots.ts'
import { beginStatement, inTransaction, send } from './transaction.ts'
import { createTreeWriter } from './tree-writer.ts'

/** The log in PostgreSQL, which any number of gateways may write. */
export interface PostgresLedgerStore extends LedgerStore {
  readonly fleet: Fleet
}

const INITIALIZE = `INSERT INTO aegis.ledger_log (id, origin, size, replay_from, epoch)
  VALUES (1, $1, 0, 0, 1) ON CONFLICT DO NOTHING`

export interface Pools {
  /** Pipelining, for what is written. */
  readonly evidence: Pool
  readonly reads: Pool
  readonly snapshots: Pool
}

export function createLedgerStore(pools: Pools, settings: ServerSettings): PostgresLedgerStore {
  const { evidence, reads, snapshots } = pools
  const begin = beginStatement(settings.synchronousCommit)
  const member = createFleet(reads)
  return {
    ...createLedgerReader(queryOn(reads)),
    ...createTreeWriter({ evidence, slow: snapshots }, begin),
    commit: createCommit({
      ...{ pool: evidence, begin, membership: member.membership },
      synchronousCommit: settings.synchronousCommit,
    }),
    fleet: member.fleet,
    settings: settings.boot,
    initialize: (origin) =>
      inTransaction(evidence, begin, async (client) => {
        const { rows } = await send(client, [{ sql: INITIALIZE, values: [origin] }, { sql: HEAD }])
        const head = headOf(rows[1]?.[0])
        if (head === null) throw new AegisError('internal', 'the log has no head row')
        return head
      }),
    probe: () =>
      inTransaction(evidence, begin, async (client) => {
        await send(client, [{ sql: 'UPDATE aegis.ledger_log SET epoch = epoch + 1 WHERE id = 1' }])
      }),
    // The server's disk is the server's to watch: it refuses a commit that has no room.
    health: () => ({ freeBytes: null, fault: member.fault() }),
    snapshot: () =>
      openSnapshot(snapshots).catch((error: unknown) => {
        throw storeError(error)
      }),
  }
}
