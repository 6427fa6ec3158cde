import { isObject, type Json, type JsonObject, textMember } from './json.ts'
import { decodeUtf8Strict } from './strict-json.ts'

/**
 * Which member of `params` the header `Mcp-Name` repeats (MCP 2026-07-28, "Standard Request Headers"; for tasks the
 * extension `io.modelcontextprotocol/tasks`, "Routing Headers").
 */
export const NAMED: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
}

/** One argument of a tool that goes into a header too (2026-07-28, "Custom Headers from Tool Parameters"). */
export interface ParamHeader {
  /** Lower case. */
  readonly header: string
  /** Chain of property names from the arguments. */
  readonly path: readonly string[]
}

/** The annotations of a tool, or what is wrong with them. */
export type ParamHeaders =
  | { readonly ok: true; readonly headers: readonly ParamHeader[] }
  | { readonly ok: false; readonly problem: string }

const ANNOTATION = 'x-mcp-header'
/** RFC 9110, 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/
const TYPES: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean'])
/** Each is a header of every call: more is no routing but a flood. */
const MAX_HEADERS = 32

/** The annotations of an `inputSchema`. An upstream wrote it, so whatever breaks a rule spoils the tool. */
export function readParamHeaders(schema: Json | undefined): ParamHeaders {
  const found: ParamHeader[] = []
  const problem = isObject(schema) ? walk(schema, [], found) : null
  if (problem !== null) return { ok: false, problem }
  if (found.length > MAX_HEADERS) return { ok: false, problem: `more than ${MAX_HEADERS} ${ANNOTATION}` }
  if (new Set(found.map(({ header }) => header)).size < found.length) {
    return { ok: false, problem: `two ${ANNOTATION} of one name` }
  }
  return { ok: true, headers: found }
}

/** Follows chains of `properties` only; an annotation found anywhere else is a problem. */
function walk(schema: JsonObject, path: readonly string[], found: ParamHeader[]): string | null {
  const { properties, ...others } = schema
  const annotation = schema[ANNOTATION]
  if (annotation !== undefined) {
    const problem = wrong(annotation, schema, path)
    if (problem !== null) return problem
    found.push({ header: `mcp-param-${String(annotation).toLowerCase()}`, path })
  }
  // Where values stand that are no schemas, the word is just a word.
  for (const [keyword, inner] of Object.entries(others)) {
    if (!VALUES.has(keyword) && annotated(inner)) return `${ANNOTATION} under \`${keyword.slice(0, 32)}\``
  }
  for (const [name, inner] of Object.entries(isObject(properties) ? properties : {})) {
    const problem = isObject(inner) ? walk(inner, [...path, name], found) : null
    if (problem !== null) return problem
  }
  return null
}

const VALUES: ReadonlySet<string> = new Set([ANNOTATION, 'default', 'const', 'enum', 'examples'])

function wrong(annotation: Json, schema: JsonObject, path: readonly string[]): string | null {
  if (path.length === 0) return `${ANNOTATION} on the arguments as a whole`
  if (typeof annotation !== 'string' || !TOKEN.test(annotation)) return `${ANNOTATION} that is no name of a header`
  return TYPES.has(textMember(schema, 'type')) ? null : `${ANNOTATION} on a value that is no text, integer or boolean`
}

function annotated(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return (value as readonly Json[]).some(annotated)
  return Object.entries(value as JsonObject).some(([key, inner]) => key === ANNOTATION || annotated(inner))
}

/** Name, value, name, value; what the arguments do not hold has no header. */
export function paramHeaders(headers: readonly ParamHeader[], args: Json | undefined): string[] {
  return headers.flatMap(({ header, path }) => {
    const text = paramText(path, args)
    return text === null ? [] : [header, headerValue(text)]
  })
}

/** The argument at this path as a header would say it, before any encoding; null where there is nothing to say. */
export function paramText(path: readonly string[], args: Json | undefined): string | null {
  let value: Json | undefined = args
  for (const name of path) value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  return plainText(value)
}

function plainText(value: Json | undefined): string | null {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : null
}

/** "Value Encoding": what a header cannot hold as it is, or what would look encoded, goes as Base64. */
export function headerValue(text: string): string {
  const plain = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/.test(text)
  if (plain && !(text.startsWith('=?base64?') && text.endsWith('?='))) return text
  return `=?base64?${Buffer.from(text, 'utf8').toString('base64')}?=`
}

const SENTINEL = /^=\?base64\?(.*)\?=$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
/** RFC 9110, 5.5: visible ASCII, space, tab. */
const PLAIN = /^[\x20-\x7e\t]*$/

/** What a header's value says ("Value Encoding"); null where it is broken. */
export function headerText(value: string): string | null {
  if (!PLAIN.test(value)) return null
  const encoded = SENTINEL.exec(value)?.[1]
  if (encoded === undefined) return value
  if (!BASE64.test(encoded)) return null
  try {
    return decodeUtf8Strict(Buffer.from(encoded, 'base64'))
  } catch {
    return null
  }
}
