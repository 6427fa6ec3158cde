import type { Sha256 } from '../core/ids.ts'

/** Every damage verify can name; `design` of each: ARCHITECTURE.md, "Verdicts". */
export const DAMAGE = {
  ALTERED_BODY: 'error',
  ALTERED_HASH: 'error',
  ALTERED_LINK: 'error',
  DELETED: 'error',
  INSERTED: 'error',
  REORDERED: 'error',
  FORK: 'error',
  TRUNCATED_HEAD: 'error',
  TRUNCATED_TAIL: 'error',
  SESSION_MISSING: 'error',
  WRONG_SESSION: 'error',
  WRONG_LOG: 'error',
  MANIFEST_FORGED: 'error',
  NON_CANONICAL: 'error',
  PROJECTION_MISMATCH: 'error',
  PAYLOAD_MISMATCH: 'error',
  PAYLOAD_MISSING: 'error',
  RESULT_WITHOUT_DECISION: 'error',
  APPROVAL_ABSENT: 'error',
  APPROVAL_MISMATCH: 'error',
  APPROVAL_EXPIRED: 'error',
  APPROVAL_REUSED: 'error',
  UNRESOLVED: 'warn',
  CLOCK_BACKWARDS: 'warn',
  APPROVAL_ELSEWHERE: 'info',
} as const satisfies Record<string, 'error' | 'warn' | 'info'>

export type DamageClass = keyof typeof DAMAGE

/** One thing found. `place` reads `seq 3 -> 4 (entry 17)`. */
export interface Damage {
  readonly class: DamageClass
  readonly severity: 'error' | 'warn' | 'info'
  readonly seq: number | null
  readonly n: number | null
  readonly place: string
  readonly detail: string
}

/** What a verification found. `valid` is false where any finding is an error. */
export interface VerifyReport {
  readonly valid: boolean
  readonly origin: string
  readonly session: string
  readonly totalEntries: number
  readonly manifestHash: Sha256
  readonly findings: readonly Damage[]
  /** How many findings there were in all: the list above holds the first 1,000. */
  readonly findingsTotal: number
  /** The first broken link, or null. */
  readonly brokenLink: string | null
  readonly trust: 'unsigned'
}
