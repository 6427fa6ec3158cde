import type { Statistics } from '../../oversight/audit.ts'
import type { Visit } from './visit.ts'

export const statsSdl = /* GraphQL */ `
  type Bucket {
    from: DateTime!
    decisions: [Count!]! @listSize(assumedSize: 10)
  }

  type Counted {
    name: String!
    entries: Int!
    blocked: Int!
  }

  "What happened since then, in numbers. An agent's are its own."
  type Stats {
    since: DateTime!
    "False where more lies in this time than is counted at once: then it is the newest part of it."
    complete: Boolean!
    "Entries of the whole log."
    entries: Int!
    "What waits to be written at this moment."
    queued: Int!
    "Approvals that wait for a person."
    pending: Int!
    sessions: Int!
    decisions: [Count!]! @listSize(assumedSize: 10)
    bucketSeconds: Float!
    overTime: [Bucket!]! @listSize(assumedSize: 60)
    blockedTools: [Counted!]! @listSize(assumedSize: 20)
    byAgent: [Counted!]! @listSize(assumedSize: 20)
    bySession: [Counted!]! @listSize(assumedSize: 20)
    "What reviewers said."
    resolved: Int!
    medianWaitSeconds: Float
  }

  extend type Query {
    stats(since: DateTime): Stats @cost(weight: 500)
  }
`

const counts = (kinds: Readonly<Record<string, number>>) =>
  Object.entries(kinds).map(([name, count]) => ({ name, count }))

export const statsResolvers = {
  Query: {
    stats: (_: unknown, { since }: { since?: number | null }, { desks, who }: Visit) =>
      desks.audit.stats(who, since ?? 0),
  },
  Stats: {
    sessions: ({ sessionCount }: Statistics) => sessionCount,
    decisions: ({ kinds }: Statistics) => counts(kinds),
    bucketSeconds: ({ bucketMs }: Statistics) => bucketMs / 1000,
    overTime: ({ buckets }: Statistics) => buckets.map(({ at, kinds }) => ({ from: at, decisions: counts(kinds) })),
    byAgent: ({ agents }: Statistics) => agents,
    bySession: ({ sessions }: Statistics) => sessions,
    resolved: ({ reviews }: Statistics) => reviews.resolved,
    medianWaitSeconds: ({ reviews: { medianWaitMs } }: Statistics) => medianWaitMs && medianWaitMs / 1000,
  },
}
