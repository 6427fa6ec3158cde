import { Pool } from 'undici'
import type { Log } from '../../core/runtime.ts'
import type { ClientChannel, UpstreamInfo } from '../../gateway/ports.ts'
import type { Environment } from './child-environment.ts'
import type { Conversation, ConversationParts } from './conversation.ts'
import { createCrowd } from './crowd.ts'
import { createEraConversation } from './era-conversation.ts'
import { createEras, type Eras } from './eras.ts'
import { cancelled, type Place, placeOf } from './failures.ts'
import type { HttpParts } from './http-session.ts'
import { createLegacyHttpConversation, type KnownTransport } from './http-transports.ts'
import { createModernConversation } from './modern/conversation.ts'
import { createHttpWire } from './modern/http-wire.ts'
import { createToolHeaders } from './modern/tool-headers.ts'
import { createSharedConversations } from './shared-conversations.ts'
import { createSlots } from './slots.ts'
import { createStdioConversation } from './stdio-conversation.ts'
import {
  DEFAULT_CONNECT_TIMEOUT_MS,
  type HttpRoute,
  type Limits,
  type StdioRoute,
  type UpstreamConfig,
} from './upstream-config.ts'

/** One configured upstream. */
export interface Upstream {
  readonly info: UpstreamInfo
  readonly place: Place
  /** A conversation without a credential, for one client. */
  converse(channel: ClientChannel): Conversation
  /** A conversation that holds a lent credential, for one call: nothing of it is used again. */
  lend<T>(
    channel: ClientChannel,
    secret: string,
    use: (conversation: Conversation) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T>
  close(): Promise<void>
}

export interface World {
  readonly log: Log
  readonly limits: Limits
  readonly environment: Environment
  /** Monotonic milliseconds. */
  readonly elapsed: () => number
}

/**
 * Sockets that wait for answers: as many as there may be calls under way (`identity/limiter.ts`), so that what one key leaves
 * hanging does not hold up the others.
 */
const CALL_SOCKETS = 2_048

export function createUpstream(name: string, config: UpstreamConfig, world: World): Upstream {
  const info: UpstreamInfo = {
    name,
    catalog: config.catalog,
    credential: config.credential,
    onReview: config.onReview,
    ...(config.elicitation === undefined ? {} : { elicitation: config.elicitation }),
    ...(config.listing === undefined ? {} : { listing: config.listing }),
  }
  const place = placeOf(name, config)
  const { route } = config
  const connectTimeoutMs = config.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT_MS
  const parts = (channel: ClientChannel, secret: string | null): ConversationParts => ({
    place,
    channel,
    secret,
    log: world.log,
    limits: world.limits,
    patience: { idleMs: config.timeout ?? world.limits.idleMs, totalMs: config.timeout },
    connectTimeoutMs,
  })
  const basics: Basics = { info, place, connectTimeoutMs, parts, eras: createEras(config.era ?? 'auto') }
  return route.kind === 'stdio' ? stdioUpstream(basics, route, world) : httpUpstream(basics, route, world)
}

interface Basics {
  readonly info: UpstreamInfo
  readonly place: Place
  readonly connectTimeoutMs: number
  readonly eras: Eras
  parts(channel: ClientChannel, secret: string | null): ConversationParts
}

function httpUpstream(basics: Basics, route: HttpRoute, { elapsed, log }: World): Upstream {
  const { info, place, eras, connectTimeoutMs: connectTimeout } = basics
  const url = new URL(route.url)
  const calls = new Pool(url.origin, { connections: CALL_SOCKETS, pipelining: 1, connectTimeout })
  const side = new Pool(url.origin, { connections: null, pipelining: 1, connectTimeout })
  const path = url.pathname + url.search
  const fixed = Object.entries(route.headers).map(([name, value]) => [name.toLowerCase(), value])
  const plain = fixed.flat()
  const known: KnownTransport = { origin: url.origin, given: route.transport ?? null, last: 'http' }
  const others = fixed.filter(([name]) => name !== 'authorization').flat()
  const toolHeaders = createToolHeaders(info.name, log)
  const open = (parts: HttpParts): Conversation =>
    createEraConversation({
      place,
      channel: parts.channel,
      eras,
      open: (era) =>
        era === 'legacy'
          ? createLegacyHttpConversation(parts, known)
          : createModernConversation({ ...parts, elapsed, discovery: null }, createHttpWire(parts, toolHeaders)),
    })

  return {
    info,
    place,
    converse: (channel) => open({ ...basics.parts(channel, null), calls, side, path, headers: plain, listens: true }),
    async lend(channel, secret, use) {
      const headers = [...others, 'authorization', `Bearer ${secret}`]
      const conversation = open({ ...basics.parts(channel, secret), calls, side, path, headers, listens: false })
      try {
        return await use(conversation)
      } finally {
        // Said at once, before the credential is revoked; the answer does not wait for it.
        void conversation.close()
      }
    },
    async close() {
      await Promise.all([calls.destroy(), side.destroy()])
    },
  }
}

function stdioUpstream(basics: Basics, route: StdioRoute, world: World): Upstream {
  const { info, place, eras } = basics
  const { environment, elapsed } = world
  const crowd = createCrowd(world.limits.processes)
  const slots = createSlots(world.limits.lentProcesses)
  const lent = new Set<Conversation>()
  const open = (channel: ClientChannel, spoken: Eras): Conversation =>
    createStdioConversation({
      ...basics.parts(channel, null),
      ...{ route, environment, elapsed, crowd, eras: spoken, listens: true },
    })
  const shared = createSharedConversations((carrier) => open(carrier, createEras('modern')))

  return {
    info,
    place,
    converse: (channel) => (eras.sure('modern') ? shared.join(channel) : null) ?? open(channel, eras),
    async lend(channel, secret, use, signal) {
      const alone = createCrowd(1)
      const leave = await slots.take(signal, () => cancelled(place, false))
      const conversation = createStdioConversation({
        ...basics.parts(channel, secret),
        ...{ route, environment, elapsed, crowd: alone, eras, listens: false },
      })
      lent.add(conversation)
      try {
        return await use(conversation)
      } finally {
        // The slot is free when the process is gone, not when it has answered.
        void conversation.close().then(() => {
          lent.delete(conversation)
          leave()
        })
      }
    },
    async close() {
      await Promise.all([...lent].map((conversation) => conversation.close()))
    },
  }
}
