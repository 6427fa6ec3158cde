import type { Approval, ApprovalStatus } from '../../core/approval.ts'
import { sessionLabel } from '../../core/ids.ts'
import { connection, type PageArguments, pageSize } from './connection.ts'
import type { Visit } from './visit.ts'

export const approvalSdl = /* GraphQL */ `
  enum ApprovalStatus {
    pending
    approved
    denied
    expired
    redeemed
    all
  }

  type Finding {
    name: String!
    verdict: String!
    reason: String
  }

  "What runs in place of what was asked: its files are among the parameters."
  type PullRequestPlan {
    title: String!
    body: String!
    head: String!
    base: String!
  }

  "A reviewer who spoke."
  type Reviewer {
    "The authenticated key or person."
    principal: ID!
    name: String!
    "A name given with the request: shown, never trusted."
    claimed: String
    "rest, cli, dashboard, graphql or slack."
    channel: String!
    "What separates the reviewer from the agent: none, uid or host."
    separation: String!
  }

  type Vote {
    reviewer: Reviewer!
    comment: String!
    at: DateTime!
    "In whose place, where the reviewer spoke for another."
    onBehalfOf: Stand
  }

  "Who let another speak for a time."
  type Stand {
    principal: ID!
    name: String!
    owner: String!
  }

  "What the policy asks of those who approve."
  type ReviewTerms {
    "Distinct people needed."
    reviewers: Int!
    "Somebody else than the person the agent acts for."
    independent: Boolean!
    "Good in the session it was asked in alone."
    sameSession: Boolean!
    "Whose yes counts, where not everybody's does: one must stand in each list."
    from: [[String!]!] @listSize(assumedSize: 10)
    role: Role
    "For how long a reviewer may let this very action run again and again, where they may."
    repeatSeconds: Int
    "Who put the policy into force may not approve."
    notAuthor: Boolean!
  }

  "A review that a person settles. It covers one action, once."
  type Approval {
    "The envelope that asked; also what names the approval."
    id: ID!
    status: ApprovalStatus!
    agent: String!
    session: ID!
    sessionLabel: String!
    principal: ID!
    protocol: String!
    tool: String!
    capability: String!
    target: String!
    "Null once it was redeemed, denied or expired."
    parameters: JSON @cost(weight: 5)
    rewrittenTo: PullRequestPlan
    "The commit it is approved of."
    headSha: String
    "The branch it is approved to be merged into."
    base: String
    blastRadius: String!
    blastScore: Int
    blastReasons: [String!]!
    findings: [Finding!]! @listSize(assumedSize: 10)
    matchedRule: String!
    policy: String!
    "The agent's own words."
    justification: String
    queuedAt: DateTime!
    expiresAt: DateTime!
    reviewersNeeded: Int!
    terms: ReviewTerms!
    votes: [Vote!]! @listSize(assumedSize: 3)
    "Who settled it, once somebody has."
    resolution: Vote
  }

  type ApprovalEdge {
    cursor: String!
    node: Approval!
  }

  type ApprovalConnection {
    edges: [ApprovalEdge!]!
    pageInfo: PageInfo!
  }

  "The reviewer's word, recorded."
  type Resolution {
    "Pending still where more reviewers are needed."
    approval: Approval!
    "Of the entry that records it."
    evidenceHash: ID!
  }

  extend type Query {
    "Pending ones oldest first, others newest first. Agents see their own."
    approvals(status: ApprovalStatus! = pending, first: Int = 20, after: String): ApprovalConnection @cost(weight: 10)
    approval(id: ID!): Approval
  }

  extend type Mutation {
    "repeat: let it run again and again, where the rule allows that."
    approve(id: ID!, comment: String = "", reviewer: String, repeat: Boolean = false): Resolution
    deny(id: ID!, comment: String = "", reviewer: String): Resolution
  }
`

interface Word {
  readonly id: string
  readonly comment?: string | null
  readonly reviewer?: string | null
  readonly repeat?: boolean | null
}

const settle =
  (verb: 'approve' | 'deny') =>
  async (_: unknown, { id, comment, reviewer, repeat }: Word, { desks, who, via }: Visit) => {
    const word = { id, verb, by: who, claimed: reviewer ?? null, comment: comment ?? '', repeat: repeat ?? false, via }
    const { approval, entry } = await desks.resolver.resolve(word)
    return { approval, evidenceHash: entry.hash }
  }

export const approvalResolvers = {
  Query: {
    async approvals(_: unknown, { status, ...at }: PageArguments & { status: ApprovalStatus | 'all' }, visit: Visit) {
      const order = status === 'pending' ? 'oldest' : 'newest'
      const asked = { first: pageSize(at), after: at.after ?? null }
      const { approvals, more, cursorOf } = await visit.desks.approvals.page(visit.who, { status, order }, asked)
      const edges = approvals.map((node) => ({ cursor: cursorOf(node), node }))
      return connection(edges, more, at)
    },
    approval: (_: unknown, { id }: { id: string }, { desks, who }: Visit) => desks.approvals.get(who, id),
  },
  Mutation: { approve: settle('approve'), deny: settle('deny') },
  Approval: {
    sessionLabel: ({ session }: Approval) => sessionLabel(session),
    rewrittenTo: ({ plan }: Approval) => plan && { ...plan, head: plan.branch },
    headSha: ({ head }: Approval) => head,
    base: ({ onto }: Approval) => onto,
    blastRadius: ({ blast }: Approval) => blast,
    blastScore: ({ risk }: Approval) => risk?.score,
    blastReasons: ({ risk }: Approval) => risk?.reasons ?? [],
    terms: ({ terms: { repeat, notAuthor, ...terms } }: Approval) => ({
      ...terms,
      repeatSeconds: repeat,
      notAuthor: notAuthor ?? false,
    }),
    reviewersNeeded: ({ terms, votes }: Approval) => Math.max(0, terms.reviewers - votes.length),
  },
}
