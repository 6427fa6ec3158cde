import type { ActionEnvelope } from '../core/envelope.ts'
import type { RepositoryFact, TaintFact } from '../core/facts.ts'
import type { Clock, Log } from '../core/runtime.ts'
import { createTaint, TAINT_LIFE_MS, type TaintStore } from '../facts/taint.ts'
import type { NoteRead } from '../gateway/ports.ts'

/** How long the visibility of a repository may take to be looked up, after the read was let through. */
const LOOK_UP_MS = 10_000
const FORGET_MS = 3_600_000

/** What principals have read: noted as it happens, told to guards that ask. */
export interface ComposedTaint {
  readonly noteRead: NoteRead
  fact(envelope: ActionEnvelope): Promise<TaintFact>
  stop(): void
}

export function composeTaint(
  store: TaintStore,
  repository: (envelope: ActionEnvelope, signal: AbortSignal) => Promise<RepositoryFact>,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): ComposedTaint {
  const taint = createTaint({ store, clock })
  const failed = (error: Error) => log.error({ error: error.message }, 'what was read could not be noted')
  const timer = setInterval(() => void store.forget(clock.now() - TAINT_LIFE_MS).catch(failed), FORGET_MS)
  timer.unref()
  return {
    noteRead(envelope) {
      const visibility = async () => {
        const { private: hidden } = await repository(envelope, AbortSignal.timeout(LOOK_UP_MS))
        return hidden ? 'private' : 'public'
      }
      for (const act of envelope.action.acts) taint.note(envelope.subject.principal, act, visibility).catch(failed)
    },
    fact: (envelope) => taint.fact(envelope.subject.principal),
    stop: () => clearInterval(timer),
  }
}
