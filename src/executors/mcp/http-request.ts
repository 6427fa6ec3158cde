import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'undici'
import type { AegisError } from '../../core/errors.ts'
import type { Outcome } from '../../gateway/ports.ts'
import type { AskContext } from './conversation.ts'
import { badAnswer, cancelled, type Place, unreachable } from './failures.ts'
import { type Exchange, type ExchangeEnd, exchange } from './http-exchange.ts'
import type { Inbound } from './inbound.ts'
import { type Message, type Note, parseMessages, requestText } from './rpc-message.ts'
import type { SseEvent } from './sse.ts'
import { type Patience, startWatchdog, type Watchdog } from './watchdog.ts'

/** Where requests of one conversation go. */
export interface Wire {
  readonly calls: Pool
  readonly path: string
  readonly limit: number
  readonly secret: string | null
  readonly inbound: Inbound
  /** The requests under way, so that `close` can end them. */
  readonly open: Set<Pick<Exchange, 'stop'>>
  /** Their watchdogs, so that a question asked outside of their streams can make them rest. */
  readonly watchdogs: Set<Watchdog>
}

export interface HttpAsk {
  readonly id: number
  readonly note: Note
  /** With the session's own, if there is one. */
  readonly headers: string[]
  readonly inSession: boolean
  /** Whether a stream that breaks off may be resumed: the modern era knows no such thing. */
  readonly resumes: boolean
  readonly patience: Patience
  /** Null for `initialize`, which belongs to no single caller. */
  readonly context: AskContext | null
}

export type HttpReply =
  | { readonly kind: 'answer'; readonly outcome: Outcome; readonly sessionId: string | null }
  | { readonly kind: 'session-lost' }
  /** It answered, but not with an answer. */
  | { readonly kind: 'unusable'; readonly problem: string; readonly status: number }
  | {
      readonly kind: 'failed'
      readonly sent: boolean
      readonly problem: string
      readonly by: 'network' | 'patience' | 'caller'
    }

/** Failures in a row after which a stream that broke is not taken up any more. Being asked to come back is none. */
const MAX_FAILURES = 5
const DEFAULT_RETRY_MS = 1_000
const MIN_RETRY_MS = 50
const MAX_RETRY_MS = 30_000

/** One JSON-RPC request: POST, and GET with `Last-Event-ID` where the server broke its stream off. Never rejects. */
export async function requestOverHttp(wire: Wire, ask: HttpAsk): Promise<HttpReply> {
  if (ask.context?.signal.aborted) return { kind: 'failed', sent: false, problem: 'cancelled', by: 'caller' }
  const attempt: Attempt = { outcome: null, by: 'network', stop: () => undefined }
  const { watchdog, disarm } = arm(wire, ask, attempt)
  const forward = (note: Note) => ask.context?.onNotification(note)
  const take = (message: Message) => {
    if (message.kind === 'response' && message.id === ask.id) attempt.outcome ??= message.outcome
    else wire.inbound.accept(message, forward, watchdog, ask.context?.mark)
  }
  const run = async (method: 'POST' | 'GET', headers: string[], body: string | null): Promise<ExchangeEnd> => {
    const { path, limit } = wire
    const onEvent = ({ name, data }: SseEvent) => {
      if (name !== 'message') return
      for (const message of parseMessages(data, wire.secret)) take(message)
      if (attempt.outcome !== null) running.finish()
    }
    const running = exchange(wire.calls, { method, path, headers, body, limit, onEvent, onLife: watchdog.touch })
    attempt.stop = running.stop
    wire.open.add(running)
    const end = await running.done
    wire.open.delete(running)
    return end
  }
  try {
    const posted = await run('POST', ask.headers, requestText(ask.id, ask.note))
    if (posted.kind === 'body') return readBody(wire, ask, posted, take, attempt)
    const resume = (lastId: string) => run('GET', [...ask.headers, 'last-event-id', lastId], null)
    const end = await resumed(wire, posted, attempt, resume)
    return readStream(posted, end, attempt)
  } finally {
    disarm()
  }
}

/** What is known of a request under way, and how to end it. */
interface Attempt {
  outcome: Outcome | null
  by: 'network' | 'patience' | 'caller'
  stop: (problem: string) => void
}

/** Lets the caller's signal and our patience end the attempt. */
function arm(wire: Wire, ask: HttpAsk, attempt: Attempt): { watchdog: Watchdog; disarm: () => void } {
  const signal = ask.context?.signal ?? null
  const giveUp = (by: 'patience' | 'caller', problem: string) => {
    attempt.by = by
    attempt.stop(problem)
  }
  const watchdog = startWatchdog(ask.patience, (problem) => giveUp('patience', problem))
  const onAbort = () => giveUp('caller', 'cancelled')
  wire.watchdogs.add(watchdog)
  signal?.addEventListener('abort', onAbort, { once: true })
  return {
    watchdog,
    disarm() {
      watchdog.stop()
      wire.watchdogs.delete(watchdog)
      signal?.removeEventListener('abort', onAbort)
    },
  }
}

