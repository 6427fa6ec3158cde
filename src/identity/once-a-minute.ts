import type { Clock, Log } from '../core/runtime.ts'

/** Milliseconds between two lines about the same thing. */
const QUIET_MS = 60_000
/** Things whose last line is remembered. */
const REMEMBERED = 1_000

/** What happens thousands of times when it happens: the first is told at once, the others add up to one line a minute. */
export type Teller = (name: string, fields: Record<string, unknown>, message: string) => void

export function createTeller(log: Log, clock: Clock): Teller {
  const last = new Map<string, { readonly at: number; since: number }>()
  return (name, fields, message) => {
    const now = clock.elapsed()
    const known = last.get(name)
    if (known !== undefined && now - known.at < QUIET_MS) {
      known.since += 1
      return
    }
    log.warn({ ...fields, times: (known?.since ?? 0) + 1 }, message)
    last.delete(name)
    last.set(name, { at: now, since: 0 })
    const [oldest] = last.keys()
    if (last.size > REMEMBERED && oldest !== undefined) last.delete(oldest)
  }
}
