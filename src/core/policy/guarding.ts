import { DEFAULT_TERMS } from '../decision.ts'
import type { Act, ActionEnvelope } from '../envelope.ts'
import type { FactKey, Facts } from '../facts.ts'
import type { PolicyDocument } from './document.ts'
import type { Guard, GuardFinding, GuardView } from './guards/guard.ts'
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
  const acts = [...envelope.action.acts, ...(envelope.plan?.acts ?? [])]
  for (const { guards } of documents) {
    for (const { guard } of guards) {
      for (const act of acts) for (const key of guard.needs({ act, envelope })) needed.add(key)
    }
  }
  return needed
}

/**
 * Every guard on every act. Where the call is rewritten, guards that ask where a change ends up do not speak of what was asked,
 * which never runs, but of the plan's steps; all others speak of both.
 */
export function guardOpinions(
  documents: readonly PolicyDocument[],
  envelope: ActionEnvelope,
  facts: Facts,
): readonly GuardOpinion[] {
  const { plan, action } = envelope
  return documents.flatMap(({ name, guards }) =>
    guards.flatMap(({ guard }) => [
      ...action.acts.flatMap((act) => asked(name, guard, { act, envelope, facts })),
      ...(plan?.acts ?? []).flatMap((act) => step(name, guard, { act, envelope, facts })),
    ]),
  )
}

function asked(policy: string, guard: Guard, view: GuardView): readonly GuardOpinion[] {
  // Where one document rewrites and another blocks the same write, the stricter one stands.
  const replaced = view.envelope.plan !== undefined && guard.destination && guard.name !== 'protected_branches'
  return guard
    .judge(view)
    .filter(({ verdict }) => verdict === 'rewrite' || !replaced)
    .map((finding) => said(policy, guard, view.act, finding))
}

/** A plan is never planned again: what would need that cannot run. */
function step(policy: string, guard: Guard, view: GuardView): readonly GuardOpinion[] {
  return guard
    .judge(view)
    .map((finding): GuardFinding => (finding.verdict === 'rewrite' ? { ...finding, verdict: 'block' } : finding))
    .map((finding) => said(policy, guard, view.act, finding))
}

function said(policy: string, guard: Guard, act: Act, finding: GuardFinding): GuardOpinion {
  return { act, opinion: opinionOf(policy, guard, finding), rewrites: finding.verdict === 'rewrite' }
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
