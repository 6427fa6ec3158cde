import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Checkpoint } from '../ledger/notes/checkpoint.ts'
import type { StoredCheckpoint } from '../ledger/store.ts'
import { type Anchor, AnchorError, demandForward } from './anchor.ts'
import { checkpointIn } from './checkpoint-in.ts'

/** A note has a few hundred bytes; a line that long is not ours. */
const LONGEST_LINE = 64 * 1024
const NEWLINE = 0x0a

/**
 * Appends each note to a file, best on a disk that this machine's administrator cannot write to: one line of JSON each,
 * `{"size":..,"note":".."}`, so that a line torn by a crash is told from an altered one. Receipt: `<offset>+<length>` in bytes.
 */
export function fileAnchor(name: string, path: string): Anchor {
  return {
    name,
    kind: 'file',
    async submit(checkpoint, _prove, signal) {
      try {
        return await append(path, checkpoint, signal)
      } catch (error) {
        if (error instanceof AnchorError) throw error
        throw new AnchorError(
          'unreachable',
          `cannot write: ${error instanceof Error ? error.message : 'unknown'}`,
          error,
        )
      }
    },
  }
}

async function append(path: string, checkpoint: StoredCheckpoint, signal: AbortSignal): Promise<string> {
  const file = await open(path, 'a+', 0o644)
  try {
    const { size: length } = await file.stat()
    const { held, torn } = await lastHeld(file, length)
    if (held !== null) demandForward(held, checkpoint)
    signal.throwIfAborted()
    // Always written anew, even where the last line says the same: after a failed sync the page cache may hold what the disk lost.
    const text = `${JSON.stringify({ size: checkpoint.size, note: checkpoint.note })}\n`
    await file.appendFile(torn ? `\n${text}` : text)
    await file.sync()
    if (length === 0) await syncFolder(dirname(path))
    return `${length + (torn ? 1 : 0)}+${Buffer.byteLength(text)}`
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** The checkpoint on the last line that has one, and whether a write broke off at the end. */
async function lastHeld(file: FileHandle, length: number): Promise<{ held: Checkpoint | null; torn: boolean }> {
  const from = Math.max(0, length - 2 * LONGEST_LINE)
  const tail = Buffer.alloc(length - from)
  const { bytesRead } = await file.read(tail, 0, tail.length, from)
  const bytes = tail.subarray(0, bytesRead)
  const torn = bytes.length > 0 && bytes.at(-1) !== NEWLINE
  const lines = bytes.toString('utf8').split('\n').slice(0, -1).reverse()
  for (const line of lines) {
    const held = checkpointIn(noteIn(line) ?? '')
    if (held !== null) return { held, torn }
  }
  // A file with something else in it is somebody else's.
  if (length > 0 && lines.some((line) => line !== '')) throw new AnchorError('refused', 'it ends with no checkpoint')
  return { held: null, torn }
}

/** The note on a line of the file, or null where the line is none (such as a torn one). */
export function noteIn(line: string): string | null {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value !== 'object' || value === null || !('note' in value)) return null
    return typeof value.note === 'string' ? value.note : null
  } catch {
    return null
  }
}
