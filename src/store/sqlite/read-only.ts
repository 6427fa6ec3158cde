import type { LedgerReader } from '../../ledger/store.ts'
import { openSnapshot } from './ledger-store.ts'

/**
 * Opens the evidence for reading only, as it is now: beside a running writer, or after it was killed. Loads nothing a server needs.
 * @throws AegisError `not_found` or `cannot_decide`
 */
export async function openSqliteReader(
  path: string,
): Promise<{ readonly ledger: LedgerReader; close(): Promise<void> }> {
  const snapshot = openSnapshot(path)
  return {
    ledger: snapshot,
    async close() {
      snapshot.close()
    },
  }
}
