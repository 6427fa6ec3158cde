import { HASH_BYTES, type Hash } from '../merkle/node.ts'
import { decodeBase64, encodeBase64, parseDecimal } from './base64.ts'

/** An inclusion proof that one can check offline (c2sp.org/tlog-proof): where the leaf is, its siblings, and the signed checkpoint. */
export interface TlogProof {
  readonly index: number
  /** The leaf's sibling first. */
  readonly hashes: readonly Hash[]
  /** The signed note, verbatim. */
  readonly checkpoint: string
}

const HEADER = 'c2sp.org/tlog-proof@v1'
/** A log of 2^53 leaves needs no more; the format knows no bound. */
const MAX_HASHES = 64

export function formatTlogProof({ index, hashes, checkpoint }: TlogProof): string {
  return `${[HEADER, `index ${index}`, ...hashes.map(encodeBase64)].join('\n')}\n\n${checkpoint}`
}

/**
 * Null where the text is no such proof. The checkpoint is not looked into: `openNote` says what it is worth. An `extra` line is
 * read over: nothing in it is authenticated, and we write none. Total.
 */
export function parseTlogProof(text: string): TlogProof | null {
  const split = text.indexOf('\n\n')
  if (split < 0) return null
  const [header, ...lines] = text.slice(0, split).split('\n', MAX_HASHES + 4)
  if (lines[0]?.startsWith('extra ') === true && decodeBase64(lines.shift()?.slice('extra '.length) ?? '') === null)
    return null
  const [place = '', ...encoded] = lines
  const index = place.startsWith('index ') ? parseDecimal(place.slice('index '.length)) : null
  const hashes = encoded.map(decodeBase64).filter((hash) => hash?.length === HASH_BYTES)
  const sound = header === HEADER && encoded.length <= MAX_HASHES && hashes.length === encoded.length
  return index !== null && sound
    ? { index, hashes: hashes.filter((hash) => hash !== null), checkpoint: text.slice(split + 2) }
    : null
}
