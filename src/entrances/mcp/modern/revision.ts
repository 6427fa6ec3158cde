import { isObject, type JsonObject } from '../../../core/json.ts'
import type { RpcMessage } from '../rpc.ts'
import { isRevision, REVISIONS } from '../versions.ts'

/** Revisions of the stateless era: each request carries version, client and capabilities in its own `_meta`. */
export const MODERN_REVISIONS = ['2026-07-28'] as const

/** All that is spoken at this door, newest first. The later ones are reached by `initialize`. */
export const SUPPORTED: readonly string[] = [...MODERN_REVISIONS, ...REVISIONS]

/** Keys of `_meta` that the revision reserves ("General fields"). */
export const META = {
  version: 'io.modelcontextprotocol/protocolVersion',
  client: 'io.modelcontextprotocol/clientInfo',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  server: 'io.modelcontextprotocol/serverInfo',
  subscription: 'io.modelcontextprotocol/subscriptionId',
} as const

export function isModernRevision(text: string): boolean {
  return (MODERN_REVISIONS as readonly string[]).includes(text)
}

/**
 * Whether a message is of the stateless era: its header or its `_meta` says so, or it is the probe of a client that does
 * not know. A version that nobody speaks is refused in this era's words, which name those that are spoken.
 */
export function isModern(header: string | undefined, message: RpcMessage | undefined): boolean {
  if (header !== undefined && !isRevision(header)) return true
  if (message === undefined || (message.kind !== 'request' && message.kind !== 'notification')) return false
  return message.method === 'server/discover' || metaOf(message.params)?.[META.version] !== undefined
}

export function metaOf(params: JsonObject | undefined): JsonObject | null {
  const meta = params?.['_meta']
  return isObject(meta) ? meta : null
}
