import { createHash } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { AegisError } from '../core/errors.ts'
import type { Hash } from '../ledger/merkle/tree.ts'
import { checkpointText, readCheckpoint } from '../ledger/notes/checkpoint.ts'

/** The largest tree of one log that this witness has cosigned. */
export interface Seen {
  readonly size: number
  readonly root: Hash
}

/** What a witness must never forget. One process a directory. */
export interface WitnessState {
  /** Null: nothing of this log was cosigned yet. */
  last(origin: string): Seen | null
  /** Durable when it returns; where it throws, nothing may be cosigned. Synchronous: nothing comes between check and keeping. */
  keep(origin: string, seen: Seen): void
  close(): void
}

const SUFFIX = '.checkpoint'

/**
 * Opens the directory, making it where it is missing.
 * @throws AegisError `conflict` where another witness uses it; `cannot_decide` where a file in it cannot be read
 */
export async function openWitnessState(folder: string): Promise<WitnessState> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const lock = await lockFolder(folder)
  const known = readAll(folder)
  return {
    last: (origin) => known.get(origin) ?? null,
    keep(origin, seen) {
      write(folder, origin, seen)
      known.set(origin, seen)
    },
    close: () => lock.release(),
  }
}

/** Two witnesses over one state would each forget what the other has seen. */
async function lockFolder(folder: string): Promise<{ release(): void }> {
  const { lockWriter } = await import('../store/sqlite/writer-lock.ts')
  try {
    return lockWriter(join(folder, 'witness'))
  } catch (cause) {
    throw new AegisError('conflict', `another witness uses ${folder}`, { advice: 'Stop it first.', cause })
  }
}

/** A state that cannot be read is not "nothing seen": starting anew would cosign a rollback. */
function readAll(folder: string): Map<string, Seen> {
  const known = new Map<string, Seen>()
  for (const name of readdirSync(folder).filter((one) => one.endsWith(SUFFIX))) {
    const path = join(folder, name)
    const checkpoint = readCheckpoint(readFileSync(path, 'utf8'))
    if (checkpoint === null || fileName(checkpoint.origin) !== name) {
      throw new AegisError('cannot_decide', `${path} is not what this witness wrote`, {
        advice: 'Restore it from a backup, or retire this witness with its key: it no longer knows what it has seen.',
        path,
      })
    }
    known.set(checkpoint.origin, checkpoint)
  }
  return known
}

/** An origin may hold anything but control characters, so its hash names the file. */
function fileName(origin: string): string {
  return `${createHash('sha256').update(origin).digest('hex')}${SUFFIX}`
}

/** A new file, synced, renamed over the old one, the rename synced as well. */
function write(folder: string, origin: string, { size, root }: Seen): void {
  const path = join(folder, fileName(origin))
  const beside = `${path}.new`
  synced(beside, 'w', (file) => writeFileSync(file, checkpointText({ origin, size, root })))
  renameSync(beside, path)
  synced(folder, 'r', () => undefined)
}

function synced(path: string, flags: 'w' | 'r', use: (file: number) => void): void {
  const file = openSync(path, flags, 0o600)
  try {
    use(file)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
