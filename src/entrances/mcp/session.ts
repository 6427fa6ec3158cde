import { AegisError } from '../../core/errors.ts'
import type { Principal } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { ClientChannel, Outcome } from '../../gateway/ports.ts'
import type { EventStream } from './event-stream.ts'
import type { Exchange } from './exchange.ts'
import { isOfStandingStream, type Replay } from './replay.ts'
import { messageText, type RpcId } from './rpc.ts'

/** Characters kept for a client that has no stream open at the moment. The oldest message goes first. */
const MAX_QUEUED = 256 * 1024
/** Streams (GET) one client may hold open: with one more the oldest is closed. */
const MAX_STREAMS = 4

type ServerMessage = { readonly method: string; readonly params?: JsonObject }
type Asked = { readonly resolve: (outcome: Outcome) => void; readonly reject: (reason: unknown) => void }

export interface SessionStart {
  readonly id: string
  readonly channelKey: string
  readonly principal: Principal
  /** The upstream this session talks to, or null for the merged endpoint. */
  readonly upstream: string | null
  /** Name of its chain in the ledger, inside its principal's namespace. */
  readonly label: string
  readonly client: ClientChannel['client']
  readonly replay: Replay
}

/** One client's conversation over Streamable HTTP: what upstreams say to it finds its way out here. */
export class Session {
  readonly id: string
  readonly principal: Principal
  readonly upstream: string | null
  readonly label: string
  readonly channel: ClientChannel
  /** Its streams, for a client that comes back to one. */
  readonly replay: Replay
  /** Upstreams this client has talked to: those that hear of its notifications. */
  readonly touched = new Set<string>()
  /** Monotonic milliseconds of the last sign of life. */
  lastUsed = 0
  readonly #calls = new Map<RpcId, AbortController>()
  readonly #exchanges = new Set<Exchange>()
  readonly #streams: EventStream[] = []
  readonly #queue: string[] = []
  #queued = 0
  readonly #asked = new Map<RpcId, Asked>()
  #asks = 0
  #closed = false

  constructor(start: SessionStart) {
    this.id = start.id
    this.principal = start.principal
    this.upstream = start.upstream
    this.label = start.label
    this.replay = start.replay
    this.channel = {
      key: start.channelKey,
      client: start.client,
      owner: { principal: start.principal, sessionLabel: start.label },
      notify: (_upstream, message) => this.#offer(messageText(message)),
      request: (_upstream, message, signal) => this.#ask(message, signal),
    }
  }

  /** A client with a stream or a call open is not idle. */
  get busy(): boolean {
    return this.#exchanges.size > 0 || this.#streams.length > 0
  }

  /** False where a call of this id is still running. */
  begin(id: RpcId, call: AbortController): boolean {
    if (this.#calls.has(id)) return false
    this.#calls.set(id, call)
    return true
  }

  end(id: RpcId): void {
    this.#calls.delete(id)
  }

  cancel(id: RpcId): void {
    this.#calls.get(id)?.abort(new Error('cancelled by the client'))
  }

  /** The client's answer to a request of an upstream. An unknown id is ignored: late answers to abandoned requests are usual. */
  settle(id: RpcId, outcome: Outcome): void {
    const asked = this.#asked.get(id)
    this.#asked.delete(id)
    asked?.resolve(outcome)
  }

  join(exchange: Exchange): void {
    this.#exchanges.add(exchange)
    if (this.#queue.length > 0 && this.#asked.size > 0) this.#flush((text) => exchange.send(text))
  }

  leave(exchange: Exchange): void {
    this.#exchanges.delete(exchange)
  }

  listen(stream: EventStream): void {
    this.#streams.push(stream)
    if (this.#streams.length > MAX_STREAMS) this.#streams.shift()?.end()
    this.#flush((text) => stream.send(text))
  }

  /** A stream for what upstreams say out of turn, from now on. */
  hear(): EventStream {
    const stream: EventStream = this.replay.open('standing', () => this.unlisten(stream))
    this.listen(stream)
    return stream
  }

  /**
   * The stream behind an event id, beginning with what the client missed of it; null where there is nothing more to hear.
   * One that was away for too long and had a standing stream gets another.
   */
  resume(lastEventId: string): EventStream | null {
    const found = this.replay.resume(lastEventId)
    if (found === null) return isOfStandingStream(lastEventId) ? this.hear() : null
    const { kind, stream } = found
    if (kind === 'standing' && !this.#streams.includes(stream)) this.listen(stream)
    return stream
  }

  unlisten(stream: EventStream): void {
    const at = this.#streams.indexOf(stream)
    if (at >= 0) this.#streams.splice(at, 1)
  }

  beat(): void {
    for (const stream of this.#streams) stream.beat()
  }

  /** Ends the streams, not the calls. */
  hush(): void {
    for (const stream of this.#streams.splice(0)) stream.end()
  }

  close(): void {
    this.#closed = true
    for (const exchange of this.#exchanges) exchange.abandon()
    this.hush()
    this.replay.close()
    for (const asked of this.#asked.values()) asked.reject(gone())
    this.#asked.clear()
    this.#queue.length = 0
  }

  #ask(message: ServerMessage, signal: AbortSignal): Promise<Outcome> {
    if (this.#closed || signal.aborted) return Promise.reject(gone())
    const id = `aegis-${++this.#asks}`
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#asked.delete(id)
        this.#offer(messageText({ method: 'notifications/cancelled', params: { requestId: id } }))
        reject(gone())
      }
      signal.addEventListener('abort', giveUp, { once: true })
      const done = (): void => signal.removeEventListener('abort', giveUp)
      this.#asked.set(id, {
        resolve: (outcome) => {
          done()
          resolve(outcome)
        },
        reject: (reason) => {
          done()
          reject(reason)
        },
      })
      this.#send(messageText(message, id))
    })
  }

  /** Ahead of the answer of a running call where there is one: that client surely listens. */
  #send(text: string): void {
    for (const exchange of [...this.#exchanges].reverse()) if (exchange.send(text)) return
    for (const stream of this.#streams.toReversed()) if (stream.send(text)) return
    this.#keep(text)
  }

  #offer(text: string): void {
    const stream = this.#streams.at(-1)
    if (stream !== undefined) stream.offer(text)
    else if (!this.#closed) this.#keep(text)
  }

  #keep(text: string): void {
    this.#queue.push(text)
    this.#queued += text.length
    while (this.#queued > MAX_QUEUED) this.#queued -= this.#queue.shift()?.length ?? this.#queued
  }

  #flush(send: (text: string) => boolean): void {
    this.#queued = 0
    for (const text of this.#queue.splice(0)) if (!send(text)) this.#keep(text)
  }
}

function gone(): AegisError {
  return new AegisError('upstream_unreachable', 'the client that was asked has gone')
}
