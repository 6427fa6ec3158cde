/** When a program that keeps failing may be started again. */
export interface Restarts {
  /** Milliseconds until the next start is due; 0 where it is. */
  wait(): number
  /** Failures in a row. */
  failures(): number
  failed(): void
  /** It ran for `livedMs` and then ended: at its start, or later for reasons of its own. */
  ended(livedMs: number): void
}

const MAX_WAIT_MS = 30_000
/** A process that lived this long did not fail at its start. */
const SETTLED_MS = 5_000

/** The first restart comes at once, the next ones wait `firstMs`, then ever twice as long. `elapsed` in milliseconds. */
export function createRestarts(firstMs: number, elapsed: () => number): Restarts {
  let failures = 0
  let due = 0

  const failed = () => {
    failures += 1
    const wait = failures === 1 ? 0 : firstMs * 2 ** (failures - 2)
    due = elapsed() + Math.min(wait, MAX_WAIT_MS)
  }

  return {
    failed,
    failures: () => failures,
    wait: () => (failures === 0 ? 0 : Math.max(0, due - elapsed())),
    ended(livedMs) {
      if (livedMs < SETTLED_MS) failed()
      else failures = 0
    },
  }
}
