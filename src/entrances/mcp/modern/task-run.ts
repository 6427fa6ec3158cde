import { isObject, type Json, type JsonObject } from '../../../core/json.ts'
import type { Clock } from '../../../core/runtime.ts'
import type { CallMark, Outcome, Retry } from '../../../gateway/ports.ts'
import type { Slot } from '../../../identity/limiter.ts'
import { type Leg, RunningCall } from './running-call.ts'

/** Milliseconds a client may take to answer what an upstream asks in the middle of a task. */
const PATIENCE_MS = 10 * 60_000
/** Answers kept for a question that is not put yet. */
const MAX_RESPONSES = 64

export type RunState =
  | { readonly kind: 'running' }
  /** What is open, as `inputRequests`. */
  | { readonly kind: 'asking'; readonly questions: () => JsonObject }
  | { readonly kind: 'done'; readonly outcome: Outcome }
  | { readonly kind: 'cancelled' }

export interface RunParts {
  /** Takes the road once. Never rejects. `mark` is to come back with what an upstream asks on the way. */
  readonly carryOut: (leg: Leg, retry: Retry, mark: CallMark) => Promise<Outcome>
  /** Lets what upstreams of earlier revisions ask find its way to the call. */
  readonly follow: (call: RunningCall) => void
  /** The place of the call among those of its key. */
  readonly slot: Slot
  readonly clock: Clock
}

/**
 * An approved call that runs as a task: nobody waits for it on an open connection, so that it ends when it is done or
 * cancelled and not when its client goes. What an upstream asks on the way is put to the client by `tasks/get` and answered
 * by `tasks/update`, whichever era the upstream is of.
 */
export class TaskRun {
  /** Resolves when there is an outcome, also for a cancelled one. Never rejects. */
  readonly finished: Promise<void>
  /** Milliseconds since the epoch of the last change. */
  changedAt: number
  readonly #parts: RunParts
  readonly #abort = new AbortController()
  #state: RunState = { kind: 'running' }
  #responses: JsonObject = {}
  #wake: () => void = ignore

  constructor(parts: RunParts) {
    this.#parts = parts
    this.changedAt = parts.clock.now()
    this.finished = this.#drive().then((outcome) => {
      parts.slot.release()
      if (this.#state.kind !== 'cancelled') this.#become({ kind: 'done', outcome })
    })
  }

  get state(): RunState {
    return this.#state
  }

  /** Resolves at its end, but after so many milliseconds at the latest. */
  soon(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      void this.finished.then(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** A task that is over stays what it is. */
  cancel(): void {
    if (this.#state.kind === 'done' || this.#state.kind === 'cancelled') return
    this.#become({ kind: 'cancelled' })
    this.#abort.abort(new Error('the task was cancelled'))
  }

  /** Answers to nothing that is open are ignored, but for such as come a moment too early. */
  answer(responses: JsonObject): void {
    const kept = Object.entries({ ...this.#responses, ...responses }).slice(-MAX_RESPONSES)
    this.#responses = Object.fromEntries(kept)
    this.#wake()
  }

  async #drive(): Promise<Outcome> {
    let retry: Retry = {}
    for (let round = 1; ; round++) {
      const outcome = await this.#round(`${round}.`, retry)
      if (outcome.kind === 'error' || outcome.result['resultType'] !== 'input_required') return outcome
      const { inputRequests, requestState } = outcome.result
      const asked = isObject(inputRequests) ? inputRequests : {}
      const inputResponses = await this.#answers(`${round}.`, asked)
      if (inputResponses === null) return unanswered()
      retry = { inputResponses, ...(typeof requestState === 'string' ? { requestState } : {}) }
    }
  }

  /** One way down the road, with all that an upstream of an earlier revision asks on it. */
  async #round(prefix: string, retry: Retry): Promise<Outcome> {
    const call: RunningCall = new RunningCall({ token: '', askable: true }, (leg) =>
      this.#parts.carryOut(leg, retry, call),
    )
    const stop = (): void => call.abort('the task was cancelled')
    const leg: Leg = { signal: this.#abort.signal, tell: ignore }
    this.#abort.signal.addEventListener('abort', stop, { once: true })
    call.slot = this.#parts.slot
    this.#parts.follow(call)
    try {
      for (let responses: JsonObject = {}; ; ) {
        const outcome = await call.serve(leg, responses)
        if (outcome !== null) return outcome
        const answered = await this.#ask(prefix, () => call.questions(), call.work)
        if (answered === null) stop()
        responses = answered ?? {}
      }
    } finally {
      this.#abort.signal.removeEventListener('abort', stop)
    }
  }

  /** An upstream of the stateless era wants all its answers at once. Null where they did not come. */
  async #answers(prefix: string, asked: JsonObject): Promise<JsonObject | null> {
    const open = new Map(Object.entries(asked))
    const answered: [string, Json][] = []
    while (open.size > 0) {
      const more = await this.#ask(prefix, () => Object.fromEntries(open), null)
      if (more === null) return null
      for (const [key, response] of Object.entries(more)) if (open.delete(key)) answered.push([key, response])
    }
    return Object.fromEntries(answered)
  }

  /** Resolves with what the client said, or `{}` where `over` came first; null where the client let it be or cancelled. */
  async #ask(prefix: string, questions: () => JsonObject, over: Promise<unknown> | null): Promise<JsonObject | null> {
    if (this.#abort.signal.aborted) return null
    const named = (): JsonObject => mapKeys(questions(), (key) => prefix + key)
    this.#become({ kind: 'asking', questions: named })
    this.#parts.slot.pause()
    const said = await this.#hear(() => this.#take(named()), over)
    this.#parts.slot.resume()
    if (this.#state.kind === 'asking') this.#become({ kind: 'running' })
    return said === null ? null : mapKeys(said, (key) => key.slice(prefix.length))
  }

  /** What has been said to these questions; null for nothing. */
  #take(questions: JsonObject): JsonObject | null {
    const said = Object.entries(this.#responses)
    const fit = said.filter(([key]) => Object.hasOwn(questions, key))
    this.#responses = Object.fromEntries(said.filter(([key]) => !Object.hasOwn(questions, key)))
    return fit.length === 0 ? null : Object.fromEntries(fit)
  }

  #hear(take: () => JsonObject | null, over: Promise<unknown> | null): Promise<JsonObject | null> {
    return new Promise((resolve) => {
      const { signal } = this.#abort
      const end = (said: JsonObject | null): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', stop)
        this.#wake = ignore
        resolve(said)
      }
      const stop = (): void => end(null)
      const timer = setTimeout(stop, PATIENCE_MS)
      timer.unref()
      signal.addEventListener('abort', stop, { once: true })
      this.#wake = () => {
        const said = take()
        if (said !== null) end(said)
      }
      void over?.then(() => end({}))
      this.#wake()
    })
  }

  #become(state: RunState): void {
    this.#state = state
    this.changedAt = this.#parts.clock.now()
  }
}

function mapKeys(object: JsonObject, name: (key: string) => string): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [name(key), value]))
}

const ignore = (): void => undefined

function unanswered(): Outcome {
  const message = 'the upstream asked for more, and nobody answered; call again to go on'
  return { kind: 'error', error: { code: -32000, message } }
}
