import { resolve } from 'node:path'
import { AegisError } from '../../core/errors.ts'
import { type Client, createPool, queryOn, unopened, withClient } from '../postgres/connection.ts'
import { createLedgerReader as createPostgresReader } from '../postgres/ledger-reader.ts'
import { checkSchema } from '../postgres/schema-version.ts'
import { serverSettings } from '../postgres/server-settings.ts'
import { shownUrl } from '../shown-url.ts'
import { type Handle, openForReading } from '../sqlite/handle.ts'
import { createLedgerReader as createSqliteReader } from '../sqlite/ledger-reader.ts'
import { lockWriter } from '../sqlite/writer-lock.ts'
import { checkLog } from './check-log.ts'
import { createDigester, type TableDigest } from './digest.ts'
import { rowsOf } from './source.ts'
import { TABLES } from './tables.ts'
import { digestOf, refuseFilled, writeRows } from './target.ts'

export interface CopyReport {
  readonly from: string
  /** The database, without user and password. */
  readonly to: string
  /** Entries of the log, pruned ones among them. */
  readonly size: number
  /** The Merkle root before and after, 64 hex digits. */
  readonly root: string
  readonly rows: Readonly<Record<string, number>>
}

/** `done` rows of what is being done are through. */
export type CopyProgress = (step: string, done: number) => void

/**
 * Moves a whole store from a SQLite file, which stays as it is, into an empty, migrated database. Hashes are unchanged: the log is
 * checked whole before and after, every row is read back and compared, and only then is it committed.
 * @throws AegisError `conflict` where the file is in use or damaged, or the target not empty; then nothing was copied
 */
export async function copyToPostgres(path: string, url: string, progress: CopyProgress): Promise<CopyReport> {
  const file = resolve(path)
  const source = openForReading(file)
  try {
    const lock = lockWriter(file)
    try {
      return await copy(source, file, url, progress)
    } finally {
      lock.release()
    }
  } finally {
    source.close()
  }
}

async function copy(source: Handle, file: string, url: string, progress: CopyProgress): Promise<CopyReport> {
  const to = shownUrl(url)
  const before = await checkLog(createSqliteReader(source), file, (done) => progress('checking the file', done))
  const pool = createPool(url, { max: 1 })
  try {
    await checkSchema(pool, url)
    await serverSettings(pool, url)
    return await withClient(pool, async (client) => {
      await begin(client)
      await refuseFilled(client, TABLES, to)
      const rows = await copyTables(source, client, before.size, progress)
      const reader = createPostgresReader(queryOn(client))
      const after = await checkLog(reader, to, (done) => progress('checking the database', done))
      if (after.root !== before.root) throw different('the Merkle root')
      await client.query('COMMIT')
      return { from: file, to, ...before, rows }
    })
  } catch (error) {
    throw unopened(url, error)
  } finally {
    await pool.end()
  }
}

async function begin(client: Client): Promise<void> {
  await client.query('BEGIN')
  for (const setting of ['statement_timeout', 'idle_in_transaction_session_timeout', 'lock_timeout']) {
    await client.query(`SET LOCAL ${setting} = 0`)
  }
  await client.query('SET LOCAL synchronous_commit = on')
}

async function copyTables(source: Handle, client: Client, size: number, progress: CopyProgress) {
  const counts: Record<string, number> = {}
  await client.query('SELECT aegis.extend($1)', [size])
  for (const table of TABLES) {
    const digester = createDigester()
    const rows = rowsOf(source, table)
    await writeRows(client, table, watched(rows, digester.add), (done) => progress(`copying ${table.name}`, done))
    const wanted = digester.end()
    if (!same(await digestOf(client, table), wanted)) throw different(`table ${table.name}`)
    counts[table.name] = wanted.rows
  }
  return counts
}

function* watched<T>(rows: Iterable<T>, see: (row: T) => void): Generator<T> {
  for (const row of rows) {
    see(row)
    yield row
  }
}

function same(one: TableDigest, other: TableDigest): boolean {
  return one.rows === other.rows && one.sha256 === other.sha256
}

function different(what: string): AegisError {
  return new AegisError('conflict', `${what} is not the same after the copy`, { advice: 'Nothing was copied.' })
}
