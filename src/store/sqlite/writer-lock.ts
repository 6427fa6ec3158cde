import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'libsql'
import { AegisError } from '../../core/errors.ts'
import { makePrivate, readOnlyUri } from './handle.ts'

/** Who only looks whether somebody holds the lock is in the way for less than this, in milliseconds. */
const LOOKING_MS = 250

/** The right to write to one data directory. Dies with the process, whatever way it dies. */
export interface WriterLock {
  release(): void
}

/**
 * A second SQLite file held in an exclusive transaction: unlike a pid file it cannot be stolen from a live process or left behind by a dead one.
 * @throws AegisError `conflict` where another process writes
 */
export function lockWriter(path: string): WriterLock {
  makePrivate(`${path}.lock`)
  const lock = new Database(`${path}.lock`, { timeout: LOOKING_MS })
  try {
    lock.exec('PRAGMA journal_mode = MEMORY')
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    throw new AegisError('conflict', `another Aegis process writes to ${dirname(path)}`, {
      advice: 'Stop it, use it through its socket, or set another data directory (AEGIS_DATA_DIR).',
      cause: error,
    })
  }
  return {
    release() {
      lock.exec('ROLLBACK')
      lock.close()
    },
  }
}

/** Whether some process holds the right to write to this database now. */
export function hasWriter(path: string): boolean {
  if (!existsSync(`${path}.lock`)) return false
  const look = new Database(readOnlyUri(`${path}.lock`), { timeout: 0 })
  try {
    look.prepare('SELECT count(*) FROM sqlite_schema').get()
    return false
  } catch {
    return true
  } finally {
    look.close()
  }
}
