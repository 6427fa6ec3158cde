import { setTimeout as sleep } from 'node:timers/promises'
import type { Approval } from '../core/approval.ts'
import { type EnvelopeId, parseEnvelopeId } from '../core/ids.ts'
import { textMember } from '../core/json.ts'
import type { Clock, Log, Random } from '../core/runtime.ts'
import type { LedgerReader, StoredEntry } from '../ledger/store.ts'
import type { Tail } from '../ledger/tail.ts'
import { GIVE_UP_MS } from './back-off.ts'
import { type Happening, happeningOf } from './events.ts'
import { createLane, type Lane } from './lane.ts'
import { createNotices } from './notices.ts'
import type { DeadLetter, Delivery, Endpoint, EndpointCount, NotificationStore } from './ports.ts'

/** How long a gateway that died keeps the queue from the others, in milliseconds, and how often a living one says that it lives. */
const LEASE_MS = 15_000
const RENEW_MS = 5_000
/** Milliseconds between two batches of the log: what calls write at once is read at once. */
const BREATHE_MS = 50
/** Milliseconds between two looks for what is due again. */
const LOOK_MS = 1000
const SWEEP_MS = 3_600_000
/** Dead letters are shown for so long, in milliseconds. */
const KEEP_DEAD_MS = 30 * 24 * 3_600_000
const DEAD_SHOWN = 100

