import type { Approval, ApprovalStatus } from '../core/approval.ts'
import type { EnvelopeId, Principal, SessionId, Sha256 } from '../core/ids.ts'

export interface ApprovalFilter {
  readonly status: ApprovalStatus | 'all'
  readonly principal?: Principal
  readonly session?: SessionId
  /** At most 1,000. */
  readonly limit: number
}

/** A place in a list of approvals. */
export interface ApprovalPlace {
  /** Milliseconds since the epoch. */
  readonly queuedAt: number
  readonly id: string
}

export interface ApprovalPageFilter extends ApprovalFilter {
  /** Canonical, or all that begin so where it ends in `*`. */
  readonly tool?: string
  readonly order: 'oldest' | 'newest'
  /** Behind this one, in this order. */
  readonly after?: ApprovalPlace
}

/** Reading only: approvals change in one way, as an `ApprovalChange` on the draft of the entry that records it. */
export interface ApprovalStore {
  get(id: EnvelopeId): Promise<Approval | null>
  /** The most recently queued approval of this digest, whatever its status. */
  latest(digest: Sha256): Promise<Approval | null>
  /** Oldest first. */
  list(filter: ApprovalFilter): Promise<readonly Approval[]>
  /** By when they were queued, then by id; at most 1,001. */
  page(filter: ApprovalPageFilter): Promise<readonly Approval[]>
  /** What waits for a person, by `riskRank`; of equal risk what has waited longest comes first. At most 1,000. */
  riskiest(limit: number, principal?: Principal): Promise<readonly Approval[]>
  /** How many wait for a person: those of one principal, or of all. */
  pending(principal?: Principal): Promise<number>
  /** Pending or approved ones whose time is over at `now`, oldest first, at most `limit`. */
  due(now: number, limit: number): Promise<readonly Approval[]>
}
