import { createLineSplitter } from './lines.ts'

/** One event of a `text/event-stream` (WHATWG HTML, 9.2). */
export interface SseEvent {
  /** `message` where the stream does not say. */
  readonly name: string
  readonly data: string
  /** The stream's last event id so far, `''` where it has none. */
  readonly id: string
}

export interface SseParser {
  push(chunk: Buffer): void
  /** Milliseconds the server asks to wait before a reconnection, or null. */
  retryMs(): number | null
  lastId(): string
}

const CR = 0x0d
const LF = 0x0a

/**
 * Incremental; each event is handed over as its blank line arrives. An event over `limit` bytes calls `onOverlong`
 * and is dropped. Comments count as nothing; an unfinished event at the end is discarded, as the standard says.
 */
export function createSseParser(limit: number, onEvent: (event: SseEvent) => void, onOverlong: () => void): SseParser {
  let data: string[] = []
  let size = 0
  let name = ''
  let lastId = ''
  let retryMs: number | null = null
  let afterCr = false

  const field = (key: string, value: string) => {
    if (key === 'data') {
      // An empty line counts as well: a flood of them is an event without an end too.
      size += value.length + 1
      if (size > limit + 1) onOverlong()
      else data.push(value)
    } else if (key === 'event') {
      name = value
    } else if (key === 'id' && !value.includes('\0')) {
      lastId = value
    } else if (key === 'retry' && /^[0-9]{1,9}$/.test(value)) {
      retryMs = Number(value)
    }
  }

  const dispatch = () => {
    const lines = data
    const type = name === '' ? 'message' : name
    const whole = size <= limit + 1
    data = []
    name = ''
    size = 0
    // Also an event with an id and empty data (the priming event of revision 2025-11-25) is no message.
    if (!whole || lines.length === 0) return
    const text = lines.length === 1 ? (lines[0] ?? '') : lines.join('\n')
    if (text !== '') onEvent({ name: type, data: text, id: lastId })
  }

  const lines = createLineSplitter(
    limit,
    (line) => {
      if (line === '') return dispatch()
      const colon = line.indexOf(':')
      if (colon === 0) return
      const key = colon === -1 ? line : line.slice(0, colon)
      const value = colon === -1 ? '' : line.slice(line.charCodeAt(colon + 1) === 0x20 ? colon + 2 : colon + 1)
      field(key, value)
    },
    onOverlong,
  )

  return {
    push(chunk) {
      if (!afterCr && !hasLoneCr(chunk)) return lines.push(chunk)
      const { text, endsInCr } = lineFeeds(chunk, afterCr)
      afterCr = endsInCr
      lines.push(text)
    },
    retryMs: () => retryMs,
    lastId: () => lastId,
  }
}

/** A CR that the line splitter could not take for half of a CRLF; the last byte may turn out to be one. */
function hasLoneCr(chunk: Buffer): boolean {
  for (let at = chunk.indexOf(CR); at !== -1; at = chunk.indexOf(CR, at + 1)) {
    if (chunk[at + 1] !== LF) return true
  }
  return false
}

/** The standard ends a line at CR, LF or CRLF; this makes each of them one LF, also where a chunk parts CR and LF. */
function lineFeeds(chunk: Buffer, afterCr: boolean): { text: Buffer; endsInCr: boolean } {
  const text = Buffer.allocUnsafe(chunk.length)
  let length = 0
  let previousCr = afterCr
  for (const byte of chunk) {
    if (byte === CR) text[length++] = LF
    else if (!(byte === LF && previousCr)) text[length++] = byte
    previousCr = byte === CR
  }
  return { text: text.subarray(0, length), endsInCr: previousCr }
}
