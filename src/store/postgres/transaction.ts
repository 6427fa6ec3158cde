import { type Client, type Pool, type Row, withClient } from './connection.ts'
import { isRefusal, storeError } from './failures.ts'

/**
 * How a transaction that writes begins. By SET LOCAL, not by settings of the session: behind a transaction pooler there is
 * no session of ours. A commit waits at most 2 s for others and is ended by the server where its gateway stalls.
 */
export function beginStatement(synchronousCommit: string): string {
  return `BEGIN;
    SET LOCAL synchronous_commit = ${synchronousCommit};
    SET LOCAL lock_timeout = '2s';
    SET LOCAL statement_timeout = '3s';
    SET LOCAL idle_in_transaction_session_timeout = '2s'`
}

/** What came of statements that were sent together; each is answered, the first refusal ends the transaction. */
export interface Answers {
  readonly rows: readonly (readonly Row[])[]
  /** Command tags, such as `COMMIT`, or `ROLLBACK` where that is what COMMIT came to. */
  readonly tags: readonly string[]
}

/** Statements that failed together. `refused`: the server answered, and so the transaction is not there. */
export class Failed extends Error {
  override readonly name = 'Failed'
  readonly refused: boolean

  constructor(refused: boolean, cause: unknown) {
    super('a transaction failed', { cause })
    this.refused = refused
  }
}

export interface Statement {
  readonly sql: string
  readonly values?: readonly unknown[]
}

/** Sends statements in one go. @throws Failed with the first refusal, else with what ended the connection */
export async function send(client: Client, statements: readonly Statement[]): Promise<Answers> {
  const settled = await Promise.allSettled(
    statements.map(({ sql, values }) => (values === undefined ? client.query(sql) : client.query(sql, [...values]))),
  )
  const errors = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  const refusal = errors.find(isRefusal)
  if (errors.length > 0) throw new Failed(refusal !== undefined, refusal ?? errors[0])
  const results = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  return {
    rows: results.map((result) => (Array.isArray(result) ? [] : result.rows)),
    tags: results.map((result) => (Array.isArray(result) ? '' : result.command)),
  }
}

/** One durable transaction on a connection of its own. @throws StoreError */
export async function inTransaction<T>(pool: Pool, begin: string, work: (client: Client) => Promise<T>): Promise<T> {
  try {
    return await withClient(pool, async (client) => {
      await send(client, [{ sql: begin }])
      const value = await work(client)
      await send(client, [{ sql: 'COMMIT' }])
      return value
    })
  } catch (error) {
    throw storeError(error instanceof Failed ? error.cause : error)
  }
}
