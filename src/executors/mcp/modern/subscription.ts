import { setTimeout as sleep } from 'node:timers/promises'
import type { JsonObject } from '../../../core/json.ts'
import type { Log } from '../../../core/runtime.ts'
import type { ClientChannel } from '../../../gateway/ports.ts'
import type { Note } from '../rpc-message.ts'
import { dressed, META, metaOf } from './meta.ts'
import { ENDLESS, type ModernWire } from './wire.ts'

/** Resources one client may watch at once. */
const MAX_WATCHED = 1_000
const FIRST_WAIT_MS = 1_000
const MAX_WAIT_MS = 30_000

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'
/** What such a stream carries, and nothing else: the rest belongs to requests. */
const CARRIED: ReadonlySet<string> = new Set([
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
])

/** What a client of the legacy era hears unasked, by a `subscriptions/listen` in its place. */
export interface Subscription {
  /** Begins to listen for changes of lists, where there are any. */
  start(lists: JsonObject): void
  /** False where the upstream does not tell of this resource. */
  watch(uri: string, signal: AbortSignal): Promise<boolean>
  unwatch(uri: string): void
  close(): void
}

export interface SubscriptionParts {
  readonly upstream: string
  readonly channel: ClientChannel
  readonly log: Log
  /** The wire of the moment; rejects where there is none. */
  wire(signal: AbortSignal): Promise<Pick<ModernWire, 'ask'>>
}

export function createSubscription(parts: SubscriptionParts): Subscription {
  const watched = new Set<string>()
  let lists: JsonObject = {}
  let stream: Stream | null = null
  let closed = false

  /** A stream for what is wanted now; the one before ends when this one has begun, so that nothing is missed between. */
  const renew = (): Promise<JsonObject | null> => {
    const before = stream
    stream = null
    const idle = Object.keys(lists).length === 0 && watched.size === 0
    if (closed || idle) {
      before?.end()
      return Promise.resolve(null)
    }
    const filter = { ...lists, ...(watched.size === 0 ? {} : { resourceSubscriptions: [...watched] }) }
    const made = openStream(parts, filter)
    stream = made
    void made.agreed.then(() => before?.end())
    return made.agreed
  }

  return {
    start(offered) {
      if (Object.keys(offered).length === 0 || Object.keys(lists).length > 0) return
      lists = offered
      void renew()
    },
    async watch(uri, signal) {
      if (watched.has(uri)) return true
      if (watched.size >= MAX_WATCHED) return false
      watched.add(uri)
      const agreed = await Promise.race([renew(), gone(signal)])
      const resources = agreed?.['resourceSubscriptions']
      if (Array.isArray(resources) && resources.includes(uri)) return true
      watched.delete(uri)
      return false
    },
    unwatch(uri) {
      if (watched.delete(uri)) void renew()
    },
    close() {
      closed = true
      stream?.end()
    },
  }
}

function gone(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }))
}

interface Stream {
  /** What the upstream agreed to tell of, at the first time it did; null where it did not. */
  readonly agreed: Promise<JsonObject | null>
  end(): void
}

/** Listens until it is ended, and again after the upstream broke off. */
function openStream(parts: SubscriptionParts, filter: JsonObject): Stream {
  const { channel, upstream, log } = parts
  const life = new AbortController()
  const { signal } = life
  let wait = FIRST_WAIT_MS
  let agree: (filter: JsonObject | null) => void = () => undefined
  const agreed = new Promise<JsonObject | null>((resolve) => {
    agree = resolve
  })
  const onNotification = ({ method, params }: Note) => {
    if (method === ACKNOWLEDGED) {
      wait = FIRST_WAIT_MS
      const { notifications } = params ?? {}
      agree(typeof notifications === 'object' ? { ...filter, ...(notifications as JsonObject) } : filter)
    } else if (CARRIED.has(method)) channel.notify(upstream, unlabelled(method, params))
  }
  const note = dressed({ method: 'subscriptions/listen', params: { notifications: filter } }, channel, null)

  const listen = async () => {
    while (!signal.aborted) {
      const end = await parts
        .wire(signal)
        .then((wire) => wire.ask(note, { signal, onNotification }, ENDLESS))
        .catch((error: unknown) => (signal.aborted ? null : log.warn({ upstream, error: String(error) }, SILENT)))
      agree(null)
      // It has no such request, whatever it offers: to ask again would change nothing.
      if (end?.kind === 'error') return
      await sleep(wait, undefined, { signal, ref: false }).catch(() => undefined)
      wait = Math.min(wait * 2, MAX_WAIT_MS)
    }
  }
  void listen()
  return { agreed, end: () => life.abort() }
}

const SILENT = 'the stream of changes of an upstream broke off'

/** Without the id of our stream, which its client does not know. */
function unlabelled(method: string, params: JsonObject | undefined): Note {
  const { [META.subscription]: _id, ...meta } = metaOf(params)
  const { _meta, ...rest } = params ?? {}
  const kept = Object.keys(meta).length === 0 ? rest : { ...rest, _meta: meta }
  return Object.keys(kept).length === 0 ? { method } : { method, params: kept }
}
