import type { Pool } from 'undici'
import type { AegisError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import {
  type AskContext,
  type Conversation,
  type ConversationParts,
  cancelNote,
  INITIALIZED,
  initializeNote,
  readWelcome,
  untilAborted,
} from './conversation.ts'
import { badAnswer, cancelled, type Place, unreachable, unsent } from './failures.ts'
import { type ExchangeEnd, exchange } from './http-exchange.ts'
import { type HttpReply, requestOverHttp, type Wire } from './http-request.ts'
import { createInbound, type Patient } from './inbound.ts'
import { type Note, notificationText } from './rpc-message.ts'
import { listen } from './server-stream.ts'

export interface HttpParts extends ConversationParts {
  /** For requests that wait for an answer. */
  readonly calls: Pool
  /** For what must not queue behind them: answers, cancellations, the long GET stream. */
  readonly side: Pool
  readonly path: string
  /** Name, value, name, value: static headers, or those with the lent credential. */
  readonly headers: readonly string[]
  /** Whether to open the GET stream for what the upstream says unasked. */
  readonly listens: boolean
}

/** One `initialize`d session. */
interface Session {
  readonly id: string | null
  readonly headers: string[]
  readonly welcome: JsonObject
  /** `initialized` was said. */
  ready: boolean
  announcing: Promise<void> | null
  stream: AbortController | null
}

const PROTOCOL_HEADERS = ['content-type', 'application/json', 'accept', 'application/json, text/event-stream'] as const
/** MCP, Streamable HTTP: visible ASCII only. Anything else could not be a header, or would be two. */
const SESSION_ID = /^[\x21-\x7e]{1,1024}$/
const CLOSE_MS = 3_000

/** Streamable HTTP, revisions 2024-11-05 to 2025-11-25. */
export function createHttpConversation(parts: HttpParts): Conversation {
  const { place, channel, path, connectTimeoutMs } = parts
  const plain = [...PROTOCOL_HEADERS, ...parts.headers]
  let opening: Promise<Session> | null = null
  let live: Session | null = null
  let nextId = 1
  let closed = false

  const inbound = createInbound(place, channel, parts.log, (text) => {
    void opening?.then(
      (session) => send(parts, 'POST', session.headers, text, connectTimeoutMs),
      () => undefined,
    )
  })
  const wire: Wire = {
    calls: parts.calls,
    path,
    limit: parts.limits.messageBytes,
    secret: parts.secret,
    inbound,
    open: new Set(),
    watchdogs: new Set(),
  }
  const everyCall: Patient = {
    hold: () => wire.watchdogs.forEach((watchdog) => void watchdog.hold()),
    resume: () => wire.watchdogs.forEach((watchdog) => void watchdog.resume()),
  }

  const start = async (): Promise<Session> => {
    const patience = { idleMs: connectTimeoutMs, totalMs: null }
    const note = initializeNote(channel)
    const ask = { id: nextId++, note, headers: plain, inSession: false, patience, context: null }
    const reply = await requestOverHttp(wire, ask)
    if (reply.kind !== 'answer') throw failure(place, reply)
    const welcome = readWelcome(reply.outcome)
    if (!welcome.ok) throw badAnswer(place, welcome.problem, false)
    const id = reply.sessionId
    if (id !== null && !SESSION_ID.test(id)) throw badAnswer(place, 'it gave a malformed session id', false)
    const headers = [...plain, 'mcp-protocol-version', welcome.version]
    if (id !== null) headers.push('mcp-session-id', id)
    live = { id, headers, welcome: welcome.result, ready: false, announcing: null, stream: null }
    return live
  }

  /** The next request opens another session. A newer one than the lost one stays. */
  const forget = (session: Session) => {
    session.stream?.abort()
    if (live !== session) return
    live = null
    opening = null
  }

  /** Shared by all callers, so no single one's signal ends it; bounded by the connect time. */
  const openSession = (): Promise<Session> => {
    if (closed) return Promise.reject(unreachable(place, 'the conversation has ended', false))
    if (opening !== null) return opening
    const started = start().catch((error: unknown) => {
      if (opening === started) opening = null
      throw unsent(place, error)
    })
    opening = started
    return started
  }

  const announce = async (session: Session): Promise<void> => {
    const end = await send(parts, 'POST', session.headers, notificationText(INITIALIZED), connectTimeoutMs)
    if (end.kind === 'failed') throw unreachable(place, end.problem, false)
    if (end.head.status >= 300) throw badAnswer(place, `it answered initialized with HTTP ${end.head.status}`, false)
    session.ready = true
    if (!parts.listens || closed) return
    session.stream = new AbortController()
    const { side, secret } = parts
    const { limit } = wire
    const stream = {
      side,
      path,
      limit,
      secret,
      upstream: place.upstream,
      channel,
      inbound,
      headers: session.headers,
      calls: everyCall,
    }
    void listen(stream, session.stream.signal)
  }

  /** The session, with `initialized` said: once, before the first request, whoever makes it. */
  const readySession = async (signal: AbortSignal): Promise<Session> => {
    if (live?.ready && !closed) return live
    const stopped = () => cancelled(place, false)
    const session = await untilAborted(openSession(), signal, stopped)
    if (session.ready) return session
    session.announcing ??= announce(session).catch((error: unknown) => {
      forget(session)
      throw unsent(place, error)
    })
    await untilAborted(session.announcing, signal, stopped)
    return session
  }

  const askOnce = async (session: Session, note: Note, context: AskContext): Promise<HttpReply> => {
    const id = nextId++
    const { headers } = session
    const inSession = session.id !== null
    const reply = await requestOverHttp(wire, { id, note, headers, inSession, patience: parts.patience, context })
    // Closing the request is not a cancellation (MCP, "Sending Messages to the Server"): it has to be said.
    if (reply.kind === 'failed' && reply.sent && reply.by !== 'network') {
      void send(parts, 'POST', headers, notificationText(cancelNote(id, reply.problem)), CLOSE_MS)
    }
    return reply
  }

  return {
    async initialize(signal) {
      const session = await untilAborted(openSession(), signal, () => cancelled(place, false))
      return session.welcome
    },
    async ask(note, context) {
      const session = await readySession(context.signal)
      let reply = await askOnce(session, note, context)
      if (reply.kind === 'session-lost') {
        // It was restarted. A server that does not know the session has surely not run the request: asked once more.
        forget(session)
        reply = await askOnce(await readySession(context.signal), note, context)
      }
      if (reply.kind === 'answer') return reply.outcome
      throw failure(place, reply)
    },
    async tell(note) {
      const session = await opening?.catch(() => null)
      if (session === null || session === undefined) return
      if (note.method === INITIALIZED.method) {
        await readySession(AbortSignal.timeout(connectTimeoutMs)).catch(() => undefined)
      } else {
        await send(parts, 'POST', session.headers, notificationText(note), connectTimeoutMs)
      }
    },
    async close() {
      if (closed) return
      closed = true
      inbound.close()
      for (const running of wire.open) running.stop('the conversation was ended')
      const session = await opening?.catch(() => null)
      session?.stream?.abort()
      // MCP, "Session Management": a client that leaves says DELETE. What comes back does not matter.
      if (session?.id) await send(parts, 'DELETE', session.headers, null, CLOSE_MS)
    },
  }
}

/** What expects no answer; never rejects. */
async function send(
  parts: HttpParts,
  method: 'POST' | 'DELETE',
  headers: string[],
  body: string | null,
  timeoutMs: number,
): Promise<ExchangeEnd> {
  const limit = parts.limits.messageBytes
  const ignore = () => undefined
  const running = exchange(parts.side, {
    method,
    path: parts.path,
    headers,
    body,
    limit,
    onEvent: ignore,
    onLife: ignore,
  })
  const timer = setTimeout(() => running.stop('no answer in time'), timeoutMs)
  const end = await running.done
  clearTimeout(timer)
  return end
}

function failure(place: Place, reply: Exclude<HttpReply, { kind: 'answer' }>): AegisError {
  switch (reply.kind) {
    case 'session-lost':
      return badAnswer(place, 'it does not keep the session it has just opened')
    case 'unusable':
      return badAnswer(place, reply.problem)
    case 'failed':
      if (reply.by === 'caller') return cancelled(place, reply.sent)
      return reply.sent ? badAnswer(place, reply.problem) : unreachable(place, reply.problem, false)
    default:
      return reply satisfies never
  }
}
