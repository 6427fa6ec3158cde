import type { LedgerReader, StoredEntry } from './store.ts'

/** Milliseconds between two looks for what other gateways wrote; this one's own appends wake at once. */
const POLL_MS = 250

/** The log as it grows: the one source of what happens, for pages that are open, notifications and indexes. */
export interface Tail {
  /** To be called when this gateway has appended. */
  wake(): void
  /**
   * Entries with `n` at least `from`, in order and without holes but those of pruning, in batches as they come; never ends by
   * itself. It ends where the signal aborts or the tail is closed. A batch is read only when the one before it was taken.
   * @throws what the reader throws: following again from the last entry seen is the way on.
   */
  follow(from: number, signal: AbortSignal): AsyncIterable<readonly StoredEntry[]>
  /** The next `n` that will be written, by the store. */
  next(): Promise<number>
  close(): void
}

type Reader = Pick<LedgerReader, 'head' | 'entries'>

export function createTail(reader: Reader, options: { readonly pollMs?: number } = {}): Tail {
  const pollMs = options.pollMs ?? POLL_MS
  const closed = new AbortController()
  const waiting = new Set<() => void>()
  let timer: NodeJS.Timeout | undefined

  function wake(): void {
    const woken = [...waiting]
    waiting.clear()
    for (const go of woken) go()
  }

  /** Until somebody appends, the next look is due, or it is over. Nobody waiting means nobody looking. */
  function more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        signal.removeEventListener('abort', go)
        waiting.delete(go)
        resolve()
      }
      waiting.add(go)
      signal.addEventListener('abort', go)
      if (signal.aborted) go()
      timer ??= setTimeout(() => {
        timer = undefined
        wake()
      }, pollMs).unref()
    })
  }

  async function next(): Promise<number> {
    return (await reader.head())?.size ?? 0
  }

  async function* follow(from: number, stop: AbortSignal): AsyncGenerator<readonly StoredEntry[]> {
    const signal = AbortSignal.any([stop, closed.signal])
    let at = from
    while (!signal.aborted) {
      // Before the look: what is appended meanwhile wakes the wait that follows it.
      const woken = more(signal)
      if ((await next()) > at) {
        for await (const page of reader.entries(at)) {
          if (signal.aborted) return
          const last = page.at(-1)
          if (last === undefined) continue
          at = last.n + 1
          yield page
        }
      }
      await woken
    }
  }

  return {
    wake,
    follow,
    next,
    close() {
      closed.abort()
      clearTimeout(timer)
      wake()
    },
  }
}
