import type { ApprovalStore } from '../../approvals/ports.ts'
import type { RevocationStore } from '../../credentials/ports.ts'
import type { KeyStore } from '../../identity/ports.ts'
import type { LedgerReader } from '../../ledger/store.ts'
import { createApprovalStore } from './approvals.ts'
import { createPool, unopened } from './connection.ts'
import { createKeyStore } from './keys.ts'
import { createLedgerStore, type PostgresLedgerStore } from './ledger-store.ts'
import { createQueries } from './queries.ts'
import { createRevocationStore } from './revocations.ts'
import { checkSchema } from './schema-version.ts'
import { serverSettings } from './server-settings.ts'
import { openSnapshot } from './snapshots.ts'

/** Connections for what is written, of which commits need one; and for readers, of which a snapshot holds one. */
const WRITERS = 3
const READERS = 8

export interface PostgresStores {
  readonly ledger: PostgresLedgerStore
  readonly approvals: ApprovalStore
  readonly keys: KeyStore
  readonly revocations: RevocationStore
  close(): Promise<void>
}

/**
 * Opens a database that `aegisctl db migrate` has prepared.
 * @throws AegisError `config` where it cannot be reached, is not durable, or its schema is not ours
 */
export async function openPostgres(url: string): Promise<PostgresStores> {
  const reads = createPool(url, READERS)
  const evidence = createPool(url, WRITERS, true)
  const close = async () => {
    await Promise.all([evidence.end(), reads.end()])
  }
  try {
    await checkSchema(reads, url)
    const ledger = createLedgerStore(evidence, reads, await serverSettings(reads, url))
    const queries = createQueries(reads)
    return {
      ledger,
      approvals: createApprovalStore(queries),
      keys: createKeyStore(queries),
      revocations: createRevocationStore(queries),
      async close() {
        await ledger.fleet.leave().catch(() => {})
        await close()
      },
    }
  } catch (error) {
    await close()
    throw unopened(url, error)
  }
}

/**
 * Opens the evidence for reading only, as it is now. `led_read` suffices.
 * @throws AegisError `config`
 */
export async function openPostgresReader(
  url: string,
): Promise<{ readonly ledger: LedgerReader; close(): Promise<void> }> {
  const pool = createPool(url, 1)
  try {
    await checkSchema(pool, url)
    const snapshot = await openSnapshot(pool)
    return {
      ledger: snapshot,
      async close() {
        snapshot.close()
        await pool.end()
      },
    }
  } catch (error) {
    await pool.end()
    throw unopened(url, error)
  }
}
