import type { LedgerReader, LedgerStore } from './store.ts'

/** Reads the store as it is now, whatever is written meanwhile. */
export async function withSnapshot<T>(store: LedgerStore, use: (reader: LedgerReader) => Promise<T>): Promise<T> {
  const snapshot = await store.snapshot()
  try {
    return await use(snapshot)
  } finally {
    snapshot.close()
  }
}
