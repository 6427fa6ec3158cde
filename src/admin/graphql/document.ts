import { type DocumentNode, GraphQLError, type OperationDefinitionNode, parse } from 'graphql'
import { AegisError } from '../../core/errors.ts'
import { isObject, type Json, type JsonObject } from '../../core/json.ts'

/** What a client sends: `POST`, `application/json`, one operation. */
export interface GraphqlRequest {
  readonly query: string
  readonly variables: JsonObject
  readonly operationName: string | null
}

/** Longest document, in characters and in tokens: several times what tools send to read the whole schema. */
const MOST_CHARACTERS = 32_768
const MOST_TOKENS = 2_000

const MEMBERS = ['query', 'variables', 'operationName', 'extensions']

/** @throws AegisError `invalid_request`; `too_large` for a document longer than allowed */
export function requestOf(body: Json): GraphqlRequest {
  if (!isObject(body)) {
    // Batches too: each request is weighed by itself.
    throw new AegisError('invalid_request', 'the body must be a JSON object, such as {"query": "{ whoami { name } }"}')
  }
  const stranger = Object.keys(body).find((member) => !MEMBERS.includes(member))
  if (stranger !== undefined) throw wrong(stranger.slice(0, 64), 'is no member of a GraphQL request')
  const { query, variables = null, operationName = null, extensions = null } = body
  if (typeof query !== 'string') throw wrong('query', 'must be text')
  if (query.length > MOST_CHARACTERS) throw tooLong('characters', MOST_CHARACTERS)
  if (variables !== null && !isObject(variables)) throw wrong('variables', 'must be an object')
  if (operationName !== null && typeof operationName !== 'string') throw wrong('operationName', 'must be text')
  if (extensions !== null && !isObject(extensions)) throw wrong('extensions', 'must be an object')
  return { query, variables: variables ?? {}, operationName }
}

/** @throws GraphQLError for a document that is none; AegisError `too_large` for one with too many tokens */
export function parseDocument(query: string): DocumentNode {
  try {
    // The parser calls itself for what is nested: the tokens bound how deep.
    return parse(query, { maxTokens: MOST_TOKENS })
  } catch (error) {
    if (error instanceof GraphQLError && / tokens\. Parsing aborted/.test(error.message))
      throw tooLong('tokens', MOST_TOKENS)
    throw error
  }
}

/** The one operation that is asked for. @throws AegisError `invalid_request` where that is not clear */
export function operationOf({ definitions }: DocumentNode, name: string | null): OperationDefinitionNode {
  const operations = definitions.filter((one) => one.kind === 'OperationDefinition')
  const named = name === null ? operations : operations.filter((one) => one.name?.value === name)
  const [only, ...more] = named
  if (only !== undefined && more.length === 0) return only
  throw wrong('operationName', only === undefined ? 'names no operation of the document' : 'must say which operation')
}

function tooLong(limit: string, most: number): AegisError {
  return new AegisError('too_large', `the document has more than ${most} ${limit}`, {
    path: 'query',
    advice: 'ask in several requests',
    data: { limit },
  })
}

function wrong(path: string, what: string): AegisError {
  return new AegisError('invalid_request', `\`${path}\` ${what}`, { path })
}
