import { AegisError } from '../../../core/errors.ts'
import type { Visit } from '../doorkeeper.ts'
import type { McpOptions } from '../endpoint.ts'
import { type Answers, Exchange } from '../exchange.ts'
import { failure, noBatches, notAcceptable, shown } from '../failures.ts'
import { answerJson, labelOf, type McpContext, onDisconnect } from '../request.ts'
import { messageText, outcomeText, type Parsed, type RpcRequest } from '../rpc.ts'
import { createClients } from './clients.ts'
import { readHead } from './request-head.ts'
import { createRequests, type Voice } from './requests.ts'
import { failedOutcome, statusOf } from './results.ts'
import { createSuspended } from './suspended.ts'

/** The stateless revisions, behind the same door as the others: every request stands for itself. */
export interface ModernEra {
  /** `streams`: whether the client reads event streams. @throws AegisError before the message is known to be a request */
  post(context: McpContext, parsed: Parsed, visit: Visit, streams: boolean): Promise<Response>
  /** Something to say to each client that listens to this upstream. */
  tell(upstream: string, notification: { readonly method: string }): void
  tick(): void
  /** Ends the streams that would not end by themselves. The calls under way go on. */
  hush(): void
  /** Ends the calls that wait for their clients, then the conversations with upstreams. */
  close(): Promise<void>
}

export function createModernEra(
  options: McpOptions & {
    /** The POSTs under way, with what will answer them: kept alive and waited for by the door. */
    readonly exchanges: Map<Exchange, Promise<Answers>>
    readonly release: (channelKey: string) => Promise<void>
  },
): ModernEra {
  const { exchanges, log } = options
  const suspended = createSuspended(options)
  const clients = createClients({ ...options, room: suspended.room })
  const requests = createRequests(options, suspended, clients)

  function serve(context: McpContext, request: RpcRequest, visit: Visit, streams: boolean): Promise<Response> {
    const { method, id } = request
    const { headers } = context.req.raw
    const head = requests.admit(readHead(headers, request), { method, upstream: visit.upstream, headers })
    if (method === 'subscriptions/listen' && !streams) throw notAcceptable('application/json, text/event-stream')
    const client = clients.of(visit.caller.id, visit.upstream, head.client)
    const label = labelOf(context)
    let status = 200
    const open = new Exchange(streams, (text) => answerJson(context, text, status))
    onDisconnect(context, () => open.abandon())
    const leg = voiceOf(open)
    const leave = client.enter()
    const work = requests
      .answer(id, { method, head, client, label, leg, ...visit })
      .catch((error: unknown) => failedOutcome(shown(error, log)))
      .then((outcome): Answers => {
        status = statusOf(method, outcome)
        // Closing the stream is the cancellation, and what is cancelled gets no answer ("Cancellation").
        return { batch: false, texts: [leg.signal.aborted ? null : outcomeText(id, outcome)] }
      })
      .finally(() => {
        leave()
        exchanges.delete(open)
      })
    exchanges.set(open, work)
    return open.respond(work)
  }

  return {
    async post(context, { batch, messages }, visit, streams) {
      const [message] = messages
      if (batch || message === undefined) return failure(noBatches(), null)
      switch (message.kind) {
        case 'invalid':
          return failure(message.error, message.id)
        case 'response':
          return failure(
            new AegisError('invalid_request', 'answers are sent as `inputResponses` in this revision'),
            null,
          )
        case 'notification':
          // The revision has none for this transport, and leaves open what others may be.
          return new Response(null, { status: message.method.startsWith('notifications/') ? 202 : 400 })
        case 'request':
          try {
            return await serve(context, message, visit, streams)
          } catch (error) {
            return failure(shown(error, log), message.id)
          }
        default:
          return message satisfies never
      }
    },
    tell: clients.tell,
    tick() {
      suspended.tick()
      requests.tick()
      clients.tick()
    },
    hush: requests.hush,
    async close() {
      await Promise.all([suspended.close(), requests.close()])
      await clients.close()
    },
  }
}

function voiceOf(exchange: Exchange): Voice {
  return {
    signal: exchange.call().signal,
    tell: (notification) => void exchange.offer(messageText(notification)),
    send: (notification) => exchange.offer(messageText(notification)),
  }
}
