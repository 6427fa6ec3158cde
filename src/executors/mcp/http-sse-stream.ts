import { badAnswer, type Place, unreachable } from './failures.ts'
import { type ExchangeEnd, exchange } from './http-exchange.ts'
import type { HttpParts } from './http-session.ts'

/** The stream of HTTP+SSE (2024-11-05): messages come down it, and its first event says where they go up. */
export interface SseStream {
  /** Path and query that messages are posted to. @throws AegisError `upstream_unreachable`, unsent */
  readonly endpoint: Promise<string>
  stop(): void
}

export interface SseStreamParts {
  readonly parts: HttpParts
  /** Scheme, host and port that the upstream was configured with. */
  readonly origin: string
  /** Milliseconds in which it must name its endpoint. */
  readonly endpointMs: number
  onMessage(data: string): void
  /** Called once, when no more will come. */
  onEnd(problem: string): void
}

/** Opens the stream; given up where it has not named its endpoint in time. */
export function openSseStream({ parts, origin, endpointMs, onMessage, onEnd }: SseStreamParts): SseStream {
  const { place, side, path, limits } = parts
  let settle: { resolve: (endpoint: string) => void; reject: (error: Error) => void } | null = null
  const endpoint = new Promise<string>((resolve, reject) => {
    settle = { resolve, reject }
  })
  // Whoever waits for it hears of it; nobody need wait any more.
  endpoint.catch(() => undefined)
  const named = (data: string): void => {
    const target = endpointAt(data, origin, path)
    if (target === null) settle?.reject(badAnswer(place, 'it names an endpoint on another host', false))
    else settle?.resolve(target)
    settle = null
    clearTimeout(timer)
  }
  const running = exchange(side, {
    method: 'GET',
    path,
    headers: ['accept', 'text/event-stream', ...parts.headers],
    body: null,
    limit: limits.messageBytes,
    onLife: () => undefined,
    onEvent({ name, data }) {
      if (name === 'endpoint') named(data)
      else if (name === 'message') onMessage(data)
    },
  })
  const timer = setTimeout(() => running.stop(`it named no endpoint in ${endpointMs} ms`), endpointMs)
  void running.done.then((end) => {
    clearTimeout(timer)
    settle?.reject(noEndpoint(place, end))
    onEnd(end.kind === 'failed' ? end.problem : 'it ended its event stream')
  })
  return { endpoint, stop: () => running.stop('the conversation was ended') }
}

/** Path and query of the endpoint. A stream must not send our messages, and the credential with them, to another host. */
function endpointAt(data: string, origin: string, path: string): string | null {
  const base = new URL(origin + path)
  const target = URL.canParse(data, base.href) ? new URL(data, base.href) : null
  return target?.origin === base.origin ? target.pathname + target.search : null
}

function noEndpoint(place: Place, end: ExchangeEnd): Error {
  switch (end.kind) {
    case 'failed':
      return unreachable(place, end.problem, false)
    case 'body':
      return badAnswer(place, `it answered HTTP ${end.head.status} instead of an event stream`, false, end.head)
    default:
      return badAnswer(place, 'it ended its event stream before it named an endpoint', false)
  }
}
