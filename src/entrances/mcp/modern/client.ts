import type { Principal } from '../../../core/ids.ts'
import { isObject, type JsonObject, textMember } from '../../../core/json.ts'
import type { CallMark, ClientChannel, Outcome } from '../../../gateway/ports.ts'
import type { Notification, RunningCall } from './running-call.ts'

/** Hears what an upstream says out of turn. */
export interface Listener {
  hear(upstream: string, notification: Notification): void
}

interface Attempt {
  readonly call: RunningCall
  /** The tool, prompt or resource it is about, as the client named it. */
  readonly subject: string
}

/**
 * A client of the stateless era, known again by what it says of itself: its requests share one conversation with each
 * upstream. What upstreams of earlier revisions ask it is put to the call they are most probably at work on.
 */
export class ModernClient {
  readonly channel: ClientChannel
  /** Monotonic milliseconds of the last sign of life. */
  lastUsed = 0
  /** Index into `LOG_LEVELS` that its upstreams of earlier revisions were told; null: none yet. */
  logLevel: number | null = null
  readonly #attempts = new Set<Attempt>()
  readonly #listeners = new Set<Listener>()
  /** How many streams heed a resource, by upstream and URI. */
  readonly #heeded = new Map<string, number>()
  #requests = 0

  /** `room`: whether one more call may be suspended. */
  constructor(key: string, principal: Principal, client: ClientChannel['client'], room: () => boolean) {
    this.channel = {
      key,
      client,
      owner: { principal, sessionLabel: null },
      notify: (upstream, notification) => this.hear(upstream, notification),
      request: (upstream, request, signal, during) => {
        const refusal = undeclared(client.capabilities, request)
        if (refusal !== null) return Promise.resolve(refusal)
        const call = this.#marked(during) ?? this.#probable(upstream)
        if (call === null || !room()) return Promise.reject(new Error('no call of this client could carry the request'))
        return call.ask(embedded(request), signal)
      },
    }
  }

  get busy(): boolean {
    return this.#requests > 0 || this.#attempts.size > 0
  }

  /** A request begins; the answer ends it. */
  enter(): () => void {
    this.#requests += 1
    return () => {
      this.#requests -= 1
    }
  }

  follow(call: RunningCall, subject: string): void {
    const attempt = { call, subject }
    this.#attempts.add(attempt)
    void call.work.finally(() => this.#attempts.delete(attempt))
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** One more stream wants to hear of these resources. */
  heed(upstream: string, uris: Iterable<string>): void {
    for (const uri of uris) {
      const key = JSON.stringify([upstream, uri])
      this.#heeded.set(key, (this.#heeded.get(key) ?? 0) + 1)
    }
  }

  /** One stream less; those of the resources that nobody heeds any more. */
  unheed(upstream: string, uris: Iterable<string>): string[] {
    return [...uris].filter((uri) => {
      const key = JSON.stringify([upstream, uri])
      const left = (this.#heeded.get(key) ?? 1) - 1
      if (left > 0) this.#heeded.set(key, left)
      else this.#heeded.delete(key)
      return left === 0
    })
  }

  #marked(mark: CallMark | undefined): RunningCall | null {
    if (mark === undefined) return null
    for (const { call } of this.#attempts) if (call === mark && call.askable) return call
    return null
  }

  /**
   * Upstreams do not always say which request their question belongs to. A call whose client waits for the answer comes
   * first, and the latest of these: if it is another one of the same client, its user answers all the same.
   */
  #probable(upstream: string): RunningCall | null {
    const askable = [...this.#attempts].filter(({ call }) => call.askable).reverse()
    const named = askable.filter(({ subject }) => subject.startsWith(upstream.slice(0, 24)))
    const candidates = named.length > 0 ? named : askable
    return (candidates.find(({ call }) => call.attended) ?? candidates[0])?.call ?? null
  }

  /** What an upstream says out of turn. */
  hear(upstream: string, notification: Notification): void {
    for (const listener of this.#listeners) listener.hear(upstream, notification)
    if (notification.method !== 'notifications/message') return
    // Log messages belong to a request here, and a stream of many requests does not say to which.
    const [only, ...others] = this.#attempts
    if (only !== undefined && others.length === 0) only.call.tell(notification)
  }
}

/** A client is asked for nothing that it did not declare ("Server Requirements"). */
function undeclared(capabilities: JsonObject, { method, params }: Notification): Outcome | null {
  const needed = NEEDS[method]
  if (needed === undefined) return notFound(`a client cannot be asked for \`${method.slice(0, 64)}\``)
  const declared = capabilities[needed]
  if (!isObject(declared)) return notFound(`the client has not declared \`${needed}\``)
  const byUrl = needed === 'elicitation' && params !== undefined && textMember(params, 'mode') === 'url'
  return byUrl && declared['url'] === undefined ? notFound('the client has not declared `elicitation.url`') : null
}

/** A request as it may stand in a result: what would have correlated it on the wire means nothing there. */
function embedded({ method, params }: Notification): Notification {
  const { _meta, ...asked } = params ?? {}
  const { progressToken: _token, ...meta } = isObject(_meta) ? _meta : {}
  if (Object.keys(meta).length === 0) return params === undefined ? { method } : { method, params: asked }
  return { method, params: { ...asked, _meta: meta } }
}

const NEEDS: Readonly<Record<string, string>> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
}

function notFound(message: string): Outcome {
  return { kind: 'error', error: { code: -32601, message } }
}
