import { closeSync, fdatasync, fstatSync, fsyncSync, openSync, statfsSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { StoreError } from '../../ledger/store.ts'

const PAGE_BYTES = 4096
/** The log is lengthened where this many times its length are free. */
const ROOMY = 32

/** Makes what was committed durable, without stopping the event loop for it. */
export interface WalSync {
  /** Resolves when every commit so far would survive a power cut. @throws StoreError `fatal`: a failed sync is never retried */
  sync(): Promise<void>
  /** @throws StoreError `fatal` once a sync has failed: what the disk holds is not known before a restart has looked */
  demandSound(): void
  close(): void
}

/**
 * `synchronous = FULL` syncs the write-ahead log inside each COMMIT, and the driver is synchronous: everything would wait
 * for the disk. So the evidence handle runs at NORMAL, which leaves this one sync out and keeps all others, and we do it:
 * fdatasync of the log by the thread pool, after the COMMIT and before the acknowledgement. Closing our descriptor takes
 * no lock of SQLite's with it: those are held on the database and the `-shm` file, never on the log.
 * `pages`: the length at which the log is used anew from its start.
 */
export function openWalSync(database: string, pages: number): WalSync {
  const path = `${database}-wal`
  const descriptor = openSync(path, 'r+')
  lengthen(descriptor, pages * PAGE_BYTES, dirname(path))
  syncDirectory(dirname(path))

  /** The kernel tells of a page it could not write once, and drops it: the next sync would succeed without it. */
  let failed: StoreError | null = null

  return {
    sync: () =>
      new Promise((resolve, reject) => {
        fdatasync(descriptor, (error) => {
          const why = error === null ? lost(descriptor) : error.message
          if (why !== null) failed ??= new StoreError('fatal', `the evidence could not be made durable: ${why}`, error)
          if (failed === null) resolve()
          else reject(failed)
        })
      }),
    demandSound() {
      if (failed !== null) throw failed
    },
    close: () => closeSync(descriptor),
  }
}

/**
 * Zeros behind what the log holds, to its full length: overwriting is synced in half the time of growing, which changes the
 * file's metadata too. SQLite ends its reading at the first frame whose checksum or salt is wrong, and zeros are no frame.
 * Only now, before the first commit, can nothing be overwritten. Where room is scarce the log grows as it must.
 */
function lengthen(descriptor: number, length: number, folder: string): void {
  const zeros = Buffer.alloc(256 * 1024)
  try {
    const { bavail, bsize } = statfsSync(folder)
    if (bavail * bsize < ROOMY * length) return
    for (let at = fstatSync(descriptor).size; at < length; ) {
      at += writeSync(descriptor, zeros, 0, Math.min(zeros.length, length - at), at)
    }
    fsyncSync(descriptor)
  } catch {
    // Growing later is slower, not less safe; a full disk is told by the first commit.
  }
}

/** A log that was unlinked under us takes writes that nobody can ever read. */
function lost(descriptor: number): string | null {
  return fstatSync(descriptor).nlink === 0 ? 'its write-ahead log was removed while Aegis was running' : null
}

/** The name of a file just made is durable only with its directory. */
function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
