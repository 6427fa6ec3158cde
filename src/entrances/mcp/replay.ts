import { type EventStream, openEventStream, type SseEvent, type Wire } from './event-stream.ts'

/** Milliseconds a broken stream waits for its client. The SDKs come back after one second, then give up within three. */
export const RESUME_MS = 10_000
/** Characters of the events kept for one stream. The oldest go first; the last one, which may be an answer, stays. */
const MAX_KEPT = 1024 * 1024
/** Characters kept for a stream that lasts as long as its client, while that is connected: thousands of them may be idle. */
const MAX_KEPT_LASTING = 32 * 1024
/** Characters kept of all streams that have ended, and what each of them counts for by itself. */
const MAX_SHELVED = 32 * 1024 * 1024
const STREAM_COST = 1024

/**
 * `answers`: opened for one POST, kept whole while its client is away. `standing`: opened by GET; while its client is
 * away messages wait in the session's queue instead, for the client may come back by opening another.
 */
export type StreamKind = 'answers' | 'standing'

/**
 * Event streams that outlive the connections which carry them (Streamable HTTP 2025-11-25, "Resumability and
 * Redelivery"): each event has an id, and a client that comes back with the last one gets what it missed.
 */
export interface Replay {
  /** `onGone` is called once where the reader went away: for a standing stream at once, else when it did not come back. */
  open(kind: StreamKind, onGone: () => void): EventStream
  /** The stream behind this id with a new body, which begins with what was missed; null where there is nothing to resume. */
  resume(lastEventId: string): { readonly kind: StreamKind; readonly stream: EventStream } | null
  /** Forgets everything that could be resumed. */
  close(): void
}

export interface ReplayParts {
  /** In front of each event id. Visible ASCII. */
  readonly prefix: string
  /** Whether clients know events without data, which tell the id to come back with before anything was said. */
  readonly primes: boolean
  /** Begins each connection. */
  readonly greeting?: SseEvent
  /** Streams for answers last as long as their client, too. */
  readonly lasting?: boolean
  readonly shelf: Shelf
  /** Milliseconds to wait for a client from now on. */
  readonly patience: () => number
}

/** What is kept of ended streams, bounded for all clients together. */
export interface Shelf {
  /** `forget` is called once: after `ms`, or when others need the room. The answer takes it off without calling it. */
  put(size: number, ms: number, forget: () => void): () => void
}

export function createShelf(limit = MAX_SHELVED): Shelf {
  const items = new Set<{ readonly size: number; readonly drop: () => void }>()
  let total = 0
  return {
    put(size, ms, forget) {
      const take = (): boolean => {
        clearTimeout(timer)
        if (!items.delete(item)) return false
        total -= item.size
        return true
      }
      const drop = (): void => {
        if (take()) forget()
      }
      const item = { size: size + STREAM_COST, drop }
      const timer = setTimeout(drop, ms)
      timer.unref()
      items.add(item)
      total += item.size
      for (const oldest of items) {
        if (total <= limit) break
        oldest.drop()
      }
      return () => void take()
    },
  }
}

interface Kept {
  readonly seq: number
  readonly message: string
}

export function createReplay(parts: ReplayParts): Replay {
  const { prefix } = parts
  const streams = new Map<string, ReplayedStream>()
  let last = 0
  return {
    open(kind, onGone) {
      const name = `${LETTERS[kind]}${++last}`
      const forgotten = (): void => void streams.delete(name)
      const stream = new ReplayedStream(kind, { ...parts, prefix: `${prefix}${name}-` }, onGone, forgotten)
      streams.set(name, stream)
      return stream
    },
    resume(lastEventId) {
      const [, name = '', seq] = lastEventId.startsWith(prefix)
        ? (EVENT_ID.exec(lastEventId.slice(prefix.length)) ?? [])
        : []
      const stream = streams.get(name)
      return stream?.attach(Number(seq)) ? { kind: stream.kind, stream } : null
    },
    close() {
      for (const stream of streams.values()) stream.forget()
      streams.clear()
    },
  }
}

