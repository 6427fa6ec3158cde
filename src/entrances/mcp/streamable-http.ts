import { Hono } from 'hono'
import { createDispatch } from './dispatch.ts'
import { createDoorkeeper, type Doorkeeper, type Visit } from './doorkeeper.ts'
import type { McpOptions, Peer } from './endpoint.ts'
import { EVENT_STREAM_HEADERS } from './event-stream.ts'
import { type Answers, Exchange } from './exchange.ts'
import * as failures from './failures.ts'
import { clientOf, demandHeaders, demandSession } from './handshake.ts'
import { httpSse } from './http-sse.ts'
import { createModernEra, type ModernEra } from './modern/era.ts'
import { isModern } from './modern/revision.ts'
import {
  accepts,
  answerJson,
  asksForHeadOnly,
  type Bindings,
  demandJson,
  labelOf,
  type McpContext,
  onDisconnect,
  onEnd,
  readBody,
} from './request.ts'
import { errorText, messageText, type Parsed, parseBody, type RpcRequest, resultText, rpcError } from './rpc.ts'
import type { Session } from './session.ts'
import { createSessions } from './sessions.ts'
import { TOOLS_CHANGED } from './tool-changes.ts'
import { ASSUMED } from './versions.ts'

/** Milliseconds between signs of life on open streams, and of silence before a waiting POST becomes a stream. */
const BEAT_MS = 10_000

const JSON_HEADERS = { 'content-type': 'application/json' } as const

export interface McpEntrance {
  /** To be mounted at `/mcp`. */
  readonly routes: Hono<{ Bindings: Bindings }>
  /** HTTP+SSE, to be mounted at `/sse`. */
  readonly sse: Hono<{ Bindings: Bindings }>
  /** Ends all streams, lets the calls under way finish, then ends the sessions. To be called once, when the server stops. */
  close(): Promise<void>
}

/** MCP over Streamable HTTP: `/mcp` for all upstreams, `/mcp/<upstream>` for one. The stateless revisions have their own folder. */
export function mcpRoutes(options: McpOptions): McpEntrance {
  const exchanges: Door['exchanges'] = new Map()
  const release = releaser(options)
  const sessions = createSessions({ ...options, release })
  const modern = createModernEra({ ...options, exchanges, release })
  const keeper = createDoorkeeper(options)
  const door: Door = { options, exchanges, sessions, modern, keeper, closing: false, dispatch: createDispatch(options) }
  const older = httpSse(door)
  options.toolsChanged?.((upstream) => {
    sessions.tell(upstream, TOOLS_CHANGED)
    modern.tell(upstream, TOOLS_CHANGED)
  })
  const heart = setInterval(() => {
    sessions.tick()
    modern.tick()
    older.beat()
    for (const exchange of exchanges.keys()) exchange.beat()
  }, BEAT_MS)
  heart.unref()

  const routes = new Hono<{ Bindings: Bindings }>()
  for (const path of ['/', '/:upstream']) {
    routes.post(path, (context) => post(door, context))
    routes.get(path, (context) => listen(door, context))
    routes.delete(path, (context) => end(door, context))
    routes.all(path, failures.notAllowed)
  }
  routes.onError((error, context) => keeper.refuse(context, error))
  return {
    routes,
    sse: older.routes,
    async close() {
      clearInterval(heart)
      door.closing = true
      sessions.hush()
      modern.hush()
      await Promise.allSettled([older.close(), ...exchanges.values()])
      await modern.close()
      await sessions.close()
    },
  }
}

interface Door {
  readonly options: McpOptions
  /** The POSTs under way, with what will answer them. */
  readonly exchanges: Map<Exchange, Promise<Answers>>
  readonly sessions: ReturnType<typeof createSessions>
  readonly modern: ModernEra
  readonly keeper: Doorkeeper
  /** The server stops: what is under way may still be answered and asked about. */
  closing: boolean
  readonly dispatch: ReturnType<typeof createDispatch>
}

