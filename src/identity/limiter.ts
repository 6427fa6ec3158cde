import { AegisError } from '../core/errors.ts'
import type { Principal } from '../core/ids.ts'
import type { Clock, Log } from '../core/runtime.ts'
import { createBuckets } from './buckets.ts'
import { createTeller } from './once-a-minute.ts'
import { createPlaces, type Room } from './places.ts'

/** What a client can have too many of. */
export const LIMIT_KINDS = ['rate', 'calls', 'sessions', 'streams'] as const
export type LimitKind = (typeof LIMIT_KINDS)[number]

export interface Limits {
  /** Calls a second of one key, in the long run. */
  readonly rate: number
  /** Calls of one key at once, after a quiet time. */
  readonly burst: number
  /** Calls under way. */
  readonly calls: Room
  /** Calls that wait for a person, and so take up no place among those under way. */
  readonly waiting: Room
  readonly sessions: Room
  readonly streams: Room
}

/** Generous: they stop a client that runs wild, and no agent at work. */
export const DEFAULT_LIMITS: Limits = {
  rate: 5_000,
  burst: 10_000,
  calls: { own: 256, all: 2_048 },
  waiting: { own: 1_000, all: 10_000 },
  sessions: { own: 4_000, all: 10_000 },
  streams: { own: 4_000, all: 10_000 },
}

/** The place of one call. Each of these may be called at any time and any number of times. */
export interface Slot {
  /** The call waits for a person: its place goes to another call, where there is room to wait. */
  pause(): void
  /** The call goes on, whether there is a place or not: what a person allowed does not fail for want of one. */
  resume(): void
  release(): void
}

/** What one key may do at most, so that it cannot starve the others. Refusals are counted, and logged once a minute and key. */
export interface Limiter {
  /** A message that is no call but costs something. @throws AegisError `too_many` with `data.retry_after` in seconds */
  spend(principal: Principal): void
  /** A call begins. @throws AegisError `too_many` with `data.retry_after` in seconds */
  begin(principal: Principal): Slot
  /** Something that stays begins, at the price of a call; what is given back ends it, and may be called twice. @throws AegisError `too_many` */
  open(kind: 'sessions' | 'streams', principal: Principal): () => void
}

/** Seconds after which a place among the calls is likely to be free. */
const PLACE_RETRY_S = 1

export function createLimiter(parts: {
  readonly limits: Limits
  readonly clock: Clock
  readonly log: Log
  readonly refused: (kind: LimitKind) => void
}): Limiter {
  const { limits, clock } = parts
  const buckets = createBuckets(limits, clock)
  const running = createPlaces(limits.calls)
  const waiting = createPlaces(limits.waiting)
  const kept = { sessions: createPlaces(limits.sessions), streams: createPlaces(limits.streams) }
  const told = createTeller(parts.log, clock)

  function refuse(kind: LimitKind, principal: Principal, error: AegisError): AegisError {
    parts.refused(kind)
    told(`${kind} ${principal}`, { principal, limit: kind }, 'refused by a limit')
    return error
  }

  function spend(principal: Principal): void {
    const wait = buckets.take(principal)
    if (wait > 0) throw refuse('rate', principal, tooFast(limits.rate, Math.max(1, Math.ceil(wait / 1000))))
  }

  return {
    spend,

    begin(principal) {
      spend(principal)
      if (!running.take(principal)) {
        throw refuse('calls', principal, tooManyCalls(running.held(principal) >= limits.calls.own, limits.calls))
      }
      let place: typeof running | null = running
      return {
        pause() {
          if (place !== running || !waiting.take(principal)) return
          running.free(principal)
          place = waiting
        },
        resume() {
          if (place !== waiting) return
          waiting.free(principal)
          running.force(principal)
          place = running
        },
        release() {
          place?.free(principal)
          place = null
        },
      }
    },

    open(kind, principal) {
      spend(principal)
      const places = kept[kind]
      if (!places.take(principal)) throw refuse(kind, principal, tooManyOpen(kind))
      let open = true
      return () => {
        if (open) places.free(principal)
        open = false
      }
    },
  }
}

function tooFast(rate: number, seconds: number): AegisError {
  return new AegisError('too_many', `this key makes calls faster than ${rate} a second`, {
    advice: `wait ${seconds} s, then make the call again`,
    data: { limit: 'rate', retry_after: seconds },
  })
}

function tooManyCalls(own: boolean, { own: mine, all }: Room): AegisError {
  const message = own
    ? `this key has ${mine} calls under way, and may not have more at the same time`
    : `${all} calls are under way, and there is no place for more`
  return new AegisError('too_many', message, {
    advice: 'let some of them finish, then make the call again',
    data: { limit: 'calls', retry_after: PLACE_RETRY_S },
  })
}

/** Seconds after which a session or stream that nobody uses any more is likely to be gone. */
const OPEN_RETRY_S = 60

function tooManyOpen(kind: 'sessions' | 'streams'): AegisError {
  const advice =
    kind === 'sessions'
      ? 'end sessions with DELETE; idle ones end by themselves after 30 minutes'
      : 'close streams that nobody reads any more'
  return new AegisError('too_many', `too many open ${kind}`, {
    advice,
    data: { limit: kind, retry_after: OPEN_RETRY_S },
  })
}
