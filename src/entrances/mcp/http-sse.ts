import { type Context, Hono } from 'hono'
import { AegisError } from '../../core/errors.ts'
import type { Dispatch } from './dispatch.ts'
import type { Doorkeeper, Visit } from './doorkeeper.ts'
import type { McpOptions, Peer } from './endpoint.ts'
import { EVENT_STREAM_HEADERS, type EventStream } from './event-stream.ts'
import type { Answers } from './exchange.ts'
import * as failures from './failures.ts'
import { clientOf, demandSession } from './handshake.ts'
import { createReplay, createShelf, RESUME_MS } from './replay.ts'
import {
  accepts,
  asksForHeadOnly,
  type Bindings,
  demandJson,
  labelOf,
  type McpContext,
  onDisconnect,
  readBody,
} from './request.ts'
import { errorText, messageText, type Parsed, parseBody, type RpcRequest, resultText, rpcError } from './rpc.ts'
import type { Sessions } from './sessions.ts'
import { SseConversation } from './sse-conversation.ts'

/** Bytes a client may leave unread before its messages are refused: answers are never dropped, so they must be read. */
const MAX_UNREAD = 64 * 1024 * 1024
/** What a client speaks that has not said it. */
const UNSAID = '2024-11-05'

export interface HttpSse {
  /** To be mounted at `/sse`. */
  readonly routes: Hono<{ Bindings: Bindings }>
  /** To be called every few seconds: shows clients that have not begun yet that we live. */
  beat(): void
  /** Ends all streams, each as soon as the answers under way have gone down it. */
  close(): Promise<void>
}

interface Parts {
  readonly options: McpOptions
  readonly keeper: Doorkeeper
  readonly sessions: Sessions
  readonly dispatch: Dispatch
}

interface Room extends Parts {
  readonly conversations: Map<string, SseConversation>
  closing: boolean
  open(context: McpContext, visit: Visit): SseConversation
}

/**
 * HTTP+SSE of revision 2024-11-05: GET opens the stream, whose first event names where to POST. Any revision may be
 * spoken over it. A broken stream is taken up again as those of Streamable HTTP are, by `Last-Event-ID`.
 */
export function httpSse(parts: Parts): HttpSse {
  const room = createRoom(parts)
  const routes = new Hono<{ Bindings: Bindings }>()
  for (const path of ['/', '/:upstream']) {
    routes.get(path, (context) => listen(room, context))
    routes.post(path, (context) => post(room, context))
    routes.all(path, notAllowed)
  }
  routes.onError((error, context) => parts.keeper.refuse(context, error))
  return {
    routes,
    beat() {
      for (const conversation of room.conversations.values()) if (conversation.session === null) conversation.beat()
    },
    async close() {
      room.closing = true
      const all = [...room.conversations.values()]
      for (const conversation of all) conversation.end()
      await Promise.all(all.map((conversation) => conversation.idle()))
    },
  }
}

function createRoom(parts: Parts): Room {
  const { options, sessions } = parts
  const conversations = new Map<string, SseConversation>()
  const shelf = createShelf()
  const room: Room = {
    ...parts,
    conversations,
    closing: false,
    open(context, { caller, upstream }) {
      const id = Buffer.from(options.random.bytes(16)).toString('hex')
      const free = options.limiter.open('streams', caller.id)
      // The path as the client asked for it; the origin is its own to know (proxies change it).
      const greeting = { name: 'endpoint', data: `${context.req.path}?session_id=${id}`, id: null }
      // Nobody can come back to a server that stops.
      const patience = (): number => (room.closing ? 0 : (options.resumeMs ?? RESUME_MS))
      const replay = createReplay({ prefix: `${id}.`, primes: false, greeting, lasting: true, shelf, patience })
      const conversation = new SseConversation(caller.id, upstream, replay, () => {
        conversations.delete(id)
        free()
        if (conversation.session !== null) void sessions.remove(conversation.session)
      })
      conversations.set(id, conversation)
      return conversation
    },
  }
  return room
}

