import type { ApprovalStore } from '../../approvals/ports.ts'
import type { RevocationStore } from '../../credentials/ports.ts'
import type { KeyStore } from '../../identity/ports.ts'
import type { LedgerReader, LedgerStore } from '../../ledger/store.ts'

/** Everything durable, in one place. */
export interface Stores {
  readonly ledger: LedgerStore
  readonly approvals: ApprovalStore
  readonly keys: KeyStore
  readonly revocations: RevocationStore
  close(): Promise<void>
}

/** Opens (and where needed makes) the database file as its one writer. */
export declare function openSqlite(path: string): Promise<Stores>

/** Opens the file for reading only: works beside a running writer and after it was killed. */
export declare function openSqliteReader(
  path: string,
): Promise<{ readonly ledger: LedgerReader; close(): Promise<void> }>
