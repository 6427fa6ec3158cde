import { EVENT_STREAM_HEADERS, type EventStream, openEventStream } from './event-stream.ts'

/** The answers of one POST: one text per message, null where a message has none (notifications, cancelled calls). */
export interface Answers {
  readonly batch: boolean
  readonly texts: readonly (string | null)[]
}

/** Where calls begin. */
export interface Calls {
  /** A new call: aborted when its client cancels it or goes away. */
  call(): AbortController
}

/**
 * One POST and its answer. It is plain JSON while nothing else is to be said; the first notification or request of an
 * upstream, or a long silence, turns it into an event stream, if the client reads those.
 */
export class Exchange implements Calls {
  readonly #streams: boolean
  readonly #json: (text: string) => Response
  readonly #openStream: (onGone: () => void) => EventStream
  readonly #calls: AbortController[] = []
  #stream: EventStream | null = null
  #respond: ((response: Response) => void) | null = null
  #over = false
  #beats = 0

  /** `json` makes the answer of a client to whom nothing else was said, `openStream` the stream of any other. */
  constructor(
    streams: boolean,
    json: (text: string) => Response,
    openStream: (onGone: () => void) => EventStream = openEventStream,
  ) {
    this.#streams = streams
    this.#json = json
    this.#openStream = openStream
  }

  /** True while a message can still be sent ahead of the answer. */
  get carries(): boolean {
    return this.#streams && !this.#over && (this.#stream === null || this.#stream.open)
  }

  /** A call of this POST: aborted when the client cancels it or goes away. */
  call(): AbortController {
    const controller = new AbortController()
    if (this.#over) controller.abort(new Error('the client has gone'))
    this.#calls.push(controller)
    return controller
  }

  /** A message that must arrive. False where it cannot be sent here. */
  send(message: string): boolean {
    return this.carries && this.#open().send(message)
  }

  /** A message that may be lost to a client that does not read. */
  offer(message: string): boolean {
    return this.carries && this.#open().offer(message)
  }

  /** Resolves as soon as the client is there to be answered: at once, unless its connection broke and it may come back. */
  attended(): Promise<void> {
    return this.#stream?.attended() ?? Promise.resolve()
  }

  /** Called every few seconds: a client that has heard nothing for a whole interval is shown that we live. */
  beat(): void {
    this.#beats += 1
    if (this.#beats > 1 && this.carries) this.#open().beat()
  }

  /** The HTTP response: resolves with the answers, or earlier with the stream they will come on. */
  respond(work: Promise<Answers>): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#respond = resolve
      // The work began before this: it may have had something to say at once.
      if (this.#stream !== null) resolve(streamed(this.#stream))
      work.then((answers) => this.#finish(answers)).catch(reject)
    })
  }

  /** The connection broke. A stream that can be resumed waits for its client; anything else has lost it. */
  lost(): void {
    if (this.#stream === null) this.abandon()
    else this.#stream.drop()
  }

  /** The client has gone, or its session has ended: what still runs for it stops. */
  abandon(): void {
    this.#over = true
    for (const controller of this.#calls) controller.abort(new Error('the client has gone'))
    this.#stream?.end()
  }

  #open(): EventStream {
    if (this.#stream !== null) return this.#stream
    const stream = this.#openStream(() => this.abandon())
    this.#stream = stream
    this.#respond?.(streamed(stream))
    return stream
  }

  #finish({ batch, texts }: Answers): void {
    this.#over = true
    const said = texts.filter((text) => text !== null)
    const stream = this.#stream
    if (stream !== null) {
      for (const text of said) stream.send(text)
      stream.end()
    } else if (said.length === 0) {
      this.#respond?.(new Response(null, { status: 202 }))
    } else {
      const body = batch ? `[${said.join(',')}]` : said.join('')
      this.#respond?.(this.#json(body))
    }
  }
}

function streamed(stream: EventStream): Response {
  return new Response(stream.body, { headers: EVENT_STREAM_HEADERS })
}
