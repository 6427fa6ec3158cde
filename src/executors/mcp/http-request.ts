import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'undici'
import type { Outcome } from '../../gateway/ports.ts'
import type { AskContext } from './conversation.ts'
import { type Exchange, type ExchangeEnd, exchange } from './http-exchange.ts'
import type { Inbound } from './inbound.ts'
import { type Message, type Note, parseMessages, requestText } from './rpc-message.ts'
import { type Patience, startWatchdog, type Watchdog } from './watchdog.ts'

/** Where requests of one conversation go. */
export interface Wire {
  readonly calls: Pool
  readonly path: string
  readonly limit: number
  readonly secret: string | null
  readonly inbound: Inbound
  /** The requests under way, so that `close` can end them. */
  readonly open: Set<Exchange>
  /** Their watchdogs, so that a question asked outside of their streams can make them rest. */
  readonly watchdogs: Set<Watchdog>
}

export interface HttpAsk {
  readonly id: number
  readonly note: Note
  /** With the session's own, if there is one. */
  readonly headers: string[]
  readonly inSession: boolean
  readonly patience: Patience
  /** Null for `initialize`, which belongs to no single caller. */
  readonly context: AskContext | null
}

export type HttpReply =
  | { readonly kind: 'answer'; readonly outcome: Outcome; readonly sessionId: string | null }
  | { readonly kind: 'session-lost' }
  /** It answered, but not with an answer. */
  | { readonly kind: 'unusable'; readonly problem: string }
  | {
      readonly kind: 'failed'
      readonly sent: boolean
      readonly problem: string
      readonly by: 'network' | 'patience' | 'caller'
    }

/** A stream that breaks off may be resumed; this often without a new event between. */
const MAX_RESUMPTIONS = 5
const DEFAULT_RETRY_MS = 1_000
const MAX_RETRY_MS = 30_000

/** One JSON-RPC request: POST, and GET with `Last-Event-ID` where the server broke its stream off. Never rejects. */
export async function requestOverHttp(wire: Wire, ask: HttpAsk): Promise<HttpReply> {
  const signal = ask.context?.signal ?? null
  if (signal?.aborted) return { kind: 'failed', sent: false, problem: 'cancelled', by: 'caller' }
  const giving: { by: 'network' | 'patience' | 'caller'; stop: (problem: string) => void } = {
    by: 'network',
    stop: () => undefined,
  }
  const watchdog = startWatchdog(ask.patience, (problem) => {
    giving.by = 'patience'
    giving.stop(problem)
  })
  wire.watchdogs.add(watchdog)
  const onAbort = () => {
    giving.by = 'caller'
    giving.stop('cancelled')
  }
  signal?.addEventListener('abort', onAbort, { once: true })

  const found: { outcome: Outcome | null } = { outcome: null }
  const forward = (note: Note) => ask.context?.onNotification(note)
  const take = (message: Message) => {
    if (message.kind === 'response' && message.id === ask.id) found.outcome ??= message.outcome
    else wire.inbound.accept(message, forward, watchdog)
  }
  const run = async (method: 'POST' | 'GET', headers: string[], body: string | null): Promise<ExchangeEnd> => {
    const running = exchange(wire.calls, {
      method,
      path: wire.path,
      headers,
      body,
      limit: wire.limit,
      onLife: watchdog.touch,
      onEvent(event) {
        for (const message of parseMessages(event.data, wire.secret)) take(message)
        if (found.outcome !== null) running.finish()
      },
    })
    giving.stop = running.stop
    wire.open.add(running)
    const end = await running.done
    wire.open.delete(running)
    return end
  }

  try {
    const posted = await run('POST', ask.headers, requestText(ask.id, ask.note))
    const resume = (lastId: string) => run('GET', [...ask.headers, 'last-event-id', lastId], null)
    const end = await resumed(posted, () => found.outcome !== null, giving, resume)
    if (end.kind === 'body') return readBody(wire, ask, end, take, found)
    if (found.outcome !== null)
      return { kind: 'answer', outcome: found.outcome, sessionId: sessionIdOf(end) ?? sessionIdOf(posted) }
    if (end.kind === 'stream') return { kind: 'unusable', problem: 'it ended its stream before it answered' }
    return { kind: 'failed', sent: end.sent || posted.kind !== 'failed', problem: end.problem, by: giving.by }
  } finally {
    watchdog.stop()
    wire.watchdogs.delete(watchdog)
    signal?.removeEventListener('abort', onAbort)
  }
}

/** Follows a stream that ended early, as revision 2025-11-25 has it ("polling"). */
async function resumed(
  first: ExchangeEnd,
  answered: () => boolean,
  giving: { stop: (problem: string) => void },
  resume: (lastId: string) => Promise<ExchangeEnd>,
): Promise<ExchangeEnd> {
  let end = first
  for (let tries = 0; tries < MAX_RESUMPTIONS && end.kind === 'stream' && !answered() && end.lastId !== ''; tries++) {
    const pause = new AbortController()
    let problem = ''
    giving.stop = (why) => {
      problem = why
      pause.abort()
    }
    const wait = Math.min(end.retryMs ?? DEFAULT_RETRY_MS, MAX_RETRY_MS)
    await sleep(wait, undefined, { signal: pause.signal }).catch(() => undefined)
    if (pause.signal.aborted) return { kind: 'failed', sent: true, problem }
    const next = await resume(end.lastId)
    if (next.kind !== 'stream') return next
    if (next.lastId === '') return { ...next, lastId: end.lastId }
    if (next.lastId !== end.lastId) tries = 0
    end = next
  }
  return end
}

function readBody(
  wire: Wire,
  ask: HttpAsk,
  end: Extract<ExchangeEnd, { kind: 'body' }>,
  take: (message: Message) => void,
  found: { readonly outcome: Outcome | null },
): HttpReply {
  const { status, sessionId } = end.head
  if (ask.inSession && status === 404) return { kind: 'session-lost' }
  if (status >= 300 && status < 400) {
    return {
      kind: 'unusable',
      problem: `it redirects (HTTP ${status}), which is not followed: configure its final URL`,
    }
  }
  if (end.text.length === 0) return { kind: 'unusable', problem: `it answered HTTP ${status} without a body` }
  const messages = parseMessages(end.text, wire.secret)
  if (ask.inSession && status === 400 && messages.some(namesSession)) return { kind: 'session-lost' }
  for (const message of messages) take(message)
  if (found.outcome !== null) return { kind: 'answer', outcome: found.outcome, sessionId }
  return { kind: 'unusable', problem: problemOf(status, messages) }
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

function sessionIdOf(end: ExchangeEnd): string | null {
  return end.kind === 'failed' ? null : end.head.sessionId
}
