import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import Database from 'libsql'
import { AegisError } from '../../core/errors.ts'
import { type CommitFailure, StoreError } from '../../ledger/store.ts'

export type Handle = Database.Database
export type Sql = null | number | string | Uint8Array
/** Parameters always go as one array: the driver takes a lone BLOB for a record of names. */
export type Statement = Database.Statement<[readonly Sql[]]>

/** Milliseconds a statement waits for a lock; the driver's default of none fails a second opener at once. */
export const BUSY_TIMEOUT = 5000

export function prepare(handle: Handle, sql: string): Statement {
  return handle.prepare<[readonly Sql[]]>(sql)
}

/** Who syncs the write-ahead log at a commit: SQLite (`FULL`), or the one who acknowledges (`NORMAL`, see `wal-sync.ts`). */
export type Synchronous = 'FULL' | 'NORMAL'
const SYNCHRONOUS_CODE = { FULL: '2', NORMAL: '1' } as const satisfies Record<Synchronous, string>

/** Pages of the write-ahead log after which a commit moves them into the database: seldom, for that one waits for the disk. */
export const CHECKPOINT_PAGES = 2000

/**
 * Opens the database for writing, with a write-ahead log.
 * @throws AegisError `config` where the file cannot be made or opened, or durability cannot be had
 */
export function openForWriting(path: string, synchronous: Synchronous): Handle {
  const file = resolve(path)
  try {
    const handle = new Database(file, { timeout: BUSY_TIMEOUT })
    handle.exec('PRAGMA journal_mode = WAL')
    handle.exec(`PRAGMA synchronous = ${synchronous}`)
    handle.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
    handle.exec('PRAGMA foreign_keys = ON')
    handle.exec('PRAGMA secure_delete = ON')
    checkDurable(handle, synchronous)
    return handle
  } catch (error) {
    throw error instanceof AegisError ? error : unopened(file, error)
  }
}

/** The settings evidence rests on, read back: what was asked for may not be what is. */
export function durability(handle: Handle): Record<string, string> {
  return {
    engine: 'sqlite',
    journal_mode: pragma(handle, 'journal_mode'),
    synchronous: pragma(handle, 'synchronous'),
  }
}

function checkDurable(handle: Handle, wanted: Synchronous): void {
  const { journal_mode: journal, synchronous } = durability(handle)
  if (journal === 'wal' && synchronous === SYNCHRONOUS_CODE[wanted]) return
  throw new AegisError('config', `the store is not durable: journal_mode ${journal}, synchronous ${synchronous}`, {
    advice: 'Keep the data directory on a local disk; network file systems cannot hold a WAL.',
  })
}

function pragma(handle: Handle, name: string): string {
  const row = prepare(handle, `PRAGMA ${name}`).get([])
  return String(column(row, name))
}

/** One member of a row; rows carry a `_metadata` of the driver beside their columns. */
export function column(row: unknown, name: string): unknown {
  return typeof row === 'object' && row !== null ? Reflect.get(row, name) : undefined
}

/**
 * Opens for reading only, without changing a byte: works beside a writer and after it was killed.
 * @throws AegisError `not_found` or `cannot_decide`
 */
export function openForReading(path: string): Handle {
  const file = resolve(path)
  if (!existsSync(file)) throw new AegisError('not_found', `there is no evidence store at ${file}`)
  try {
    const handle = new Database(readOnlyUri(file), { timeout: BUSY_TIMEOUT })
    handle.exec('PRAGMA query_only = ON')
    return handle
  } catch (error) {
    throw new AegisError('cannot_decide', `${file} cannot be read: ${reasonOf(error)}`, { cause: error })
  }
}

/** The address under which a database is opened for reading only; the driver ignores the option for it. */
export function readOnlyUri(file: string): string {
  // Only these three mean something in a SQLite URI's path.
  const path = file.replaceAll('%', '%25').replaceAll('?', '%3f').replaceAll('#', '%23')
  return `file:${path}?mode=ro`
}

/**
 * Makes the file before SQLite does: its WAL takes the mode of the file. Evidence is nobody else's to read.
 * @throws AegisError `config`
 */
export function makePrivate(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600))
  } catch (error) {
    throw unopened(file, error)
  }
}

function unopened(file: string, error: unknown): AegisError {
  return new AegisError('config', `the store ${file} cannot be opened: ${reasonOf(error)}`, {
    advice: `Make ${dirname(file)} writable for this user, or set another data directory (AEGIS_DATA_DIR).`,
    cause: error,
  })
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** SQLite's primary result codes that pass by themselves; all others mean that the state on disk is in doubt. */
const PASSING: Readonly<Record<number, CommitFailure>> = { 5: 'busy', 6: 'busy', 13: 'full' }

export function storeError(error: unknown): StoreError {
  if (error instanceof StoreError) return error
  const code = column(error, 'rawCode')
  const failure = typeof code === 'number' ? PASSING[code & 0xff] : undefined
  return new StoreError(failure ?? 'fatal', reasonOf(error), error)
}
