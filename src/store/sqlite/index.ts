import { resolve } from 'node:path'
import type { DelegationStore } from '../../approvals/delegations.ts'
import type { ApprovalStore } from '../../approvals/ports.ts'
import type { RevocationStore } from '../../credentials/ports.ts'
import type { TaintStore } from '../../facts/taint.ts'
import type { LoginStore } from '../../identity/index.ts'
import type { KeyStore } from '../../identity/ports.ts'
import type { LedgerStore } from '../../ledger/store.ts'
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
import { createDatabase } from './database.ts'
import { CHECKPOINT_PAGES, makePrivate, openForWriting } from './handle.ts'
import { createLedgerStore } from './ledger-store.ts'
import { migrate } from './migrate.ts'
import { createSnapshots } from './snapshots.ts'
import { openWalSync } from './wal-sync.ts'
import { lockWriter } from './writer-lock.ts'

export { openSqliteReader } from './read-only.ts'

/** Everything durable, in one place. */
export interface Stores {
  readonly ledger: LedgerStore
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
 * Opens (and where needed makes) the database file as its one writer.
 * @throws AegisError `conflict` where another process writes to it, `config` where it cannot be opened
 */
export async function openSqlite(path: string): Promise<Stores> {
  const file = resolve(path)
  makePrivate(file)
  const lock = lockWriter(file)
  try {
    const handle = openForWriting(file, 'FULL')
    migrate(handle)
    const database = createDatabase(handle)
    // For what is noted on the road of a call: it waits for no disk. The evidence of the call is synced after it, and with it
    // the log they share.
    const unsynced = openForWriting(file, 'NORMAL')
    const notes = createDatabase(unsynced)
    const { ledger, close } = openSqliteLedger(file)
    return {
      ledger,
      approvals: createApprovalStore(database),
      delegations: createDelegationStore(database),
      keys: { ...createKeyStore(database), used: createKeyStore(notes).used },
      logins: createLoginStore(database),
      revocations: createRevocationStore(database),
      pins: createPinStore(database),
      rooms: createRoomStore(database),
      taint: createTaintStore(notes),
      notifications: createNotificationStore(notes),
      policyVersions: createPolicyVersionStore(database),
      async close() {
        await close()
        unsynced.close()
        handle.close()
        lock.release()
      },
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

/** The log alone, with a handle of its own. Whoever writes with it holds the writer's lock by another. */
export function openSqliteLedger(path: string): Pick<Stores, 'ledger' | 'close'> {
  const file = resolve(path)
  const evidence = openForWriting(file, 'NORMAL')
  const wal = openWalSync(file, CHECKPOINT_PAGES)
  const snapshots = createSnapshots(file)
  return {
    ledger: createLedgerStore(evidence, wal, file, snapshots),
    async close() {
      snapshots.close()
      wal.close()
      evidence.close()
    },
  }
}
