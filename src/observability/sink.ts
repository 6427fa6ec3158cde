import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { AegisError } from '../core/errors.ts'

/** Characters kept in memory while the disk is full or a pipe's reader is slow; lines above it are dropped and counted. */
const BACKLOG_LIMIT = 8 * 1024 * 1024
/** Milliseconds until a failed write is tried again. */
const RETRY_MS = 500

/** A file (made with mode 0600, appended to) or a file descriptor: 1 for a server, 2 where stdout carries a protocol. */
export type SinkTarget = { readonly file: string } | { readonly descriptor: 1 | 2 }

/**
 * Where lines go. All lines of one turn of the event loop are one write, after the work that caused them; a write that fails
 * keeps its rest and is tried again, so a line is never torn. Nothing here throws after opening: the ledger decides whether
 * actions run, not the log.
 */
export interface Sink {
  write(line: string): void
  /** Hands all lines so far to the operating system, now. */
  flush(): void
  close(): void
}

/** @throws AegisError `config` where the file cannot be opened. */
export function openSink(target: SinkTarget): Sink {
  const descriptor = 'file' in target ? openFile(target.file) : target.descriptor
  let lines: string[] = []
  let waiting = 0
  let dropped = 0
  /** The rest of a write that came up short. */
  let rest: Buffer = Buffer.alloc(0)
  let scheduled = false
  let open = true

  function flush(): void {
    if (!open) return
    if (rest.length === 0) {
      rest = Buffer.from(lines.join(''), 'utf8')
      lines = []
      waiting = 0
    }
    rest = written(descriptor, rest)
    if (rest.length > 0) later(RETRY_MS)
    else if (lines.length > 0) flush()
    else reportDropped()
  }

  function later(milliseconds: number): void {
    if (scheduled) return
    scheduled = true
    const run = () => {
      scheduled = false
      flush()
    }
    if (milliseconds === 0) setImmediate(run)
    else setTimeout(run, milliseconds).unref()
  }

  function reportDropped(): void {
    if (dropped === 0) return
    const count = dropped
    dropped = 0
    write(`${JSON.stringify({ level: 'warn', msg: 'log lines dropped', count })}\n`)
  }

  function write(line: string): void {
    if (!open) return
    if (waiting + line.length > BACKLOG_LIMIT) {
      dropped++
      return
    }
    lines.push(line)
    waiting += line.length
    later(0)
  }

  return {
    write,
    flush,
    close() {
      if (!open) return
      flush()
      open = false
      if (descriptor > 2) closeSync(descriptor)
    },
  }
}

/** Writes as much as the system takes and gives back what it did not (EAGAIN on a full pipe, ENOSPC, a short write). */
function written(descriptor: number, bytes: Buffer): Buffer {
  let offset = 0
  try {
    while (offset < bytes.length) {
      const count = writeSync(descriptor, bytes, offset)
      if (count === 0) break
      offset += count
    }
  } catch {
    // Kept and tried again; there is no better place to say that the log cannot be written than the log.
  }
  return bytes.subarray(offset)
}

function openFile(file: string): number {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    return openSync(file, 'a', 0o600)
  } catch (error) {
    throw new AegisError('config', `cannot open the log file ${file}`, {
      advice: 'make its folder writable for the user that runs aegis, or name another file',
      path: file,
      cause: error,
    })
  }
}
