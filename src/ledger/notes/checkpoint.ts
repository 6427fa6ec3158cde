import { HASH_BYTES, type Hash } from '../merkle/node.ts'
import { decodeBase64, encodeBase64, parseDecimal } from './base64.ts'

/** What a log says of itself (c2sp.org/tlog-checkpoint): at this size this root. */
export interface Checkpoint {
  readonly origin: string
  /** Number of leaves, at most 2^53-1. */
  readonly size: number
  readonly root: Hash
}

/** One line: no control character, no half of a surrogate pair. */
const ORIGIN = /^[^\p{Cc}\p{Surrogate}]{1,300}$/u

/**
 * The text that is signed: three lines, each ended by a line feed. No extension lines: nobody could audit them.
 * @throws RangeError where such a text would not read back as the same checkpoint
 */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  const text = `${origin}\n${size}\n${encodeBase64(root)}\n`
  if (readCheckpoint(text) === null) throw new RangeError('not a checkpoint: origin, size or root cannot be written')
  return text
}

/** Null for every other text: another number of lines, a size with leading zeros or above 2^53-1, base64 in another spelling. */
export function readCheckpoint(text: string): Checkpoint | null {
  const [origin = '', decimal = '', encoded = '', end, ...more] = text.split('\n', 5)
  if (end !== '' || more.length > 0 || !ORIGIN.test(origin)) return null
  const size = parseDecimal(decimal)
  const root = decodeBase64(encoded)
  return size === null || root?.length !== HASH_BYTES ? null : { origin, size, root }
}
