import type { Approval } from '../core/approval.ts'
import type { EnvelopeId } from '../core/ids.ts'
import type { ApprovalStore } from './ports.ts'

/** How often a waiter looks by itself: another gateway on the same store may have settled the approval. */
const POLL_MS = 1000

/** Calls that wait for a person, woken as soon as this gateway records the resolution. */
export function createWaiters(store: ApprovalStore) {
  const waiting = new Map<EnvelopeId, Set<() => void>>()

  function announce(id: EnvelopeId): void {
    for (const wake of waiting.get(id) ?? []) wake()
  }

  async function settled(id: EnvelopeId, signal: AbortSignal): Promise<Approval> {
    for (;;) {
      signal.throwIfAborted()
      const woken = wait(id, signal)
      const approval = await store.get(id)
      if (approval === null) throw new Error(`approval ${id} is gone`)
      if (approval.status !== 'pending') {
        woken.cancel()
        return approval
      }
      await woken.promise
    }
  }

  function wait(id: EnvelopeId, signal: AbortSignal): { promise: Promise<void>; cancel: () => void } {
    const set = waiting.get(id) ?? new Set()
    waiting.set(id, set)
    let finish = (): void => undefined
    const promise = new Promise<void>((resolve) => {
      finish = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', finish)
        set.delete(finish)
        if (set.size === 0 && waiting.get(id) === set) waiting.delete(id)
        resolve()
      }
      const timer = setTimeout(finish, POLL_MS)
      signal.addEventListener('abort', finish)
      set.add(finish)
    })
    return { promise, cancel: () => finish() }
  }

  return { settled, announce }
}
