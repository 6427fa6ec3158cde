import { DAY_MS, dayAt, instantsOf, wallText, type Zone } from './zoned-time.ts'

/** Days of the week, Monday first, by their words in a policy. */
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof WEEKDAYS)[number]

/** When a window is open, in the wall time of a zone. */
export interface WindowTimes {
  readonly zone: Zone
  /** The days it begins on; null for all. */
  readonly days: readonly Weekday[] | null
  /** First and last day it begins on, in days since 1970-01-01; null for all. */
  readonly dates: readonly (readonly [first: number, last: number])[] | null
  /** Minutes since midnight. Where `to` is not after `from`, it ends on the next day. */
  readonly from: number
  readonly to: number
}

const MINUTE_MS = 60_000

/**
 * The end of the window that is open at an instant, as clocks there show it; null where none is. A window belongs to the
 * day it begins on. Where clocks change, the longer reading holds: an hour that comes twice counts twice.
 */
export function openUntil(times: WindowTimes, instant: number): string | null {
  const today = dayAt(times.zone, instant)
  for (const day of [today, today - 1]) {
    if (!beginsOn(times, day)) continue
    const start = instantsOf(times.zone, day * DAY_MS + times.from * MINUTE_MS).first
    const lastDay = times.to > times.from ? day : day + 1
    const end = instantsOf(times.zone, lastDay * DAY_MS + times.to * MINUTE_MS).last
    if (start <= instant && instant < end) return wallText(times.zone, end)
  }
  return null
}

function beginsOn({ days, dates }: WindowTimes, day: number): boolean {
  // 1970-01-01 was a Thursday.
  const weekday = WEEKDAYS[(((day + 3) % 7) + 7) % 7]
  if (days !== null && !days.some((one) => one === weekday)) return false
  return dates === null || dates.some(([first, last]) => first <= day && day <= last)
}
