import type { Readable } from 'node:stream'

/** One line without its end, or the two ends of one that was too long and is skipped. */
export type Line = Buffer | Overlong

/** They may tell which request it was. */
export interface Overlong {
  readonly head: Buffer
  readonly tail: Buffer
}

const NEWLINE = 0x0a
const RETURN = 0x0d
/** Bytes kept of each end of a line that is too long. */
const END_BYTES = 1024

/**
 * The lines of a stream, as bytes: cut at line ends only, so that no character is split. A line over `limit` bytes is
 * reported once, without being kept, and reading goes on behind it. Blank lines are left out unless asked for.
 */
export async function* readLines(
  input: Readable,
  limit: number,
  options: { readonly blank?: boolean } = {},
): AsyncGenerator<Line> {
  const line = new Gathered(limit)
  for await (const data of input) {
    let chunk: Buffer = Buffer.isBuffer(data) ? data : Buffer.from(String(data))
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE)) {
      line.add(chunk.subarray(0, at))
      chunk = chunk.subarray(at + 1)
      const whole = line.take()
      if (!Buffer.isBuffer(whole) || whole.length > 0 || options.blank === true) yield whole
    }
    line.add(chunk)
  }
  const last = line.take()
  if (!Buffer.isBuffer(last) || last.length > 0) yield last
}

/** The pieces of the line that is being read. */
class Gathered {
  readonly #limit: number
  #parts: Buffer[] = []
  #size = 0
  #overlong: Overlong | null = null

  constructor(limit: number) {
    this.#limit = limit
  }

  add(piece: Buffer): void {
    if (this.#overlong !== null) {
      const { head, tail } = this.#overlong
      this.#overlong = { head, tail: copied(Buffer.concat([tail, piece.subarray(-END_BYTES)]).subarray(-END_BYTES)) }
      return
    }
    this.#parts.push(piece)
    this.#size += piece.length
    if (this.#size <= this.#limit) return
    const all = Buffer.concat(this.#parts)
    this.#overlong = { head: copied(all.subarray(0, END_BYTES)), tail: copied(all.subarray(-END_BYTES)) }
    this.#parts = []
  }

  take(): Line {
    const line = this.#overlong ?? withoutReturn(Buffer.concat(this.#parts))
    this.#overlong = null
    this.#parts = []
    this.#size = 0
    return line
  }
}

/** A view would keep the whole of what it was cut from. */
function copied(bytes: Buffer): Buffer {
  return Buffer.from(bytes)
}

function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line
}
