import type { Readable } from 'node:stream'
import { readLines } from './lines.ts'

/** Characters of one event: as much as an upstream may answer. */
const MAX_EVENT = 64 * 1024 * 1024

/** The `data` of each event of a `text/event-stream` body (WHATWG HTML, section 9.2.6). Comments and other fields are skipped. */
export async function* readEvents(body: Readable): AsyncGenerator<string> {
  let data: string[] = []
  // Blank lines end an event, so they are asked for too.
  for await (const line of readLines(body, MAX_EVENT, { blank: true })) {
    const text = Buffer.isBuffer(line) ? line.toString() : ''
    if (text.startsWith('data:')) data.push(text.slice(text.startsWith('data: ') ? 6 : 5))
    else if (text === '' && data.length > 0) {
      const message = data.join('\n')
      data = []
      // An event without data (the priming event of revision 2025-11-25) is no message.
      if (message !== '') yield message
    }
  }
}
