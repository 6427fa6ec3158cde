import { presentName } from '../core/catalog/github-aliases.ts'
import type { Block, Decision, Finding } from '../core/decision.ts'
import type { ActionEnvelope } from '../core/envelope.ts'
import { excerpt } from '../core/paths.ts'
import type { Standing, ToolPins } from '../tool-pins/index.ts'
import { DEFAULT_LISTING, type Upstreams } from './ports.ts'

/** The label of a decision that rests on a tool's definition. */
export const PIN_GUARD = 'guard:pins'

/** A guard beside the policy's own: a tool whose definition nobody accepted does not run, whatever the rules and approvals say. */
export type PinGuard = (envelope: ActionEnvelope, decision: Decision) => Decision

export function createPinGuard({ upstreams, pins }: { upstreams: Upstreams; pins: ToolPins }): PinGuard {
  return (envelope, decision) => {
    const { route } = envelope.action
    if (route === null || route.request !== undefined) return decision
    const { upstream, tool } = route
    const mode = (upstreams.get(upstream)?.listing ?? DEFAULT_LISTING).pins
    const standing = pins.standing(upstream, mode, tool)
    if (standing !== 'trusted') return withheld(decision, standing, upstream, tool)
    // An old name is taken by the tool of today: where that is withheld, it is so under every name.
    const { tool: present } = presentName(tool)
    const there = present === tool ? standing : pins.standing(upstream, mode, present)
    return there === 'changed' ? withheld(decision, there, upstream, present) : decision
  }
}

const REASONS = {
  changed: 'its definition has changed since it was accepted',
  unaccepted: 'nobody has accepted its definition yet',
  'look-alike': 'its name could be taken for that of another tool',
} as const satisfies Record<Exclude<Standing, 'trusted'>, string>

function withheld(decision: Decision, standing: Exclude<Standing, 'trusted'>, upstream: string, tool: string): Block {
  const reason = REASONS[standing]
  const finding: Finding = { source: 'guard', name: PIN_GUARD, verdict: 'block', reason }
  const { policySha256, blastRadius, rule } = decision
  const findings = [...decision.findings, finding]
  if (decision.verdict === 'block') return { ...decision, findings }
  return {
    verdict: 'block',
    rule: { policy: rule.policy, index: null, label: PIN_GUARD },
    policySha256,
    findings,
    reason,
    blastRadius,
    obligations: [],
    suggestion:
      standing === 'look-alike'
        ? 'use a tool that tools/list shows'
        : `use another tool, or ask a person to look at it: aegisctl pins diff ${upstream} ${excerpt(tool)}`,
  }
}
