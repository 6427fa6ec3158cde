import { AegisError, asAegisError } from '../../../core/errors.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { Outcome } from '../../../gateway/ports.ts'
import { ruledOutcome } from '../../../gateway/questions.ts'
import type { McpOptions } from '../endpoint.ts'
import type { RpcId } from '../rpc.ts'
import { changesHere } from '../tool-changes.ts'
import type { ModernClient } from './client.ts'
import { META, metaOf } from './revision.ts'
import type { Notification } from './running-call.ts'
import { type Filter, filterText, TOOLS_LIST, union, wants } from './subscription-filter.ts'
import { type Listening, openSource } from './subscription-source.ts'

/** Streams of one client. */
const MAX_STREAMS = 16
/** Notifications kept for a stream whose acknowledgement is still being worked out. */
const MAX_EARLY = 256

/** `subscriptions/listen`: what upstreams of either era say of their own accord, on one stream. */
export interface Subscriptions {
  /** Lasts until the client goes, or until `close`: then it is the graceful end of the stream. @throws AegisError */
  listen(listening: Listening): Promise<Outcome>
  close(): void
}

export function createSubscriptions(options: McpOptions): Subscriptions {
  const { log } = options
  const closing = new AbortController()
  const counts = new WeakMap<ModernClient, number>()

  async function open(listening: Listening, hear: Hear, over: () => void) {
    const alone = listening.upstreams.length === 1
    const agreed = await Promise.all(
      listening.upstreams.map(async (upstream) => {
        try {
          const { filter, ended } = await openSource(options, upstream, listening, (said) => hear(upstream, said))
          if (alone) void ended?.then(over)
          return filter
        } catch (error) {
          if (alone) throw error
          log.warn({ upstream, error: asAegisError(error).message }, 'an upstream is not listened to')
          return null
        }
      }),
    )
    return union(agreed.filter((filter) => filter !== null))
  }

  /** What changes here, though no upstream tells of it. */
  function ours({ filter, upstreams }: Listening): Filter {
    const told = filter.lists.has(TOOLS_LIST) && upstreams.some((upstream) => changesHere(options, upstream))
    return { lists: new Set(told ? [TOOLS_LIST] : []), resources: new Set(), tasks: new Set() }
  }

  async function listen(listening: Listening): Promise<Outcome> {
    const { id, client } = listening
    const stop = new AbortController()
    const signal = AbortSignal.any([listening.signal, closing.signal, stop.signal])
    const stream = createStream(id, listening.send, (upstream, said) => mayAsk(options, upstream, client, said))
    const unlisten = client.listen({
      hear: (upstream, said) => listening.upstreams.includes(upstream) && stream.hear(upstream, said),
    })
    try {
      const over = (): void => stop.abort()
      const theirs = await open({ ...listening, signal }, stream.hear, over)
      stream.acknowledge(union([theirs, ours(listening)]))
      await aborted(signal)
      return { kind: 'result', result: { resultType: 'complete', _meta: { [META.subscription]: id } } }
    } finally {
      stop.abort()
      unlisten()
    }
  }

  return {
    async listen(listening) {
      const { client, principal } = listening
      const count = counts.get(client) ?? 0
      if (count >= MAX_STREAMS)
        throw new AegisError('too_many', `this client listens on ${MAX_STREAMS} streams already`)
      const free = options.limiter.open('streams', principal)
      counts.set(client, count + 1)
      try {
        return await listen(listening)
      } finally {
        free()
        counts.set(client, (counts.get(client) ?? 1) - 1)
      }
    },
    close: () => closing.abort(),
  }
}

type Hear = (upstream: string, notification: Notification) => void

/** Nothing comes before the acknowledgement, and nothing that was not asked for; what asks the client something is judged first. */
function createStream(
  id: RpcId,
  send: (notification: Notification) => boolean,
  judge: (upstream: string, notification: Notification) => Promise<boolean>,
) {
  const early: Parameters<Hear>[] = []
  let agreed: Filter | null = null
  let judging: Promise<void> | null = null
  let waiting = 0
  const deliver = ({ method, params }: Notification): boolean => {
    const _meta: JsonObject = { ...metaOf(params), [META.subscription]: id }
    return send({ method, params: { ...params, _meta } })
  }
  /** What comes behind it waits as well: the state of a task must not be overtaken by the one after. */
  const inTurn = (upstream: string, notification: Notification): void => {
    if (waiting >= MAX_EARLY) return
    waiting += 1
    const turn = (judging ?? Promise.resolve())
      .then(async () => void ((await judge(upstream, notification)) && deliver(notification)))
      .finally(() => {
        waiting -= 1
        if (judging === turn) judging = null
      })
    judging = turn
  }
  const hear: Hear = (upstream, notification) => {
    if (agreed === null) {
      if (early.length < MAX_EARLY) early.push([upstream, notification])
    } else if (wants(agreed, notification)) {
      if (judging !== null || asks(notification)) inTurn(upstream, notification)
      else deliver(notification)
    }
  }
  return {
    hear,
    acknowledge(filter: Filter): void {
      agreed = filter
      deliver({ method: 'notifications/subscriptions/acknowledged', params: { notifications: filterText(filter) } })
      for (const [upstream, notification] of early.splice(0)) hear(upstream, notification)
    },
  }
}

/** The state of a task holds what its upstream asks of the client (SEP-2663). */
function asks({ params }: Notification): boolean {
  return params?.['inputRequests'] !== undefined
}

async function mayAsk(
  { gateway }: McpOptions,
  upstream: string,
  { channel }: ModernClient,
  { params = {} }: Notification,
): Promise<boolean> {
  const said = await ruledOutcome(gateway.question, upstream, channel, { kind: 'result', result: params })
  return said.kind === 'result'
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
