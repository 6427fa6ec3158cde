/** What a follower is given: what happened, or how many things it was too slow for. */
export type Followed<T> =
  | { readonly kind: 'event'; readonly event: T }
  | { readonly kind: 'missed'; readonly count: number }

/** What waits for a follower at most. */
const MOST_WAITING = 1000

/** From one that never waits to one that takes its time: bounded, in order, and with a word about what was left out. */
export interface LiveChannel<T> extends AsyncIterable<Followed<T>> {
  push(event: T): void
  /** What waits is still given, then the follower's loop ends, by the error where there is one. */
  end(error?: Error): void
}

/** @param left called once, when nobody follows any more or it was ended. */
export function createLiveChannel<T>(left: () => void): LiveChannel<T> {
  const waiting: T[] = []
  let lost = 0
  let over: { readonly error: Error | null } | null = null
  let wake: (() => void) | null = null

  function end(error?: Error): void {
    if (over !== null) return
    over = { error: error ?? null }
    wake?.()
    left()
  }

  async function next(): Promise<IteratorResult<Followed<T>, undefined>> {
    for (;;) {
      const event = waiting.shift()
      if (event !== undefined) return { value: { kind: 'event', event }, done: false }
      if (lost > 0) {
        const count = lost
        lost = 0
        return { value: { kind: 'missed', count }, done: false }
      }
      if (over !== null) {
        const { error } = over
        over = { error: null }
        if (error !== null) throw error
        return { value: undefined, done: true }
      }
      await new Promise<void>((resolve) => {
        wake = resolve
      })
      wake = null
    }
  }

  return {
    push(event) {
      if (over !== null) return
      // What comes after a gap is not given before it.
      if (lost > 0 || waiting.length >= MOST_WAITING) lost += 1
      else waiting.push(event)
      wake?.()
    },
    end,
    [Symbol.asyncIterator]: () => ({
      next,
      async return() {
        waiting.length = 0
        lost = 0
        end()
        return { value: undefined, done: true }
      },
    }),
  }
}
