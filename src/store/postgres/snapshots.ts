import type { LedgerReader } from '../../ledger/store.ts'
import { type Client, type Pool, queryOn } from './connection.ts'
import { createLedgerReader } from './ledger-reader.ts'

export type Snapshot = LedgerReader & { close(): void }

/** A reader that sees the database as it is now: one transaction on a connection of its own, until it is closed. */
export async function openSnapshot(pool: Pool): Promise<Snapshot> {
  const client = await pool.connect()
  const query = queryOn(client)
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const reader = createLedgerReader(query)
    // The state is that of the first read.
    await reader.head()
    return { ...reader, close: once(() => end(client)) }
  } catch (error) {
    client.release(true)
    throw error
  }
}

function end(client: Client): void {
  client.query('ROLLBACK').then(
    () => client.release(),
    () => client.release(true),
  )
}

function once(work: () => void): () => void {
  let done = false
  return () => {
    if (done) return
    done = true
    work()
  }
}
