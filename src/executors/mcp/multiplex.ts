import type { Json } from '../../core/json.ts'
import type { Outcome } from '../../gateway/ports.ts'
import { type AskContext, cancelNote } from './conversation.ts'
import { badAnswer, cancelled, type Place, unreachable } from './failures.ts'
import { META, metaOf } from './modern/meta.ts'
import { type Note, notificationText, requestText } from './rpc-message.ts'
import { type Patience, startWatchdog, type Watchdog } from './watchdog.ts'

/** Many requests over one stream of messages, told apart by our own ids. */
export interface Multiplex extends Pick<Watchdog, 'hold' | 'resume'> {
  /** `context` is null for `initialize`, which is not cancelled. @throws AegisError `upstream_unreachable` */
  ask(note: Note, patience: Patience, context: AskContext | null): Promise<Outcome>
  /** False where no open request has this id. */
  settle(id: Json, outcome: Outcome): boolean
  /** Hands a notification to the call it names, by its progress token or its subscription; false where it names none. */
  deliver(note: Note): boolean
  /** One open request will not be answered. */
  reject(id: number, error: Error): void
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

/** `write` puts one message on its way; `id` is that of a request, for `reject`. False where it surely cannot. */
export function createMultiplex(place: Place, write: (text: string, id: number | null) => boolean): Multiplex {
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
        if (context !== null) write(notificationText(cancelNote(id, reason)), null)
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
      if (!write(requestText(id, note), id)) {
        leave()
        reject(unreachable(place, 'it has ended or does not read its input', false))
      }
    })
  }

  /** 2026-07-28, "Subscriptions": the stream is named by the id of the request that opened it. */
  const subscriber = (note: Note): Pending | undefined => {
    const id = metaOf(note.params)[META.subscription]
    return typeof id === 'number' ? pending.get(id) : undefined
  }

  const reporter = (note: Note): Pending | undefined => {
    const token = note.method === 'notifications/progress' ? note.params?.['progressToken'] : undefined
    if (token === undefined) return undefined
    return [...pending.values()].find((waiting) => waiting.token === token)
  }

  return {
    ask,
    settle(id, outcome) {
      const waiting = typeof id === 'number' ? pending.get(id) : undefined
      waiting?.resolve(outcome)
      return waiting !== undefined
    },
    deliver(note) {
      const waiting = subscriber(note) ?? reporter(note)
      waiting?.watchdog.touch()
      waiting?.context?.onNotification(note)
      return waiting !== undefined
    },
    hold() {
      for (const waiting of pending.values()) waiting.watchdog.hold()
    },
    resume() {
      for (const waiting of pending.values()) waiting.watchdog.resume()
    },
    reject(id, error) {
      pending.get(id)?.reject(error)
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
  return metaOf(note.params)['progressToken']
}
