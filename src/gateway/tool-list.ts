import type { CatalogName } from '../core/catalog/catalog.ts'
import { classifyTool } from '../core/catalog/index.ts'
import { AegisError } from '../core/errors.ts'
import { isObject, type JsonObject, textMember } from '../core/json.ts'
import type { CompiledPolicy } from '../core/policy/compiled.ts'
import type { KeyRecord } from '../identity/ports.ts'
import type { ToolPins } from '../tool-pins/index.ts'
import { isInterim } from './outcome.ts'
import { type ClientChannel, DEFAULT_LISTING, type RoomLookup, type Upstreams } from './ports.ts'
import type { Gateway } from './reply.ts'

/** Pages of one upstream's tool list followed at most: an upstream that never ends its list is cut off. */
const LIST_PAGES = 100
/** JSON-RPC 2.0, section 5.1. */
const METHOD_NOT_FOUND = -32601
/** The first revision of the stateless era; revisions are dates. */
const MODERN = '2026-07-28'
/** Claude Code asks its user before each call of a tool that bears this in `_meta`. */
const ASKS_USER = 'anthropic/requiresUserInteraction'

export interface ToolList {
  readonly tools: readonly JsonObject[]
  readonly rest: JsonObject
}

/** What an upstream's list becomes for a client: less what is withheld and what could never be called. */
export function createToolList(parts: {
  readonly policy: () => CompiledPolicy
  readonly upstreams: Upstreams
  readonly pins: ToolPins
  readonly rooms: RoomLookup
}): (upstream: string, caller: KeyRecord, channel: ClientChannel, signal: AbortSignal) => Promise<ToolList> {
  const { upstreams, pins, rooms } = parts
  return async (upstream, caller, channel, signal) => {
    const info = upstreams.get(upstream)
    if (info === null) throw new AegisError('no_upstream', `no upstream \`${upstream}\``)
    const { show, pins: mode, askInClient } = info.listing ?? DEFAULT_LISTING
    const { tools, rest } = await listAll(upstreams, upstream, channel, signal)
    const policy = parts.policy()
    const classOf = (tool: JsonObject) => toolClass(upstream, info.catalog, tool)
    const trusted = await pins.admit({ upstream, mode, era: eraOf(channel), tools })
    const room = rooms.ofKey(caller)
    const shown = show === 'all' ? trusted : trusted.filter((tool) => policy.reachable(classOf(tool), room))
    const marked = askInClient ? shown.map((tool) => (policy.unattended(classOf(tool)) ? tool : asking(tool))) : shown
    return { tools: marked, rest }
  }
}

function eraOf({ client }: ClientChannel): 'legacy' | 'modern' {
  return client.protocolVersion >= MODERN ? 'modern' : 'legacy'
}

/** An upstream's greeting, without instructions that are not those that were accepted. */
export function createGreeting({ upstreams, pins }: { upstreams: Upstreams; pins: ToolPins }): Gateway['greeting'] {
  return async (upstream, channel, signal) => {
    const greeting = await upstreams.initialize(upstream, channel, signal)
    const { instructions, ...rest } = greeting
    if (typeof instructions !== 'string') return greeting
    const mode = (upstreams.get(upstream)?.listing ?? DEFAULT_LISTING).pins
    const list = { upstream, mode, era: eraOf(channel) }
    return (await pins.admitInstructions(list, instructions)) ? greeting : rest
  }
}

function toolClass(upstream: string, catalog: CatalogName, tool: JsonObject) {
  const name = textMember(tool, 'name') ?? ''
  return { surface: 'mcp', ...classifyTool({ upstream, catalog, tool: name }) } as const
}

function asking(tool: JsonObject): JsonObject {
  const { _meta } = tool
  return { ...tool, _meta: { ...(isObject(_meta) ? _meta : {}), [ASKS_USER]: true } }
}

/**
 * The list is one caller's under one policy: what the upstream says of caching its own does not hold for it. And a list asks
 * the client nothing.
 */
function ownMembers(rest: JsonObject): JsonObject {
  const { ttlMs: _ttl, cacheScope: _scope, inputRequests: _inputs, requestState: _state, ...others } = rest
  return others
}

async function listAll(
  upstreams: Upstreams,
  upstream: string,
  channel: ClientChannel,
  signal: AbortSignal,
): Promise<ToolList> {
  const tools: JsonObject[] = []
  let rest: JsonObject = {}
  let cursor: string | null = null
  for (let page = 0; page < LIST_PAGES; page++) {
    const params: JsonObject = cursor === null ? {} : { cursor }
    const outcome = await upstreams.request(upstream, { method: 'tools/list', params }, channel, {
      signal,
      onNotification: () => undefined,
    })
    if (outcome.kind === 'error') {
      // A server without tools need not know the method: it offers prompts or resources.
      if (outcome.error.code === METHOD_NOT_FOUND) break
      throw new AegisError(
        'upstream_unreachable',
        `upstream \`${upstream}\` would not list its tools: ${outcome.error.message}`,
      )
    }
    if (isInterim(outcome)) {
      throw new AegisError(
        'upstream_unreachable',
        `upstream \`${upstream}\` asks for input instead of listing its tools`,
      )
    }
    const { tools: listed, nextCursor, ...others } = outcome.result
    if (page === 0) rest = ownMembers(others)
    // One by one: a list of some hundred thousand does not fit into the arguments of one `push`.
    for (const tool of Array.isArray(listed) ? listed : []) if (isObject(tool)) tools.push(tool)
    if (typeof nextCursor !== 'string' || nextCursor === cursor) break
    cursor = nextCursor
  }
  return { tools, rest }
}
