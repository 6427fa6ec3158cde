/** Gives up a call that shows no sign of life. */
export interface Watchdog {
  /** A sign of life. */
  touch(): void
  /** The upstream waits for a person at the client's side: silence is not its fault. Ended by `resume`. */
  hold(): void
  resume(): void
  stop(): void
}

export interface Patience {
  /** Milliseconds without a sign of life. */
  readonly idleMs: number
  /** Milliseconds in all, or null. */
  readonly totalMs: number | null
}

export function startWatchdog(patience: Patience, expire: (problem: string) => void): Watchdog {
  const { idleMs, totalMs } = patience
  let holds = 0
  const idle = setTimeout(() => {
    if (holds > 0) idle.refresh()
    else expire(`no answer for ${idleMs} ms`)
  }, idleMs)
  const total = totalMs === null ? null : setTimeout(() => expire(`no answer within ${totalMs} ms`), totalMs)
  return {
    touch: () => void idle.refresh(),
    hold: () => {
      holds += 1
    },
    resume: () => {
      // A call may have begun while another's question was open: it was never held.
      holds = Math.max(0, holds - 1)
      idle.refresh()
    },
    stop: () => {
      clearTimeout(idle)
      if (total !== null) clearTimeout(total)
    },
  }
}
