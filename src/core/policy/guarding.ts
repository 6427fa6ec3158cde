import { DEFAULT_TERMS } from '../decision.ts'
import type { Act, ActionEnvelope } from '../envelope.ts'
import type { FactKey, Facts } from '../facts.ts'
import type { PolicyDocument } from './document.ts'
import type { Guard, GuardFinding } from './guards/guard.ts'
import type { Opinion } from './opinion.ts'

/** What a guard says of one act. `rewrite` is no strictness: it changes what runs, and decides nothing. */
export interface GuardOpinion {
  readonly act: Act
  readonly opinion: Opinion
  readonly rewrites: boolean
}

/** The facts that any guard wants for any act. */
export function guardNeeds(documents: readonly PolicyDocument[], envelope: ActionEnvelope): ReadonlySet<FactKey> {
  const needed = new Set<FactKey>()
  for (const { guards } of documents) {
    for (const { guard } of guards) {
      for (const act of envelope.action.acts) for (const key of guard.needs({ act, envelope })) needed.add(key)
    }
  }
  return needed
}

/**
 * Every guard on every act. Where the call is rewritten, guards that ask where a change ends up are asked about the plan's
 * steps, for what was asked never runs; all others about what was asked, whose content the plan keeps.
 */
export function guardOpinions(
  documents: readonly PolicyDocument[],
  envelope: ActionEnvelope,
  facts: Facts,
): readonly GuardOpinion[] {
  const found: GuardOpinion[] = []
  const { plan, action } = envelope
  for (const { name, guards } of documents) {
    for (const { guard } of guards) {
      for (const act of action.acts) {
        for (const finding of guard.judge({ act, envelope, facts })) {
          const rewrites = finding.verdict === 'rewrite'
          if (plan === undefined || !guard.destination || rewrites)
            found.push({ act, opinion: opinionOf(name, guard, finding), rewrites })
        }
      }
      if (plan === undefined || !guard.destination) continue
      for (const act of plan.acts) {
        for (const finding of guard.judge({ act, envelope, facts })) {
          // A plan is never planned again: what would need that cannot run.
          const opinion = opinionOf(
            name,
            guard,
            finding.verdict === 'rewrite' ? { ...finding, verdict: 'block' } : finding,
          )
          found.push({ act, opinion, rewrites: false })
        }
      }
    }
  }
  return found
}

function opinionOf(policy: string, { name }: Guard, { verdict, reason, suggestion }: GuardFinding): Opinion {
  const label = `guard:${name}`
  return {
    verdict: verdict === 'rewrite' ? 'allow' : verdict,
    ref: { policy, index: null, label },
    finding: { source: 'guard', name: label, verdict, reason },
    terms: DEFAULT_TERMS,
    suggestion: suggestion ?? null,
  }
}
