import { AegisError } from '../../core/errors.ts'
import type { Limiter } from '../../identity/limiter.ts'
import type { KeyRecord } from '../../identity/ports.ts'
import { demandRoom, refuseSecrets } from './address.ts'
import type { Endpoint, McpOptions } from './endpoint.ts'
import * as failures from './failures.ts'
import { hostCheck } from './hosts.ts'
import { mergedEndpoint } from './merged.ts'
import { type McpContext, onEnd } from './request.ts'
import type { RpcId } from './rpc.ts'
import { singleEndpoint } from './single.ts'

/** Who calls which endpoint. */
export interface Visit {
  readonly caller: KeyRecord
  readonly endpoint: Endpoint
  /** Null for the merged endpoint. */
  readonly upstream: string | null
}

/** Stands at every door of this room, whichever transport and revision is spoken behind it. */
export interface Doorkeeper {
  /**
   * Who comes, and to which endpoint (the path's `:upstream`). Before a caller is admitted it learns nothing about
   * upstreams, sessions or the shape of its message.
   * @throws AegisError `forbidden`, `unauthenticated`, `invalid_request`, `no_upstream`, `too_many`
   */
  admit(context: McpContext): Promise<Visit>
  /**
   * Breaks off an answer that stays open once its caller would not be admitted any more: its key was revoked, its key
   * or token has expired. A client that still may comes back with a new one.
   */
  watch(context: McpContext, visit: Visit): void
  /** The answer to a request that got no further than the transport: HTTP status, challenge (401, 403), Retry-After (429). */
  refuse(context: McpContext, error: unknown, id?: RpcId | null): Response
}

/** Milliseconds between two looks at who listens: as long as a key is believed, so that each asks the store once for all its streams. */
const WATCH_MS = 2_000

export function createDoorkeeper(options: McpOptions): Doorkeeper {
  const { upstreams } = options
  const knownHost = hostCheck(options.hosts)
  const merged = limited(mergedEndpoint(options), options.limiter)
  const singles = new Map<string, Endpoint>()

  function endpointOf(upstream: string | null): Endpoint {
    if (upstream === null) return merged
    const known = singles.get(upstream)
    if (known !== undefined) return known
    if (upstreams.get(upstream) === null) throw failures.noUpstream(upstream, upstreams.list())
    const endpoint = limited(singleEndpoint(options, upstream), options.limiter)
    singles.set(upstream, endpoint)
    return endpoint
  }

  return {
    async admit(context) {
      if (!knownHost(context.req.header('host') ?? null, context.req.header('origin') ?? null)) {
        throw failures.foreignHost()
      }
      refuseSecrets(context.req.url)
      const upstream = context.req.param('upstream') ?? null
      const caller = await options.authenticate(context.req.raw.headers, upstream)
      if (caller === null) throw failures.noKey()
      demandRoom(context.req.url, caller)
      return { caller, upstream, endpoint: endpointOf(upstream) }
    },

    watch(context, { caller, upstream }) {
      const { headers } = context.req.raw
      const outgoing = context.env?.outgoing
      if (outgoing === undefined) return
      const look = async (): Promise<void> => {
        if (!(await stays(options, headers, upstream, caller))) outgoing.destroy()
      }
      const timer = setInterval(() => void look(), options.watchMs ?? WATCH_MS)
      timer.unref()
      onEnd(context, () => clearInterval(timer))
    },

    refuse(context, error, id = null) {
      const known = failures.shown(error, options.log)
      const response = failures.failure(known, id)
      const challenge = options.challenge(known, context.req.param('upstream') ?? null)
      if (challenge !== null) response.headers.set('www-authenticate', challenge)
      return response
    },
  }
}

/** Whether the same headers would still bring the same caller in. That nobody can tell now is no reason to break off. */
async function stays(
  options: McpOptions,
  headers: Headers,
  upstream: string | null,
  caller: KeyRecord,
): Promise<boolean> {
  try {
    return (await options.authenticate(headers, upstream))?.id === caller.id
  } catch (error) {
    return !(error instanceof AegisError && (error.code === 'unauthenticated' || error.code === 'forbidden'))
  }
}

/** Every request that reaches an upstream, over whichever transport, takes a place among the calls of its key. */
function limited(endpoint: Endpoint, limiter: Limiter): Endpoint {
  return {
    ...endpoint,
    async initialize(channel, signal) {
      // What a new client is told may have to be asked of every upstream.
      const slot = channel.owner === undefined ? null : limiter.begin(channel.owner.principal)
      try {
        return await endpoint.initialize(channel, signal)
      } finally {
        slot?.release()
      }
    },
    async answer(ask, peer) {
      const slot = limiter.begin(peer.caller.id)
      ask.placed?.(slot)
      try {
        return await endpoint.answer({ ...ask, slot }, peer)
      } finally {
        slot.release()
      }
    },
    async notified(notification, session) {
      try {
        limiter.spend(session.principal)
      } catch {
        // Nobody waits for an answer to a notification; the limiter has counted it.
        return
      }
      await endpoint.notified(notification, session)
    },
  }
}
