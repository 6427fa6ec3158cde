import fc from 'fast-check'
import { isObject, type Json, type JsonObject } from '../../src/core/json.ts'

/** Values that a JSON Schema allows, as far as our schemas go. `examples` stand for what a schema cannot say. */
export function fromSchema(schema: JsonObject): fc.Arbitrary<Json> {
  const { examples, enum: words, type, anyOf, oneOf } = schema
  if (Array.isArray(examples)) return fc.constantFrom(...examples)
  if (Array.isArray(words)) return fc.constantFrom(...words)
  const choices = Array.isArray(anyOf) ? anyOf : oneOf
  if (Array.isArray(choices)) return fc.oneof(...choices.filter(isObject).map(fromSchema))
  if (Array.isArray(type)) return fc.oneof(...type.map((one) => fromSchema({ ...schema, type: one as Json })))
  switch (type) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'integer':
    case 'number':
      return integers(schema)
    case 'string':
      return strings(schema)
    case 'array':
      return arrays(schema)
    default:
      return objects(schema)
  }
}

const numberIn = (schema: JsonObject, word: string, fallback: number): number => {
  const value = schema[word]
  return typeof value === 'number' ? value : fallback
}

function integers(schema: JsonObject): fc.Arbitrary<number> {
  const step = numberIn(schema, 'multipleOf', 1)
  const [min, max] = [numberIn(schema, 'minimum', 0), numberIn(schema, 'maximum', 1_000_000)]
  return fc.integer({ min: Math.ceil(min / step), max: Math.floor(max / step) }).map((value) => value * step)
}

function strings(schema: JsonObject): fc.Arbitrary<string> {
  const { pattern, format } = schema
  if (typeof pattern === 'string') return fc.stringMatching(new RegExp(pattern))
  if (format === 'uuid') return fc.uuid()
  return fc.string({
    minLength: numberIn(schema, 'minLength', 0),
    maxLength: Math.min(64, numberIn(schema, 'maxLength', 64)),
  })
}

function arrays(schema: JsonObject): fc.Arbitrary<Json[]> {
  const items = isObject(schema['items']) ? schema['items'] : {}
  return fc.array(fromSchema(items), { minLength: numberIn(schema, 'minItems', 0), maxLength: 4 })
}

function objects({ properties, required = [] }: JsonObject): fc.Arbitrary<JsonObject> {
  const members = isObject(properties) ? Object.entries(properties) : []
  const needed = Array.isArray(required) ? required.filter((name) => typeof name === 'string') : []
  return fc.record(Object.fromEntries(members.map(([name, one]) => [name, fromSchema(isObject(one) ? one : {})])), {
    requiredKeys: needed,
    noNullPrototype: true,
  }) as fc.Arbitrary<JsonObject>
}

/** Every body that is one step away from a right one: a member too many, one too few, one of another type. */
export function spoilt(schema: JsonObject, body: JsonObject): readonly (readonly [what: string, body: JsonObject])[] {
  const { required = [], additionalProperties, properties } = schema
  const members = isObject(properties) ? properties : {}
  const needed = Array.isArray(required) ? required.map(String) : []
  return [
    ...(additionalProperties === false ? [['a member too many', { ...body, no_such_member: 1 }] as const] : []),
    ...needed.map((name) => {
      const { [name]: _, ...rest } = body
      return [`without ${name}`, rest] as const
    }),
    ...Object.keys(body).map(
      (name) => [`${name} of another type`, { ...body, [name]: foreign(members[name]) }] as const,
    ),
  ]
}

/** What no text, list, flag or whole number is; where an object is asked for, what that is not. */
function foreign(schema: Json | undefined): Json {
  const type = isObject(schema) ? schema['type'] : undefined
  const types = Array.isArray(type) ? type : [type]
  return types.includes('object') ? [1.5] : { no: [1.5] }
}
