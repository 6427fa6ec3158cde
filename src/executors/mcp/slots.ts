/** At most `count` at work at once; the others wait their turn. */
export interface Slots {
  /** Rejects with `error()` where the signal aborts first. The answer frees the slot; call it once. */
  take(signal: AbortSignal, error: () => Error): Promise<() => void>
}

export function createSlots(count: number): Slots {
  let free = count
  const waiting: (() => void)[] = []

  const leave = () => {
    const next = waiting.shift()
    if (next === undefined) free += 1
    else next()
  }

  return {
    take(signal, error) {
      if (signal.aborted) return Promise.reject(error())
      if (free > 0) {
        free -= 1
        return Promise.resolve(leave)
      }
      return new Promise((resolve, reject) => {
        const go = () => {
          signal.removeEventListener('abort', stop)
          resolve(leave)
        }
        const stop = () => {
          waiting.splice(waiting.indexOf(go), 1)
          reject(error())
        }
        waiting.push(go)
        signal.addEventListener('abort', stop, { once: true })
      })
    },
  }
}
