import { AegisError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Clock, Log } from '../../core/runtime.ts'
import type { AuthorizedAction, ClientChannel, ExecuteContext, Outcome, Upstreams } from '../../gateway/ports.ts'
import type { Environment } from './child-environment.ts'
import type { Conversation } from './conversation.ts'
import { unreachable } from './failures.ts'
import type { Note } from './rpc-message.ts'
import { type Rule, ruled } from './ruled-channel.ts'
import { createUpstream, type Upstream, type World } from './upstream.ts'
import { checkConfig, DEFAULT_LIMITS, type Limits, type UpstreamConfig } from './upstream-config.ts'

export interface UpstreamsOptions {
  readonly upstreams: Readonly<Record<string, UpstreamConfig>>
  readonly log: Log
  readonly clock: Clock
  /** Version we name ourselves with where a call has no client of its own. */
  readonly version: string
  /** Whether an upstream may ask a client what it asks. Default: it may. */
  readonly rule?: Rule
  readonly limits?: Partial<Limits>
  /** Where PATH, HOME and LANG of the children come from. Default: our own. */
  readonly environment?: Environment
}

/** Keys of clients that have gone, remembered so that a late call opens nothing that nobody would close. */
const REMEMBERED = 10_000

/**
 * The upstream side of the bridge: conversations by upstream and client.
 * @throws AegisError `config` for a wrong upstream.
 */
export function createUpstreams(options: UpstreamsOptions): Upstreams {
  const world: World = {
    log: options.log,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    environment: options.environment ?? process.env,
    elapsed: () => options.clock.elapsed(),
  }
  const upstreams = new Map<string, Upstream>()
  for (const [name, config] of Object.entries(options.upstreams)) checkConfig(name, config)
  for (const [name, config] of Object.entries(options.upstreams)) {
    upstreams.set(name, createUpstream(name, config, world))
  }
  const own = ownChannel(options.version)
  const { rule } = options
  const heard = (channel: ClientChannel) => (rule === undefined ? channel : ruled(channel, rule))
  const conversations = createConversations(heard)

  const find = (name: string): Upstream => {
    const upstream = upstreams.get(name)
    if (upstream !== undefined) return upstream
    const known = [...upstreams.keys()].map((key) => `\`${key}\``).join(', ')
    const advice = known === '' ? 'configure it under `upstreams` in aegis.yaml' : `use one of: ${known}`
    throw new AegisError('no_upstream', `no upstream \`${name}\` is configured`, { advice })
  }

  return {
    list: () => [...upstreams.values()].map((upstream) => upstream.info),
    get: (name) => upstreams.get(name)?.info ?? null,

    async execute(action, credential, context): Promise<Outcome> {
      const { route, tool } = action.action
      if (route === null) throw new AegisError('no_upstream', `no upstream runs \`${tool}\``)
      const upstream = find(route.upstream)
      const channel = context.channel ?? own
      const meta = channel === own ? withoutProgressToken(context.meta) : context.meta
      const note = judgedNote(action, meta, context)
      if (credential === null) return conversations.of(upstream, channel).ask(note, context)
      return upstream.lend(heard(channel), credential.reveal(), (lent) => lent.ask(note, context), context.signal)
    },

    async initialize(name, channel, signal) {
      return conversations.of(find(name), channel).initialize(signal)
    },

    async request(name, message, channel, context) {
      const upstream = find(name)
      if (message.method === 'ping') return { kind: 'result', result: {} }
      return conversations.of(upstream, channel).ask(message, context)
    },

    async notify(name, message, channel) {
      // Ours to say: cancellations follow the call's signal, under the id the upstream knows.
      if (message.method === 'notifications/cancelled') return
      await conversations.open(find(name), channel)?.tell(message)
    },

    release: (channelKey) => conversations.release(channelKey),

    async close() {
      await conversations.close()
      await Promise.all([...upstreams.values()].map((upstream) => upstream.close()))
    },
  }
}

/** Built from what was judged, never from what came in. */
function judgedNote({ action }: AuthorizedAction, meta: JsonObject | null, { retry }: ExecuteContext): Note {
  const { route, parameters } = action
  const more = { ...retry, ...(meta === null ? {} : { _meta: meta }) }
  if (route?.request !== undefined) return { method: route.request, params: { ...parameters, ...more } }
  return { method: 'tools/call', params: { name: route?.tool ?? '', arguments: parameters, ...more } }
}

/** For calls without a client of their own: nobody to ask, nobody to tell. */
function ownChannel(version: string): ClientChannel {
  return {
    key: 'own',
    client: { capabilities: {}, info: { name: 'aegis', version }, protocolVersion: '2025-11-25' },
    notify: () => undefined,
    request: async () => ({ kind: 'error', error: { code: -32601, message: 'no client is connected' } }),
  }
}

/** One conversation serves many callers here: equal tokens of two of them would mix their progress. */
function withoutProgressToken(meta: JsonObject | null): JsonObject | null {
  if (meta === null) return null
  const { progressToken: _, ...rest } = meta
  return rest
}

interface Conversations {
  /** @throws AegisError `upstream_unreachable` (unsent) where the client has gone. */
  of(upstream: Upstream, channel: ClientChannel): Conversation
  /** The one that is there, or null. */
  open(upstream: Upstream, channel: ClientChannel): Conversation | null
  release(channelKey: string): Promise<void>
  close(): Promise<void>
}

function createConversations(heard: (channel: ClientChannel) => ClientChannel): Conversations {
  const byChannel = new Map<string, Map<Upstream, Conversation>>()
  const gone = new Set<string>()
  let closed = false

  const release = async (key: string) => {
    const mine = byChannel.get(key)
    byChannel.delete(key)
    gone.add(key)
    if (gone.size > REMEMBERED) gone.delete(gone.values().next().value ?? key)
    if (mine !== undefined) await Promise.all([...mine.values()].map((conversation) => conversation.close()))
  }

  return {
    of(upstream, channel) {
      const mine = byChannel.get(channel.key)
      const known = mine?.get(upstream)
      if (known !== undefined) return known
      if (closed) throw unreachable(upstream.place, 'we are shutting down', false, 'try again in a moment')
      if (gone.has(channel.key)) throw unreachable(upstream.place, 'the client has gone', false, 'connect again')
      const made = upstream.converse(heard(channel))
      if (mine === undefined) byChannel.set(channel.key, new Map([[upstream, made]]))
      else mine.set(upstream, made)
      return made
    },
    open: (upstream, channel) => byChannel.get(channel.key)?.get(upstream) ?? null,
    release,
    async close() {
      closed = true
      await Promise.all([...byChannel.keys()].map(release))
    },
  }
}
