import type { ApprovalChange, Channel, Separation } from '../core/approval.ts'
import type { EnvelopeId, SessionId, Sha256 } from '../core/ids.ts'
import type { Json } from '../core/json.ts'
import type { Committed, EntryKind } from './format/version.ts'

export { COMMITTED, type Committed, ENTRY_KINDS, type EntryKind } from './format/version.ts'

/** `forward`: a result entry must follow, else a crash swallowed it and an `orphan` closes it. `none`: nothing runs. */
export type Effect = 'none' | 'forward'

/** A value to commit: HMAC-SHA256 under its salt goes into the body, value and salt into the erasable payload. */
export interface Commitment {
  readonly path: Committed
  /** 32 bytes. */
  readonly salt: Uint8Array
  readonly value: Json
}

/** The printable record of a lent credential: hash, scope and times, never the secret. Times in milliseconds since the epoch. */
export interface GrantRecord {
  readonly type: string
  /** Writes first, then names in order: `pull_requests:write,contents:read`. */
  readonly scope: string
  readonly tokenSha256: Sha256
  readonly issuedAt: number
  readonly expiresAt: number
  readonly revokedAt: number | null
}

/** How a lent credential ended, known only after its call's result. Times in milliseconds since the epoch. */
export interface CredentialEnd {
  readonly type: string
  readonly scope: string
  readonly tokenSha256: string
  readonly envelope: string
  readonly issuedAt: number
  /** `revoked`: its issuer confirmed that it is gone. `expired`: it ran out before anybody confirmed that. */
  readonly how: 'revoked' | 'expired'
  readonly at: number
  /** The GitHub App and installation it was minted by; null where they are not known any more. */
  readonly app: string | null
  readonly installation: number | null
}

/** Another policy is in force from here on: as the log itself says it, beside the digest that each decision names. */
export interface PolicyChange {
  /** Position in the history of this installation's policies, from 1. */
  readonly version: number
  /** The policy's digest, as the entries it decides name it. */
  readonly sha256: string
  /** SHA-256 of the texts it was compiled from (`policy-set/version.ts`). */
  readonly sourcesSha256: string
  readonly names: readonly string[]
  readonly cause: 'start' | 'reload' | 'rollback'
  /** Of a rollback: the version whose texts are in force again, and the principal that asked for it. */
  readonly of: number | null
  readonly by: string | null
}

export interface DraftOutcome {
  /** What came of it, in short: `pr/1247`. */
  readonly label: string | null
  readonly status: 'ok' | 'error' | 'unsent' | 'cancelled' | 'unknown' | 'input_required'
  readonly credential: GrantRecord | null
}

/** An entry before it has a place. `seq`, `prev`, `n`, `eid` and `ts` are given by the ledger when it is written. */
export interface EntryDraft {
  readonly kind: EntryKind
  readonly session: SessionId
  readonly env: EnvelopeId
  /** The envelope this one refers to: the approval redeemed or still pending. */
  readonly ref: EnvelopeId | null
  readonly actor: { readonly agent: string; readonly subject: string; readonly tenant: string }
  readonly action: { readonly protocol: string; readonly tool: string; readonly capability: string }
  readonly decision: { readonly rule: string; readonly policy: string; readonly policySha256: Sha256 } | null
  readonly effect: Effect | null
  readonly findings: readonly { readonly name: string; readonly verdict: string }[]
  readonly blast: { readonly level: string; readonly score: number } | null
  readonly reviewer: {
    readonly principal: string
    readonly name: string
    readonly claimed: string | null
    readonly channel: Channel
    readonly separation: Separation
  } | null
  readonly outcome: DraftOutcome | null
  readonly commitments: readonly Commitment[]
  /** Applied in the transaction that writes the entry. One that does not hold fails this draft alone with `approval_spent`. */
  readonly changes: readonly ApprovalChange[]
}

/** A written entry's receipt: durable by the time the promise resolves. */
export interface LedgerEntry {
  readonly n: number
  readonly session: SessionId
  readonly seq: number
  readonly kind: EntryKind
  readonly env: EnvelopeId
  readonly eid: string
  readonly ts: string
  /** The wire's `evidence_hash`. */
  readonly hash: Sha256
}

/** The one door to the evidence. */
export interface Ledger {
  /**
   * Writes one entry; resolves only when it is durable.
   * @throws AegisError `approval_spent` where a change did not hold; `evidence_unavailable` where nothing could be written.
   */
  append(draft: EntryDraft): Promise<LedgerEntry>
}
