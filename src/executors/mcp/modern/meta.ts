import { isObject, type JsonObject } from '../../../core/json.ts'
import type { ClientChannel } from '../../../gateway/ports.ts'
import { eraOf, MODERN_REVISION } from '../eras.ts'
import type { Note } from '../rpc-message.ts'

/** Keys of `_meta` that MCP reserves (2026-07-28, "General fields"). */
export const META = {
  version: 'io.modelcontextprotocol/protocolVersion',
  client: 'io.modelcontextprotocol/clientInfo',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  server: 'io.modelcontextprotocol/serverInfo',
  subscription: 'io.modelcontextprotocol/subscriptionId',
} as const

/** SEP-2663. */
export const TASKS = 'io.modelcontextprotocol/tasks'

export function metaOf(object: JsonObject | undefined): JsonObject {
  const meta = object?.['_meta']
  return isObject(meta) ? meta : {}
}

/** The request with what the modern era wants in each: who asks comes from the channel, whatever the client wrote there. */
export function dressed(note: Note, channel: ClientChannel, logLevel: string | null): Note {
  const { info } = channel.client
  const mine: JsonObject = {
    [META.version]: MODERN_REVISION,
    ...(Object.keys(info).length === 0 ? {} : { [META.client]: info }),
    [META.capabilities]: capabilitiesOf(channel),
    ...(logLevel === null ? {} : { [META.logLevel]: logLevel }),
  }
  return { method: note.method, params: { ...note.params, _meta: { ...metaOf(note.params), ...mine } } }
}

/** Tasks of the legacy era are others: an upstream that believed in them would answer what such a client cannot read. */
function capabilitiesOf(channel: ClientChannel): JsonObject {
  const { capabilities } = channel.client
  if (eraOf(channel) === 'modern') return capabilities
  const { tasks: _tasks, extensions, ...rest } = capabilities
  if (!isObject(extensions)) return rest
  const { [TASKS]: _extension, ...others } = extensions
  return { ...rest, extensions: others }
}
