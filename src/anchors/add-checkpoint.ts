import { HASH_BYTES, type Hash } from '../ledger/merkle/tree.ts'
import { decodeBase64, encodeBase64, parseDecimal } from '../ledger/notes/base64.ts'

/** The request of c2sp.org/tlog-witness: from the size the witness last cosigned, by this proof, to this checkpoint. */
export interface AddCheckpoint {
  readonly oldSize: number
  readonly proof: readonly Hash[]
  /** The log's signed note. */
  readonly note: string
}

/** Type of the answer 409 that names the size the witness last cosigned. */
export const SIZE_TYPE = 'text/x.tlog.size'

const MAX_PROOF = 63

export function formatAddCheckpoint({ oldSize, proof, note }: AddCheckpoint): string {
  return `${[`old ${oldSize}`, ...proof.map(encodeBase64)].join('\n')}\n\n${note}`
}

/** Null for whatever is no such request. Total; the note is not looked into. */
export function parseAddCheckpoint(body: string): AddCheckpoint | null {
  const end = body.indexOf('\n\n')
  if (end < 0) return null
  const [first = '', ...encoded] = body.slice(0, end).split('\n', MAX_PROOF + 2)
  const oldSize = first.startsWith('old ') ? parseDecimal(first.slice('old '.length)) : null
  const proof = encoded.flatMap((line) => decodeBase64(line) ?? []).filter((hash) => hash.length === HASH_BYTES)
  if (oldSize === null || encoded.length > MAX_PROOF || proof.length !== encoded.length) return null
  return { oldSize, proof, note: body.slice(end + 2) }
}

/** The size in an answer 409, or null where the answer does not name one. */
export function parseSizeAnswer(type: string, body: string): number | null {
  const [media = ''] = type.split(';')
  return media.trim().toLowerCase() === SIZE_TYPE && body.endsWith('\n') ? parseDecimal(body.slice(0, -1)) : null
}
