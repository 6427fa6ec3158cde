import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
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
    throw new AegisError('config', `cannot read ${path}: ${reasonOf(cause)}`, {
      advice: remedyFor(path, cause),
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

/** Only our own words: what else an error of the system says is not ours to show. */
function reasonOf(cause: unknown): string {
  const code = codeOf(cause)
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'it is not there'
  if (code === 'EACCES' || code === 'EPERM') return `${ourselves()} may not`
  return code ?? 'unknown'
}

function remedyFor(path: string, cause: unknown): string {
  if (!reasonOf(cause).endsWith('may not'))
    return `put it there, owned by ${ourselves()}, mode 600; or name another file`
  return `the file, and the way to it, must be open to the user that runs the server: chown ${ourselves()} ${path}`
}

function codeOf(cause: unknown): string | null {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : null
}

/** The user that runs us: by name, or by number where the machine knows none. */
function ourselves(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'the server')
  }
}

function statusOf(descriptor: number): { mode: number; size: number; isFile: boolean } {
  const status = fstatSync(descriptor)
  return { mode: status.mode, size: status.size, isFile: status.isFile() }
}
