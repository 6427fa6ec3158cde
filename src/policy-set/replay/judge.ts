import type { Decision, Verdict } from '../../core/decision.ts'
import type { ActionEnvelope } from '../../core/envelope.ts'
import type { Facts } from '../../core/facts.ts'
import {
  type CompiledPolicy,
  compilePolicy,
  guardForm,
  guardNeeds,
  type PolicyDocument,
} from '../../core/policy/index.ts'
import type { RecordedDecision, Undecidable } from './recorded.ts'

/** A policy ready to judge what is past: whole, and its rules alone. */
export interface Candidate {
  readonly documents: readonly PolicyDocument[]
  readonly whole: CompiledPolicy
  readonly rules: CompiledPolicy
  /** Everything its guards can say rests on this and on the facts. */
  readonly guards: string
}

export type Rejudged =
  | { readonly decided: true; readonly verdict: Verdict; readonly rule: string; readonly reason: string }
  | { readonly decided: false; readonly why: Undecidable; readonly facts?: readonly string[] }

export function candidateOf(documents: readonly PolicyDocument[]): Candidate {
  const guards = documents.flatMap((document) => document.guards.map(guardForm))
  return {
    documents,
    whole: compilePolicy(documents),
    rules: compilePolicy(documents.map((document) => ({ ...document, guards: [] }))),
    guards: guards.sort().join('\n'),
  }
}

/** Nothing was approved: what is compared is what policy says, not what people made of it. */
const NOBODY_ASKED: Facts = { approval: { known: true, value: { status: 'none' } } }
const STRICTNESS = { allow: 0, rewrite: 0, review: 1, block: 2 } as const satisfies Record<Verdict, number>

/**
 * What a policy would say of a recorded action. Where its guards look at facts, which nobody records, it is said only where every
 * fact leads to the same, or where the guards of the version that decided are the very same and were asked: then what they
 * found is in the entry.
 * @param then the version that decided; null where it is not known.
 */
export function rejudge(
  candidate: Candidate,
  then: Candidate | null,
  recorded: RecordedDecision,
  envelopes: readonly ActionEnvelope[],
): Rejudged {
  if (recorded.rule === 'guard:pins') return { decided: false, why: 'pins' }
  if (recorded.findings.some(({ name }) => /^room(?::|$)/.test(name))) return { decided: false, why: 'room' }
  const all = envelopes.map((envelope) => rejudgeOne(candidate, then, recorded, envelope))
  const [first, ...others] = all
  if (first === undefined) return { decided: false, why: 'catalog' }
  if (!first.decided) return first
  const same = others.every((other) => other.decided && other.verdict === first.verdict)
  return same ? first : { decided: false, why: 'surface' }
}

function rejudgeOne(
  candidate: Candidate,
  then: Candidate | null,
  recorded: RecordedDecision,
  envelope: ActionEnvelope,
): Rejudged {
  const facts = [...guardNeeds(candidate.documents, envelope)]
  const strictest = candidate.whole.decide(candidate.whole.bind(envelope, NOBODY_ASKED), NOBODY_ASKED)
  if (facts.length === 0) return said(strictest)
  const least = candidate.rules.decide(envelope, NOBODY_ASKED)
  if (isCertain(least, strictest, mayRewrite(candidate, envelope))) return said(least)
  const asked = recorded.was !== 'block' || recorded.rule.startsWith('guard:')
  if (then?.guards !== candidate.guards || !asked) return { decided: false, why: 'facts', facts }
  return withRecordedGuards(candidate, least, recorded)
}

/**
 * Guards only tighten: between what the rules say and what unknown facts lead to there is nothing else. But a call that becomes a
 * pull request never meets a default as it was asked.
 */
function isCertain(least: Decision, strictest: Decision, rewritable: boolean): boolean {
  if (rewritable) return least.verdict === 'block' && least.rule.label !== 'default'
  return least.verdict === 'block' || least.verdict === strictest.verdict
}

function mayRewrite({ documents }: Candidate, envelope: ActionEnvelope): boolean {
  return documents.some(({ guards }) =>
    guards.some(
      ({ guard }) =>
        guard.name === 'protected_branches' &&
        envelope.action.acts.some((act) => guard.needs({ act, envelope }).length > 0),
    ),
  )
}

function withRecordedGuards(candidate: Candidate, least: Decision, recorded: RecordedDecision): Rejudged {
  const spoken = recorded.findings.filter(({ name }) => name.startsWith('guard:'))
  if (spoken.some(({ verdict }) => verdict === 'rewrite')) {
    if (recorded.policySha256 !== candidate.whole.digest) return { decided: false, why: 'rewritten' }
    return { decided: true, verdict: recorded.was, rule: recorded.rule, reason: 'it is the policy that decided' }
  }
  const worst = spoken.find(({ verdict }) => verdict === 'block') ?? spoken.find(({ verdict }) => verdict === 'review')
  if (worst === undefined) return said(least)
  const verdict = worst.verdict === 'block' ? 'block' : 'review'
  if (STRICTNESS[least.verdict] >= STRICTNESS[verdict]) return said(least)
  return { decided: true, verdict, rule: worst.name, reason: 'the guard said so then, and is the same' }
}

function said({ verdict, rule, reason }: Decision): Rejudged {
  return { decided: true, verdict, rule: rule.label, reason }
}
