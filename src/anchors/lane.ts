import type { Clock, Log, Random } from '../core/runtime.ts'
import type { Hash } from '../ledger/merkle/tree.ts'
import type { LedgerStore, StoredCheckpoint } from '../ledger/store.ts'
import { type Anchor, AnchorError, type AnchorFault, type AnchorKind } from './anchor.ts'

/** Longest time one submission may take. */
export const SUBMIT_MS = 30_000
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 300_000
/** What says that the sink knows another history. */
const DIVERGENT: ReadonlySet<AnchorFault> = new Set(['rollback', 'fork', 'rewritten'])

/** How one anchor stands, for `/metrics` and for people. */
export interface AnchorStatus {
  readonly name: string
  readonly kind: AnchorKind
  /** Size of the last checkpoint the sink gave a receipt for; null: none is known. */
  readonly anchoredSize: number | null
  /** Size of the newest checkpoint; null: there is none yet. */
  readonly newestSize: number | null
  /** Entries of the newest checkpoint that the sink does not cover. */
  readonly lagEntries: number
  /** Seconds for which a checkpoint has been waiting for the sink; 0 where none does. */
  readonly lagSeconds: number
  /** Failed attempts since the last receipt. */
  readonly attempts: number
  /** Null after a success. `at`: milliseconds since the epoch. */
  readonly lastError: { readonly fault: AnchorFault; readonly message: string; readonly at: number } | null
}

/** An anchor and the least time between two of its submissions, in milliseconds. */
export interface Scheduled {
  readonly anchor: Anchor
  readonly every: number
}

