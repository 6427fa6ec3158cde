import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'
import { headerValue, NAMED, type ParamHeader, paramHeaders, readParamHeaders } from '../../core/mcp-headers.ts'

const VERSION = 'io.modelcontextprotocol/protocolVersion'
/** Tools remembered, the oldest forgotten first. */
const MAX_TOOLS = 10_000

/**
 * What HTTP wants to hear of a message of the stateless revisions besides its body (MCP 2026-07-28, "Request Metadata").
 * A client on stdio does not say it, so the bridge does.
 */
export interface StatelessHeaders {
  /** Null for a message of another era. */
  of(line: Buffer): Readonly<Record<string, string>> | null
  /** Learns from an answer to `tools/list` which arguments have headers. */
  learn(answer: string): void
}

export function createStatelessHeaders(): StatelessHeaders {
  const known = new Map<string, readonly ParamHeader[]>()
  return {
    of(line) {
      if (!line.includes(VERSION)) return null
      const message = parsed(line.toString())
      const params = isObject(message) ? message['params'] : undefined
      const method = isObject(message) ? textMember(message, 'method') : undefined
      if (!isObject(params) || method === undefined || !isObject(params['_meta'])) return null
      const version = textMember(params['_meta'], VERSION)
      if (version === undefined) return null
      const name = textMember(params, NAMED[method] ?? '')
      return {
        'mcp-protocol-version': headerValue(version),
        'mcp-method': headerValue(method),
        ...(name === undefined ? {} : { 'mcp-name': headerValue(name) }),
        ...(method === 'tools/call' ? pairs(paramHeaders(known.get(name ?? '') ?? [], params['arguments'])) : {}),
      }
    },
    learn(answer) {
      if (!answer.includes('x-mcp-header')) return known.clear()
      for (const tool of toolsIn(answer)) {
        const name = textMember(tool, 'name') ?? ''
        const read = readParamHeaders(tool['inputSchema'])
        known.delete(name)
        if (read.ok && read.headers.length > 0) known.set(name, read.headers)
        if (known.size > MAX_TOOLS) known.delete(known.keys().next().value ?? name)
      }
    },
  }
}

function toolsIn(answer: string): JsonObject[] {
  const message = parsed(answer)
  const result = isObject(message) ? message['result'] : undefined
  const tools = isObject(result) ? result['tools'] : undefined
  return Array.isArray(tools) ? (tools as readonly Json[]).filter(isObject) : []
}

function pairs(flat: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {}
  for (let at = 0; at + 1 < flat.length; at += 2) headers[flat[at] ?? ''] = flat[at + 1] ?? ''
  return headers
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return null
  }
}
