import type { ReviewTerms } from './decision.ts'
import type { EnvelopeId } from './ids.ts'

/** A piece of context with its source. Unknown is never "fine": what needs it tightens and says the reason. */
export type Fact<T> = { readonly known: true; readonly value: T } | { readonly known: false; readonly reason: string }

/** What the approvals say about exactly this action of this caller. */
export type ApprovalFact =
  | { readonly status: 'none' }
  | { readonly status: 'pending'; readonly id: EnvelopeId }
  | { readonly status: 'approved'; readonly id: EnvelopeId; readonly terms: ReviewTerms }
  | { readonly status: 'denied'; readonly id: EnvelopeId; readonly by: string; readonly comment: string }

/** The facts a policy can ask for, by key. */
export interface FactValues {
  readonly approval: ApprovalFact
}
export type FactKey = keyof FactValues

export type Facts = { readonly [K in FactKey]?: Fact<FactValues[K]> }
