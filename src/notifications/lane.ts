import type { Clock, Log, Random } from '../core/runtime.ts'
import { backOff, GIVE_UP_MS } from './back-off.ts'
import type { ReadNotice } from './notices.ts'
import { type Delivery, DeliveryError, type Endpoint, type NotificationStore } from './ports.ts'

/** Longest time one attempt may take, in milliseconds. */
export const ATTEMPT_MS = 15_000
/** After this many failures in a row an endpoint counts as down: one attempt at a time, and pauses between them. */
const DOWN_AFTER = 3
const LONGEST_PAUSE_MS = 60_000

export interface LaneParts {
  readonly store: Pick<NotificationStore, 'due' | 'done' | 'failed' | 'hurry'>
  readonly read: ReadNotice
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** The way to one endpoint: as many deliveries under way as it has width, the rest stays in the store. */
export interface Lane {
  readonly endpoint: Endpoint
  /** Takes up what is due. Returns at once. */
  pump(): void
  status(): { readonly lastDelivered: number | null; readonly failures: number; readonly delivered: number }
  /** Ends what is under way, and resolves when it has ended. */
  stop(): Promise<void>
}

export function createLane(endpoint: Endpoint, parts: LaneParts): Lane {
  const { store, read, clock, random, log } = parts
  const stopped = new AbortController()
  const underWay = new Map<string, Promise<void>>()
  /** Ended since the store was asked last: its answer may be from before that. */
  const ended = new Set<string>()
  let looking: Promise<void> | null = null
  let again = false
  let inRow = 0
  let notBefore = 0
  const seen = { lastDelivered: null as number | null, failures: 0, delivered: 0 }

  function pump(): void {
    if (looking !== null) {
      again = true
      return
    }
    looking = look()
      .catch((error: unknown) => log.warn({ endpoint: endpoint.name, error: textOf(error) }, 'notifications not read'))
      .finally(() => {
        looking = null
        if (again) {
          again = false
          pump()
        }
      })
  }

  async function look(): Promise<void> {
    const width = inRow >= DOWN_AFTER ? 1 : endpoint.width
    if (stopped.signal.aborted || underWay.size >= width || clock.elapsed() < notBefore) return
    ended.clear()
    const due = await store.due(endpoint.name, clock.now(), width + underWay.size)
    for (const delivery of due) {
      if (underWay.size >= width || stopped.signal.aborted) return
      if (!underWay.has(delivery.id) && !ended.has(delivery.id)) underWay.set(delivery.id, attempt(delivery))
    }
  }

  async function attempt(delivery: Delivery): Promise<void> {
    try {
      const notice = await read(delivery)
      const signal = AbortSignal.any([stopped.signal, AbortSignal.timeout(ATTEMPT_MS)])
      if (notice !== null) await endpoint.deliver(notice, signal)
      if (stopped.signal.aborted) return
      await store.done(delivery.id)
      await delivered(notice !== null)
    } catch (error) {
      // Ended by us: whoever has the queue next sends it again.
      if (!stopped.signal.aborted) await failed(delivery, error).catch(() => undefined)
    } finally {
      underWay.delete(delivery.id)
      ended.add(delivery.id)
      pump()
    }
  }

  async function delivered(sent: boolean): Promise<void> {
    if (!sent) return
    seen.delivered += 1
    seen.lastDelivered = clock.now()
    const wasDown = inRow >= DOWN_AFTER
    inRow = 0
    notBefore = 0
    if (!wasDown) return
    log.info({ endpoint: endpoint.name }, 'notifications arrive again')
    await store.hurry(endpoint.name, clock.now())
  }

  async function failed(delivery: Delivery, error: unknown): Promise<void> {
    const now = clock.now()
    const attempts = delivery.attempts + 1
    const told = error instanceof DeliveryError ? error : null
    const wait = Math.max(told?.wait ?? 0, backOff(attempts, random))
    const dead = told?.permanent === true || now + wait - delivery.createdAt > GIVE_UP_MS
    seen.failures += 1
    inRow += 1
    if (inRow >= DOWN_AFTER) {
      notBefore = clock.elapsed() + Math.min(LONGEST_PAUSE_MS, backOff(inRow - DOWN_AFTER + 1, random))
    }
    // A message of ours names where it went; any other may quote what was sent.
    const reason = told?.message ?? 'it failed for an unknown reason'
    log.warn({ endpoint: endpoint.name, event: delivery.event, attempts, dead, reason }, 'notification not delivered')
    const failure = { attempts, nextAttemptAt: now + Math.min(wait, GIVE_UP_MS), failedAt: now, error: reason, dead }
    await store.failed(delivery.id, failure)
  }

  return {
    endpoint,
    pump,
    status: () => ({ ...seen }),
    async stop() {
      stopped.abort()
      await looking
      await Promise.all(underWay.values())
    },
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown reason'
}
