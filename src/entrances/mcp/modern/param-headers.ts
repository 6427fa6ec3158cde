import { isObject, type Json, type JsonObject, textMember } from '../../../core/json.ts'
import { headerText, type ParamHeader, paramText, readParamHeaders } from '../../../core/mcp-headers.ts'
import { mismatch } from './request-head.ts'

/** Tools remembered, the oldest forgotten first: what upstreams list is their own choice. */
const MAX_TOOLS = 10_000

/**
 * Checks the headers `Mcp-Param-*` of a call against its arguments ("Server Behavior for Custom Headers"). Which argument
 * has a header is learnt from the lists that clients get. Of a tool that nobody has listed nothing is known; no decision
 * of ours looks at these headers, and none of them is forwarded.
 */
export interface ParamHeaderCheck {
  learn(upstream: string | null, list: JsonObject): void
  /** @throws AegisError `header_mismatch` */
  demand(upstream: string | null, params: JsonObject, headers: Headers): void
}

export function createParamHeaderCheck(): ParamHeaderCheck {
  const known = new Map<string, readonly ParamHeader[]>()
  const keyOf = (upstream: string | null, name: string): string => JSON.stringify([upstream, name])

  function learnTool(upstream: string | null, tool: Json): void {
    const name = isObject(tool) ? textMember(tool, 'name') : undefined
    if (!isObject(tool) || name === undefined) return
    const key = keyOf(upstream, name)
    const read = readParamHeaders(tool['inputSchema'])
    known.delete(key)
    if (read.ok && read.headers.length > 0) known.set(key, read.headers)
    if (known.size > MAX_TOOLS) known.delete(known.keys().next().value ?? key)
  }

  return {
    learn(upstream, { tools }) {
      for (const tool of Array.isArray(tools) ? (tools as readonly Json[]) : []) learnTool(upstream, tool)
    },
    demand(upstream, params, headers) {
      if (known.size === 0) return
      const annotated = known.get(keyOf(upstream, textMember(params, 'name') ?? '')) ?? []
      for (const { header, path } of annotated) {
        if (!agrees(headers.get(header), paramText(path, params['arguments']))) {
          throw mismatch(`${header} is not the argument \`${path.join('.').slice(0, 128)}\``)
        }
      }
    },
  }
}

/** An integer may be written in more than one way ("Server Validation"). */
function agrees(header: string | null, said: string | null): boolean {
  if (header === null || said === null) return header === said
  const text = headerText(header)
  if (text === null) return false
  return text === said || (/^-?\d+$/.test(said) && /^-?\d+(?:\.0+)?$/.test(text) && Number(text) === Number(said))
}