export interface LaneParts {
  readonly store: Pick<LedgerStore, 'receipts' | 'putReceipt' | 'latestCheckpoint'>
  /** Consistency proof between two sizes of the log, from the store. */
  readonly prove: (from: number, to: number) => Promise<readonly Hash[]>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** The way to one anchor: at most one submission under way, at most one checkpoint waiting. */
export interface Lane {
  readonly name: string
  resume(newest: StoredCheckpoint, anchored: number | null): void
  offer(checkpoint: StoredCheckpoint): void
  /** One attempt now for what waits. Never rejects. */
  hurry(): Promise<void>
  status(): AnchorStatus
  stop(): void
}

interface Waiting {
  readonly checkpoint: StoredCheckpoint
  /** Monotonic milliseconds. */
  readonly since: number
}

interface State {
  waiting: Waiting | null
  anchored: number | null
  newest: number | null
  /** Monotonic milliseconds before which nothing is submitted. */
  notBefore: number
  attempts: number
  lastError: AnchorStatus['lastError']
}

export function createLane({ anchor, every }: Scheduled, parts: LaneParts): Lane {
  const { clock, log, random, store } = parts
  const { name, kind } = anchor
  const stopped = new AbortController()
  const state: State = {
    ...{ waiting: null, anchored: null, newest: null },
    ...{ notBefore: 0, attempts: 0, lastError: null },
  }
  let timer: NodeJS.Timeout | null = null
  let underWay: Promise<void> | null = null
  /** What is under way. It goes on waiting until the sink has it. */
  let taken: Waiting | null = null

  function offer(checkpoint: StoredCheckpoint): void {
    state.newest = Math.max(checkpoint.size, state.newest ?? 0)
    if (checkpoint.size < (state.waiting?.checkpoint.size ?? 0) || checkpoint.size === state.anchored) return
    const newer = state.waiting === null || state.waiting === taken
    state.waiting = { checkpoint, since: newer ? clock.elapsed() : (state.waiting?.since ?? 0) }
    schedule()
  }

  function schedule(): void {
    if (stopped.signal.aborted || timer !== null || underWay !== null || state.waiting === null) return
    const wait = Math.max(0, Math.ceil(state.notBefore - clock.elapsed()))
    timer = setTimeout(() => void attempt(), wait).unref()
  }

  /** Ends when the submission has ended, even one that outlives its time: a sink that hangs gets no second one. */
  function attempt(): Promise<void> {
    if (timer !== null) clearTimeout(timer)
    timer = null
    const next = state.waiting
    if (underWay !== null || next === null || stopped.signal.aborted) return underWay ?? Promise.resolve()
    taken = next
    state.notBefore = clock.elapsed() + every
    underWay = submit(next.checkpoint)
      .then((receipt) => succeeded(next, receipt))
      .catch((error: unknown) => failed(next, error))
      .finally(() => {
        underWay = null
        taken = null
        schedule()
      })
    return underWay
  }

  function submit(checkpoint: StoredCheckpoint): Promise<string> {
    const late = AbortSignal.timeout(SUBMIT_MS)
    const note = () => {
      state.lastError = { fault: 'unreachable', message: `no answer within ${SUBMIT_MS / 1000} s`, at: clock.now() }
    }
    late.addEventListener('abort', note)
    const signal = AbortSignal.any([stopped.signal, late])
    return anchor
      .submit(checkpoint, (from) => parts.prove(from, checkpoint.size), signal)
      .finally(() => late.removeEventListener('abort', note))
  }

  async function succeeded(done: Waiting, receipt: string): Promise<void> {
    const { checkpoint } = done
    await store.putReceipt({ size: checkpoint.size, sink: name, receipt, at: clock.now() })
    if (state.lastError !== null) log.info({ anchor: name, size: checkpoint.size }, 'anchor reached again')
    state.anchored = checkpoint.size
    state.attempts = 0
    state.lastError = null
    if (state.waiting === done) state.waiting = null
  }

  async function failed(tried: Waiting, error: unknown): Promise<void> {
    if (stopped.signal.aborted) return
    const { checkpoint, since } = tried
    if (state.waiting !== null) state.waiting = { ...state.waiting, since }
    const fault = error instanceof AnchorError ? error.fault : 'unreachable'
    if (fault === 'rollback' && (await overtaken(checkpoint))) return
    const message = error instanceof Error ? error.message : 'unknown reason'
    state.attempts += 1
    state.notBefore = clock.elapsed() + backOff(state.attempts, random)
    state.lastError = { fault, message, at: clock.now() }
    const fields = { anchor: name, size: checkpoint.size, fault, reason: message, attempts: state.attempts }
    if (DIVERGENT.has(fault)) log.error(fields, 'the anchor knows another history of this log')
    else log.warn(fields, 'anchor not reached')
  }

  /** Another gateway of this log brought a later checkpoint: no rollback, only late. */
  async function overtaken(checkpoint: StoredCheckpoint): Promise<boolean> {
    const newest = await store.latestCheckpoint().catch(() => null)
    if (newest === null || newest.size <= checkpoint.size) return false
    offer(newest)
    return true
  }

  function status(): AnchorStatus {
    const { waiting, anchored, newest, attempts, lastError } = state
    const lagEntries = Math.max(0, (newest ?? 0) - (anchored ?? 0))
    const lagSeconds = waiting === null ? 0 : Math.max(0, (clock.elapsed() - waiting.since) / 1000)
    return { name, kind, anchoredSize: anchored, newestSize: newest, lagEntries, lagSeconds, attempts, lastError }
  }

  return {
    name,
    offer,
    resume(newest, anchored) {
      state.anchored = anchored
      state.newest = newest.size
      offer(newest)
    },
    async hurry() {
      await underWay
      await attempt()
    },
    status,
    stop() {
      stopped.abort()
      if (timer !== null) clearTimeout(timer)
      timer = null
    },
  }
}

/** Twice as long after each failure, up to five minutes; spread, so that gateways do not come back in step. */
function backOff(attempts: number, random: Random): number {
  const full = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 16))
  const spread = (random.bytes(1)[0] ?? 0) / 255
  return Math.round(full * (0.5 + spread / 2))
}
