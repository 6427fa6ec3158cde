import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { openApiDocument, ROUTE_GROUPS } from '../../src/admin/openapi/document.ts'
import type { Route } from '../../src/admin/openapi/route.ts'
import type { Json, JsonObject } from '../../src/core/json.ts'
import { isObject } from '../../src/core/json.ts'
import type { Answer } from './installation.ts'

export const ROUTES: readonly Route[] = ROUTE_GROUPS.flatMap(({ routes }) => routes)

export function routeOf(id: string): Route {
  const found = ROUTES.find((route) => route.id === id)
  if (found === undefined) throw new Error(`no operation ${id}`)
  return found
}

const document = openApiDocument('http://127.0.0.1:8081', '0.0.0') as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: JsonObject }>>>>
  readonly components: { readonly schemas: Readonly<Record<string, JsonObject>> }
}

const ajv = new Ajv2020({ strict: false, allErrors: true })
formats.default(ajv)
ajv.addSchema({
  $id: 'aegis:document',
  components: {
    schemas: Object.fromEntries(Object.entries(document.components.schemas).map(([name, one]) => [name, inner(one)])),
  },
})

/**
 * Clients are told that more members may come; here an answer with a member that nobody declared is a fault. `inner` closes what lies
 * inside of a schema, `closed` the schema itself as well.
 */
function closed(schema: JsonObject): JsonObject {
  const composed = ['$ref', 'allOf', 'anyOf', 'oneOf'].some((word) => word in schema)
  const named = isObject(schema['properties']) && Object.keys(schema['properties']).length > 0
  return composed || named ? { ...inner(schema), unevaluatedProperties: false } : inner(schema)
}

function inner(schema: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(schema).map(([word, value]) => {
      if (word === 'properties' && isObject(value)) return [word, mapped(value, closed)]
      if ((word === 'items' || word === 'additionalProperties') && isObject(value)) return [word, closed(value)]
      if (['allOf', 'anyOf', 'oneOf'].includes(word) && Array.isArray(value)) {
        return [word, value.map((one: Json) => (isObject(one) ? inner(one) : one))]
      }
      if (word === '$ref') return [word, `aegis:document${String(value)}`]
      return [word, value]
    }),
  )
}

function mapped(object: JsonObject, by: (schema: JsonObject) => JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, isObject(value) ? by(value) : value]))
}

const validators = new Map<string, ValidateFunction>()

/** What is wrong with an answer by the document, one line each; empty where it is as declared. */
export function faultsOf({ path, method, id }: Route, answer: Answer): readonly string[] {
  const response = document.paths[path]?.[method]?.responses[String(answer.status)]
  if (!isObject(response)) return [`${id} declares no ${answer.status}: ${JSON.stringify(answer.body).slice(0, 300)}`]
  const content = isObject(response['content']) ? response['content']['application/json'] : undefined
  const schema = isObject(content) ? content['schema'] : undefined
  if (!isObject(schema)) return []
  const name = `${id} ${answer.status}`
  const validate = validators.get(name) ?? ajv.compile(closed(schema))
  validators.set(name, validate)
  if (validate(answer.body)) return []
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${name}${instancePath} ${message} ${JSON.stringify(params)}`,
  )
}

export interface Call {
  readonly id: string
  readonly key: string | null
  /** For what stands in braces in the path. */
  readonly at?: Readonly<Record<string, string>>
  readonly query?: string
  readonly body?: unknown
}

/** Asks as the document says one asks, and holds the answer against it. @throws where they differ */
export async function ask(admin: string, { id, key, at = {}, query = '', body }: Call): Promise<Answer> {
  const route = routeOf(id)
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = at[name] ?? 'none'
    // A session's id holds a slash as it is.
    return name === 'session' ? value : encodeURIComponent(value)
  })
  const wanted = route.body === undefined ? undefined : JSON.stringify(body ?? {})
  const answer = await fetch(`${admin}${path}${query}`, {
    method: route.method.toUpperCase(),
    headers: {
      ...(key === null ? {} : { 'x-api-key': key }),
      ...(wanted === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(wanted === undefined ? {} : { body: wanted }),
  })
  const text = await answer.text()
  const read = { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text }
  const faults = faultsOf(route, read)
  if (faults.length > 0) throw new Error(`the document says otherwise:\n${faults.slice(0, 8).join('\n')}`)
  return read
}
