import { AegisError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'

const DAY_MS = 86_400_000
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS } as const
const LONGEST_LIFE = 3_650 * DAY_MS
const LONGEST_OVERLAP = 30 * DAY_MS
const TIME = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/

/**
 * When a key expires: `90d` from now, a date (its first moment, UTC), an RFC 3339 time, or `never`, which is null.
 * @throws AegisError `invalid_request`
 */
export function expiryOf(value: Json | undefined, now: number): number | null | undefined {
  if (value === undefined) return undefined
  if (value === 'never' || value === null) return null
  const text = typeof value === 'string' ? value : ''
  const life = durationOf(text)
  const at = life === null ? instantOf(text) : now + life
  if (at !== null && at > now && at <= now + LONGEST_LIFE) return at
  const why = at === null ? 'is neither a time nor a duration' : at <= now ? 'is not in the future' : 'is too far off'
  throw new AegisError('invalid_request', `\`expires\` ${why}`, {
    path: 'expires',
    advice: 'write 90d, 2027-01-31, 2027-01-31T12:00:00Z or never; at most ten years from now',
  })
}

/** How long an old secret stays good, in milliseconds. @throws AegisError `invalid_request` */
export function overlapOf(value: Json | undefined): number {
  if (value === undefined || value === '0') return 0
  const overlap = typeof value === 'string' ? durationOf(value) : null
  if (overlap !== null && overlap <= LONGEST_OVERLAP) return overlap
  throw new AegisError('invalid_request', '`overlap` must be a duration of at most 30 days', {
    path: 'overlap',
    advice: 'write 90s, 30m, 24h or 7d; 0 ends the old secret at once',
  })
}

function durationOf(text: string): number | null {
  const match = /^(\d{1,6})([smhd])$/.exec(text)
  const unit = (['s', 'm', 'h', 'd'] as const).find((one) => one === match?.[2])
  return unit === undefined ? null : Number(match?.[1]) * UNITS[unit]
}

function instantOf(text: string): number | null {
  const date = TIME.exec(text)?.[1]
  if (date === undefined) return null
  const day = new Date(date)
  // 31 February parses as a day of March.
  if (Number.isNaN(day.getTime()) || !day.toISOString().startsWith(date)) return null
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : at
}
