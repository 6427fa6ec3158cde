/** Every damage verify can name, and how bad it is. `error` makes a ledger invalid. */
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
  BAD_SIGNATURE: 'error',
  WRONG_KEY: 'error',
  UNSIGNED: 'error',
  REWRITTEN: 'error',
  ROLLBACK: 'error',
  UNRESOLVED: 'warn',
  CLOCK_BACKWARDS: 'warn',
  APPROVAL_ELSEWHERE: 'info',
  ERASED: 'info',
  PRUNED: 'info',
  UNANCHORED: 'info',
  TORN_TAIL: 'info',
} as const satisfies Record<string, 'error' | 'warn' | 'info'>

export type DamageClass = keyof typeof DAMAGE

/** One thing found. `place` reads `seq 3 -> 4 (entry 17)`; `seq` is where the link breaks, null for the log as a whole. */
export interface Damage {
  readonly class: DamageClass
  readonly severity: 'error' | 'warn' | 'info'
  readonly seq: number | null
  readonly n: number | null
  readonly place: string
  readonly detail: string
}

/** A hostile ledger can hold any number of faults; a report holds this many of them. */
const MAX_LISTED = 1000

export interface Findings {
  /** `link` is the pair of positions the damage lies between; null for the log as a whole. */
  add(kind: DamageClass, link: Link | null, n: number | null, detail: string): void
  /** Adds what was found elsewhere. */
  take(damage: Damage): void
  readonly errors: number
  readonly total: number
  /** First broken link on top, then the other errors in order, then warnings and remarks. */
  sorted(): readonly Damage[]
}

export interface Link {
  readonly from: number | 'start'
  readonly to: number | 'head' | 'manifest'
}

/** The link an entry's own damage breaks: from it to its successor, which no longer names it. */
export function after(seq: number): Link {
  return { from: seq, to: seq + 1 }
}

/** The link by which an entry names its predecessor. */
export function before(seq: number): Link {
  return { from: seq === 0 ? 'start' : seq - 1, to: seq }
}

export function createFindings(): Findings {
  const list: Damage[] = []
  let errors = 0
  let total = 0
  function take(damage: Damage): void {
    total += 1
    if (damage.severity === 'error') errors += 1
    if (list.length >= MAX_LISTED && damage.severity !== 'error') return
    if (list.length < 2 * MAX_LISTED) list.push(damage)
  }
  return {
    take,
    add: (kind, link, n, detail) =>
      take({ class: kind, severity: DAMAGE[kind], seq: positionOf(link), n, place: placeOf(link, n), detail }),
    get errors() {
      return errors
    },
    get total() {
      return total
    },
    sorted: () => list.sort(byUrgency).slice(0, MAX_LISTED),
  }
}

function positionOf(link: Link | null): number | null {
  if (link === null) return null
  return link.from === 'start' ? 0 : link.from
}

function placeOf(link: Link | null, n: number | null): string {
  const entry = n === null ? '' : ` (entry ${n})`
  return link === null ? `log${entry}` : `seq ${link.from} -> ${link.to}${entry}`
}

const URGENCY = { error: 0, warn: 1, info: 2 } as const

/** What follows from another damage at the same place, or says less, stands below it. */
const SECONDARY: ReadonlySet<DamageClass> = new Set([
  'NON_CANONICAL',
  'PROJECTION_MISMATCH',
  'PAYLOAD_MISMATCH',
  'PAYLOAD_MISSING',
  'RESULT_WITHOUT_DECISION',
  'APPROVAL_ABSENT',
  'APPROVAL_MISMATCH',
  'APPROVAL_EXPIRED',
  'APPROVAL_REUSED',
])

function byUrgency(one: Damage, other: Damage): number {
  const urgency = URGENCY[one.severity] - URGENCY[other.severity]
  if (urgency !== 0) return urgency
  const place = (one.seq ?? Number.MAX_SAFE_INTEGER) - (other.seq ?? Number.MAX_SAFE_INTEGER)
  return place !== 0 ? place : Number(SECONDARY.has(one.class)) - Number(SECONDARY.has(other.class))
}
