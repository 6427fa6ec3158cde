import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { AegisError } from '../core/errors.ts'

const SIZE_LIMIT = 64 * 1024
const OTHERS = 0o077

/**
 * The text of a file that holds a secret.
 * @throws AegisError `config` where it cannot be read, is no ordinary file, is too long, or others may read it.
 */
export function readSecretFile(path: string): string {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (cause) {
    throw new AegisError('config', `cannot read ${path}`, {
      advice: 'name a file that the server may read',
      path,
      cause,
    })
  }
  try {
    // The open file is asked, not the path again: what is checked is what is read.
    const { mode, size, isFile } = statusOf(descriptor)
    if (!isFile || size > SIZE_LIMIT) {
      throw new AegisError('config', `${path} is no file of at most 64 KiB`, { path })
    }
    if ((mode & OTHERS) !== 0) {
      throw new AegisError('config', `${path} holds a secret, and others on this machine may read it`, {
        advice: `chmod 600 ${path}`,
        path,
      })
    }
    return readFileSync(descriptor, 'utf8')
  } finally {
    closeSync(descriptor)
  }
}

function statusOf(descriptor: number): { mode: number; size: number; isFile: boolean } {
  const status = fstatSync(descriptor)
  return { mode: status.mode, size: status.size, isFile: status.isFile() }
}
