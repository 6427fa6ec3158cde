import type { EnvelopeId, Sha256 } from './ids.ts'

export const VERDICTS = ['allow', 'rewrite', 'review', 'block'] as const
export type Verdict = (typeof VERDICTS)[number]

/** What a rule may say. Rewriting is a guard's right. */
export type RuleVerdict = 'allow' | 'review' | 'block'

/** One rule's or guard's opinion. All are recorded; the deciding one is named by `Decision.rule`. */
export interface Finding {
  readonly source: 'rule' | 'guard' | 'default' | 'catalog' | 'approval' | 'room'
  /** `git:github.get_*`, `guard:secrets`, `default`, `shell:parse`, `approved:<id>`. */
  readonly name: string
  readonly verdict: Verdict
  readonly reason: string
}

/** The rule that decided. `label` is the wire's `matched_rule`. */
export interface RuleRef {
  readonly policy: string
  /** Position in the policy's `rules`, 0-based; null for a default, a guard or an approval. */
  readonly index: number | null
  readonly label: string
}

export const BLAST_LEVELS = ['low', 'medium', 'high', 'critical'] as const
export interface BlastRadius {
  readonly level: (typeof BLAST_LEVELS)[number]
  /** 0 to 100. */
  readonly score: number
  readonly reasons: readonly string[]
}

/** On what terms a review may be settled. */
export interface ReviewTerms {
  /** Seconds a pending approval lives. */
  readonly ttl: number
  /** Distinct reviewers needed. */
  readonly reviewers: number
  /** Somebody else than the owner of the requesting key must decide. */
  readonly independent: boolean
  /** The approval may be redeemed only in the session it was asked in. */
  readonly sameSession: boolean
  /** Whose yes counts: owners of keys by name, `owners` for those of the repository's room. One must stand in every list; absent: any reviewer's. */
  readonly from?: readonly (readonly string[])[]
  /** Only an administrator's yes counts. */
  readonly role?: 'admin'
  /** Seconds for which a reviewer may let this very action run again and again; absent: it runs once. */
  readonly repeat?: number
  /** Who put the policy into force may not approve under it. */
  readonly notAuthor?: true
}

export const DEFAULT_TERMS: ReviewTerms = { ttl: 1800, reviewers: 1, independent: false, sameSession: false }

/** What must happen in the same transaction as the decision's entry. */
export type Obligation = { readonly kind: 'redeem'; readonly approval: EnvelopeId }

interface DecisionBase {
  readonly rule: RuleRef
  /** Digest of the policy that decided. */
  readonly policySha256: Sha256
  readonly findings: readonly Finding[]
  readonly reason: string
  readonly blastRadius: BlastRadius
  readonly obligations: readonly Obligation[]
}

export type Allow = DecisionBase & { readonly verdict: 'allow' }
/** The envelope's plan runs in place of what was asked. */
export type Rewrite = DecisionBase & { readonly verdict: 'rewrite' }
export type Block = DecisionBase & { readonly verdict: 'block'; readonly suggestion: string | null }
/** `pending`: the approval that already waits for this very action, if one does. */
export type Review = DecisionBase & {
  readonly verdict: 'review'
  readonly terms: ReviewTerms
  readonly pending: EnvelopeId | null
}
/** A decision under which something may run. */
export type Permit = Allow | Rewrite
export type Decision = Permit | Block | Review

export function permits(decision: Decision): decision is Permit {
  return decision.verdict === 'allow' || decision.verdict === 'rewrite'
}
