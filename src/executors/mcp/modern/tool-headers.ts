import { isObject, type Json, type JsonObject, textMember } from '../../../core/json.ts'
import { headerValue, NAMED, type ParamHeader, paramHeaders, readParamHeaders } from '../../../core/mcp-headers.ts'
import type { Log } from '../../../core/runtime.ts'
import type { Note } from '../rpc-message.ts'

/** Tools remembered of one upstream, the oldest forgotten first: what it lists is its own choice. */
const MAX_TOOLS = 10_000

/** Which arguments of an upstream's tools go into headers, learnt from its lists. */
export interface ToolHeaders {
  /** The list without the tools whose annotations break the rules, as the specification demands of HTTP clients. */
  learn(list: JsonObject): JsonObject
  /** Name, value, name, value: what has to be said of this request in its headers. */
  of(note: Note): string[]
}

export function createToolHeaders(upstream: string, log: Log): ToolHeaders {
  const known = new Map<string, readonly ParamHeader[]>()

  const acceptable = (tool: Json): boolean => {
    const name = isObject(tool) ? textMember(tool, 'name') : undefined
    if (!isObject(tool) || name === undefined) return true
    const read = readParamHeaders(tool['inputSchema'])
    known.delete(name)
    if (!read.ok) {
      log.warn({ upstream, tool: name.slice(0, 128), problem: read.problem }, 'a tool of an upstream is left out')
      return false
    }
    if (read.headers.length === 0) return true
    known.set(name, read.headers)
    if (known.size > MAX_TOOLS) known.delete(known.keys().next().value ?? name)
    return true
  }

  return {
    learn(list) {
      const { tools } = list
      if (!Array.isArray(tools)) return list
      const kept = (tools as readonly Json[]).filter(acceptable)
      return kept.length === tools.length ? list : { ...list, tools: kept }
    },
    of({ method, params }) {
      const member = NAMED[method]
      const name = member === undefined || params === undefined ? undefined : textMember(params, member)
      const headers = ['mcp-method', headerValue(method)]
      if (name !== undefined) headers.push('mcp-name', headerValue(name))
      if (method !== 'tools/call' || name === undefined) return headers
      return [...headers, ...paramHeaders(known.get(name) ?? [], params?.['arguments'])]
    },
  }
}
