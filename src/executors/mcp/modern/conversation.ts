import type { JsonObject } from '../../../core/json.ts'
import { textMember } from '../../../core/json.ts'
import type { Outcome } from '../../../gateway/ports.ts'
import type { AskContext, Conversation, ConversationParts } from '../conversation.ts'
import { INITIALIZED } from '../conversation.ts'
import { eraOf } from '../eras.ts'
import { badAnswer, notSpoken, unsent } from '../failures.ts'
import type { Note } from '../rpc-message.ts'
import { defaultLevel, discover, lifetimeOf, listChanges, mayBeWatched, welcomeOf } from './discovery.ts'
import { dressed } from './meta.ts'
import { roundTrips } from './round-trips.ts'
import { createSubscription } from './subscription.ts'
import type { ModernWire } from './wire.ts'

export interface ModernParts extends ConversationParts {
  /** Whether this client hears of changes: not where the conversation lasts for one call. */
  readonly listens: boolean
  /** Monotonic milliseconds. */
  readonly elapsed: () => number
  /** What the upstream said when it was first asked; null where it is to be asked. */
  readonly discovery: JsonObject | null
}

/** One client and an upstream of the modern era. A client of the same era is passed through, one of the other translated. */
export function createModernConversation(parts: ModernParts, wire: ModernWire): Conversation {
  const { place, channel } = parts
  const discoveries = createDiscoveries(parts, wire)
  if (eraOf(channel) === 'modern') {
    return {
      initialize: async (signal) => welcomeOf(await discoveries.current(signal), channel),
      ask: (note, context) => wire.ask(dressed(note, context.client ?? channel, null), context, parts.patience),
      tell: (note) =>
        note.method === INITIALIZED.method ? Promise.resolve() : wire.tell(dressed(note, channel, null)),
      close: () => wire.close(),
    }
  }
  const { upstream } = place
  const subscription = createSubscription({ upstream, channel, log: parts.log, wire: async () => wire })
  const session = createLegacySession(parts, wire, discoveries, subscription)
  return {
    ...session,
    async close() {
      subscription.close()
      await wire.close()
    },
  }
}

interface Discoveries {
  /** @throws AegisError `upstream_unreachable`, unsent */
  current(signal: AbortSignal): Promise<JsonObject>
}

function createDiscoveries({ discovery, ...parts }: ModernParts, wire: ModernWire): Discoveries {
  const { place, channel, elapsed, connectTimeoutMs } = parts
  const patience = { idleMs: connectTimeoutMs, totalMs: connectTimeoutMs }
  let known = discovery === null ? null : { discovery, until: elapsed() + lifetimeOf(discovery) }

  return {
    async current(signal) {
      if (known !== null && elapsed() < known.until) return known.discovery
      const context: AskContext = { signal, onNotification: () => undefined }
      const read = await discover(channel, (note) => wire.ask(note, context, patience)).catch((error: unknown) => {
        throw unsent(place, error)
      })
      if (read.kind === 'foreign') throw badAnswer(place, read.problem, false)
      if (read.kind === 'legacy') throw notSpoken(place, read.problem)
      known = { discovery: read.result, until: elapsed() + lifetimeOf(read.result) }
      return read.result
    },
  }
}

/** What a client of the legacy era expects of its session. */
function createLegacySession(
  parts: ModernParts,
  wire: ModernWire,
  discoveries: Discoveries,
  subscription: ReturnType<typeof createSubscription>,
): Omit<Conversation, 'close'> {
  const { place, channel } = parts
  let level: string | null = null

  const begin = async (signal: AbortSignal): Promise<JsonObject> => {
    const discovery = await discoveries.current(signal)
    if (parts.listens) subscription.start(listChanges(discovery))
    return discovery
  }

  const locally: Readonly<Record<string, (params: JsonObject, signal: AbortSignal) => Promise<Outcome>>> = {
    async 'logging/setLevel'(params) {
      level = textMember(params, 'level') ?? null
      return DONE
    },
    async 'resources/subscribe'(params, signal) {
      const uri = textMember(params, 'uri')
      if (uri === undefined) return refusal(-32602, '`uri` must be text')
      if (!parts.listens || !mayBeWatched(await begin(signal))) return refusal(-32601, 'resources cannot be watched')
      return (await subscription.watch(uri, signal)) ? DONE : refusal(-32602, 'this resource cannot be watched')
    },
    async 'resources/unsubscribe'(params) {
      subscription.unwatch(textMember(params, 'uri') ?? '')
      return DONE
    },
  }

  return {
    initialize: async (signal) => welcomeOf(await discoveries.current(signal), channel),
    async ask(note, context) {
      const local = Object.hasOwn(locally, note.method) ? locally[note.method] : undefined
      if (local !== undefined) return local(note.params ?? {}, context.signal)
      const logs = level ?? defaultLevel(await begin(context.signal))
      const ask = (leg: Note) => wire.ask(dressed(leg, channel, logs), context, parts.patience)
      return roundTrips(note, { place, channel, context, ask })
    },
    async tell(note) {
      if (note.method === INITIALIZED.method) {
        await begin(AbortSignal.timeout(parts.connectTimeoutMs)).catch(() => undefined)
      } else if (!FORGOTTEN.has(note.method)) await wire.tell(dressed(note, channel, null))
    },
  }
}

/** Of no meaning where nothing is kept between requests. */
const FORGOTTEN: ReadonlySet<string> = new Set(['notifications/roots/list_changed', 'notifications/progress'])

const DONE: Outcome = { kind: 'result', result: {} }

function refusal(code: number, message: string): Outcome {
  return { kind: 'error', error: { code, message } }
}
