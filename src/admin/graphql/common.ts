import { GraphQLError, GraphQLScalarType, Kind } from 'graphql'
import { rfc3339 } from '../../core/runtime.ts'
import type { Visit } from './visit.ts'

export const commonSdl = /* GraphQL */ `
  "How much reading one value counts for among the cost of a request."
  directive @cost(weight: Int!) on FIELD_DEFINITION
  "How many items a list without pages is taken to have when the cost of a request is counted."
  directive @listSize(assumedSize: Int!) on FIELD_DEFINITION

  "RFC 3339 with milliseconds, UTC: 2026-04-06T14:22:00.000Z."
  scalar DateTime
  "Any JSON value. What an agent wrote is in it as it wrote it."
  scalar JSON

  type PageInfo {
    hasNextPage: Boolean!
    hasPreviousPage: Boolean!
    startCursor: String
    endCursor: String
  }

  enum Role {
    agent
    viewer
    reviewer
    admin
  }

  "Who calls, as the server knows it."
  type Caller {
    principal: ID!
    name: String!
    role: Role!
    owner: String!
  }

  type Query {
    whoami: Caller!
  }

  type Mutation

  type Subscription
`

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i

/** Milliseconds since the epoch inside, text outside. */
const dateTime = new GraphQLScalarType<number, string>({
  name: 'DateTime',
  serialize: (value) => (typeof value === 'number' ? rfc3339(value) : String(value)),
  parseValue: instantOf,
  parseLiteral: (node) => instantOf(node.kind === Kind.STRING ? node.value : null),
})

function instantOf(value: unknown): number {
  const at = typeof value === 'string' && TIME.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isSafeInteger(at)) return at
  throw new GraphQLError('a time is written as RFC 3339, such as 2026-04-06T14:22:00Z')
}

export const commonResolvers = {
  DateTime: dateTime,
  Query: {
    whoami: (_: unknown, __: unknown, { who: { id, name, role, owner } }: Visit) => ({
      principal: id,
      name,
      role,
      owner,
    }),
  },
}
