import type { Clock } from '../core/runtime.ts'

/**
 * Questions that one upstream may put to the clients of one key in a minute, where a rule speaks of them: each costs an
 * entry, and an upstream that asks on and on must not fill the disk with refusals.
 */
export const QUESTIONS_PER_MINUTE = 300

const WINDOW_MS = 60_000
/** Pairs of upstream and key that are counted; past it the oldest is forgotten. */
const REMEMBERED = 10_000

export interface QuestionBudget {
  /** False where the minute's questions are spent. */
  take(upstream: string, principal: string): boolean
}

export function createQuestionBudget(clock: Clock): QuestionBudget {
  const windows = new Map<string, { readonly until: number; count: number }>()
  return {
    take(upstream, principal) {
      const name = JSON.stringify([upstream, principal])
      const now = clock.elapsed()
      let window = windows.get(name)
      if (window === undefined || window.until <= now) {
        window = { until: now + WINDOW_MS, count: 0 }
        windows.delete(name)
        windows.set(name, window)
        const [oldest] = windows.keys()
        if (windows.size > REMEMBERED && oldest !== undefined) windows.delete(oldest)
      }
      window.count += 1
      return window.count <= QUESTIONS_PER_MINUTE
    },
  }
}
