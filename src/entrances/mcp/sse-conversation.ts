import type { Principal } from '../../core/ids.ts'
import type { EventStream } from './event-stream.ts'
import type { Answers, Calls } from './exchange.ts'
import type { Replay } from './replay.ts'
import type { Session } from './session.ts'

/** One client over HTTP+SSE: a stream down, and a POST for every message up. It lives as long as its stream. */
export class SseConversation implements EventStream {
  readonly principal: Principal
  /** Null for the merged endpoint. */
  readonly upstream: string | null
  readonly replay: Replay
  /** Null until the client has said `initialize`. */
  session: Session | null = null
  readonly #stream: EventStream
  readonly #onEnd: () => void
  readonly #running = new Map<Promise<void>, readonly AbortController[]>()
  #ending = false
  #gone = false

  /** `onEnd` is called once, when the client has gone for good or has been told all that it was to be told. */
  constructor(principal: Principal, upstream: string | null, replay: Replay, onEnd: () => void) {
    this.principal = principal
    this.upstream = upstream
    this.replay = replay
    this.#onEnd = onEnd
    this.#stream = replay.open('answers', () => this.#leave())
  }

  get body(): ReadableStream<Uint8Array> {
    return this.#stream.body
  }

  get open(): boolean {
    return this.#stream.open
  }

  get room(): number {
    return this.#stream.room
  }

  send(message: string): boolean {
    return this.#stream.send(message)
  }

  offer(message: string): boolean {
    return this.#stream.offer(message)
  }

  beat(): void {
    this.#stream.beat()
  }

  attended(): Promise<void> {
    return this.#stream.attended()
  }

  drop(): void {
    this.#stream.drop()
  }

  /** Carries out what one POST brought; its answers go down the stream. */
  run(work: (calls: Calls) => Promise<Answers>): void {
    const controllers: AbortController[] = []
    const call = (): AbortController => {
      const controller = new AbortController()
      if (this.#gone) controller.abort(new Error('the client has gone'))
      controllers.push(controller)
      return controller
    }
    const running: Promise<void> = work({ call })
      .then((answers) => this.#answer(answers))
      .finally(() => {
        this.#running.delete(running)
        if (this.#ending && this.#running.size === 0) this.#finish()
      })
    this.#running.set(running, controllers)
  }

  /** No more than what is under way: its answers can come nowhere else. */
  end(): void {
    this.#ending = true
    if (this.#running.size === 0) this.#finish()
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#running.keys())
  }

  #answer({ batch, texts }: Answers): void {
    const said = texts.filter((text) => text !== null)
    if (said.length > 0) this.send(batch ? `[${said.join(',')}]` : said.join(''))
  }

  #finish(): void {
    if (this.#gone) return
    this.#gone = true
    this.#stream.end()
    this.#onEnd()
  }

  #leave(): void {
    if (this.#gone) return
    this.#gone = true
    for (const calls of this.#running.values()) {
      for (const controller of calls) controller.abort(new Error('the client has gone'))
    }
    this.#onEnd()
  }
}
