import { type Approvals, redeems } from '../approvals/approvals.ts'
import type { Approval } from '../core/approval.ts'
import type { Decision, Review } from '../core/decision.ts'
import type { ActionEnvelope } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import type { Principal } from '../core/ids.ts'
import type { Json } from '../core/json.ts'
import type { Random } from '../core/runtime.ts'
import type { DraftOutcome, Effect, Ledger, LedgerEntry } from '../ledger/draft.ts'
import { decisionDraft, freshSalts, resultDraft } from './drafts.ts'
import { createTurns } from './turns.ts'

/** What was written for a decision. */
export interface Intent {
  readonly entry: LedgerEntry
  /** The approval parked or still pending (review), or redeemed (allow). */
  readonly approval: Approval | null
}

/** The gateway's pen: every decision before it acts, every result before it is released. */
export interface Recorder {
  /** @throws AegisError `approval_spent` where another call was first; `evidence_unavailable` */
  decision(envelope: ActionEnvelope, decision: Decision, effect: Effect): Promise<Intent>
  /** `restore`: the approved act is not complete (nothing was sent, or more was asked for), so the approval may be used again. @throws AegisError `evidence_unavailable` */
  result(envelope: ActionEnvelope, outcome: DraftOutcome, result: Json, restore: Approval | null): Promise<LedgerEntry>
}

export function createRecorder(parts: {
  readonly ledger: Ledger
  readonly approvals: Approvals
  readonly random: Random
}): Recorder {
  const { ledger, approvals, random } = parts
  const turns = createTurns<Principal>()

  async function parked(envelope: ActionEnvelope, decision: Review): Promise<Intent> {
    const pending = decision.pending === null ? null : await approvals.get(decision.pending)
    if (pending !== null && pending.status !== 'pending') throw spent(pending)
    if (pending !== null) return park(envelope, decision, pending)
    const { principal } = envelope.subject
    // In turn: of many that ask at once, each would find the last place in the queue free.
    return turns.take(principal, async () => {
      await approvals.demandRoom(principal)
      return park(envelope, decision, null)
    })
  }

  async function park(envelope: ActionEnvelope, decision: Review, pending: Approval | null): Promise<Intent> {
    const salts = pending?.salts ?? freshSalts(random)
    const approval = pending ?? approvals.ask(envelope, decision, salts)
    const changes = pending === null ? [{ kind: 'park' as const, approval }] : []
    const ref = pending?.id ?? null
    const entry = await ledger.append(decisionDraft(envelope, decision, { effect: 'none', ref, salts, changes }))
    return { entry, approval }
  }

  async function redeemed(
    envelope: ActionEnvelope,
    decision: Decision,
    effect: Effect,
    id: Approval['id'],
  ): Promise<Intent> {
    const approval = await approvals.get(id)
    if (approval === null) throw new AegisError('internal', `approval ${id} is gone`)
    const changes = [approvals.redemption(envelope, approval)]
    const salts = { ...freshSalts(random), ...approval.salts }
    const entry = await ledger.append(decisionDraft(envelope, decision, { effect, ref: id, salts, changes }))
    return { entry, approval }
  }

  return {
    async decision(envelope, decision, effect) {
      if (decision.verdict === 'review') return parked(envelope, decision)
      const approval = redeems(decision)
      if (approval !== null) return redeemed(envelope, decision, effect, approval)
      const salts = freshSalts(random)
      const entry = await ledger.append(decisionDraft(envelope, decision, { effect, ref: null, salts, changes: [] }))
      return { entry, approval: null }
    },
    async result(envelope, outcome, result, restore) {
      // What was given for repeated use was not spent.
      const changes =
        restore === null || restore.resolution?.repeat !== undefined
          ? []
          : [{ kind: 'restore' as const, id: restore.id, parameters: restore.parameters }]
      const draft = resultDraft(envelope, outcome, result, random, changes)
      try {
        return await ledger.append(draft)
      } catch (error) {
        // The ledger keeps the result and writes it before anything else once it can.
        throw new AegisError('evidence_unavailable', 'the result could not be recorded; the action may have happened', {
          advice:
            'check what happened before calling again; the result is kept and will be recorded as soon as the ledger can be written',
          cause: error,
        })
      }
    },
  }
}

function spent(approval: Approval): AegisError {
  return new AegisError('approval_spent', `approval ${approval.id} is ${approval.status}`)
}
