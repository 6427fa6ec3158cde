import { AegisError } from '../../core/errors.ts'
import type { ShownVersion } from '../../oversight/policies.ts'
import { connection, type PageArguments, pageSize } from './connection.ts'
import type { Visit } from './visit.ts'

export const policySdl = /* GraphQL */ `
  "The policy in force."
  type Policy {
    name: String!
    sha256: ID!
  }

  "A file of a policy, by its base name."
  type PolicySource {
    file: String!
    text: String!
  }

  "Who had a policy put into force, as the key was then."
  type PolicyAuthor {
    principal: ID!
    name: String!
  }

  "A policy that was in force."
  type PolicyVersion {
    version: Int!
    inForce: Boolean!
    "Of its documents."
    names: [String!]!
    sha256: ID!
    "start, reload or rollback."
    cause: String!
    "The version whose sources these are; of a rollback only."
    of: Int
    by: PolicyAuthor
    at: DateTime!
    "Place of the log's leaf that says so."
    ledgerN: Int
    sources: [PolicySource!]! @listSize(assumedSize: 10)
  }

  type PolicyVersionEdge {
    cursor: String!
    node: PolicyVersion!
  }

  type PolicyVersionConnection {
    edges: [PolicyVersionEdge!]!
    pageInfo: PageInfo!
  }

  extend type Query {
    policies: [Policy!]
    "Newest first. For viewers."
    policyVersions(first: Int = 20, after: String): PolicyVersionConnection @cost(weight: 20)
  }

  extend type Mutation {
    "For administrators: an earlier version's texts become a new version. expected: the version that is believed to be in force."
    rollbackPolicy(version: Int!, expected: Int): PolicyVersion
  }
`

const CURSOR = /^version:([1-9]\d{0,14})$/

const cursorOf = ({ version }: ShownVersion) => Buffer.from(`version:${version.number}`).toString('base64url')

/** Whoever may read one version may read all: a cursor needs no seal. @throws AegisError `invalid_request` */
function placeOf(after: string): number {
  const number = CURSOR.exec(Buffer.from(after, 'base64url').toString('utf8'))?.[1]
  if (number !== undefined) return Number(number)
  throw new AegisError('invalid_request', '`after` is no cursor of this list', { path: 'after' })
}

async function policyVersions(_: unknown, at: PageArguments, { desks, who }: Visit) {
  const first = pageSize(at)
  const older = at.after == null ? [] : [placeOf(at.after)]
  const found = await desks.policies.history(who, first + 1, ...older)
  const edges = found.slice(0, first).map((node) => ({ cursor: cursorOf(node), node }))
  return connection(edges, found.length > first, at)
}

export const policyResolvers = {
  Query: {
    policies(_: unknown, __: unknown, { desks }: Visit) {
      const { name, digest } = desks.policy()
      return [{ name, sha256: digest }]
    },
    policyVersions,
  },
  Mutation: {
    rollbackPolicy: (
      _: unknown,
      { version, expected }: { version: number; expected?: number | null },
      { desks, who }: Visit,
    ) => desks.policies.rollback(who, version, expected ?? null),
  },
  PolicyVersion: {
    version: ({ version }: ShownVersion) => version.number,
    names: ({ version }: ShownVersion) => version.names,
    sha256: ({ version }: ShownVersion) => version.digest,
    cause: ({ version }: ShownVersion) => version.cause,
    of: ({ version }: ShownVersion) => version.of,
    by: ({ version }: ShownVersion) => version.by,
    at: ({ version }: ShownVersion) => version.at,
    ledgerN: ({ version }: ShownVersion) => version.leaf,
    sources: ({ version }: ShownVersion) => version.sources,
  },
}
