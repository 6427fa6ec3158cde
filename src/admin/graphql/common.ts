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

export const commonResolvers = {
  Query: {
    whoami: (_: unknown, __: unknown, { who: { id, name, role, owner } }: Visit) => ({
      principal: id,
      name,
      role,
      owner,
    }),
  },
}

export function time(at: number | null): string | null {
  return at === null ? null : rfc3339(at)
}
