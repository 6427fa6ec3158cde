import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from '../../ledger/store.ts'
import { BUSY_TIMEOUT, column, type Handle, prepare } from './handle.ts'

const TRIES = 100
const PAUSE_MS = 50
const CHUNK_BYTES = 1024 * 1024

/**
 * Overwrites what deleted rows left in the files. Rows are zeroed as they go (`secure_delete`), which leaves the old pages in
 * the write-ahead log; and copies that SQLite left behind in a page's unused space when it moved rows between pages, long
 * before. Those are looked for, byte by byte, and only where one of them is found is the database written anew.
 * @throws StoreError `busy` where somebody reads for longer than five seconds; `full` where there is no room to write it anew
 */
export async function scour(handle: Handle, file: string, gone: readonly Uint8Array[]): Promise<void> {
  await emptyWal(handle)
  if (!(await holdsAny(file, gone))) return
  try {
    handle.exec('VACUUM')
  } catch (cause) {
    throw new StoreError('full', 'the database could not be written anew, so old pages stay in it', cause)
  }
  await emptyWal(handle)
}

/** Who still reads may be of this process: each try ends at once and leaves it the event loop. */
async function emptyWal(handle: Handle): Promise<void> {
  for (let left = TRIES; left > 0; left -= 1) {
    if (walEmptied(handle)) return
    await sleep(PAUSE_MS)
  }
  throw new StoreError('busy', 'somebody reads the database, so its write-ahead log keeps old pages', undefined)
}

function walEmptied(handle: Handle): boolean {
  handle.exec('PRAGMA busy_timeout = 0')
  try {
    return Number(column(prepare(handle, 'PRAGMA wal_checkpoint(TRUNCATE)').get([]), 'busy')) === 0
  } catch {
    return false
  } finally {
    handle.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`)
  }
}

async function holdsAny(file: string, gone: readonly Uint8Array[]): Promise<boolean> {
  if (gone.length === 0) return false
  const needles = gone.map((bytes) => Buffer.from(bytes))
  const overlap = Math.max(...needles.map(({ length }) => length - 1))
  const reading = await open(file, 'r')
  try {
    return await search(reading, needles, overlap)
  } finally {
    await reading.close()
  }
}

/** Chunks overlap, so that nothing hides on the border of two. */
async function search(reading: FileHandle, needles: readonly Buffer[], overlap: number): Promise<boolean> {
  const window = Buffer.alloc(overlap + CHUNK_BYTES)
  let kept = 0
  for (let position = 0; ; ) {
    const { bytesRead } = await reading.read(window, kept, CHUNK_BYTES, position)
    const filled = window.subarray(0, kept + bytesRead)
    if (needles.some((needle) => filled.includes(needle))) return true
    if (bytesRead === 0) return false
    position += bytesRead
    const rest = Math.min(overlap, filled.length)
    window.copyWithin(0, filled.length - rest, filled.length)
    kept = rest
  }
}
