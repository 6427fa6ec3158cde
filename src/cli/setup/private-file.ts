import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { unwritable } from '../server-process.ts'

/** Only its owner may read it: keys. */
export const PRIVATE = 0o600
/** What other programs of the user read as well: an editor's file. */
export const SHARED = 0o644

/** Writes a whole file or none of it: a new file beside it, synced, renamed over it. */
export function writeWhole(path: string, text: string, mode: number): void {
  const beside = `${path}.${randomBytes(6).toString('hex')}.new`
  try {
    const file = openSync(beside, 'wx', mode)
    try {
      // Not writeSync: on a full disk that may write a part and report no error.
      writeFileSync(file, text)
      fsyncSync(file)
      giveToOwner(file, dirname(path))
    } finally {
      closeSync(file)
    }
    chmodSync(beside, mode)
    renameSync(beside, path)
  } catch (error) {
    throw unwritable(path, error)
  }
}

/** What root writes into somebody's folder is theirs: a service user would be locked out of its own file. */
function giveToOwner(file: number, folder: string): void {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = statSync(folder)
  fchownSync(file, uid, gid)
}

/**
 * Writes the file where its text would change, keeping the old one as `<path>.backup-<time>`. A file that fewer may read
 * than `mode` says stays so: its owner may keep keys in it.
 * @returns the backup's path where one was made
 */
export function replaceWithBackup(path: string, text: string, mode: number): string | null {
  if (!existsSync(path)) {
    writeWhole(path, text, mode)
    return null
  }
  if (readFileSync(path, 'utf8') === text) return null
  const backup = `${path}.backup-${new Date().toISOString().replace(/[-:]/g, '').replace('.', '')}`
  copyFileSync(path, backup)
  writeWhole(path, text, mode & statSync(path).mode)
  return backup
}
