/** A time zone of the IANA database. */
export interface Zone {
  readonly name: string
  /** Milliseconds that clocks there are ahead of UTC at an instant. */
  offsetAt(instant: number): number
}

export const DAY_MS = 86_400_000

/** Null where there is no such zone. Offsets such as `+02:00` are none: they know no summer time. */
export function zoneOf(name: string): Zone | null {
  if (!/^[A-Za-z]/.test(name)) return null
  const format = formatOf(name)
  if (format === null) return null
  return {
    name,
    offsetAt(instant) {
      const part: Record<string, number> = {}
      for (const { type, value } of format.formatToParts(instant)) part[type] = Number(value)
      const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
      return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1000) * 1000
    },
  }
}

function formatOf(timeZone: string): Intl.DateTimeFormat | null {
  const two = '2-digit'
  const parts = { year: 'numeric', month: two, day: two, hour: two, minute: two, second: two } as const
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', calendar: 'gregory', ...parts })
  } catch (cause) {
    if (cause instanceof RangeError) return null
    throw cause
  }
}

/** The date on calendars there, as days since 1970-01-01. */
export function dayAt(zone: Zone, instant: number): number {
  return Math.floor((instant + zone.offsetAt(instant)) / DAY_MS)
}

/**
 * The instants at which clocks there show a time of a day: two where clocks are put back, the moment of the change where
 * they are put forward over it.
 * @param wall milliseconds since 1970-01-01T00:00 on the clocks there
 */
export function instantsOf(zone: Zone, wall: number): { readonly first: number; readonly last: number } {
  const before = zone.offsetAt(wall - DAY_MS)
  const after = zone.offsetAt(wall + DAY_MS)
  const shown = [wall - before, wall - after].filter((instant) => zone.offsetAt(instant) === wall - instant)
  if (shown.length > 0) return { first: Math.min(...shown), last: Math.max(...shown) }
  const change = changeBetween(zone, wall - Math.max(before, after), wall - Math.min(before, after))
  return { first: change, last: change }
}

/** The first instant after `low`, at the latest `high`, at which another offset holds than at `low`. */
function changeBetween(zone: Zone, low: number, high: number): number {
  const old = zone.offsetAt(low)
  let [unchanged, changed] = [low, high]
  while (changed - unchanged > 1) {
    const middle = Math.floor((unchanged + changed) / 2)
    if (zone.offsetAt(middle) === old) unchanged = middle
    else changed = middle
  }
  return changed
}

/** `2026-11-20 16:00` on clocks there. */
export function wallText(zone: Zone, instant: number): string {
  return new Date(instant + zone.offsetAt(instant)).toISOString().slice(0, 16).replace('T', ' ')
}
