import { AegisError } from '../../../core/errors.ts'
import type { Outcome } from '../../../gateway/ports.ts'
import type { Visit } from '../doorkeeper.ts'
import type { McpOptions } from '../endpoint.ts'
import { type Answers, Exchange } from '../exchange.ts'
import { failure, noBatches, notAcceptable, shown } from '../failures.ts'
import { answerJson, labelOf, type McpContext, onDisconnect } from '../request.ts'
import { messageText, outcomeText, type Parsed, type RpcRequest } from '../rpc.ts'
import { type Admitted, createCalls } from './calls.ts'
import { createClients } from './clients.ts'
import { createParamHeaderCheck } from './param-headers.ts'
import { readHead } from './request-head.ts'
import { discovery, failedOutcome, modernOutcome, statusOf } from './results.ts'
import type { Leg, Notification } from './running-call.ts'
import { readFilter } from './subscription-filter.ts'
import { createSubscriptions } from './subscriptions.ts'
import { createSuspended } from './suspended.ts'

/** Removed with this revision ("Removed methods" of its changelog): unknown here, whatever an upstream would say. */
const REMOVED: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
])

/** The stateless revisions, behind the same door as the others: every request stands for itself. */
export interface ModernEra {
  /** `streams`: whether the client reads event streams. @throws AegisError before the message is known to be a request */
  post(context: McpContext, parsed: Parsed, visit: Visit, streams: boolean): Promise<Response>
  tick(): void
  /** Ends the streams that would not end by themselves. The calls under way go on. */
  hush(): void
  /** Ends the calls that wait for their clients, then the conversations with upstreams. */
  close(): Promise<void>
}

/** What can be said to the client before its answer. */
interface Voice extends Leg {
  /** False where the client does not read. */
  send(notification: Notification): boolean
}

export function createModernEra(
  options: McpOptions & {
    /** The POSTs under way, with what will answer them: kept alive and waited for by the door. */
    readonly exchanges: Map<Exchange, Promise<Answers>>
    readonly release: (channelKey: string) => Promise<void>
  },
): ModernEra {
  const { exchanges, log, upstreams } = options
  const suspended = createSuspended(options)
  const clients = createClients({ ...options, room: suspended.room })
  const calls = createCalls(options, suspended)
  const subscriptions = createSubscriptions(options)
  const paramHeaders = createParamHeaderCheck()

  async function outcomeOf(id: RpcRequest['id'], request: Admitted & { readonly leg: Voice }): Promise<Outcome> {
    const { method, caller, endpoint, client, leg, head, upstream } = request
    if (REMOVED.has(method)) throw new AegisError('method_not_found', `\`${method}\` was removed with this revision`)
    if (method === 'server/discover') {
      return { kind: 'result', result: discovery(await endpoint.initialize(client.channel, leg.signal)) }
    }
    if (method !== 'subscriptions/listen') {
      const outcome = modernOutcome(method, await calls.serve(request))
      if (method === 'tools/list' && outcome.kind === 'result') paramHeaders.learn(upstream, outcome.result)
      return outcome
    }
    const filter = readFilter(head.params['notifications'])
    const all = upstream === null ? upstreams.list().map(({ name }) => name) : [upstream]
    return subscriptions.listen({ id, filter, principal: caller.id, client, upstreams: all, ...leg })
  }

  function serve(context: McpContext, request: RpcRequest, visit: Visit, streams: boolean): Promise<Response> {
    const { method, id } = request
    const head = readHead(context.req.raw.headers, request)
    if (method === 'tools/call') paramHeaders.demand(visit.upstream, head.params, context.req.raw.headers)
    if (method === 'subscriptions/listen' && !streams) throw notAcceptable('application/json, text/event-stream')
    const client = clients.of(visit.caller.id, visit.upstream, head.client)
    const label = labelOf(context)
    let status = 200
    const open = new Exchange(streams, (text) => answerJson(context, text, status))
    onDisconnect(context, () => open.abandon())
    const leg = voiceOf(open)
    const leave = client.enter()
    const work = outcomeOf(id, { method, head, client, label, leg, ...visit })
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
    tick() {
      suspended.tick()
      clients.tick()
    },
    hush: () => subscriptions.close(),
    async close() {
      await suspended.close()
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
