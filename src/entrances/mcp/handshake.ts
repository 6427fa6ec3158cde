import { AegisError } from '../../core/errors.ts'
import { isObject, type JsonObject, textMember } from '../../core/json.ts'
import { headerText, NAMED } from '../../core/mcp-headers.ts'
import type { ClientChannel } from '../../gateway/ports.ts'
import * as failures from './failures.ts'
import { mismatch } from './modern/request-head.ts'
import type { Parsed, RpcMessage } from './rpc.ts'
import type { Session } from './session.ts'
import { hasBatches, negotiate } from './versions.ts'

/** What a client that opened no session may ask. */
const SESSIONLESS: ReadonlySet<string> = new Set(['ping', 'tools/list', 'tools/call'])

/** @throws AegisError `invalid_request` */
export function demandSession({ batch, messages }: Parsed, session: Session | null, revision: string): void {
  if (batch && !hasBatches(revision)) throw failures.noBatches()
  if (session === null && !messages.every(needsNoSession)) throw failures.sessionNeeded()
}

/**
 * Headers of the stateless era mean nothing here. Where they came all the same, whoever routed or judged by them must
 * have seen what the body says.
 * @throws AegisError `header_mismatch`
 */
export function demandHeaders(headers: Headers, first: RpcMessage | undefined): void {
  const method = headers.get('mcp-method')
  const name = headers.get('mcp-name')
  if (method === null && name === null) return
  if (first === undefined || !('method' in first)) throw mismatch('Mcp-* headers name one request, and this is none')
  if (method !== null && method !== first.method) throw mismatch('Mcp-Method is not the method of the body')
  const member = NAMED[first.method]
  const named = member === undefined ? undefined : first.params?.[member]
  if (name !== null && headerText(name) !== named) throw mismatch('Mcp-Name is not the name of the body')
}

function needsNoSession(message: RpcMessage): boolean {
  return message.kind === 'invalid' || (message.kind === 'request' && SESSIONLESS.has(message.method))
}

/** What the client says of itself. @throws AegisError `invalid_params` */
export function clientOf(params: JsonObject | undefined): ClientChannel['client'] {
  const requested = params === undefined ? undefined : textMember(params, 'protocolVersion')
  if (params === undefined || requested === undefined) {
    throw new AegisError('invalid_params', '`protocolVersion` must be text', { path: 'params.protocolVersion' })
  }
  const { capabilities, clientInfo } = params
  return {
    capabilities: isObject(capabilities) ? capabilities : {},
    info: isObject(clientInfo) ? clientInfo : {},
    protocolVersion: negotiate(requested),
  }
}
