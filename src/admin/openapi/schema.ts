import type { JsonObject } from '../../core/json.ts'

/** JSON Schema 2020-12, which is that of OpenAPI 3.1. */
export type Schema = JsonObject

/** Members that may be missing are named with a question mark at the end. */
export function object(members: Readonly<Record<string, Schema>>, more: JsonObject = {}): Schema {
  const names = Object.keys(members)
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(members).map(([name, schema]) => [name.replace(/\?$/, ''), schema])),
    required: names.filter((name) => !name.endsWith('?')),
    ...more,
  }
}

/** A body: what is not named is refused. */
export function strict(members: Readonly<Record<string, Schema>>, more: JsonObject = {}): Schema {
  return object(members, { additionalProperties: false, ...more })
}

export function text(description?: string, more: JsonObject = {}): Schema {
  return { type: 'string', ...(description === undefined ? {} : { description }), ...more }
}

export function oneOf(...words: readonly string[]): Schema {
  return { type: 'string', enum: words }
}

export function list(items: Schema, more: JsonObject = {}): Schema {
  return { type: 'array', items, ...more }
}

/** Values by name. */
export function byName(values: Schema): Schema {
  return { type: 'object', additionalProperties: values }
}

export function nullable(schema: Schema): Schema {
  return typeof schema['type'] === 'string' && schema['enum'] === undefined
    ? { ...schema, type: [schema['type'], 'null'] }
    : { anyOf: [schema, { type: 'null' }] }
}

/** A schema with a name of its own (`components.ts`). */
export function named(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` }
}

export const whole: Schema = { type: 'integer', minimum: 0 }
export const flag: Schema = { type: 'boolean' }
export const time: Schema = { type: 'string', format: 'date-time' }
export const hash: Schema = { type: 'string', pattern: '^[0-9a-f]{64}$' }
export const uuid: Schema = { type: 'string', format: 'uuid' }
/** Any object: what an agent sent, or an upstream answered. */
export const anyObject: Schema = { type: 'object' }
export const anything: Schema = {}