/** An id tells the kind of its stream, also when the stream itself is forgotten. */
const LETTERS: Readonly<Record<StreamKind, string>> = { answers: 'p', standing: 'g' }
const EVENT_ID = /^([pg]\d{1,15})-(\d{1,15})$/

/** Whether an event of this id came on a standing stream: a client that comes back with it wants to hear on, from now. */
export function isOfStandingStream(eventId: string): boolean {
  return /^g\d/.test(eventId)
}

class ReplayedStream implements EventStream {
  readonly kind: StreamKind
  readonly #parts: ReplayParts
  readonly #onGone: () => void
  readonly #onForgotten: () => void
  readonly #kept: Kept[] = []
  #size = 0
  #seq = 0
  #wire: Wire
  #over = false
  #returned: (() => void)[] = []
  /** Ends the wait for a client that is away, or takes an ended stream off the shelf. */
  #recall: (() => void) | null = null

  constructor(kind: StreamKind, parts: ReplayParts, onGone: () => void, onForgotten: () => void) {
    this.kind = kind
    this.#parts = parts
    this.#onGone = onGone
    this.#onForgotten = onForgotten
    this.#wire = this.#connect()
    if (parts.primes) this.#wire.write({ name: 'message', data: '', id: `${parts.prefix}0` })
  }

  get body(): ReadableStream<Uint8Array> {
    return this.#wire.body
  }

  get room(): number {
    return this.#wire.room
  }

  get open(): boolean {
    return !this.#over && (this.#wire.open || this.kind === 'answers')
  }

  send(message: string): boolean {
    if (!this.open) return false
    const event = { seq: ++this.#seq, message }
    this.#kept.push(event)
    this.#size += message.length
    this.#write(event)
    this.#trim()
    return true
  }

  offer(message: string): boolean {
    const full = this.#wire.open && this.#wire.room <= 0
    return !full && this.send(message)
  }

  beat(): void {
    this.#wire.beat()
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    this.#recall?.()
    this.#wire.end()
    this.#shelve()
  }

  attended(): Promise<void> {
    if (this.#wire.open) return Promise.resolve()
    return new Promise((resolve) => this.#returned.push(resolve))
  }

  drop(): void {
    this.#wire.drop()
  }

  /** False where the client has had everything and nothing more will come. */
  attach(after: number): boolean {
    const missed = this.#kept.filter(({ seq }) => seq > after)
    if (this.#over && missed.length === 0) return false
    this.#recall?.()
    this.#recall = null
    const before = this.#wire
    this.#wire = this.#connect()
    // The client knows that its connection broke before we do.
    before.end()
    for (const event of missed) this.#write(event)
    for (const resolve of this.#returned.splice(0)) resolve()
    if (this.#over) {
      this.#wire.end()
      this.#shelve()
    }
    return true
  }

  forget(): void {
    this.#recall?.()
    this.#recall = null
    this.#over = true
    this.#wire.end()
    this.#kept.length = 0
  }

  #trim(): void {
    const lasting = this.kind === 'standing' || this.#parts.lasting === true
    const [limit, least] = lasting && this.#wire.open ? [MAX_KEPT_LASTING, 0] : [MAX_KEPT, 1]
    while (this.#size > limit && this.#kept.length > least) this.#size -= this.#kept.shift()?.message.length ?? 0
  }

  #write({ seq, message }: Kept): void {
    this.#wire.write({ name: 'message', data: message, id: `${this.#parts.prefix}${seq}` })
  }

  #connect(): Wire {
    const wire = openEventStream(() => {
      if (wire === this.#wire && !this.#over) this.#away()
    })
    if (this.#parts.greeting !== undefined) wire.write(this.#parts.greeting)
    return wire
  }

  /** The client has gone and may come back. */
  #away(): void {
    if (this.kind === 'standing') {
      this.#shelve()
      this.#onGone()
      return
    }
    const timer = setTimeout(() => {
      this.forget()
      this.#onForgotten()
      this.#onGone()
    }, this.#parts.patience())
    timer.unref()
    this.#recall = () => clearTimeout(timer)
  }

  #shelve(): void {
    this.#recall = this.#parts.shelf.put(this.#size, this.#parts.patience(), () => {
      this.forget()
      this.#onForgotten()
    })
  }
}
