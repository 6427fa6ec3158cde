import type { SessionSummary, StoredCheckpoint } from '../../ledger/store.ts'
import { reportJson, type VerifyReport } from '../../ledger/verify/report.ts'
import { trustName } from '../../ledger/verify/trust.ts'
import { connection, type PageArguments, pageSize } from './connection.ts'
import type { Visit } from './visit.ts'

export const evidenceSdl = /* GraphQL */ `
  type Count {
    name: String!
    count: Int!
  }

  type Session {
    id: ID!
    label: String!
    principal: ID!
    entryCount: Int!
    startedAt: DateTime!
    lastAt: DateTime!
    status: String!
    counts: [Count!]! @listSize(assumedSize: 10)
  }

  "What verification of a session's chain, proofs and signatures found."
  type Evidence {
    session: ID!
    valid: Boolean!
    "Why nobody can tell, where that is so."
    undecided: String
    totalEntries: Int!
    manifestHash: ID
    brokenLink: String
    "signed, witnessed and the like."
    trust: String!
    "The report as the commands and REST give it."
    report: JSON!
  }

  type Checkpoint {
    origin: String!
    size: Int!
    "A signed note (C2SP)."
    note: String!
  }

  type SessionEdge {
    cursor: String!
    node: Session!
  }

  type SessionConnection {
    edges: [SessionEdge!]!
    pageInfo: PageInfo!
  }

  extend type Query {
    "Most recently written first. Agents see their own."
    sessions(first: Int = 20, after: String): SessionConnection @cost(weight: 50)
    "By its id, or by its label where that is unambiguous."
    session(id: ID!): Session @cost(weight: 10)
    "Checks a session now: its id or its label. Agents check their own."
    evidence(session: ID!): Evidence @cost(weight: 3000)
    "For everybody with a key: whoever holds an old one can prove that the log only grew."
    checkpoint: Checkpoint @cost(weight: 100)
  }
`

export const evidenceResolvers = {
  Query: {
    async sessions(_: unknown, at: PageArguments, { desks, who }: Visit) {
      const asked = { first: pageSize(at), after: at.after ?? null }
      const { sessions, more, cursorOf } = await desks.evidence.sessionPage(who, asked)
      const edges = sessions.map((node) => ({ cursor: cursorOf(node), node }))
      return connection(edges, more, at)
    },
    session: (_: unknown, { id }: { id: string }, { desks, who }: Visit) => desks.evidence.summary(who, id),
    evidence: (_: unknown, { session }: { session: string }, { desks, who }: Visit) =>
      desks.evidence.verify(who, session),
    checkpoint: async (_: unknown, __: unknown, { desks }: Visit) => ({
      ...(await desks.evidence.checkpoint()),
      origin: desks.evidence.origin,
    }),
  },
  Evidence: {
    brokenLink: ({ brokenLink }: VerifyReport) => brokenLink,
    trust: ({ trust }: VerifyReport) => trustName(trust),
    report: reportJson,
  },
  Checkpoint: { size: ({ size }: StoredCheckpoint) => size },
  Session: {
    id: ({ session }: SessionSummary) => session,
    entryCount: ({ entries }: SessionSummary) => entries,
    startedAt: ({ first }: SessionSummary) => first,
    lastAt: ({ last }: SessionSummary) => last,
    counts: ({ counts }: SessionSummary) => Object.entries(counts).map(([name, count]) => ({ name, count })),
  },
}
