import type { Random } from '../core/runtime.ts'

const FIRST_MS = 1000
const LONGEST_MS = 3_600_000

/** How long an event is tried to be delivered, in milliseconds; then it is a dead letter. Older ones are not taken up at all. */
export const GIVE_UP_MS = 24 * 3_600_000

/** Milliseconds until the next try: twice as long after each failure, up to an hour; spread, so that retries do not come in step. */
export function backOff(attempts: number, random: Random): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempts - 1, 20))
  const spread = (random.bytes(1)[0] ?? 0) / 255
  return Math.round(full * (0.5 + spread / 2))
}
