import type { JsonObject } from '../../../core/json.ts'
import type { Outcome } from '../../../gateway/ports.ts'
import type { Slot } from '../../../identity/limiter.ts'

export type Notification = { readonly method: string; readonly params?: JsonObject }

/** One exchange with the client in which a call is served. The client's going away ends the call. */
export interface Leg {
  readonly signal: AbortSignal
  tell(notification: Notification): void
}

interface Question {
  readonly request: Notification
  settle(outcome: Outcome): void
}

/** More than this many questions of one call are no conversation but a flood. */
const MAX_QUESTIONS = 64
/** Notifications kept for the next leg. */
const MAX_UNHEARD = 32

/**
 * A request on its way through the house. An upstream of an earlier revision may ask the client something in the middle of
 * it; then it is suspended: it goes on running while its client, who has been answered `input_required`, prepares the next
 * leg. The road is taken once, however many legs there are.
 */
export class RunningCall {
  /** The progress token that upstreams were given. */
  readonly token: string
  /** Whether an upstream may ask during it ("Supported Requests"). */
  readonly askable: boolean
  /** Never rejects. */
  readonly work: Promise<Outcome>
  /** Its place among the calls of its key, as long as there is one. */
  slot: Pick<Slot, 'pause' | 'resume'> | null = null
  readonly #abort = new AbortController()
  readonly #questions = new Map<string, Question>()
  readonly #unheard: Notification[] = []
  #leg: Leg | null = null
  #begin: () => void = ignore
  #wake: () => void = ignore
  #asked = 0

  /** `run` never rejects, and begins with the first leg. */
  constructor(about: { readonly token: string; readonly askable: boolean }, run: (call: Leg) => Promise<Outcome>) {
    this.token = about.token
    this.askable = about.askable
    const call: Leg = { signal: this.#abort.signal, tell: (notification) => this.tell(notification) }
    this.work = new Promise((resolve) => {
      this.#begin = () => resolve(run(call))
    })
  }

  /** False while its client is preparing an answer. */
  get attended(): boolean {
    return this.#leg !== null
  }

  /** A notification of an upstream that belongs to this call; the latest of those that nobody heard come with the next leg. */
  tell(notification: Notification): void {
    if (this.#leg === null) {
      this.#unheard.push(notification)
      if (this.#unheard.length > MAX_UNHEARD) this.#unheard.shift()
    } else this.#leg.tell(notification)
  }

  /** The outcome, or null where the client must be asked `questions` first. `responses` are its answers to the last ones. */
  async serve(leg: Leg, responses: JsonObject = {}): Promise<Outcome | null> {
    const gone = (): void => this.abort('the client has gone')
    this.#leg = leg
    this.slot?.resume()
    if (leg.signal.aborted) gone()
    leg.signal.addEventListener('abort', gone, { once: true })
    for (const notification of this.#unheard.splice(0)) leg.tell(notification)
    this.#answer(responses)
    this.#begin()
    this.#begin = ignore
    try {
      return await this.#next()
    } finally {
      this.#leg = null
      this.slot?.pause()
      leg.signal.removeEventListener('abort', gone)
    }
  }

  /** What is open: the `inputRequests` of an `input_required` result. */
  questions(): JsonObject {
    return Object.fromEntries([...this.#questions].map(([key, { request }]) => [key, { ...request }]))
  }

  /** An upstream's request to the client. Rejects where the upstream takes it back or the call ends. */
  ask(request: Notification, signal: AbortSignal): Promise<Outcome> {
    if (this.#questions.size >= MAX_QUESTIONS) return Promise.reject(new Error('too many open requests'))
    const key = `input-${++this.#asked}`
    const either = AbortSignal.any([signal, this.#abort.signal])
    return new Promise((resolve, reject) => {
      const withdraw = (): void => {
        this.#questions.delete(key)
        reject(new Error('the request was taken back'))
      }
      if (either.aborted) return withdraw()
      either.addEventListener('abort', withdraw, { once: true })
      this.#questions.set(key, {
        request,
        settle(outcome) {
          either.removeEventListener('abort', withdraw)
          resolve(outcome)
        },
      })
      this.#wake()
    })
  }

  /** Those to nothing that is open are ignored ("Error Handling"). */
  #answer(responses: JsonObject): void {
    for (const [key, question] of [...this.#questions]) {
      const response = responses[key]
      if (!isResponse(response)) continue
      this.#questions.delete(key)
      question.settle({ kind: 'result', result: response })
    }
  }

  abort(reason: string): void {
    this.#abort.abort(new Error(reason))
  }

  async #next(): Promise<Outcome | null> {
    for (;;) {
      const asked = new Promise<null>((resolve) => {
        this.#wake = () => resolve(null)
        if (this.#questions.size > 0) resolve(null)
      })
      const outcome = await Promise.race([this.work, asked])
      if (outcome !== null) return outcome
      // Questions that came in one piece are put to the client together.
      await new Promise(setImmediate)
      if (this.#questions.size > 0) return null
    }
  }
}

function isResponse(value: JsonObject[string] | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const ignore = (): void => undefined
