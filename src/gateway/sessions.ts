import { AegisError } from '../core/errors.ts'
import { isSessionLabel, type Principal, type SessionId, sessionId } from '../core/ids.ts'
import { type Clock, rfc3339 } from '../core/runtime.ts'

/** A caller that names no session gets a new one after this much silence, in milliseconds. */
const IDLE_MS = 30 * 60_000

/** Most callers remembered; past it the longest silent one is forgotten, and would get a new label. */
const REMEMBERED = 10_000

/** Which chain a call belongs to. A label is only a name inside its principal's namespace: no caller can reach another's chain. */
export interface Sessions {
  /** @throws AegisError `invalid_params` for a label that is none. */
  of(principal: Principal, label: string | null): SessionId
}

export function createSessions(clock: Clock): Sessions {
  const current = new Map<Principal, { label: string; last: number }>()

  function implicit(principal: Principal): string {
    const now = clock.now()
    const known = current.get(principal)
    const label = known !== undefined && now - known.last < IDLE_MS ? known.label : freshLabel(now)
    current.delete(principal)
    current.set(principal, { label, last: now })
    if (current.size > REMEMBERED) forgetOldest()
    return label
  }

  function forgetOldest(): void {
    const oldest = current.keys().next()
    if (!oldest.done) current.delete(oldest.value)
  }

  return {
    of(principal, label) {
      if (label !== null && !isSessionLabel(label)) {
        throw new AegisError('invalid_params', 'the session label is not one', {
          path: 'session',
          advice: 'use 1 to 128 letters, digits and . _ : - , starting with a letter or digit',
        })
      }
      return sessionId(principal, label ?? implicit(principal))
    },
  }
}

/** `sess-2026-04-06-1422`, UTC. */
export function freshLabel(now: number): string {
  const time = rfc3339(now)
  return `sess-${time.slice(0, 10)}-${time.slice(11, 13)}${time.slice(14, 16)}`
}
