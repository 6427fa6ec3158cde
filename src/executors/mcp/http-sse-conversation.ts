import type { JsonObject } from '../../core/json.ts'
import { type Conversation, INITIALIZED, initializeNote, readWelcome, untilAborted } from './conversation.ts'
import { badAnswer, cancelled, unreachable, unsent } from './failures.ts'
import type { ExchangeEnd } from './http-exchange.ts'
import { type HttpParts, send } from './http-session.ts'
import { openSseStream, type SseStream } from './http-sse-stream.ts'
import { createInbound, type Inbound } from './inbound.ts'
import { createMultiplex, type Multiplex } from './multiplex.ts'
import { type Note, notificationText, parseMessages } from './rpc-message.ts'

/** One stream with what runs over it. */
interface Running {
  readonly stream: SseStream
  readonly multiplex: Multiplex
  readonly inbound: Inbound
  /** Of every POST; the revision joins them once it is known. */
  readonly headers: string[]
  welcome: JsonObject
  announced: Promise<void> | null
  ended: boolean
}

/** Answers to its questions on their way at once. One event may hold a million pings, and each answer takes a socket of ours. */
const MAX_REPLIES = 128
const NO_ENDPOINT = 'it named no endpoint'

/** A server that does not know the stream any more has done nothing with the message: it may be sent again on a new one. */
class StreamLost extends Error {
  override readonly name = 'StreamLost'
}

/**
 * HTTP+SSE of revision 2024-11-05: one stream for each client, opened at the first use and again after it broke.
 * `endpointMs`: milliseconds in which the stream must say where to post.
 */
export function createHttpSseConversation(
  parts: HttpParts,
  origin: string,
  endpointMs = parts.connectTimeoutMs,
): Conversation {
  const { place, connectTimeoutMs } = parts
  let opening: Promise<Running> | null = null
  let live: Running | null = null
  let launched: Running | null = null
  let closed = false

  const forget = (running: Running): void => {
    if (live !== running) return
    live = null
    opening = null
  }

  const start = async (): Promise<Running> => {
    const running = launch(parts, { origin, endpointMs }, () => forget(running))
    launched = running
    try {
      await running.stream.endpoint
      const patience = { idleMs: connectTimeoutMs, totalMs: connectTimeoutMs }
      const welcome = readWelcome(await running.multiplex.ask(initializeNote(parts.channel), patience, null))
      if (!welcome.ok) throw badAnswer(place, welcome.problem, false)
      running.welcome = welcome.result
      running.headers.push('mcp-protocol-version', welcome.version)
    } catch (error) {
      running.stream.stop()
      throw error
    }
    live = running
    if (running.ended) forget(running)
    return running
  }

  const open = (signal: AbortSignal): Promise<Running> => {
    if (closed) return Promise.reject(unreachable(place, 'the conversation has ended', false))
    if (opening === null) {
      const started = start().catch((error: unknown) => {
        if (opening === started) opening = null
        throw unsent(place, error)
      })
      opening = started
    }
    return untilAborted(opening, signal, () => cancelled(place, false))
  }

  /** The stream, with `initialized` said once. */
  const ready = async (signal: AbortSignal): Promise<Running> => {
    const running = await open(signal)
    running.announced ??= announce(parts, running)
    await untilAborted(running.announced, signal, () => cancelled(place, false))
    return running
  }

  return {
    async initialize(signal) {
      return (await open(signal)).welcome
    },
    async ask(note, context) {
      const running = await ready(context.signal)
      try {
        return await running.multiplex.ask(note, parts.patience, context)
      } catch (error) {
        if (!(error instanceof StreamLost)) throw error
        running.stream.stop()
        forget(running)
      }
      const again = await ready(context.signal)
      return again.multiplex.ask(note, parts.patience, context).catch((error: unknown) => {
        throw error instanceof StreamLost ? badAnswer(place, 'it does not know the stream it has just opened') : error
      })
    },
    async tell(note) {
      if (live === null) return
      if (note.method === INITIALIZED.method) {
        await ready(AbortSignal.timeout(connectTimeoutMs)).catch(() => undefined)
      } else {
        await post(parts, live, notificationText(note))
      }
    },
    async close() {
      closed = true
      launched?.inbound.close()
      launched?.stream.stop()
    },
  }
}

function launch(parts: HttpParts, at: { origin: string; endpointMs: number }, onEnd: () => void): Running {
  const { place, channel, log, secret } = parts
  const write = (text: string, id: number | null): boolean => {
    void post(parts, running, text).then((end) => {
      const problem = id === null ? null : problemOf(parts, end)
      if (id !== null && problem !== null) multiplex.reject(id, problem)
    })
    return true
  }
  const multiplex = createMultiplex(place, write)
  let replies = 0
  const reply = async (text: string): Promise<void> => {
    if (replies >= MAX_REPLIES) return
    replies += 1
    await post(parts, running, text)
    replies -= 1
  }
  const inbound = createInbound(place, channel, log, (text) => void reply(text))
  const toClient = (note: Note) => channel.notify(place.upstream, note)
  const stream = openSseStream({
    parts,
    ...at,
    onMessage(data) {
      for (const message of parseMessages(data, secret)) {
        if (message.kind === 'response' && multiplex.settle(message.id, message.outcome)) continue
        // All messages come in one stream: whose call a question belongs to is not said.
        inbound.accept(message, (note) => (multiplex.deliver(note) ? undefined : toClient(note)), multiplex)
      }
    },
    onEnd(problem) {
      running.ended = true
      inbound.close()
      multiplex.fail(problem)
      onEnd()
    },
  })
  const headers = ['content-type', 'application/json', ...parts.headers]
  const running: Running = { stream, multiplex, inbound, headers, welcome: {}, announced: null, ended: false }
  return running
}

/** What expects its answer, if any, on the stream; never rejects. A server may take as long with the POST as with the call. */
async function post(parts: HttpParts, running: Running, text: string): Promise<ExchangeEnd> {
  const { idleMs } = parts.patience
  const path = await running.stream.endpoint.catch(() => null)
  if (path === null)
    return { kind: 'failed', sent: false, stopped: false, problem: NO_ENDPOINT, retryMs: null, lastId: '' }
  return send({ ...parts, path }, 'POST', running.headers, text, idleMs)
}

/** Why a request whose POST ended so will not be answered, or null: its answer comes on the stream. */
function problemOf({ place }: HttpParts, end: ExchangeEnd): Error | null {
  // Given up by us: whether the answer comes is for the call's own patience to find out.
  if (end.kind === 'failed' && end.stopped) return null
  if (end.kind === 'failed') return end.sent ? badAnswer(place, end.problem) : unreachable(place, end.problem, false)
  const { status } = end.head
  if (status < 300) return null
  if (status === 404 || status === 410 || (status === 400 && namesSession(end))) return new StreamLost('stream lost')
  return badAnswer(place, `it answered HTTP ${status}`)
}

/** Servers built on the reference SDK's example answer an unknown session with 400 and a text. */
function namesSession(end: ExchangeEnd): boolean {
  return end.kind === 'body' && /session/i.test(end.text)
}

async function announce(parts: HttpParts, running: Running): Promise<void> {
  const problem = problemOf(parts, await post(parts, running, notificationText(INITIALIZED)))
  if (problem === null) return
  running.stream.stop()
  throw unsent(parts.place, problem)
}
