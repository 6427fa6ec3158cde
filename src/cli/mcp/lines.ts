import type { Readable } from 'node:stream'

/** One line without its end, or null for one that was too long and is skipped. */
export type Line = Buffer | null

const NEWLINE = 0x0a
const RETURN = 0x0d

/**
 * The lines of a stream, as bytes: cut at line ends only, so that no character is split. A line over `limit` bytes is
 * reported once, without being kept, and reading goes on behind it. Blank lines are left out unless asked for.
 */
export async function* readLines(
  input: Readable,
  limit: number,
  options: { readonly blank?: boolean } = {},
): AsyncGenerator<Line> {
  let parts: Buffer[] = []
  let size = 0
  for await (const data of input) {
    let chunk: Buffer = Buffer.isBuffer(data) ? data : Buffer.from(String(data))
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE)) {
      const line = size + at > limit ? null : withoutReturn(Buffer.concat([...parts, chunk.subarray(0, at)]))
      parts = []
      size = 0
      chunk = chunk.subarray(at + 1)
      if (line === null || line.length > 0 || options.blank === true) yield line
    }
    size += chunk.length
    if (size > limit) parts = []
    else parts.push(chunk)
  }
  if (size > limit) yield null
  else if (size > 0) yield Buffer.concat(parts)
}

function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line
}
