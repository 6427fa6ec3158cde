import type { Principal } from '../../../core/ids.ts'
import type { Clock, Random } from '../../../core/runtime.ts'
import type { RunningCall } from './running-call.ts'

/** Milliseconds a person may take to answer. After it the call is ended and recorded as cancelled. */
const PATIENCE_MS = 10 * 60_000
/** Suspended calls of one key: each holds an upstream's attention. */
const MAX_PER_PRINCIPAL = 64
const MARK = 'aegis-'

/**
 * The calls whose clients are asked something. A `requestState` of ours is nothing but an unguessable number: all that it
 * stands for stays here, is bound to the caller and to what was asked for, and holds for one leg.
 */
export interface Suspended {
  /** Whether one more call of this key may be suspended. */
  room(principal: Principal): boolean
  /** The `requestState` under which the next leg finds the call. */
  put(call: RunningCall, principal: Principal, binding: string): string
  /** Whether a `requestState` looks like one of ours, so that it is no upstream's. */
  owns(state: string): boolean
  /** Null for what is unknown, over, of another key or for another request: all alike, so nobody learns of others' calls. */
  take(state: string, principal: Principal, binding: string): RunningCall | null
  /** Ends the calls whose clients did not come back. */
  tick(): void
  close(): Promise<void>
}

interface Kept {
  readonly call: RunningCall
  readonly principal: Principal
  /** What the client asked for: a leg that asks for anything else is not of this call. */
  readonly binding: string
  readonly until: number
}

export function createSuspended(parts: { readonly clock: Clock; readonly random: Random }): Suspended {
  const { clock, random } = parts
  const kept = new Map<string, Kept>()

  const end = (state: string, { call }: Kept, reason: string): void => {
    kept.delete(state)
    call.abort(reason)
  }

  return {
    room(principal) {
      let count = 0
      for (const one of kept.values()) if (one.principal === principal) count += 1
      return count < MAX_PER_PRINCIPAL
    },
    put(call, principal, binding) {
      const state = MARK + Buffer.from(random.bytes(24)).toString('base64url')
      kept.set(state, { call, principal, binding, until: clock.elapsed() + PATIENCE_MS })
      return state
    },
    owns: (state) => state.startsWith(MARK),
    take(state, principal, binding) {
      const found = kept.get(state)
      if (found === undefined || found.principal !== principal || found.binding !== binding) return null
      if (found.until < clock.elapsed()) return null
      kept.delete(state)
      return found.call
    },
    tick() {
      const now = clock.elapsed()
      for (const [state, one] of kept) if (one.until < now) end(state, one, 'the client did not come back')
    },
    async close() {
      const works = [...kept].map(([state, one]) => {
        end(state, one, 'the server stops')
        return one.call.work
      })
      await Promise.all(works)
    },
  }
}
