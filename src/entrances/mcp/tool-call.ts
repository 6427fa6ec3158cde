import { JUDGED_REQUESTS, type JudgedRequest } from '../../core/envelope.ts'
import { AegisError } from '../../core/errors.ts'
import { isObject, type JsonObject, textMember } from '../../core/json.ts'
import type { IncomingCall, Outcome } from '../../gateway/ports.ts'
import type { Refusal, Reply } from '../../gateway/reply.ts'
import type { Ask, McpOptions, Peer } from './endpoint.ts'
import { createdTask } from './modern/review-task-wire.ts'
import { isModernRevision } from './modern/revision.ts'
import { refusalError, refusalOf, refusalResult, waitingOf } from './refusals.ts'
import { retryOf, withoutRetry } from './retry.ts'
import { waitForPerson } from './review-ladder.ts'
import { failedWith, shadowNotice, withNotice } from './shadow-notice.ts'

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

/** A room that only watches may want the agent to know what it would have done: also where the call came to nothing. */
async function carry(options: McpOptions, asked: IncomingCall, ask: Ask, peer: Peer): Promise<Outcome> {
  let notice: string | null = null
  const { roomMode } = options
  const call: IncomingCall =
    roomMode === undefined
      ? asked
      : {
          ...asked,
          onDecision: (decision) => {
            notice = shadowNotice(decision, roomMode)
          },
        }
  try {
    return withNotice(await answered(options, call, ask, peer), notice)
  } catch (error) {
    throw failedWith(error, notice)
  }
}

async function answered(options: McpOptions, call: IncomingCall, ask: Ask, peer: Peer): Promise<Outcome> {
  const { reviews, adminUrl } = options
  let reply = await options.gateway.handle(call, ask.signal)
  if (reply.kind === 'parked') {
    const { approval } = reply
    if (reviews !== undefined && peer.asTask === true && call.what.kind === 'tool') {
      return createdTask(reviews.ids.of(approval.id, call.caller.id), approval, adminUrl)
    }
    reply = await waitForPerson(options, { parked: reply, call, ask, peer })
  }
  const outcome = outcomeOf(reply, adminUrl, inResults(call, peer) ? refusalResult : refusalError)
  if (outcome.kind === 'result' && namesOurTask(outcome.result, reviews)) throw borrowedName(call)
  return outcome
}

/** A task of an upstream that bears the name of one of ours would be taken for it. */
function namesOurTask(result: JsonObject, reviews: McpOptions['reviews']): boolean {
  return result['resultType'] === 'task' && reviews?.ids.owns(textMember(result, 'taskId') ?? '') === true
}

function borrowedName({ what }: IncomingCall): AegisError {
  const upstream = what.kind === 'action' ? '' : what.upstream
  return new AegisError('upstream_unreachable', `upstream \`${upstream}\` answered with a task under a name of ours`)
}

/** What became of a call, in MCP's words. `refuse` is how this client is refused. */
export function outcomeOf(reply: Reply, adminUrl: string, refuse: (refusal: Refusal) => Outcome): Outcome {
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
    ...(peer.mark === undefined ? {} : { mark: peer.mark }),
  }
}

function objectMember(params: JsonObject, key: string): JsonObject | null {
  const value = params[key]
  if (value === undefined) return null
  if (isObject(value)) return value
  throw new AegisError('invalid_params', `\`${key}\` must be an object`, { path: `params.${key}` })
}