/**
 * Follows a stream that ended before its answer: closed by a server that wants to be asked again ("polling", revision
 * 2025-11-25), or broken. It is the stream that is taken up, by GET: the request itself is never sent again.
 */
async function resumed(
  wire: Wire,
  first: ExchangeEnd,
  attempt: Attempt,
  resume: (lastId: string) => Promise<ExchangeEnd>,
): Promise<ExchangeEnd> {
  let end = first
  let from = first
  for (let failures = 0; attempt.outcome === null && isResumable(end, from); ) {
    if (end.kind !== 'stream' && ++failures > MAX_FAILURES) break
    const stopped = await pause(wire, attempt, from)
    if (stopped !== null) return stopped
    end = await resume(from.lastId)
    if (end.kind === 'body') continue
    if (end.lastId !== '') {
      from = end
      failures = 0
    }
  }
  return end
}

type Resumable = Exclude<ExchangeEnd, { kind: 'body' }>

function isResumable(end: ExchangeEnd, from: ExchangeEnd): from is Resumable {
  if (from.kind === 'body' || from.lastId === '') return false
  // It may be restarting behind a proxy.
  if (end.kind === 'body') return end.head.status >= 500
  return end.kind === 'stream' || !end.stopped
}

/** Waits as long as the server asked for; what ended the wait early, or null. */
async function pause(wire: Wire, attempt: Attempt, { retryMs, lastId }: Resumable): Promise<Resumable | null> {
  const early = new AbortController()
  let problem = ''
  const waiting = {
    stop(why: string) {
      problem = why
      early.abort()
    },
  }
  attempt.stop = waiting.stop
  wire.open.add(waiting)
  const wait = Math.min(Math.max(retryMs ?? DEFAULT_RETRY_MS, MIN_RETRY_MS), MAX_RETRY_MS)
  await sleep(wait, undefined, { signal: early.signal }).catch(() => undefined)
  wire.open.delete(waiting)
  return early.signal.aborted ? { kind: 'failed', sent: true, stopped: true, problem, retryMs, lastId } : null
}

function readBody(
  wire: Wire,
  ask: HttpAsk,
  end: Extract<ExchangeEnd, { kind: 'body' }>,
  take: (message: Message) => void,
  attempt: Attempt,
): HttpReply {
  const { status, sessionId } = end.head
  if (ask.inSession && status === 404) return { kind: 'session-lost' }
  if (status >= 300 && status < 400) {
    return {
      kind: 'unusable',
      status,
      problem: `it redirects (HTTP ${status}), which is not followed: configure its final URL`,
    }
  }
  if (end.text.length === 0) return { kind: 'unusable', status, problem: `it answered HTTP ${status} without a body` }
  const messages = parseMessages(end.text, wire.secret)
  if (ask.inSession && status === 400 && messages.some(namesSession)) return { kind: 'session-lost' }
  for (const message of messages) take(message)
  if (attempt.outcome !== null) return { kind: 'answer', outcome: attempt.outcome, sessionId }
  return { kind: 'unusable', status, problem: problemOf(status, messages) }
}

/** Servers built on the reference SDK's example answer an unknown session with 400 and a text, not with the 404 of the specification. */
function namesSession(message: Message): boolean {
  const { outcome } = message.kind === 'response' ? message : { outcome: null }
  return outcome?.kind === 'error' && outcome.error.code === -32000 && /session/i.test(outcome.error.message)
}

function problemOf(status: number, messages: readonly Message[]): string {
  if (status === 401 || status === 403) return `it refuses us (HTTP ${status}): check its credential or \`headers\``
  if (status >= 400) return `it answered HTTP ${status}`
  const [first] = messages
  if (first?.kind === 'garbage') return first.problem
  return 'its answer belongs to another request'
}

function readStream(posted: ExchangeEnd, end: ExchangeEnd, attempt: Attempt): HttpReply {
  const sessionId = posted.kind === 'failed' ? null : posted.head.sessionId
  if (attempt.outcome !== null) return { kind: 'answer', outcome: attempt.outcome, sessionId }
  if (end.kind !== 'failed')
    return { kind: 'unusable', status: end.head.status, problem: 'it ended its stream before it answered' }
  return { kind: 'failed', sent: end.sent || end !== posted, problem: end.problem, by: attempt.by }
}

export function failure(place: Place, reply: Exclude<HttpReply, { kind: 'answer' }>): AegisError {
  switch (reply.kind) {
    case 'session-lost':
      return badAnswer(place, 'it does not keep the session it has just opened')
    case 'unusable':
      return badAnswer(place, reply.problem, true, { status: reply.status })
    case 'failed':
      if (reply.by === 'caller') return cancelled(place, reply.sent)
      return reply.sent ? badAnswer(place, reply.problem) : unreachable(place, reply.problem, false)
    default:
      return reply satisfies never
  }
}