async function post(door: Door, context: McpContext): Promise<Response> {
  const visit = await door.keeper.admit(context)
  const accept = context.req.header('accept')
  const streams = accepts(accept, 'text/event-stream')
  if (!streams && !accepts(accept, 'application/json')) {
    throw failures.notAcceptable('application/json, text/event-stream')
  }
  demandJson(context.req.header('content-type'))
  const parsed = parseBody(await readBody(context))
  const first = parsed.batch ? undefined : parsed.messages[0]
  if (first?.kind === 'invalid') return failures.failure(first.error, first.id)
  if (door.closing && parsed.messages.some(({ kind }) => kind === 'request')) {
    return door.keeper.refuse(context, failures.stopping(), first?.kind === 'request' ? first.id : null)
  }
  const version = context.req.header('mcp-protocol-version')
  if (isModern(version, first)) {
    if (first?.kind === 'request' && first.method === 'subscriptions/listen') door.keeper.watch(context, visit)
    return door.modern.post(context, parsed, visit, streams)
  }
  try {
    demandHeaders(context.req.raw.headers, first)
    if (first?.kind === 'request' && first.method === 'initialize') return await initialize(door, context, first, visit)
    const session = sessionOf(door, context, visit)
    demandSession(parsed, session, session?.channel.client.protocolVersion ?? version ?? ASSUMED)
    return await exchange(door, context, parsed, visit, session, streams)
  } catch (error) {
    return failures.failure(failures.shown(error, door.options.log), first?.kind === 'request' ? first.id : null)
  }
}

function exchange(
  door: Door,
  context: McpContext,
  parsed: Parsed,
  { caller, endpoint }: Visit,
  session: Session | null,
  streams: boolean,
): Promise<Response> {
  const label = labelOf(context)
  const channel = session?.channel ?? door.sessions.sessionless(caller.id)
  const openStream = session === null ? undefined : (gone: () => void) => session.replay.open('answers', gone)
  const open = new Exchange(streams, (text) => answerJson(context, text), openStream)
  onDisconnect(context, () => open.lost())
  session?.join(open)
  const tell: Peer['tell'] = (notification) => void open.offer(messageText(notification))
  const attended = () => open.attended()
  const peer = { caller, session, channel, label, tell, attended }
  const work = door.dispatch(parsed, endpoint, peer, open).finally(() => {
    door.exchanges.delete(open)
    session?.leave(open)
  })
  door.exchanges.set(open, work)
  return open.respond(work)
}

async function initialize(
  { sessions, options }: Door,
  context: McpContext,
  request: RpcRequest,
  { caller, endpoint, upstream }: Visit,
): Promise<Response> {
  const client = clientOf(request.params)
  const session = sessions.create({ principal: caller.id, upstream, client }, labelOf(context))
  const gone = new AbortController()
  onDisconnect(context, () => gone.abort(new Error('the client has gone')))
  try {
    const result = await endpoint.initialize(session.channel, gone.signal)
    gone.signal.throwIfAborted()
    const text = resultText(request.id, { ...result, protocolVersion: client.protocolVersion })
    return new Response(text, { headers: { ...JSON_HEADERS, 'mcp-session-id': session.id } })
  } catch (error) {
    await sessions.remove(session)
    return new Response(errorText(request.id, rpcError(failures.shown(error, options.log))), { headers: JSON_HEADERS })
  }
}

/** GET: the stream on which upstreams speak to this client out of turn. */
async function listen(door: Door, context: McpContext): Promise<Response> {
  const visit = await door.keeper.admit(context)
  if (asksForHeadOnly(context)) return failures.notAllowed()
  if (!accepts(context.req.header('accept'), 'text/event-stream')) throw failures.notAcceptable('text/event-stream')
  if (isModern(context.req.header('mcp-protocol-version'), undefined)) return failures.notAllowed()
  if (door.closing) throw failures.stopping()
  const session = sessionOf(door, context, visit)
  if (session === null) return failures.notAllowed()
  onEnd(context, door.options.limiter.open('streams', visit.caller.id))
  door.keeper.watch(context, visit)
  const lastEventId = context.req.header('last-event-id')
  const stream = lastEventId === undefined ? session.hear() : session.resume(lastEventId)
  // Nothing more to come: the one status that makes clients of the SDKs stop asking.
  if (stream === null) return failures.notAllowed()
  const { body } = stream
  onDisconnect(context, () => {
    // It may have come back on another connection meanwhile.
    if (stream.body === body) stream.drop()
  })
  return new Response(body, { headers: EVENT_STREAM_HEADERS })
}

async function end(door: Door, context: McpContext): Promise<Response> {
  const visit = await door.keeper.admit(context)
  if (isModern(context.req.header('mcp-protocol-version'), undefined)) return failures.notAllowed()
  const session = sessionOf(door, context, visit)
  if (session === null) throw failures.sessionNeeded()
  await door.sessions.remove(session)
  return new Response(null, { status: 204 })
}

function releaser({ upstreams, log }: McpOptions): (channelKey: string) => Promise<void> {
  return (key) =>
    upstreams.release(key).catch((error) => log.warn({ error: String(error) }, 'an upstream was not released'))
}

function sessionOf(door: Door, context: McpContext, { caller, upstream }: Visit): Session | null {
  const id = context.req.header('mcp-session-id')
  if (id === undefined) return null
  const session = door.sessions.find(id, caller.id, upstream)
  if (session === null) throw failures.noSession()
  return session
}
