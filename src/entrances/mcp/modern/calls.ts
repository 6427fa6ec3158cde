import { createHash } from 'node:crypto'
import { canonicalize } from '../../../core/canonical.ts'
import { AegisError } from '../../../core/errors.ts'
import { isObject, type JsonObject, textMember } from '../../../core/json.ts'
import type { Outcome } from '../../../gateway/ports.ts'
import type { Slot } from '../../../identity/limiter.ts'
import type { KeyRecord } from '../../../identity/ports.ts'
import type { Ask, Endpoint, McpOptions, Peer } from '../endpoint.ts'
import { shown } from '../failures.ts'
import { retryOf, withoutRetry } from '../retry.ts'
import type { ModernClient } from './client.ts'
import { isOfServer, relevant } from './notifications.ts'
import { LOG_LEVELS, type RequestHead } from './request-head.ts'
import { failedOutcome } from './results.ts'
import { isModernRevision } from './revision.ts'
import { type Leg, type Notification, RunningCall } from './running-call.ts'
import type { Suspended } from './suspended.ts'

/** A request as it was admitted. */
export interface Admitted {
  readonly method: string
  readonly head: RequestHead
  readonly caller: KeyRecord
  readonly endpoint: Endpoint
  /** Null for the merged endpoint. */
  readonly upstream: string | null
  readonly client: ModernClient
  /** The session's name in the ledger as the client wants it; null: one made from key and client. */
  readonly label: string | null
  readonly leg: Leg
}

/** What a request on its way has of the call that carries it. */
type Asking = Pick<Ask, 'placed'> & Pick<Peer, 'mark'> & Pick<RunningCall, 'ask'>

/** Carries requests of the stateless era over an endpoint. */
export interface Calls {
  /** The answer, or the `input_required` result that asks the client first. @throws AegisError */
  serve(request: Admitted): Promise<Outcome>
  /** Whether the upstream speaks a stateless revision as well; true where it is not known yet. @throws AegisError */
  modern(request: Admitted): Promise<boolean>
}

/** Requests during which an upstream may ask the client ("Supported Requests"), and what each is about. */
const ASKABLE: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
}

export function createCalls({ log, random, upstreams }: McpOptions, suspended: Suspended): Calls {
  let tokens = 0
  const prefix = Buffer.from(random.bytes(6)).toString('hex')

  function start(request: Admitted): RunningCall {
    const { method, client, head } = request
    const subject = ASKABLE[method]
    const token = `${prefix}-${++tokens}`
    const call: RunningCall = new RunningCall({ token, askable: subject !== undefined }, (leg) => {
      const placed = (slot: Slot): void => {
        call.slot = slot
      }
      const ask: Asking['ask'] = (asked, signal) => call.ask(asked, signal)
      return run(request, token, { ...leg, placed, ask, mark: call }).catch((error) => failedOutcome(shown(error, log)))
    })
    client.follow(call, subject === undefined ? '' : (textMember(head.params, subject) ?? ''))
    return call
  }

  async function run(request: Admitted, token: string, leg: Leg & Asking): Promise<Outcome> {
    const { method, head, caller, client, label, endpoint } = request
    const question: Peer['question'] = (asked, signal) =>
      suspended.room(caller.id) ? leg.ask(asked, signal) : Promise.reject(new Error('too many calls are suspended'))
    const peer: Peer = {
      caller,
      session: null,
      channel: client.channel,
      label,
      tell: leg.tell,
      question,
      asTask: head.tasks,
      ...(leg.mark === undefined ? {} : { mark: leg.mark }),
    }
    const level = head.logLevel
    if (ASKABLE[method] !== undefined && level !== null && level < (client.logLevel ?? LOG_LEVELS.length)) {
      client.logLevel = level
      const ask = { method: 'logging/setLevel', params: { level: LOG_LEVELS[level] ?? 'info' }, signal: leg.signal }
      // Upstreams of earlier revisions log by session; one without levels, or of this revision, says that it has none.
      await endpoint.answer(ask, peer).catch(() => undefined)
    }
    const { signal, placed } = leg
    return endpoint.answer({ method, params: withToken(head, token), signal, ...(placed && { placed }) }, peer)
  }

  /** The call that this leg goes on with, or a new one. */
  async function callOf(request: Admitted): Promise<RunningCall> {
    const { requestState, inputResponses } = retryOf(request.head.params)
    if (requestState === undefined && inputResponses === undefined) return start(request)
    if (requestState !== undefined && suspended.owns(requestState)) {
      const call = suspended.take(requestState, request.caller.id, bindingOf(request))
      if (call === null) throw unknownState()
      return call
    }
    // What is no state of ours can be one of the upstream's.
    if (await modern(request)) return start(request)
    if (requestState !== undefined) throw unknownState()
    return start({ ...request, head: { ...request.head, params: withoutRetry(request.head.params) } })
  }

  async function modern({ upstream, client, leg }: Admitted): Promise<boolean> {
    if (upstream === null) return true
    const { protocolVersion } = await upstreams.initialize(upstream, client.channel, leg.signal)
    return typeof protocolVersion === 'string' && isModernRevision(protocolVersion)
  }

  return {
    modern,
    async serve(request) {
      const call = await callOf(request)
      const { head, client, upstream, leg } = request
      const tell = (notification: Notification): void => {
        if (upstream !== null && isOfServer(notification)) client.hear(upstream, notification)
        const said = relevant(notification, call.token, head)
        if (said !== null) leg.tell(said)
      }
      const outcome = await call.serve({ signal: leg.signal, tell }, retryOf(head.params).inputResponses)
      if (outcome !== null) return outcome
      const requestState = suspended.put(call, request.caller.id, bindingOf(request))
      return { kind: 'result', result: { resultType: 'input_required', inputRequests: call.questions(), requestState } }
    },
  }
}

function withToken({ params, progressToken }: RequestHead, token: string): JsonObject {
  if (progressToken === null) return params
  const { _meta } = params
  return { ...params, _meta: { ...(isObject(_meta) ? _meta : {}), progressToken: token } }
}

/** What the client asks for, whichever leg it is. */
function bindingOf({ upstream, method, head }: Admitted): string {
  const { _meta, ...asked } = withoutRetry(head.params)
  return createHash('sha256')
    .update(canonicalize([upstream, method, asked]))
    .digest('base64')
}

function unknownState(): AegisError {
  return new AegisError('invalid_params', 'unknown `requestState`', {
    path: 'params.requestState',
    advice: 'send back what the last answer to this very request held, once; or make the request anew without it',
  })
}
