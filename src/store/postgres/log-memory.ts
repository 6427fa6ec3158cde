import type { CommitRequest, LockedState, LogHead, SealedBatch, SessionHead } from '../../ledger/store.ts'

/** The log as somebody holds or expects it. */
export interface Known {
  readonly state: LockedState
  readonly epoch: number
}

/** What the log was when this gateway last wrote to it. Nothing rests on it being so: the database compares. */
export interface LogMemory {
  /** The size after the last write, 0 before one. */
  readonly size: number
  /** What a group can be sealed over, unless that takes a look at the database or others write as well. */
  recall(request: CommitRequest): Known | null
  /** A batch was written over `before`. */
  keep(batch: SealedBatch, epoch: number, before: LockedState): void
  forget(): void
}

/** Session heads kept; a session that is not is looked up. */
const MAX_SESSIONS = 4096

export function createLogMemory(): LogMemory {
  let size = 0
  let known: { readonly log: LogHead; readonly epoch: number } | null = null
  /** In the order of their last use. */
  let heads = new Map<string, SessionHead>()

  return {
    get size() {
      return size
    },
    recall({ sessions, slots }) {
      if (known === null || slots.some((changes) => changes.length > 0)) return null
      const found = sessions.flatMap((session) => heads.get(session) ?? [])
      if (found.length < sessions.length) return null
      const { log, epoch } = known
      const byName = new Map(found.map((head) => [head.session, head]))
      return { state: { log, sessions: byName, held: slots.map(() => true) }, epoch }
    },
    keep({ log, sessions }, epoch, before) {
      // Where it had grown since, others write too: what is remembered now will hardly be so at the next group.
      const alone = before.log.size === size || size === 0
      if (!alone) heads = new Map()
      for (const head of [...before.sessions.values(), ...sessions]) {
        heads.delete(head.session)
        heads.set(head.session, head)
      }
      for (const session of heads.keys()) {
        if (heads.size <= MAX_SESSIONS) break
        heads.delete(session)
      }
      size = log.size
      known = alone ? { log, epoch } : null
    },
    forget() {
      known = null
      heads = new Map()
    },
  }
}
