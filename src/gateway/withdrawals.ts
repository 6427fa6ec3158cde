import type { Approvals } from '../approvals/approvals.ts'
import type { Approval } from '../core/approval.ts'
import { AegisError } from '../core/errors.ts'
import type { EnvelopeId, Principal } from '../core/ids.ts'
import type { Clock, Log, Random } from '../core/runtime.ts'
import type { Ledger } from '../ledger/draft.ts'
import { resolutionDraft } from './drafts.ts'

/** Takes a review back at the word of the key that asked for it: recorded as an `expire` whose actor is that key. */
export type Withdraw = (id: EnvelopeId, principal: Principal) => Promise<Approval | null>

/** Gives the approval as it is afterwards; one that was settled or used in the meantime stays what it is. */
export function createWithdraw(parts: {
  readonly approvals: Pick<Approvals, 'get' | 'announce'>
  readonly ledger: Ledger
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}): Withdraw {
  const { approvals, ledger, clock, random, log } = parts
  return async (id, principal) => {
    const approval = await approvals.get(id)
    const open = approval?.status === 'pending' || approval?.status === 'approved'
    if (approval === null || !open || approval.principal !== principal) return approval
    const change = { kind: 'withdraw' as const, id, principal, at: clock.now() }
    try {
      await ledger.append(resolutionDraft(approval, change, '', random))
    } catch (error) {
      if (!(error instanceof AegisError && error.code === 'approval_spent')) throw error
      return approvals.get(id)
    }
    approvals.announce(id)
    log.info({ envelope_id: id, tool: approval.tool, principal }, 'approval withdrawn')
    return approvals.get(id)
  }
}
