import { rateBlastRadius } from '../blast-radius.ts'
import type { Decision, Finding, Obligation, ReviewTerms, RuleRef, RuleVerdict } from '../decision.ts'
import type { Act, ActionEnvelope } from '../envelope.ts'
import type { Facts } from '../facts.ts'
import type { Sha256 } from '../ids.ts'
import { type Bench, searchRules } from './judge.ts'
import { doubtOpinion, type Opinion, stricterThan } from './opinion.ts'
import { satisfies, strictestTerms } from './terms.ts'

/** What the rules make of an envelope before any fact is looked at. */
export interface Judgement {
  readonly verdict: RuleVerdict
  readonly rule: RuleRef
  readonly reason: string
  readonly findings: readonly Finding[]
  readonly terms: ReviewTerms
  readonly suggestion: string | null
}

/** Each act by every document, and the catalog's doubts: the strictest opinion decides, all are recorded. */
export function judge(benches: readonly [Bench, ...Bench[]], envelope: ActionEnvelope): Judgement {
  const { surface, action } = envelope
  const [first] = action.acts
  let decided = { act: first, opinion: undefined as Opinion | undefined }
  const all: Opinion[] = []
  const consider = (act: Act, opinion: Opinion) => {
    all.push(opinion)
    if (decided.opinion === undefined || stricterThan(opinion.verdict, decided.opinion.verdict))
      decided = { act, opinion }
  }
  for (const act of action.acts) {
    for (const bench of benches) {
      for (const opinion of searchRules(bench, surface, act).opinions) consider(act, opinion)
    }
    if (act.doubt !== null) consider(act, doubtOpinion(act, act.doubt, benches[0].document.name))
  }
  const { act, opinion = benches[0].fallback } = decided
  return {
    verdict: opinion.verdict,
    rule: opinion.ref,
    reason: act.tool === action.tool ? opinion.finding.reason : `${act.tool}: ${opinion.finding.reason}`,
    findings: distinct(all),
    terms: opinion.verdict === 'review' ? reviewTerms(all, opinion.terms) : opinion.terms,
    suggestion: opinion.suggestion,
  }
}

function reviewTerms(opinions: readonly Opinion[], terms: ReviewTerms): ReviewTerms {
  return strictestTerms([terms, ...opinions.filter(({ verdict }) => verdict === 'review').map((one) => one.terms)])
}

/** Equal findings of several acts once, the strictest first. */
function distinct(opinions: readonly Opinion[]): readonly Finding[] {
  if (opinions.length === 1) return opinions.map(({ finding }) => finding)
  const kept: Opinion[] = []
  const seen = new Set<string>()
  for (const opinion of opinions) {
    const { source, name, verdict, reason } = opinion.finding
    // An agent has a say in the reason alone, and only in the catalog's: it can hide no finding of another source.
    const key = `${source} ${opinion.ref.policy} ${verdict} ${name} ${reason}`
    if (seen.has(key)) continue
    seen.add(key)
    kept.push(opinion)
  }
  return kept.sort((a, b) => RANK[a.verdict] - RANK[b.verdict]).map(({ finding }) => finding)
}

const RANK = { block: 0, review: 1, allow: 2 } as const satisfies Record<RuleVerdict, number>

/** The decision: the judgement, and for a review what is known of an approval. A block is never undone by one. */
export function conclude(judgement: Judgement, envelope: ActionEnvelope, facts: Facts, policySha256: Sha256): Decision {
  const { verdict, rule, reason, findings, terms, suggestion } = judgement
  const blastRadius = rateBlastRadius(envelope.action.acts)
  const obligations = NO_OBLIGATIONS
  // Written out: spreading a common part takes longer than all the matching.
  switch (verdict) {
    case 'allow':
      return { rule, policySha256, findings, reason, blastRadius, obligations, verdict }
    case 'block':
      return { rule, policySha256, findings, reason, blastRadius, obligations, verdict, suggestion }
    case 'review': {
      const pending = null
      const review = { rule, policySha256, findings, reason, blastRadius, obligations, verdict, terms, pending }
      return withApproval(review, facts)
    }
    default:
      return verdict satisfies never
  }
}

const NO_OBLIGATIONS: readonly Obligation[] = []

type Review = Extract<Decision, { verdict: 'review' }>

function withApproval(review: Review, facts: Facts): Decision {
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
        verdict: 'allow',
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
