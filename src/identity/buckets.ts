import type { Principal } from '../core/ids.ts'
import type { Clock } from '../core/runtime.ts'

/** Keys whose bucket is remembered; the one that was quiet longest is forgotten first. */
const REMEMBERED = 10_000

/** One bucket of tokens for each key: `rate` a second flow in, at most `burst` are kept. */
export interface Buckets {
  /** Milliseconds until there is a token again, or 0 where one was taken. */
  take(principal: Principal): number
  /** Buckets remembered. */
  readonly size: number
}

/** @param limit `rate` tokens a second, `burst` at once, both at least 1. */
export function createBuckets(limit: { readonly rate: number; readonly burst: number }, clock: Clock): Buckets {
  const { rate, burst } = limit
  const buckets = new Map<Principal, { tokens: number; at: number }>()

  function bucketOf(principal: Principal, now: number): { tokens: number; at: number } {
    const known = buckets.get(principal)
    if (known === undefined) return { tokens: burst, at: now }
    buckets.delete(principal)
    // A monotonic clock does not run backwards; if one ever did, no tokens may vanish or appear by it.
    const passed = Math.max(0, now - known.at)
    known.tokens = Math.min(burst, known.tokens + (passed * rate) / 1000)
    known.at = now
    return known
  }

  return {
    get size() {
      return buckets.size
    },
    take(principal) {
      const bucket = bucketOf(principal, clock.elapsed())
      buckets.set(principal, bucket)
      if (buckets.size > REMEMBERED) {
        const [oldest] = buckets.keys()
        if (oldest !== undefined) buckets.delete(oldest)
      }
      if (bucket.tokens < 1) return ((1 - bucket.tokens) * 1000) / rate
      bucket.tokens -= 1
      return 0
    },
  }
}
