import { AegisError } from '../../../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../../../core/json.ts'
import { headerText, NAMED } from '../../../core/mcp-headers.ts'
import type { ClientChannel } from '../../../gateway/ports.ts'
import type { RpcRequest } from '../rpc.ts'
import { isModernRevision, META, metaOf, SUPPORTED } from './revision.ts'
import { declaresTasks } from './tasks.ts'

/** RFC 5424 severities, the least severe first. */
export const LOG_LEVELS: readonly string[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
]

/** What a request of the stateless era says of itself, checked against its headers. */
export interface RequestHead {
  readonly client: ClientChannel['client']
  /** Index into `LOG_LEVELS` from which on log messages are wanted; null: none are. */
  readonly logLevel: number | null
  readonly progressToken: string | number | null
  /** Whether the client takes a task for an answer to this request. */
  readonly tasks: boolean
  /** `params` without what only this hop needs to know. */
  readonly params: JsonObject
}

/**
 * Whoever routed or judged this request by its headers must have seen what its body says (MCP 2026-07-28, "Server
 * Validation").
 * @throws AegisError `header_mismatch`, `invalid_params`, `unsupported_version`
 */
export function readHead(headers: Headers, { method, params }: RpcRequest): RequestHead {
  const meta = metaOf(params)
  const version = demandVersion(headers.get('mcp-protocol-version'), meta)
  demandMethod(headers.get('mcp-method'), method)
  const named = NAMED[method]
  if (named !== undefined) demandName(headers.get('mcp-name'), params?.[named], named)
  return readMeta(version, meta ?? {}, params ?? {})
}

function demandVersion(header: string | null, meta: JsonObject | null): string {
  const version = meta?.[META.version]
  if (typeof version !== 'string') {
    if (header !== null && !isModernRevision(header)) throw unsupported(header)
    throw missing(META.version, 'text')
  }
  if (header === null) throw mismatch('MCP-Protocol-Version is missing')
  if (header !== version) throw mismatch('MCP-Protocol-Version is not the version of the body')
  if (!isModernRevision(version)) throw unsupported(version)
  return version
}

function demandMethod(header: string | null, method: string): void {
  if (header === null) throw mismatch('Mcp-Method is missing')
  if (header !== method) throw mismatch('Mcp-Method is not the method of the body')
}

function demandName(header: string | null, value: Json | undefined, member: string): void {
  if (typeof value !== 'string') {
    if (header !== null) throw mismatch(`Mcp-Name is given, but the body has no \`${member}\``)
    return
  }
  if (header === null) throw mismatch('Mcp-Name is missing')
  if (headerText(header) !== value) throw mismatch(`Mcp-Name is not the \`${member}\` of the body`)
}

function readMeta(version: string, meta: JsonObject, params: JsonObject): RequestHead {
  const { [META.version]: _version, [META.client]: info, [META.capabilities]: capabilities, ...kept } = meta
  if (!isObject(capabilities)) throw missing(META.capabilities, 'an object')
  if (info !== undefined && !isObject(info)) throw missing(META.client, 'an object')
  return {
    client: { capabilities, info: info ?? {}, protocolVersion: version },
    logLevel: logLevelOf(meta),
    progressToken: progressTokenOf(meta),
    tasks: declaresTasks(capabilities),
    params: { ...params, _meta: kept },
  }
}

function logLevelOf(meta: JsonObject): number | null {
  if (meta[META.logLevel] === undefined) return null
  const level = LOG_LEVELS.indexOf(textMember(meta, META.logLevel) ?? '')
  if (level < 0) throw missing(META.logLevel, `one of ${LOG_LEVELS.join(', ')}`)
  return level
}

function progressTokenOf(meta: JsonObject): string | number | null {
  const token = meta['progressToken']
  if (token === undefined) return null
  if (typeof token === 'string' || typeof token === 'number') return token
  throw missing('progressToken', 'text or a number')
}

export function mismatch(problem: string): AegisError {
  return new AegisError('header_mismatch', `header mismatch: ${problem}`, {
    advice: 'make the Mcp-* headers from the body that is sent',
  })
}

function missing(key: string, kind: string): AegisError {
  return new AegisError('invalid_params', `\`_meta\` must hold \`${key}\`: ${kind}`, {
    path: 'params._meta',
    advice: 'send it with every request, or start with initialize to speak an earlier revision',
  })
}

function unsupported(requested: string): AegisError {
  return new AegisError('unsupported_version', `unsupported protocol version. Supported: ${SUPPORTED.join(', ')}`, {
    data: { supported: [...SUPPORTED], requested: requested.slice(0, 32) },
  })
}
