import { readFileSync } from 'node:fs'
import { isObject, type Json, type JsonObject } from '../../src/core/json.ts'

/** GitHub's own description of what the forge imitates (cut by `scripts/cut-github-openapi.mjs`). */
const spec = JSON.parse(readFileSync(new URL('../vectors/github-openapi.json', import.meta.url), 'utf8'))

export interface Exchange {
  readonly method: string
  /** Without query. */
  readonly path: string
  readonly status: number
  readonly request: Json | undefined
  readonly response: Json | undefined
}

interface Operation {
  readonly name: string
  readonly method: string
  readonly pattern: RegExp
  readonly definition: JsonObject
}

const SLASHED = new Set(['path', 'ref', 'branch', 'basehead', 'tree_sha'])

/** Every operation of the cut-out, the narrower templates first. */
const operations: readonly Operation[] = Object.entries<JsonObject>(spec.paths)
  .sort(([one], [other]) => other.replace(/\{\w+\}/g, '').length - one.replace(/\{\w+\}/g, '').length)
  .flatMap(([template, methods]) => {
    const source = template.replace(/\{(\w+)\}/g, (_, name: string) => (SLASHED.has(name) ? '.+' : '[^/]+'))
    return Object.entries(methods).map(([method, definition]) => ({
      name: `${method.toUpperCase()} ${template}`,
      method: method.toUpperCase(),
      pattern: new RegExp(`^${source}$`),
      definition: isObject(definition) ? definition : {},
    }))
  })

/** Not in the cut-out, but it looks like a branch of which it has the description. */
const NOT_CUT_OUT = /\/branches\/.+\/protection$/

const answered = new Set<string>()

/** Operations that no exchange with a success has gone through yet. */
export function unanswered(): string[] {
  return operations.map(({ name }) => name).filter((name) => !answered.has(name))
}

/** What of the exchange GitHub's description does not allow; empty where all is well or the path is not described. */
export function deviations(exchange: Exchange): string[] {
  const operation = operations.find(({ method, pattern }) => method === exchange.method && pattern.test(exchange.path))
  if (operation === undefined || NOT_CUT_OUT.test(exchange.path)) return []
  const success = exchange.status < 300
  if (success) answered.add(operation.name)
  const request = success ? requestProblems(operation, exchange.request) : []
  return [...request, ...responseProblems(operation, exchange)].map((problem) => `${operation.name}: ${problem}`)
}

function requestProblems(operation: Operation, body: Json | undefined): string[] {
  const schema = jsonSchema(operation.definition['requestBody'])
  return schema === undefined || body === undefined ? [] : check(schema, body, 'request')
}

function responseProblems(operation: Operation, { status, response }: Exchange): string[] {
  const responses = resolve(operation.definition['responses'])
  const described = resolve(responses[String(status)])
  if (!(String(status) in responses)) {
    // Statuses that hold for the whole API (bad credentials, hidden repository, bad body) are not repeated for each operation.
    if (![400, 401, 403, 404, 422].includes(status)) return [`status ${status} is not documented`]
    return check({ $ref: '#/components/schemas/basic-error' }, response ?? null, 'response')
  }
  const schema = jsonSchema(described)
  if (schema !== undefined) return check(schema, response ?? null, 'response')
  return status === 204 && response !== undefined ? ['a 204 has no body'] : []
}

function jsonSchema(holder: Json | undefined): JsonObject | undefined {
  const media = resolve(resolve(resolve(holder)['content'])['application/json'])
  const schema = media['schema']
  return isObject(schema) ? schema : undefined
}

/** The object itself, or what its `$ref` names. */
function resolve(value: Json | undefined): JsonObject {
  if (!isObject(value)) return {}
  const ref = value['$ref']
  if (typeof ref !== 'string') return value
  const target = ref
    .slice(2)
    .split('/')
    .reduce<Json | undefined>((node, key) => (isObject(node) ? node[key] : undefined), spec)
  if (!isObject(target)) throw new Error(`the cut-out lacks ${ref}`)
  return resolve(target)
}

/** The part of OpenAPI 3.0's schema language that the cut-out uses. */
export function check(given: JsonObject, value: Json, at: string): string[] {
  const schema = resolve(given)
  if (value === null && schema['nullable'] === true) return []
  return [
    ...checkType(schema, value, at),
    ...checkChoice(schema, value, at),
    ...(isObject(value) ? checkObject(schema, value, at) : []),
    ...(Array.isArray(value) ? value.flatMap((item, index) => checkItem(schema, item, `${at}[${index}]`)) : []),
    ...(typeof value === 'string' ? checkText(schema, value, at) : []),
  ]
}

function checkType(schema: JsonObject, value: Json, at: string): string[] {
  const type = schema['type']
  const actual = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  if (type === undefined || type === actual) return []
  if (type === 'integer' && typeof value === 'number' && Number.isSafeInteger(value)) return []
  return [`${at} is ${actual}, not ${String(type)}`]
}

function checkChoice(schema: JsonObject, value: Json, at: string): string[] {
  const members = (key: string): JsonObject[] => {
    const list = schema[key]
    return Array.isArray(list) ? list.filter(isObject) : []
  }
  const choices = [...members('oneOf'), ...members('anyOf')].map((choice) => check(choice, value, at))
  const fits = choices.length === 0 || choices.some((problems) => problems.length === 0)
  const best = [...choices].sort((one, other) => one.length - other.length)[0] ?? []
  const values = schema['enum']
  const listed = !Array.isArray(values) || values.includes(value)
  return [
    ...(fits ? [] : [`${at} fits no alternative`, ...best]),
    ...(listed ? [] : [`${at} is none of ${JSON.stringify(values)}`]),
    ...members('allOf').flatMap((part) => check(part, value, at)),
  ]
}

function checkObject(schema: JsonObject, value: JsonObject, at: string): string[] {
  const required = Array.isArray(schema['required']) ? schema['required'].map(String) : []
  const properties = resolve(schema['properties'])
  const others = schema['additionalProperties']
  const missing = required.filter((name) => !(name in value)).map((name) => `${at}.${name} is missing`)
  const wrong = Object.entries(value).flatMap(([name, member]) => {
    const property = properties[name]
    if (isObject(property)) return check(property, member, `${at}.${name}`)
    if (others === false) return [`${at}.${name} is not allowed`]
    return isObject(others) ? check(others, member, `${at}.${name}`) : []
  })
  return [...missing, ...wrong]
}

function checkItem(schema: JsonObject, item: Json, at: string): string[] {
  const items = schema['items']
  return isObject(items) ? check(items, item, at) : []
}

function checkText(schema: JsonObject, value: string, at: string): string[] {
  const { format } = schema
  if (format === 'date-time' && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(value))
    return [`${at} is no instant`]
  if (format === 'uri' && !URL.canParse(value)) return [`${at} is no address: ${value}`]
  return []
}
