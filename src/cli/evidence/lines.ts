import { AegisError } from '../../core/errors.ts'
import { decodeUtf8Strict } from '../../core/strict-json.ts'

const LINE_FEED = 10

/**
 * The lines of a file, split at line feeds and nowhere else: JSON texts may hold every other separator as it is. Each chunk is
 * shown to `onBytes` first. @throws AegisError `too_large` on a line longer than `most` bytes, `parse_error` where it is not UTF-8
 */
export async function* linesOf(
  chunks: AsyncIterable<Buffer>,
  most: number,
  onBytes: (bytes: Buffer) => void,
): AsyncGenerator<string> {
  let begun: Buffer[] = []
  let length = 0
  for await (const chunk of chunks) {
    onBytes(chunk)
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      yield decodeUtf8Strict(Buffer.concat([...begun, chunk.subarray(start, end)]))
      begun = []
      length = 0
      start = end + 1
    }
    begun.push(chunk.subarray(start))
    length += chunk.length - start
    if (length > most) throw new AegisError('too_large', `a line is longer than ${most} bytes`)
  }
  if (length > 0) yield decodeUtf8Strict(Buffer.concat(begun))
}
