import type { DelegationStore } from '../../approvals/delegations.ts'
import type { ApprovalStore } from '../../approvals/ports.ts'
import type { RevocationStore } from '../../credentials/ports.ts'
import type { TaintStore } from '../../facts/taint.ts'
import type { LoginStore } from '../../identity/index.ts'
import type { KeyStore } from '../../identity/ports.ts'
import type { OpenReader } from '../../ledger/store.ts'
import type { NotificationStore } from '../../notifications/ports.ts'
import type { PolicyVersionStore } from '../../policy-set/index.ts'
import type { RoomStore } from '../../rooms/ports.ts'
import type { PinStore } from '../../tool-pins/ports.ts'
import { createApprovalStore } from '../tables/approvals.ts'
import { createDelegationStore } from '../tables/delegations.ts'
import { createKeyStore } from '../tables/keys.ts'
import { createLoginStore } from '../tables/logins.ts'
import { createNotificationStore } from '../tables/notifications.ts'
import { createPolicyVersionStore } from '../tables/policy-versions.ts'
import { createRevocationStore } from '../tables/revocations.ts'
import { createRoomStore } from '../tables/rooms.ts'
import { createTaintStore } from '../tables/taint.ts'
import { createPinStore } from '../tables/tool-pins.ts'
import { createPool, unopened } from './connection.ts'
import { createDatabase } from './database.ts'
import { createLedgerStore, type PostgresLedgerStore } from './ledger-store.ts'
import { checkSchema } from './schema-version.ts'
import { serverSettings } from './server-settings.ts'
import { openSnapshot } from './snapshots.ts'

/**
 * What is written, of which commits need one connection; all that is asked; and readers of the log, which hold one each for as
 * long as they read: neither may keep the others waiting. A commit that is not answered in time is looked for on another.
 */
const EVIDENCE = { max: 3, pipeline: true, answerWithin: 8000 }
const ASKED = { max: 6 }
const SNAPSHOTS = { max: 4 }

export interface PostgresStores {
  readonly ledger: PostgresLedgerStore
  readonly approvals: ApprovalStore
  readonly delegations: DelegationStore
  readonly keys: KeyStore
  readonly logins: LoginStore
  readonly revocations: RevocationStore
  readonly pins: PinStore
  readonly rooms: RoomStore
  readonly taint: TaintStore
  readonly notifications: NotificationStore
  readonly policyVersions: PolicyVersionStore
  close(): Promise<void>
}

/**
 * Opens a database that `aegisctl db migrate` has prepared.
 * @throws AegisError `config` where it cannot be reached, is not durable, or its schema is not ours
 */
export async function openPostgres(url: string): Promise<PostgresStores> {
  const pools = {
    evidence: createPool(url, EVIDENCE),
    reads: createPool(url, ASKED),
    snapshots: createPool(url, SNAPSHOTS),
  }
  const { reads } = pools
  const close = async () => {
    await Promise.all(Object.values(pools).map((pool) => pool.end()))
  }
  try {
    await checkSchema(reads, url)
    const ledger = createLedgerStore(pools, await serverSettings(reads, url))
    const database = createDatabase(reads)
    return {
      ledger,
      approvals: createApprovalStore(database),
      delegations: createDelegationStore(database),
      keys: createKeyStore(database),
      logins: createLoginStore(database),
      revocations: createRevocationStore(database),
      pins: createPinStore(database),
      rooms: createRoomStore(database),
      taint: createTaintStore(database),
      notifications: createNotificationStore(database),
      policyVersions: createPolicyVersionStore(database),
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
export async function openPostgresReader(url: string): Promise<OpenReader> {
  const pool = createPool(url, { max: 1 })
  try {
    await checkSchema(pool, url)
    const snapshot = await openSnapshot(pool)
    return {
      ledger: snapshot,
      // Gateways come and go by themselves; who waits for one in vain waits a moment.
      grows: () => true,
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

/** The policies that were in force, for reading only. `led_read` suffices. */
export function openPostgresPolicies(url: string): Pick<PolicyVersionStore, 'ofDigest'> & { close(): Promise<void> } {
  const pool = createPool(url, { max: 1 })
  const { ofDigest } = createPolicyVersionStore(createDatabase(pool))
  return { ofDigest, close: () => pool.end() }
}
