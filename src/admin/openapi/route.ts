import type { Role } from '../../core/envelope.ts'
import type { JsonObject } from '../../core/json.ts'
import type { Schema } from './schema.ts'

export interface Parameter {
  readonly name: string
  readonly in: 'query' | 'path' | 'header'
  readonly description: string
  readonly schema: Schema
}

/** What a route takes and gives, declared once: the document is made of these, and tests hold the routes to them. */
export interface Route {
  readonly method: 'get' | 'post' | 'delete'
  /** As OpenAPI writes it: `/admin/v1/rooms/{room}`. */
  readonly path: string
  /** Unique; clients are generated with functions of this name. */
  readonly id: string
  readonly summary: string
  /** The least role; `anybody`: no key is asked for, the route knows its callers in a way of its own. */
  readonly role: Role | 'anybody'
  readonly parameters?: readonly Parameter[]
  readonly body?: Schema
  /** By status: what is answered where all is well. */
  readonly answers: Readonly<Record<number, Answer>>
  /** Statuses of refusals besides those that every route of its kind has. */
  readonly errors?: readonly number[]
}

export type Answer = Schema | { readonly type: string; readonly description: string }

/** Routes of one noun. */
export interface RouteGroup {
  readonly tag: string
  readonly description: string
  readonly routes: readonly Route[]
}

export function query(name: string, description: string, schema: Schema = { type: 'string' }): Parameter {
  return { name, in: 'query', description, schema }
}

/** Optional parameters that are plain text. */
export function texts(place: 'query' | 'header', all: Readonly<Record<string, string>>): readonly Parameter[] {
  return Object.entries(all).map(([name, description]) => ({
    name,
    in: place,
    description,
    schema: { type: 'string' },
  }))
}

export function limitQuery(fallback: number, most: number, name = 'limit'): Parameter {
  return query(name, 'How many at most.', { type: 'integer', minimum: 1, maximum: most, default: fallback })
}

export function file(type: string, description: string): Answer {
  return { type, description }
}

export function isFile(answer: Answer): answer is { readonly type: string; readonly description: string } {
  return typeof answer['type'] === 'string' && answer['type'].includes('/')
}

/** What stands in braces in a path. */
const PATH_PARAMETERS: Readonly<Record<string, string>> = {
  id: 'As lists show it.',
  room: 'Its id, or owner/name with the slash encoded.',
  session: 'Its full id, slash included, or its label where that is unambiguous.',
  key: 'The id of a key.',
  version: 'A number of the history.',
}

/** Parameters of a route, those of its path among them. */
export function parametersOf({ path, parameters = [] }: Route): readonly JsonObject[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => {
    const description = PATH_PARAMETERS[name] ?? name
    return { name, in: 'path', required: true, description, schema: { type: 'string' } }
  })
  return [...inPath, ...parameters.map((one) => ({ ...one }))]
}
