import type { Pool } from 'undici'
import type { JsonObject } from '../../core/json.ts'
import { type ConversationParts, INITIALIZED, initializeNote, readWelcome, untilAborted } from './conversation.ts'
import { badAnswer, cancelled, notSpoken, unreachable, unsent } from './failures.ts'
import { type ExchangeEnd, exchange } from './http-exchange.ts'
import { failure, requestOverHttp, type Wire } from './http-request.ts'
import type { Patient } from './inbound.ts'
import { notificationText } from './rpc-message.ts'
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
export interface Session {
  readonly id: string | null
  /** Of every request in it. */
  readonly headers: string[]
  /** The `initialize` result. */
  readonly welcome: JsonObject
  /** `initialized` was said. */
  ready: boolean
  announcing: Promise<void> | null
  stream: AbortController | null
}

/** Opens the session at its first use, and another one after it was lost. */
export interface Sessions {
  /** The one that is there or being opened, or null. Never rejects. */
  current(): Promise<Session | null>
  /** @throws AegisError `upstream_unreachable`, unsent */
  open(signal: AbortSignal): Promise<Session>
  /** The session, with `initialized` said: once, before the first request, whoever makes it. @throws as `open` */
  ready(signal: AbortSignal): Promise<Session>
  /** The upstream does not know this one any more. A newer one stays. */
  forget(session: Session): void
  /** No other is opened. */
  end(): void
}

export function createSessions(parts: HttpParts, wire: Wire, nextId: () => number): Sessions {
  const { place } = parts
  let opening: Promise<Session> | null = null
  let live: Session | null = null
  let ended = false
  const stopped = () => cancelled(place, false)

  /** Shared by all callers, so no single one's signal ends it; bounded by the connect time. */
  const open = (signal: AbortSignal): Promise<Session> => {
    if (ended) return Promise.reject(unreachable(place, 'the conversation has ended', false))
    if (opening === null) {
      const started = greet(parts, wire, nextId()).catch((error: unknown) => {
        if (opening === started) opening = null
        throw unsent(place, error)
      })
      opening = started
      void started.then(
        (session) => {
          if (opening === started) live = session
        },
        () => undefined,
      )
    }
    return untilAborted(opening, signal, stopped)
  }

  const forget = (session: Session) => {
    session.stream?.abort()
    if (live !== session) return
    live = null
    opening = null
  }

  const announced = async (session: Session): Promise<void> => {
    try {
      await announce(parts, session)
      if (parts.listens && !ended) hear(parts, wire, session)
    } catch (error) {
      forget(session)
      throw unsent(place, error)
    }
  }

  return {
    open,
    forget,
    current: async () => opening?.catch(() => null) ?? null,
    async ready(signal) {
      if (live?.ready && !ended) return live
      const session = await open(signal)
      session.announcing ??= announced(session)
      await untilAborted(session.announcing, signal, stopped)
      return session
    },
    end() {
      ended = true
    },
  }
}

export const PROTOCOL_HEADERS = [
  'content-type',
  'application/json',
  'accept',
  'application/json, text/event-stream',
] as const
/** MCP, Streamable HTTP: visible ASCII only. Anything else could not be a header, or would be two. */
const SESSION_ID = /^[\x21-\x7e]{1,1024}$/

async function greet(parts: HttpParts, wire: Wire, id: number): Promise<Session> {
  const { place, connectTimeoutMs } = parts
  const plain = [...PROTOCOL_HEADERS, ...parts.headers]
  const patience = { idleMs: connectTimeoutMs, totalMs: null }
  const note = initializeNote(parts.channel)
  const reply = await requestOverHttp(wire, {
    id,
    note,
    headers: plain,
    inSession: false,
    resumes: true,
    patience,
    context: null,
  })
  if (reply.kind !== 'answer') throw failure(place, reply)
  const welcome = readWelcome(reply.outcome)
  if (!welcome.ok) throw notSpoken(place, welcome.problem)
  const { sessionId } = reply
  if (sessionId !== null && !SESSION_ID.test(sessionId)) throw badAnswer(place, 'it gave a malformed session id', false)
  const headers = [...plain, 'mcp-protocol-version', welcome.version]
  if (sessionId !== null) headers.push('mcp-session-id', sessionId)
  return { id: sessionId, headers, welcome: welcome.result, ready: false, announcing: null, stream: null }
}

async function announce(parts: HttpParts, session: Session): Promise<void> {
  const { place } = parts
  const end = await send(parts, 'POST', session.headers, notificationText(INITIALIZED), parts.connectTimeoutMs)
  if (end.kind === 'failed') throw unreachable(place, end.problem, false)
  if (end.head.status >= 300) throw badAnswer(place, `it answered initialized with HTTP ${end.head.status}`, false)
  session.ready = true
}

function hear(parts: HttpParts, wire: Wire, session: Session): void {
  const { side, path, secret, channel, place } = parts
  const { limit, inbound, watchdogs } = wire
  const calls: Patient = {
    hold: () => watchdogs.forEach((watchdog) => void watchdog.hold()),
    resume: () => watchdogs.forEach((watchdog) => void watchdog.resume()),
  }
  session.stream = new AbortController()
  const { headers, stream } = session
  void listen({ side, path, limit, secret, upstream: place.upstream, channel, inbound, headers, calls }, stream.signal)
}

/** What expects no answer; never rejects. */
export async function send(
  parts: HttpParts,
  method: 'POST' | 'DELETE',
  headers: string[],
  body: string | null,
  timeoutMs: number,
): Promise<ExchangeEnd> {
  const { side, path, limits } = parts
  const ignore = () => undefined
  const limit = limits.messageBytes
  const running = exchange(side, { method, path, headers, body, limit, onEvent: ignore, onLife: ignore })
  const timer = setTimeout(() => running.stop('no answer in time'), timeoutMs)
  const end = await running.done
  clearTimeout(timer)
  return end
}
