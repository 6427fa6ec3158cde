import { rateBlastRadius } from '../blast-radius.ts'
import type { Decision, Finding, Obligation } from '../decision.ts'
import type { ActionEnvelope } from '../envelope.ts'
import type { Facts } from '../facts.ts'
import type { Sha256 } from '../ids.ts'
import type { Judgement } from './decide.ts'
import { isShadowed, shadowed } from './shadowed.ts'
import { satisfies } from './terms.ts'

/** The decision: the judgement, and for a review what is known of an approval. A block is never undone by one. */
export function conclude(judgement: Judgement, envelope: ActionEnvelope, facts: Facts, policySha256: Sha256): Decision {
  const decision = settled(judgement, envelope, facts, policySha256)
  if (judgement.access || !isShadowed(envelope, facts)) return decision
  return shadowed(decision, facts)
}

function settled(judgement: Judgement, envelope: ActionEnvelope, facts: Facts, policySha256: Sha256): Decision {
  const { rule, reason, findings, terms, suggestion } = judgement
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
      const review = { rule, policySha256, findings, reason, blastRadius, obligations, verdict, terms, pending }
      return withApproval(review, facts, envelope)
    }
    default:
      return verdict satisfies never
  }
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
