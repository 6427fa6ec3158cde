import type { LedgerReader } from '../../ledger/store.ts'
import { type Handle, openForReading } from './handle.ts'
import { createLedgerReader, prepareHead } from './ledger-reader.ts'

export type Snapshot = LedgerReader & { close(): void }

/**
 * Read-only handles, used again: the driver gives a closed handle's files back only when the garbage collector has found
 * its last statement, so that a handle a snapshot would run a server out of file descriptors.
 */
export interface Snapshots {
  open(): Snapshot
  close(): void
}

interface Idle {
  readonly handle: Handle
  readonly reader: LedgerReader
}

export function createSnapshots(file: string): Snapshots {
  const idle: Idle[] = []
  let closed = false

  function open(): Snapshot {
    const used = idle.pop() ?? connect(file)
    begin(used.handle)
    let done = false
    const close = () => {
      if (done) return
      done = true
      used.handle.exec('ROLLBACK')
      if (closed) used.handle.close()
      else idle.push(used)
    }
    return { ...used.reader, close }
  }

  return {
    open,
    close() {
      closed = true
      for (const { handle } of idle.splice(0)) handle.close()
    },
  }
}

function connect(file: string): Idle {
  const handle = openForReading(file)
  return { handle, reader: createLedgerReader(handle) }
}

function begin(handle: Handle): void {
  handle.exec('BEGIN')
  // A deferred transaction sees the state of its first read.
  prepareHead(handle).get([])
}
