import { rateBlastRadius } from '../blast-radius.ts'
import type { Decision, Finding, Obligation, ReviewTerms } from '../decision.ts'
import type { ActionEnvelope } from '../envelope.ts'
import type { Facts } from '../facts.ts'
import type { Sha256 } from '../ids.ts'
import type { Judgement } from './decide.ts'
import { isShadowed, shadowed } from './shadowed.ts'
import { letsRepeat, satisfies } from './terms.ts'

/** Of the policy that concludes. */
export interface Concluding {
  readonly digest: Sha256
  /** People who must say yes to what has a critical blast radius. */
  readonly criticalNeeds: number
}

/** The decision: the judgement, and for a review what is known of an approval. A block is never undone by one. */
export function conclude(judgement: Judgement, envelope: ActionEnvelope, facts: Facts, policy: Concluding): Decision {
  const decision = settled(judgement, envelope, facts, policy)
  if (judgement.access || !isShadowed(envelope, facts)) return decision
  return shadowed(decision, facts)
}

function settled(judgement: Judgement, envelope: ActionEnvelope, facts: Facts, policy: Concluding): Decision {
  const { rule, reason, findings, suggestion } = judgement
  const policySha256 = policy.digest
  const blastRadius = rateBlastRadius(envelope.plan?.acts ?? envelope.action.acts, facts.changes)
  const obligations = NO_OBLIGATIONS
  const verdict = judgement.rewriting && judgement.verdict === 'allow' ? 'rewrite' : judgement.verdict
  // Written out: spreading a common part takes longer than all the matching.
  switch (verdict) {
    case 'allow':
    case 'rewrite':
      return { rule, policySha256, findings, reason, blastRadius, obligations, verdict }
    case 'block':
      return { rule, policySha256, findings, reason, blastRadius, obligations, verdict, suggestion }
    case 'review': {
      const pending = null
      const terms = blastRadius.level === 'critical' ? demanding(judgement.terms, policy) : judgement.terms
      const review = { rule, policySha256, findings, reason, blastRadius, obligations, verdict, terms, pending }
      return withApproval(review, facts, envelope)
    }
    default:
      return verdict satisfies never
  }
}

function demanding(terms: ReviewTerms, { criticalNeeds }: Concluding): ReviewTerms {
  return terms.reviewers >= criticalNeeds ? terms : { ...terms, reviewers: criticalNeeds }
}

const NO_OBLIGATIONS: readonly Obligation[] = []

type Review = Extract<Decision, { verdict: 'review' }>

function withApproval(review: Review, facts: Facts, { plan }: ActionEnvelope): Decision {
  const fact = facts.approval
  if (fact === undefined || !fact.known) {
    return noting(review, `whether it was approved is unknown: ${fact === undefined ? 'nobody looked' : fact.reason}`)
  }
  const approval = fact.value
  switch (approval.status) {
    case 'none':
      return review
    case 'pending':
      return { ...review, pending: approval.id }
    case 'approved': {
      if (!satisfies(approval.terms, review.terms)) {
        return noting(review, `approval ${approval.id} was given on looser terms than are now in force`)
      }
      if (approval.repeating && !mayRepeat(approval.terms, review)) {
        return noting(review, `approval ${approval.id} was given for repeated use, which is not allowed now`)
      }
      const label = `approved:${approval.id}`
      return {
        ...basis(review, label, { source: 'approval', name: label, verdict: 'allow', reason: 'approved' }, 'approved'),
        // What was approved is the plan: no approval ever releases the call it stands for.
        verdict: plan === undefined ? 'allow' : 'rewrite',
        obligations: [{ kind: 'redeem', approval: approval.id }],
      }
    }
    case 'denied': {
      const reason = `denied by ${approval.by}${approval.comment === '' ? '' : `: ${approval.comment}`}`
      const label = `denied:${approval.id}`
      return {
        ...basis(review, label, { source: 'approval', name: label, verdict: 'block', reason }, reason),
        verdict: 'block',
        suggestion: null,
      }
    }
    default:
      return approval satisfies never
  }
}

/** Nothing critical runs twice on one word, whenever it became so. */
function mayRepeat(given: ReviewTerms, { terms, blastRadius }: Review): boolean {
  return blastRadius.level !== 'critical' && letsRepeat(given, terms)
}

function basis(review: Review, label: string, finding: Finding, reason: string) {
  const { rule, policySha256, findings, blastRadius, obligations } = review
  return {
    rule: { policy: rule.policy, index: null, label },
    policySha256,
    findings: [...findings, finding],
    reason,
    blastRadius,
    obligations,
  }
}

function noting(review: Review, note: string): Review {
  const finding: Finding = { source: 'approval', name: 'approval', verdict: 'review', reason: note }
  return { ...review, findings: [...review.findings, finding], reason: `${review.reason}; ${note}` }
}
