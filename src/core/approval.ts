import type { ReviewTerms } from './decision.ts'
import type { Plan } from './envelope.ts'
import type { EnvelopeId, Principal, SessionId, Sha256 } from './ids.ts'
import type { JsonObject } from './json.ts'

export const APPROVAL_STATUSES = ['pending', 'approved', 'denied', 'expired', 'redeemed'] as const
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number]

/** How a reviewer reached us; recorded in each `approve` and `deny` entry. */
export type Channel = 'rest' | 'cli' | 'dashboard' | 'graphql' | 'slack'
/** What separates the reviewer from the agent: nothing, another uid, another host. */
export type Separation = 'none' | 'uid' | 'host'

/** The person who settled a review. `principal` is authenticated; `claimed` is a name given with the request. */
export interface Reviewer {
  readonly principal: Principal
  /** Name of the key, or owner of the login: what a person calls themselves at their provider is `claimed`. For people. */
  readonly name: string
  readonly owner: string
  readonly claimed: string | null
  readonly channel: Channel
  readonly separation: Separation
}

/** One reviewer's yes. */
export interface Vote {
  readonly reviewer: Reviewer
  /** Whose place the reviewer spoke in, where not in their own. */
  readonly onBehalfOf?: Pick<Reviewer, 'principal' | 'name' | 'owner'>
  /** The reviewer would let it run again and again. */
  readonly repeat?: true
  readonly comment: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** A review being settled. Its id is the id of the envelope that asked. */
export interface Approval {
  readonly id: EnvelopeId
  readonly status: ApprovalStatus
  /** HMAC over everything that must be equal for the approval to cover an action; keyed per installation, never in the ledger. */
  readonly digest: Sha256
  readonly principal: Principal
  readonly owner: string
  readonly session: SessionId
  readonly agent: string
  readonly protocol: string
  readonly tool: string
  readonly capability: string
  readonly target: string
  readonly upstream: string | null
  readonly remoteTool: string | null
  /** Raw arguments, kept only until redeemed, denied or expired; then null. */
  readonly parameters: JsonObject | null
  /** Salts of the review entry's commitments, reused by the envelope that redeems it, as hex by field. */
  readonly salts: Readonly<Record<string, string>>
  readonly blast: string
  /** The score and its reasons; absent where it was asked for before they were kept. */
  readonly risk?: { readonly score: number; readonly reasons: readonly string[] }
  /** What runs in place of what was asked: its files are the parameters'. */
  readonly plan?: Pick<Plan, 'kind' | 'branch' | 'base' | 'title' | 'body'>
  /** The commit that it is approved of. */
  readonly head?: string
  /** The branch that it is approved to be merged into. */
  readonly onto?: string
  /** `reason` is absent where it was asked for before reasons were kept. */
  readonly findings: readonly { readonly name: string; readonly verdict: string; readonly reason?: string }[]
  readonly matchedRule: string
  readonly policy: string
  readonly policySha256: Sha256
  readonly terms: ReviewTerms
  readonly justification: string | null
  /** Milliseconds since the epoch. */
  readonly queuedAt: number
  /** End of the pending time, then (once approved) end of the time in which it may be redeemed. Milliseconds since the epoch. */
  readonly expiresAt: number
  readonly votes: readonly Vote[]
  /** `repeat`: it may be used again and again for so many seconds. */
  readonly resolution: {
    readonly reviewer: Reviewer
    readonly comment: string
    readonly at: number
    readonly repeat?: number
  } | null
  /** The repository that it is about, `owner/name`; absent where it names none. */
  readonly repository?: string
}

/**
 * A change of an approval, carried by the draft of the entry that records it and applied in the same transaction.
 * Each holds only from the status it names; a change that does not hold fails its draft alone with `approval_spent`.
 */
export type ApprovalChange =
  /** Holds where no approval of the same digest is pending: two identical calls ask once. */
  | { readonly kind: 'park'; readonly approval: Approval }
  /** pending -> pending (more votes needed) or approved; `expiresAt` is the end of the redeem window. */
  | {
      readonly kind: 'approve'
      readonly id: EnvelopeId
      readonly vote: Vote
      readonly settles: boolean
      readonly expiresAt: number
      /** Settles all the same where so many votes are there by then: two that come over different gateways do not see each other. */
      readonly whenEnough?: { readonly votes: number; readonly expiresAt: number }
      /** Settled for use again and again, for so many seconds. */
      readonly repeat?: number
    }
  | { readonly kind: 'deny'; readonly id: EnvelopeId; readonly vote: Vote; readonly expiresAt: number }
  /** pending or approved -> expired, where `expiresAt` has passed. */
  | { readonly kind: 'expire'; readonly id: EnvelopeId; readonly at: number }
  /** pending or approved -> expired before its time, at the word of the one who asked; `at` becomes the end of its time. */
  | { readonly kind: 'withdraw'; readonly id: EnvelopeId; readonly principal: Principal; readonly at: number }
  /** approved -> redeemed, once, before `expiresAt`. */
  | { readonly kind: 'redeem'; readonly id: EnvelopeId; readonly digest: Sha256; readonly at: number }
  /** approved -> approved: used once more, before `expiresAt`; holds only where it was given for that. */
  | { readonly kind: 'reuse'; readonly id: EnvelopeId; readonly digest: Sha256; readonly at: number }
  /** redeemed -> approved: nothing was sent (the credential or the connection failed first). `parameters`: the raw arguments, which redeeming had dropped. */
  | { readonly kind: 'restore'; readonly id: EnvelopeId; readonly parameters?: JsonObject | null }
  /**
   * Drops what a settled approval keeps of the committed values at these paths, and their salts: they were erased from the
   * evidence. Always holds; an approval that is not settled yet keeps what it needs.
   */
  | { readonly kind: 'forget'; readonly id: EnvelopeId; readonly paths: readonly string[] }
