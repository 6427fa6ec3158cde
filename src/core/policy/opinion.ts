import { DEFAULT_TERMS, type Finding, type ReviewTerms, type RuleRef, type RuleVerdict } from '../decision.ts'
import type { Act } from '../envelope.ts'
import type { PolicyDocument, Rule } from './document.ts'

/** One opinion on one act: of a rule, of a policy's default, or of the catalog's doubt. */
export interface Opinion {
  readonly verdict: RuleVerdict
  readonly ref: RuleRef
  readonly finding: Finding
  readonly terms: ReviewTerms
  readonly suggestion: string | null
}

const STRICTNESS = { allow: 0, review: 1, block: 2 } as const satisfies Record<RuleVerdict, number>

export function stricterThan(a: RuleVerdict, b: RuleVerdict): boolean {
  return STRICTNESS[a] > STRICTNESS[b]
}

const VERBS = { allow: 'allows', review: 'asks for review of', block: 'blocks' } as const satisfies Record<
  RuleVerdict,
  string
>

/** @param label `<protocol>:<tool glob>` as written: the wire's `matched_rule`. */
export function ruleOpinion(policy: string, rule: Rule, index: number, label: string): Opinion {
  const { decision: verdict, terms, suggestion } = rule
  const reason = rule.reason ?? `rule ${label} of ${policy} ${VERBS[verdict]} it`
  return {
    verdict,
    ref: { policy, index, label },
    finding: { source: 'rule', name: label, verdict, reason },
    terms,
    suggestion,
  }
}

export function defaultOpinion({ name, defaultDecision }: PolicyDocument): Opinion {
  const reason = `no rule of ${name} matches, and its default ${VERBS[defaultDecision]} it`
  return {
    verdict: defaultDecision,
    ref: { policy: name, index: null, label: 'default' },
    finding: { source: 'default', name: 'default', verdict: defaultDecision, reason },
    terms: DEFAULT_TERMS,
    suggestion: null,
  }
}

/** What the catalog could not understand is for a person to look at, whatever the rules say. */
export function doubtOpinion(act: Act, doubt: string, policy: string): Opinion {
  const label = `${act.protocol}:doubt`
  return {
    verdict: 'review',
    ref: { policy, index: null, label },
    finding: { source: 'catalog', name: label, verdict: 'review', reason: doubt },
    terms: DEFAULT_TERMS,
    suggestion: null,
  }
}
