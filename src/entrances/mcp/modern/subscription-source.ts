import { AegisError } from '../../../core/errors.ts'
import type { Principal } from '../../../core/ids.ts'
import { isObject, type JsonObject, textMember } from '../../../core/json.ts'
import type { ClientChannel, Outcome } from '../../../gateway/ports.ts'
import { type McpOptions, message } from '../endpoint.ts'
import type { RpcId } from '../rpc.ts'
import type { ModernClient } from './client.ts'
import { isModernRevision } from './revision.ts'
import type { Notification } from './running-call.ts'
import { common, type Filter, filterText, offered, readFilter } from './subscription-filter.ts'

export interface Listening {
  readonly id: RpcId
  readonly filter: Filter
  readonly principal: Principal
  readonly client: ModernClient
  /** Whom to listen to; a failing one fails the request only where it is alone. */
  readonly upstreams: readonly string[]
  readonly signal: AbortSignal
  /** False where the client does not read. */
  send(notification: Notification): boolean
}

/** One upstream that is listened to, until the signal aborts. */
export interface Source {
  /** What it will tell of. */
  readonly filter: Filter
  /** Resolves when it tells no more, and never rejects; null where that is never said. */
  readonly ended: Promise<unknown> | null
}

type Hear = (notification: Notification) => void

/** @throws AegisError */
export async function openSource(
  options: McpOptions,
  upstream: string,
  listening: Listening,
  hear: Hear,
): Promise<Source> {
  const { channel } = listening.client
  const welcome = await options.upstreams.initialize(upstream, channel, listening.signal)
  const modern = isModernRevision(textMember(welcome, 'protocolVersion') ?? '')
  if (modern) return listenOn(options, upstream, listening, hear)
  const { capabilities } = welcome
  return subscribeTo(options, upstream, listening, isObject(capabilities) ? capabilities : {})
}

/** An upstream of the same era has the same request. */
function listenOn({ gateway }: McpOptions, upstream: string, listening: Listening, hear: Hear): Promise<Source> {
  const { filter, client, signal } = listening
  return new Promise((resolve, reject) => {
    const onNotification = (notification: Notification): void => {
      if (notification.method !== 'notifications/subscriptions/acknowledged') hear(notification)
      else resolve({ filter: common(filter, agreed(notification.params)), ended })
    }
    const params = { notifications: filterText(filter) }
    const ended = gateway
      .relay(upstream, message('subscriptions/listen', params), client.channel, { signal, onNotification })
      .then((outcome) => reject(refused(upstream, outcome)), reject)
  })
}

function agreed(params: JsonObject | undefined): Filter {
  const notifications = params?.['notifications']
  return readFilter(isObject(notifications) ? notifications : {})
}

function refused(upstream: string, outcome: Outcome): AegisError {
  const said = outcome.kind === 'error' ? outcome.error.message.slice(0, 200) : 'it ended the stream at once'
  return new AegisError('upstream_unreachable', `upstream \`${upstream}\` does not let us listen: ${said}`)
}

/** An upstream of an earlier revision tells of its lists unasked; resources are subscribed to one by one. */
async function subscribeTo(
  options: McpOptions,
  upstream: string,
  { client, filter, signal }: Listening,
  capabilities: JsonObject,
): Promise<Source> {
  const { channel } = client
  // It says nothing of its own accord before it has heard this.
  await options.upstreams.notify(upstream, { method: 'notifications/initialized' }, channel)
  const { resources } = capabilities
  const able = isObject(resources) && resources['subscribe'] === true
  const subscribed = new Set<string>()
  for (const uri of able ? filter.resources : []) {
    if (await subscribe(options, 'resources/subscribe', upstream, uri, channel)) subscribed.add(uri)
  }
  client.heed(upstream, subscribed)
  const leave = (): void => {
    for (const uri of client.unheed(upstream, subscribed)) {
      void subscribe(options, 'resources/unsubscribe', upstream, uri, channel)
    }
  }
  if (signal.aborted) leave()
  else signal.addEventListener('abort', leave, { once: true })
  return { filter: { lists: offered(filter, capabilities), resources: subscribed, tasks: new Set() }, ended: null }
}

/** Milliseconds for one resource. */
const SUBSCRIBE_MS = 10_000

async function subscribe(
  { gateway, log }: McpOptions,
  method: 'resources/subscribe' | 'resources/unsubscribe',
  upstream: string,
  uri: string,
  channel: ClientChannel,
): Promise<boolean> {
  const context = { signal: AbortSignal.timeout(SUBSCRIBE_MS), onNotification: () => undefined }
  try {
    return (await gateway.relay(upstream, message(method, { uri }), channel, context)).kind === 'result'
  } catch (error) {
    log.warn({ upstream, method, error: String(error) }, 'a resource was not subscribed to')
    return false
  }
}
