import type { Json } from '../core/json.ts'
import type { Clock } from '../core/runtime.ts'
import type { PageLinks } from './links.ts'

/** An answer as it is kept. */
export interface Kept {
  readonly body: Json
  readonly links: PageLinks
  /** GitHub's number of the repository, where the name asked for is a former one. */
  readonly moved: number | null
  readonly etag: string | null
  /** Bytes of its text. */
  readonly size: number
  /** When GitHub was last asked for it, on the monotonic clock. */
  readonly at: number
}

/**
 * What is remembered of GitHub between requests: answers with their ETags, requests under way, and pauses that GitHub asked for.
 * Bounded by bytes and number; the least recently used goes first. Keys name the subject, so that no caller is given what
 * another's token has read.
 */
export interface RestMemory {
  kept(key: string): Kept | undefined
  keep(key: string, answer: Kept): void
  forget(key: string): void
  /**
   * The one request under way for this key, begun by the first who asks, not before `since` (monotonic). It is given up when nobody waits any more; who leaves
   * early leaves the others their answer.
   */
  share<T extends Kept>(
    key: string,
    since: number,
    signal: AbortSignal | null,
    begin: (signal: AbortSignal) => Promise<T>,
  ): Promise<Kept>
  /** Milliseconds for which this account is to keep still. */
  pauseLeft(account: string): number
  pause(account: string, milliseconds: number): void
}

const MOST_BYTES = 64 * 1024 * 1024
const MOST_ANSWERS = 4096
/** A larger answer is asked for again rather than kept. The largest tree that GitHub lists (7 MB of text) fits. */
const MOST_BYTES_OF_ONE = 32 * 1024 * 1024

interface Flight {
  readonly answer: Promise<Kept>
  readonly stop: AbortController
  readonly begun: number
  waiting: number
}

export function createRestMemory(clock: Clock): RestMemory {
  const answers = new Map<string, Kept>()
  const flights = new Map<string, Flight>()
  const pauses = new Map<string, number>()
  let bytes = 0

  function forget(key: string): void {
    bytes -= answers.get(key)?.size ?? 0
    answers.delete(key)
  }

  function depart(key: string, begin: (signal: AbortSignal) => Promise<Kept>): Flight {
    const stop = new AbortController()
    const answer = begin(stop.signal)
    const flight: Flight = { answer, stop, begun: clock.elapsed(), waiting: 0 }
    flights.set(key, flight)
    const land = (): void => {
      if (flights.get(key) === flight) flights.delete(key)
    }
    answer.then(land, land)
    return flight
  }

  return {
    kept(key) {
      const answer = answers.get(key)
      if (answer === undefined) return undefined
      answers.delete(key)
      answers.set(key, answer)
      return answer
    },
    keep(key, answer) {
      forget(key)
      if (answer.size > MOST_BYTES_OF_ONE) return
      answers.set(key, answer)
      bytes += answer.size
      for (const oldest of answers.keys()) {
        if (bytes <= MOST_BYTES && answers.size <= MOST_ANSWERS) break
        forget(oldest)
      }
    },
    forget,
    async share(key, since, signal, begin) {
      signal?.throwIfAborted()
      const under = flights.get(key)
      const flight = under !== undefined && under.begun >= since ? under : depart(key, begin)
      flight.waiting += 1
      try {
        return await whileWaiting(flight.answer, signal)
      } finally {
        flight.waiting -= 1
        if (flight.waiting === 0) {
          if (flights.get(key) === flight) flights.delete(key)
          flight.stop.abort()
        }
      }
    },
    pauseLeft: (account) => Math.max(0, (pauses.get(account) ?? 0) - clock.elapsed()),
    pause(account, milliseconds) {
      for (const [known, until] of pauses) if (until <= clock.elapsed()) pauses.delete(known)
      pauses.set(account, clock.elapsed() + milliseconds)
    },
  }
}

function whileWaiting<T>(work: Promise<T>, signal: AbortSignal | null): Promise<T> {
  if (signal === null) return work
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
