import type { Json } from '../../core/json.ts'
import { isObject } from '../../core/json.ts'
import type { Outcome } from '../../gateway/ports.ts'
import { type AskContext, cancelNote } from './conversation.ts'
import { badAnswer, cancelled, type Place, unreachable } from './failures.ts'
import { type Note, notificationText, requestText } from './rpc-message.ts'
import { type Patience, startWatchdog, type Watchdog } from './watchdog.ts'

/** Many requests over one stream of messages, told apart by our own ids. */
export interface Multiplex extends Pick<Watchdog, 'hold' | 'resume'> {
  /** `context` is null for `initialize`, which is not cancelled. @throws AegisError `upstream_unreachable` */
  ask(note: Note, patience: Patience, context: AskContext | null): Promise<Outcome>
  /** False where no open request has this id. */
  settle(id: Json, outcome: Outcome): boolean
  /** Hands progress to the call that asked for it; false where it is no such thing. */
  progress(note: Note): boolean
  /** The process is gone: whatever was written to it may have been done. */
  fail(problem: string): void
}

interface Pending {
  readonly watchdog: Watchdog
  readonly token: Json | undefined
  readonly context: AskContext | null
  resolve(outcome: Outcome): void
  reject(error: Error): void
}

export function createMultiplex(place: Place, write: (text: string) => boolean): Multiplex {
  const pending = new Map<number, Pending>()
  let nextId = 1
  let gone: string | null = null

  const ask = (note: Note, patience: Patience, context: AskContext | null): Promise<Outcome> => {
    if (context?.signal.aborted) return Promise.reject(cancelled(place, false))
    if (gone !== null) return Promise.reject(unreachable(place, gone, false))
    const id = nextId++
    return new Promise((resolve, reject) => {
      const leave = () => {
        pending.delete(id)
        watchdog.stop()
        context?.signal.removeEventListener('abort', onAbort)
      }
      const giveUp = (error: Error, reason: string) => {
        leave()
        if (context !== null) write(notificationText(cancelNote(id, reason)))
        reject(error)
      }
      const onAbort = () => giveUp(cancelled(place, true), 'cancelled')
      const watchdog = startWatchdog(patience, (problem) => giveUp(badAnswer(place, problem), problem))
      context?.signal.addEventListener('abort', onAbort, { once: true })
      pending.set(id, {
        watchdog,
        token: tokenOf(note),
        context,
        resolve(outcome) {
          leave()
          resolve(outcome)
        },
        reject(error) {
          leave()
          reject(error)
        },
      })
      if (!write(requestText(id, note))) {
        leave()
        reject(unreachable(place, 'it has ended or does not read its input', false))
      }
    })
  }

  return {
    ask,
    settle(id, outcome) {
      const waiting = typeof id === 'number' ? pending.get(id) : undefined
      waiting?.resolve(outcome)
      return waiting !== undefined
    },
    progress(note) {
      if (note.method !== 'notifications/progress' || !isObject(note.params)) return false
      const token = note.params['progressToken']
      for (const waiting of pending.values()) {
        if (token === undefined || waiting.token !== token) continue
        waiting.watchdog.touch()
        waiting.context?.onNotification(note)
        return true
      }
      return false
    },
    hold() {
      for (const waiting of pending.values()) waiting.watchdog.hold()
    },
    resume() {
      for (const waiting of pending.values()) waiting.watchdog.resume()
    },
    fail(problem) {
      gone = problem
      for (const waiting of pending.values()) {
        waiting.reject(waiting.context === null ? unreachable(place, problem, false) : badAnswer(place, problem))
      }
    },
  }
}

function tokenOf(note: Note): Json | undefined {
  const meta = note.params?.['_meta']
  return isObject(meta) ? meta['progressToken'] : undefined
}
