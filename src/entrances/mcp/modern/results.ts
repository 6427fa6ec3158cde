import type { AegisError } from '../../../core/errors.ts'
import { isObject, type Json, type JsonObject } from '../../../core/json.ts'
import type { Outcome } from '../../../gateway/ports.ts'
import { rpcError } from '../rpc.ts'
import { META, metaOf, SUPPORTED } from './revision.ts'

/** Results that a client may keep ("Caching"). */
const CACHEABLE: ReadonlySet<string> = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
])

/** Nothing is kept: what policy shows and allows depends on the key and on the hour, and each read is to be judged. */
const UNCACHED = { ttlMs: 0, cacheScope: 'private' } as const

/** Methods that exist here whatever their upstream says: its "method not found" is about what was asked of them. */
const SURELY_KNOWN: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read'])

/** What an upstream of either era answered, in the words of the stateless era. */
export function modernOutcome(method: string, outcome: Outcome): Outcome {
  if (outcome.kind === 'error') return { kind: 'error', error: modernError(outcome.error) }
  const { result } = outcome
  const type = result['resultType']
  const whole = typeof type === 'string' ? result : { ...result, resultType: 'complete' }
  const hints = CACHEABLE.has(method) && whole['resultType'] === 'complete'
  return { kind: 'result', result: hints ? { ...whole, ...UNCACHED } : whole }
}

/** Codes of earlier revisions that must not be sent any more ("Error Codes"). */
function modernError(error: Extract<Outcome, { kind: 'error' }>['error']): typeof error {
  const retired = error.code === -32002 || error.code === -32042
  return retired ? { ...error, code: -32602 } : error
}

/** The HTTP status of an answer: what is wrong with the request itself is told to intermediaries too. */
export function statusOf(method: string, outcome: Outcome): number {
  if (outcome.kind === 'result') return 200
  const { code } = outcome.error
  if (code === -32601) return SURELY_KNOWN.has(method) ? 200 : 404
  return code <= -32020 && code >= -32099 ? 400 : 200
}

/** The answer to `server/discover`, from what an endpoint says to `initialize`. */
export function discovery(welcome: JsonObject): JsonObject {
  const { capabilities, serverInfo, instructions } = welcome
  const meta = metaOf(welcome)
  const server = isObject(serverInfo) ? serverInfo : meta?.[META.server]
  return {
    resultType: 'complete',
    supportedVersions: [...SUPPORTED],
    capabilities: isObject(capabilities) ? capabilities : {},
    ...(typeof instructions === 'string' ? { instructions } : {}),
    _meta: { ...meta, ...(isObject(server) ? { [META.server]: server } : {}) },
    ...UNCACHED,
  }
}

/** An error of ours as an outcome. */
export function failedOutcome(error: AegisError): Outcome {
  const { code, message, data } = rpcError(error)
  // What our errors carry is plain data; the copy is what makes the type sure of it.
  return { kind: 'error', error: data === undefined ? { code, message } : { code, message, data: plain(data) } }
}

function plain(data: Record<string, unknown>): Json {
  return JSON.parse(JSON.stringify(data))
}
