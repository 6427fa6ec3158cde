import { JUDGED_REQUESTS, type JudgedRequest } from '../../core/envelope.ts'
import { AegisError } from '../../core/errors.ts'
import { isObject, type Json, type JsonObject } from '../../core/json.ts'
import type { IncomingCall, Outcome } from '../../gateway/ports.ts'
import type { Refusal, Reply } from '../../gateway/reply.ts'
import type { Ask, McpOptions, Peer } from './endpoint.ts'
import { isModernRevision } from './modern/revision.ts'
import { refusalError, refusalOf, refusalResult, waitingOf } from './refusals.ts'
import { retryOf, withoutRetry } from './retry.ts'

const HOLD_MS = 50_000
/** Milliseconds between signs of life to a client whose call is held. */
const HOLD_PROGRESS_MS = 10_000

/** `tools/call` on the road, and its reply in MCP's words. */
export async function callTool(
  options: McpOptions,
  route: { upstream: string; tool: string },
  ask: Ask,
  peer: Peer,
): Promise<Outcome> {
  const params = ask.params ?? {}
  // A task would answer before its effect, and the result would miss its entry: such calls wait for their own issue.
  // In the stateless revision the word means nothing: there the server says which calls are tasks.
  if (params['task'] !== undefined && !isModernRevision(peer.channel.client.protocolVersion)) {
    throw new AegisError('invalid_params', 'calls as tasks are not supported', {
      path: 'params.task',
      advice: 'call the tool without `task`',
    })
  }
  const parameters = objectMember(params, 'arguments') ?? {}
  return carry(options, incomingCall({ kind: 'tool', ...route, parameters }, params, peer), ask, peer)
}

/** `resources/read` and `prompts/get`: actions too, under the names that policies know them by. */
export async function callRequest(
  options: McpOptions,
  route: { upstream: string; method: JudgedRequest },
  ask: Ask,
  peer: Peer,
): Promise<Outcome> {
  const { _meta, ...asked } = ask.params ?? {}
  const call = incomingCall({ kind: 'request', ...route, parameters: withoutRetry(asked) }, ask.params ?? {}, peer)
  return carry(options, call, ask, peer)
}

export function isJudged(method: string): method is JudgedRequest {
  return JUDGED_REQUESTS.some((judged) => judged === method)
}

async function carry(options: McpOptions, call: IncomingCall, ask: Ask, peer: Peer): Promise<Outcome> {
  let reply = await options.gateway.handle(call, ask.signal)
  const upstream = reply.envelope.action.route?.upstream ?? ''
  if (reply.kind === 'parked' && options.upstreams.get(upstream)?.onReview === 'hold') {
    reply = await hold(options, reply, call, ask, peer)
  }
  const refuse = inResults(call, peer) ? refusalResult : refusalError
  return outcomeOf(reply, options.adminUrl, refuse)
}

function outcomeOf(reply: Reply, adminUrl: string, refuse: (refusal: Refusal) => Outcome): Outcome {
  switch (reply.kind) {
    case 'done':
      return reply.outcome
    case 'refused':
      return refuse(refusalOf(reply))
    case 'parked':
      return refuse(waitingOf(reply, adminUrl))
    case 'decided':
      throw new AegisError('internal', 'the call was allowed, but nothing ran it')
    default:
      return reply satisfies never
  }
}

/** The stateless revisions have no code for a refusal, and only tools have results that can say so. */
function inResults({ what }: IncomingCall, { channel }: Peer): boolean {
  return what.kind === 'tool' && isModernRevision(channel.client.protocolVersion)
}

function incomingCall(what: IncomingCall['what'], params: JsonObject, peer: Peer): IncomingCall {
  const { name } = peer.channel.client.info
  return {
    surface: 'mcp',
    caller: peer.caller,
    agent: typeof name === 'string' ? name : null,
    sessionLabel: peer.label ?? peer.session?.label ?? null,
    what,
    execute: true,
    approvalRef: null,
    task: null,
    justification: null,
    meta: objectMember(params, '_meta'),
    ...(isModernRevision(peer.channel.client.protocolVersion) ? { retry: retryOf(params) } : {}),
    channel: peer.channel,
    onNotification: peer.tell,
  }
}

function objectMember(params: JsonObject, key: string): JsonObject | null {
  const value = params[key]
  if (value === undefined) return null
  if (isObject(value)) return value
  throw new AegisError('invalid_params', `\`${key}\` must be an object`, { path: `params.${key}` })
}

/**
 * Waits for the person and makes the identical call again, which redeems the approval or says why not. Nothing runs for
 * a client that has gone; one that waited too long is told to come back.
 */
async function hold(
  options: McpOptions,
  parked: Extract<Reply, { kind: 'parked' }>,
  call: IncomingCall,
  ask: Ask,
  peer: Peer,
): Promise<Reply> {
  const { settled, gateway } = options
  if (settled === undefined) return parked
  const budget = AbortSignal.timeout(options.holdMs ?? HOLD_MS)
  const progress = startProgress(call.meta?.['progressToken'], parked, peer)
  ask.slot?.pause()
  try {
    await settled(parked.approval.id, AbortSignal.any([ask.signal, budget]))
    // A client whose connection broke may come back or not: nothing runs before it has.
    if (peer.attended !== undefined) await unlessAborted(peer.attended(), ask.signal)
  } catch (error) {
    if (budget.aborted || ask.signal.aborted) return parked
    throw error
  } finally {
    progress.stop()
    ask.slot?.resume()
  }
  if (ask.signal.aborted) return parked
  if (!(await options.inForce(call.caller))) throw revoked()
  return gateway.handle(call, ask.signal)
}

function revoked(): AegisError {
  return new AegisError('unauthenticated', 'the key was revoked while the call waited for a person')
}

function unlessAborted(wait: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    void wait.then(resolve).finally(() => signal.removeEventListener('abort', stop))
  })
}

/** Progress in tiny steps: what the tool itself reports under the same token afterwards must be more. */
function startProgress(token: Json | undefined, parked: Extract<Reply, { kind: 'parked' }>, peer: Peer) {
  if (typeof token !== 'string' && typeof token !== 'number') return { stop: () => undefined }
  let step = 0
  const tell = (): void => {
    const progress = ++step / 1e6
    const message = `waiting for a person to settle approval ${parked.approval.id}`
    peer.tell({ method: 'notifications/progress', params: { progressToken: token, progress, message } })
  }
  tell()
  const timer = setInterval(tell, HOLD_PROGRESS_MS)
  return { stop: () => clearInterval(timer) }
}
