import { AegisError } from '../../core/errors.ts'
import type { Clock, Log } from '../../core/runtime.ts'
import { createTeller } from '../../identity/once-a-minute.ts'
import type { Endpoint, Peer } from './endpoint.ts'
import type { Answers, Calls } from './exchange.ts'
import { shown } from './failures.ts'
import {
  errorText,
  outcomeText,
  type Parsed,
  type RpcMessage,
  type RpcNotification,
  type RpcRequest,
  resultText,
  rpcError,
} from './rpc.ts'
import type { Session } from './session.ts'

/** Answers the messages of one POST. Each element of a batch is a call of its own, judged and recorded by itself. */
export type Dispatch = (parsed: Parsed, endpoint: Endpoint, peer: Peer, calls: Calls) => Promise<Answers>

export function createDispatch({ log, clock }: { readonly log: Log; readonly clock: Clock }): Dispatch {
  const tell = createTeller(log, clock)

  async function answer(message: RpcMessage, endpoint: Endpoint, peer: Peer, calls: Calls): Promise<string | null> {
    switch (message.kind) {
      case 'invalid':
        return errorText(message.id, rpcError(message.error))
      case 'response':
        peer.session?.settle(message.id, message.outcome)
        return null
      case 'notification':
        if (peer.session !== null) notified(message, endpoint, peer.session)
        return null
      case 'request':
        return answerRequest(message, endpoint, peer, calls)
      default:
        return message satisfies never
    }
  }

  async function answerRequest(
    request: RpcRequest,
    endpoint: Endpoint,
    peer: Peer,
    calls: Calls,
  ): Promise<string | null> {
    const { id, method, params } = request
    if (method === 'ping') return resultText(id, {})
    const call = calls.call()
    const held = begin(request, call, peer.session)
    try {
      if (held !== null) throw held
      const outcome = await endpoint.answer({ method, params, signal: call.signal }, peer)
      // MCP "Cancellation": a cancelled request gets no answer.
      return call.signal.aborted ? null : outcomeText(id, outcome)
    } catch (error) {
      return call.signal.aborted ? null : errorText(id, rpcError(shown(error, log)))
    } finally {
      if (held === null) peer.session?.end(id)
    }
  }

  function notified(notification: RpcNotification, endpoint: Endpoint, session: Session): void {
    const { method, params } = notification
    if (method === 'notifications/cancelled') {
      const id = params?.['requestId']
      if (typeof id === 'string' || typeof id === 'number') session.cancel(id)
      return
    }
    // `tools/call` without an id is no notification of MCP: a lax upstream would run it, judged and recorded by nobody.
    if (!method.startsWith('notifications/')) {
      tell('id', { method: shortened(method) }, 'a request without an id was ignored')
      return
    }
    endpoint
      .notified(notification, session)
      .catch((error) =>
        tell(
          'notification',
          { method: shortened(method), error: String(error) },
          'a notification did not reach its upstream',
        ),
      )
  }

  return async (parsed, endpoint, peer, calls) => {
    const [only] = parsed.messages
    const texts =
      !parsed.batch && only !== undefined
        ? [await answer(only, endpoint, peer, calls)]
        : await Promise.all(parsed.messages.map((message) => answer(message, endpoint, peer, calls)))
    return { batch: parsed.batch, texts }
  }
}

/** Why the request cannot begin, or null: with two calls of one id, an answer or a cancellation could mean either. */
function begin(request: RpcRequest, call: AbortController, session: Session | null): AegisError | null {
  if (request.method === 'initialize') return new AegisError('invalid_request', 'initialize must be sent by itself')
  // Relayed with an id it would reach a lax upstream as the notification, with ids that mean another's calls there.
  if (request.method.startsWith('notifications/')) {
    return new AegisError('invalid_request', 'a notification has no id', { path: 'id', advice: 'send it without `id`' })
  }
  if (session === null || session.begin(request.id, call)) return null
  return new AegisError('invalid_request', 'a request with this id is still running', {
    path: 'id',
    advice: 'use a new id for each request of a session',
  })
}

function shortened(method: string): string {
  return method.slice(0, 64)
}