async function listen(room: Room, context: McpContext): Promise<Response> {
  const visit = await room.keeper.admit(context)
  if (asksForHeadOnly(context)) return notAllowed(context)
  if (!accepts(context.req.header('accept'), 'text/event-stream')) throw failures.notAcceptable('text/event-stream')
  if (room.closing) throw failures.stopping()
  const stream: EventStream = resumed(room, context, visit) ?? room.open(context, visit)
  const { body } = stream
  room.keeper.watch(context, visit)
  onDisconnect(context, () => {
    // It may have come back on another connection meanwhile.
    if (stream.body === body) stream.drop()
  })
  return new Response(body, { headers: EVENT_STREAM_HEADERS })
}

/** Readers of event streams come back by themselves: to the conversation they had, where it is still there. */
function resumed(room: Room, context: McpContext, visit: Visit): SseConversation | null {
  const lastEventId = context.req.header('last-event-id')
  if (lastEventId === undefined) return null
  const conversation = find(room, lastEventId.slice(0, lastEventId.indexOf('.')), visit)
  return conversation?.replay.resume(lastEventId) === null ? null : conversation
}

/** The conversation of this id, key and endpoint; null for any other combination, so nobody learns of others'. */
function find({ conversations }: Room, id: string, { caller, upstream }: Visit): SseConversation | null {
  const conversation = conversations.get(id)
  return conversation?.principal === caller.id && conversation.upstream === upstream ? conversation : null
}

async function post(room: Room, context: McpContext): Promise<Response> {
  const visit = await room.keeper.admit(context)
  const id = context.req.query('session_id')
  // A client of Streamable HTTP that tries this address: 405 tells it that the older transport is spoken here.
  if (id === undefined) return notAllowed(context)
  const conversation = find(room, id, visit)
  if (conversation === null) throw failures.noStream()
  if (conversation.room < -MAX_UNREAD) throw unread()
  demandJson(context.req.header('content-type'))
  const parsed = parseBody(await readBody(context))
  const first = parsed.batch ? undefined : parsed.messages[0]
  if (first?.kind === 'invalid') return failures.failure(first.error, first.id)
  if (room.closing && parsed.messages.some(({ kind }) => kind === 'request')) {
    return room.keeper.refuse(context, failures.stopping(), first?.kind === 'request' ? first.id : null)
  }
  const label = labelOf(context)
  if (first?.kind === 'request' && first.method === 'initialize') {
    conversation.run((calls) => initialize(room, conversation, first, visit, label, calls.call().signal))
  } else {
    try {
      demandSession(parsed, conversation.session, conversation.session?.channel.client.protocolVersion ?? UNSAID)
    } catch (error) {
      return room.keeper.refuse(context, error, first?.kind === 'request' ? first.id : null)
    }
    dispatch(room, conversation, parsed, visit, label)
  }
  return new Response('Accepted', { status: 202 })
}

function dispatch(room: Room, conversation: SseConversation, parsed: Parsed, visit: Visit, label: string | null): void {
  const { caller, endpoint } = visit
  const { session } = conversation
  const peer: Peer = {
    caller,
    session,
    label,
    channel: session?.channel ?? room.sessions.sessionless(caller.id),
    tell: (notification) => void conversation.offer(messageText(notification)),
    attended: () => conversation.attended(),
  }
  conversation.run((calls) => room.dispatch(parsed, endpoint, peer, calls))
}

async function initialize(
  room: Room,
  conversation: SseConversation,
  request: RpcRequest,
  { caller, endpoint, upstream }: Visit,
  label: string | null,
  signal: AbortSignal,
): Promise<Answers> {
  const answer = (text: string): Answers => ({ batch: false, texts: [text] })
  try {
    if (conversation.session !== null) throw new AegisError('invalid_request', 'initialize was said already')
    const client = clientOf(request.params)
    const session = room.sessions.create({ principal: caller.id, upstream, client }, label)
    conversation.session = session
    session.listen(conversation)
    try {
      const result = await endpoint.initialize(session.channel, signal)
      return answer(resultText(request.id, { ...result, protocolVersion: client.protocolVersion }))
    } catch (error) {
      conversation.session = null
      session.unlisten(conversation)
      await room.sessions.remove(session)
      throw error
    }
  } catch (error) {
    return answer(errorText(request.id, rpcError(failures.shown(error, room.options.log))))
  }
}

function notAllowed(context: Context): Response {
  const allow = context.req.query('session_id') === undefined ? 'GET' : 'GET, POST'
  return new Response(null, { status: 405, headers: { allow } })
}

function unread(): AegisError {
  return new AegisError('too_many', 'too many answers wait to be read', { advice: 'read the event stream' })
}
