import { AegisError } from '../../core/errors.ts'
import type { OpenReader } from '../../ledger/store.ts'
import type { PolicyVersionStore } from '../../policy-set/index.ts'
import { createPolicyVersionStore } from '../tables/policy-versions.ts'
import { createDatabase } from './database.ts'
import { openForReading, reasonOf } from './handle.ts'
import { createSnapshots, type Snapshot, type Snapshots } from './snapshots.ts'
import { hasWriter } from './writer-lock.ts'

/**
 * Opens the evidence for reading only, as it is now: beside a running writer, or after it was killed. Loads nothing a server needs.
 * @throws AegisError `not_found` or `cannot_decide`
 */
export async function openSqliteReader(path: string): Promise<OpenReader> {
  const snapshots = createSnapshots(path)
  const snapshot = open(path, snapshots)
  return {
    ledger: snapshot,
    grows: () => hasWriter(path),
    async close() {
      snapshot.close()
      snapshots.close()
    },
  }
}

function open(path: string, snapshots: Snapshots): Snapshot {
  try {
    return snapshots.open()
  } catch (error) {
    if (error instanceof AegisError) throw error
    throw new AegisError('cannot_decide', `${path} holds no evidence store: ${reasonOf(error)}`, { cause: error })
  }
}

/** The policies that were in force, for reading only. */
export function openSqlitePolicies(path: string): Pick<PolicyVersionStore, 'ofDigest'> & { close(): Promise<void> } {
  const handle = openForReading(path)
  const { ofDigest } = createPolicyVersionStore(createDatabase(handle))
  return {
    ofDigest,
    async close() {
      handle.close()
    },
  }
}
