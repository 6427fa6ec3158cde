import type { Decision, Finding } from '../decision.ts'
import type { ActionEnvelope } from '../envelope.ts'
import type { Facts } from '../facts.ts'
import { isOf } from './room.ts'

/**
 * Whether the room of the action's repository only watches: then nothing is held back, and what would have been is recorded.
 * Only where every act is surely that room's: its key also calls shells and databases, which no room lets through.
 */
export function isShadowed({ action }: Pick<ActionEnvelope, 'action'>, { room }: Facts): boolean {
  if (room?.known !== true || room.value === null || room.value.mode === 'enforce') return false
  const { value } = room
  return action.acts.every((act) => isOf(act, value) && act.strays !== true)
}

/** The decision of a room that only watches: what would have been stands among the findings as `shadow:<verdict>`. */
export function shadowed(decision: Decision, facts: Facts): Decision {
  const { verdict: would, rule, policySha256, findings, blastRadius } = decision
  const room = facts.room?.known === true ? facts.room.value : null
  if (would === 'allow' || room === null) return decision
  const reason = `would be ${would} by ${rule.label} (${decision.reason}); the room ${room.id} is in shadow mode`
  const finding: Finding = { source: 'room', name: `shadow:${would}`, verdict: 'allow', reason }
  return {
    verdict: 'allow',
    rule: { policy: rule.policy, index: null, label: `shadow:${room.id}` },
    policySha256,
    findings: [...findings, finding],
    reason,
    blastRadius,
    obligations: [],
  }
}
