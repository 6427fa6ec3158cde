import { type ErasureClaim, readErasure } from './format/erasure-claim.ts'
import type { LedgerReader, StoredEntry } from './store.ts'

export { coveringErasure, type ErasureClaim, MAX_REFS, readErasure } from './format/erasure-claim.ts'

/** An `erase` leaf as stored. The claim is no more than its text: whether the leaf is in the log is for verify to say. */
export interface Erasure extends ErasureClaim {
  readonly leaf: StoredEntry
  readonly text: string
}

/** The erasures recorded for a session, oldest first. Leaves that cannot be read, or that speak of another log, cover nothing. */
export async function erasures(reader: LedgerReader, session: string): Promise<readonly Erasure[]> {
  const log = await reader.head()
  const leaves = await reader.leaves(session, 'erase')
  return leaves.flatMap((leaf) => {
    const text = Buffer.from(leaf.body).toString()
    const claim = readErasure(text)
    return claim === null || claim.log !== log?.origin || claim.session !== session ? [] : [{ ...claim, leaf, text }]
  })
}
