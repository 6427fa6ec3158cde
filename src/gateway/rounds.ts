import type { Approval } from '../core/approval.ts'
import type { EnvelopeId } from '../core/ids.ts'

/** Rounds of one approved call. An upstream that asks on and on must not live on one approval for ever. */
const MAX_ROUNDS = 10
/** Approvals counted at once; the oldest goes first. */
const REMEMBERED = 1_000

/** Counts how often an approval was given back because its call only asked for more. */
export interface Rounds {
  /** Whether the approval is to be given back after this round. The last round, and any call without one, is final. */
  allow(approval: Approval | null, interim: boolean): boolean
}

export function createRounds(): Rounds {
  const counts = new Map<EnvelopeId, number>()
  return {
    allow(approval, interim) {
      if (approval === null) return false
      const round = (counts.get(approval.id) ?? 0) + 1
      counts.delete(approval.id)
      if (!interim || round >= MAX_ROUNDS) return false
      counts.set(approval.id, round)
      if (counts.size > REMEMBERED) counts.delete(counts.keys().next().value ?? approval.id)
      return true
    },
  }
}
