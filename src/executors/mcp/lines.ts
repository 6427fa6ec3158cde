/** Splits a byte stream into lines. Bytes are joined before they are decoded, so a split character stays whole. */
export interface LineSplitter {
  push(chunk: Buffer): void
}

const LF = 0x0a

/**
 * Lines end at LF; a CR before it is dropped. `onOverlong` is called once for a line over `limit` bytes, whose rest is
 * thrown away. Cost is linear in the bytes, whatever the chunks.
 */
export function createLineSplitter(
  limit: number,
  onLine: (line: string) => void,
  onOverlong: () => void,
): LineSplitter {
  let parts: Buffer[] = []
  let held = 0
  let skipping = false

  const take = (piece: Buffer) => {
    held += piece.length
    if (skipping) return
    if (held <= limit) {
      parts.push(piece)
      return
    }
    parts = []
    skipping = true
    onOverlong()
  }

  const finish = () => {
    const whole = parts.length === 1 ? parts[0] : Buffer.concat(parts)
    const skipped = skipping
    parts = []
    held = 0
    skipping = false
    if (skipped || whole === undefined) return
    const line = whole.toString('utf8')
    onLine(line.endsWith('\r') ? line.slice(0, -1) : line)
  }

  return {
    push(chunk) {
      let from = 0
      for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, from)) {
        take(chunk.subarray(from, end))
        finish()
        from = end + 1
      }
      if (from < chunk.length) take(chunk.subarray(from))
    },
  }
}