export interface NotifierParts {
  readonly endpoints: readonly Endpoint[]
  /** The share of an approval's time, in percent, after which its reviewers are reminded. */
  readonly remindAt: number
  readonly store: NotificationStore
  readonly tail: Pick<Tail, 'follow' | 'next'>
  readonly reader: Pick<LedgerReader, 'entry' | 'payloads' | 'byEnvelope'>
  readonly approval: (id: EnvelopeId) => Promise<Approval | null>
  /** Name of this gateway. */
  readonly gateway: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export interface EndpointStatus {
  readonly name: string
  readonly kind: Endpoint['kind']
  readonly place: string
  readonly events: readonly string[]
  readonly waiting: number
  readonly dead: number
  /** Seconds that the oldest waiting one has waited. */
  readonly lagSeconds: number
  readonly lastError: { readonly error: string; readonly at: number } | null
  /** By this gateway since it started; another may be the one that delivers. */
  readonly lastDelivered: number | null
}

export interface NotificationStatus {
  /** The gateway that delivers now, or null. */
  readonly holder: string | null
  /** Entries of the log that were not looked at yet. */
  readonly lagEntries: number
  readonly endpoints: readonly EndpointStatus[]
  /** Newest first, at most 100. */
  readonly dead: readonly DeadLetter[]
}

export interface NotificationReadings {
  notificationsWaiting(): Promise<number>
  notificationsDead(): Promise<number>
  /** Seconds that the oldest waiting one has waited. */
  notificationLag(): Promise<number>
  /** Failed attempts of this gateway since it started. */
  notificationFailures(): number
}

/**
 * Tells the endpoints what happens, never on the way of a call: it follows the log, queues durably, and delivers at least
 * once. One gateway of a log does it at a time.
 */
export interface Notifier {
  start(): void
  status(): Promise<NotificationStatus>
  /** For metrics. */
  readonly readings: NotificationReadings
  /** A dead letter is tried again. False where there is none of this id. */
  retry(id: string): Promise<boolean>
  /** Ends what is under way; it is sent again by whoever takes the queue next. */
  stop(): Promise<void>
}

export function createNotifier(parts: NotifierParts): Notifier {
  const { endpoints, store, tail, gateway, clock, random, log } = parts
  const read = createNotices(parts)
  const stopped = new AbortController()
  let lanes: readonly Lane[] = []
  let running: Promise<void> = Promise.resolve()
  const before = { failures: 0 }

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      try {
        const first = await tail.next()
        const taken = await store.lease(gateway, clock.now(), clock.now() + LEASE_MS, first)
        if (taken !== null) await lead(taken.next)
      } catch (error) {
        log.warn({ error: error instanceof Error ? error.message : 'unknown reason' }, 'notifications interrupted')
      }
      await pause(RENEW_MS / 2, stopped.signal)
    }
    // Whoever comes next need not wait for the lease to end.
    await store.release(gateway).catch(() => undefined)
  }

  /** Works the queue for as long as this gateway has it. @throws what the log or the store throws */
  async function lead(from: number): Promise<void> {
    const lost = new AbortController()
    let renewing: Promise<void> = Promise.resolve()
    const signal = AbortSignal.any([stopped.signal, lost.signal])
    lanes = endpoints.map((endpoint) => createLane(endpoint, { store, read, clock, random, log }))
    const timers = [
      setInterval(() => {
        for (const lane of lanes) lane.pump()
      }, LOOK_MS).unref(),
      setInterval(() => {
        renewing = renew(lost)
      }, RENEW_MS).unref(),
      setInterval(() => void store.sweep(clock.now() - KEEP_DEAD_MS).catch(() => undefined), SWEEP_MS).unref(),
    ]
    try {
      // A start is often how what was wrong was mended: what failed before is tried at once.
      for (const { name } of endpoints) await store.hurry(name, clock.now())
      for (const lane of lanes) lane.pump()
      for await (const batch of tail.follow(from, signal)) {
        if (!(await queue(batch))) return
        await pause(BREATHE_MS, signal)
      }
    } finally {
      for (const timer of timers) clearInterval(timer)
      before.failures += sum(lanes)
      await Promise.all([renewing, ...lanes.map((lane) => lane.stop())])
      lanes = []
    }
  }

  async function renew(lost: AbortController): Promise<void> {
    const now = clock.now()
    const kept = await store.lease(gateway, now, now + LEASE_MS, 0).catch(() => null)
    if (kept === null) lost.abort()
  }

  async function queue(batch: readonly StoredEntry[]): Promise<boolean> {
    const last = batch.at(-1)
    if (last === undefined) return true
    const rows: Delivery[] = []
    for (const entry of batch) {
      const happening = happeningOf(entry)
      if (happening !== null && isRecent(happening)) rows.push(...(await rowsOf(entry.n, happening)))
    }
    const kept = await store.enqueue(gateway, last.n + 1, rows)
    if (kept && rows.length > 0) for (const lane of lanes) lane.pump()
    return kept
  }

  /** What is older than any delivery would be tried for is nobody's news: notifications were off for so long. */
  function isRecent({ at }: Happening): boolean {
    const time = Date.parse(at)
    return !(clock.now() - time > GIVE_UP_MS)
  }

  async function rowsOf(n: number, { id, event, body }: Happening): Promise<Delivery[]> {
    const now = clock.now()
    const row = (endpoint: Endpoint, eventId: string, name: typeof event, nextAttemptAt: number): Delivery => {
      return {
        id: `${endpoint.name}.${eventId}`,
        ...{ endpoint: endpoint.name, event: name, n, createdAt: nextAttemptAt, nextAttemptAt, attempts: 0 },
      }
    }
    const rows = endpoints.filter(({ events }) => events.has(event)).map((one) => row(one, id, event, now))
    const reminded = event === 'approval' ? endpoints.filter(({ events }) => events.has('reminder')) : []
    const env = reminded.length === 0 ? null : parseEnvelopeId(textMember(body, 'env') ?? '')
    const approval = env === null ? null : await parts.approval(env)
    if (approval === null) return rows
    const due = Math.round(approval.queuedAt + ((approval.expiresAt - approval.queuedAt) * parts.remindAt) / 100)
    return [...rows, ...reminded.map((one) => row(one, `${id}-reminder`, 'reminder', Math.max(now, due)))]
  }

  async function status(): Promise<NotificationStatus> {
    const [cursor, counts, dead, next] = await Promise.all([
      store.cursor(),
      store.counts(clock.now()),
      store.dead(DEAD_SHOWN),
      tail.next(),
    ])
    const now = clock.now()
    return {
      holder: cursor !== null && cursor.until > now ? cursor.holder : null,
      lagEntries: cursor === null ? 0 : Math.max(0, next - cursor.next),
      endpoints: endpoints.map(({ name, kind, place, events }) => {
        const count = counts.find(({ endpoint }) => endpoint === name)
        const oldest = count?.oldest ?? null
        return {
          ...{ name, kind, place, events: [...events] },
          waiting: count?.waiting ?? 0,
          dead: count?.dead ?? 0,
          lagSeconds: oldest === null ? 0 : Math.max(0, (now - oldest) / 1000),
          lastError: count?.lastError ?? null,
          lastDelivered: lanes.find((lane) => lane.endpoint.name === name)?.status().lastDelivered ?? null,
        }
      }),
      dead,
    }
  }

  return {
    start() {
      if (endpoints.length > 0) running = run()
    },
    status,
    readings: {
      notificationsWaiting: async () => total(await store.counts(clock.now()), 'waiting'),
      notificationsDead: async () => total(await store.counts(clock.now()), 'dead'),
      notificationLag: async () => lagOf(await store.counts(clock.now()), clock.now()),
      notificationFailures: () => before.failures + sum(lanes),
    },
    async retry(id) {
      const found = await store.retry(id, clock.now())
      if (found) for (const lane of lanes) lane.pump()
      return found
    },
    async stop() {
      stopped.abort()
      await running
    },
  }
}

function sum(lanes: readonly Lane[]): number {
  return lanes.reduce((total, lane) => total + lane.status().failures, 0)
}

/** Seconds that the oldest waiting one has waited. */
function lagOf(counts: readonly EndpointCount[], now: number): number {
  return Math.max(0, ...counts.map(({ oldest }) => (oldest === null ? 0 : (now - oldest) / 1000)))
}

function total(counts: readonly EndpointCount[], what: 'waiting' | 'dead'): number {
  return counts.reduce((all, count) => all + count[what], 0)
}

/** Never rejects: the end of the wait is as good as its time. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal, ref: false }).catch(() => undefined)
}
