import { isObject, type Json, type JsonObject } from '../../core/json.ts'
import type { SessionSummary, StoredEntry } from '../../ledger/store.ts'
import type { SearchFilter } from '../../oversight/audit.ts'
import { connection, type PageArguments, pageSize } from './connection.ts'
import type { Visit } from './visit.ts'

export const entrySdl = /* GraphQL */ `
  type BlastRadius {
    level: String!
    score: Int!
  }

  "A token that was lent for one action: never the token itself."
  type Credential {
    type: String!
    scope: String!
    tokenSha256: ID!
    issued: DateTime!
    expires: DateTime!
    revoked: DateTime
  }

  type Outcome {
    status: String!
    label: String
    credential: Credential
  }

  "An entry of the ledger."
  type Entry {
    "Place in the log."
    n: Int!
    "Of the canonical body, 64 hex digits."
    hash: ID!
    "Hash of the entry before it in its session."
    prev: ID
    eid: ID
    session: ID
    seq: Int
    kind: String!
    envelope: ID
    "The envelope this one comes back to."
    ref: ID
    at: DateTime
    agent: String
    principal: ID
    protocol: String
    tool: String
    capability: String
    policy: String
    policySha256: ID
    rule: String
    effect: String
    findings: [Finding!]! @listSize(assumedSize: 10)
    blastRadius: BlastRadius
    reviewer: Reviewer
    outcome: Outcome
    "As recorded, whole."
    body: JSON! @cost(weight: 5)
  }

  type EntryEdge {
    cursor: String!
    node: Entry!
  }

  type EntryConnection {
    edges: [EntryEdge!]!
    pageInfo: PageInfo!
    "Entries from this place in the log on are too new to be found yet."
    knownUpTo: Int!
  }

  input EntryFilter {
    "Any of these: allow, block, review, rewrite, approve, deny, expire, result, orphan."
    kinds: [String!]
    "Canonical, or all that begin so where it ends in *."
    tool: String
    agent: String
    principal: ID
    "Id or label."
    session: ID
    room: ID
    policy: String
    "The principal of the person who decided."
    reviewer: ID
    "What the action was about, in full."
    target: String
    envelope: ID
    since: DateTime
    until: DateTime
  }

  extend type Query {
    "Newest first. Agents find their own."
    entries(filter: EntryFilter, first: Int = 20, after: String): EntryConnection @cost(weight: 50)
  }

  extend type Session {
    "Newest first."
    entries(first: Int = 20, after: String): EntryConnection! @cost(weight: 50)
  }
`

type FilterInput = { readonly [Member in keyof SearchFilter]: SearchFilter[Member] | null }

async function page(filter: FilterInput, at: PageArguments, { desks, who }: Visit) {
  const given = Object.entries(filter).filter(([, value]) => value !== null)
  const first = pageSize(at)
  const found = await desks.audit.page(who, Object.fromEntries(given), { first, after: at.after ?? null })
  const edges = found.entries.map((node) => ({ cursor: found.cursorOf(node), node }))
  return { ...connection(edges, found.next !== null, at), knownUpTo: found.known.upTo }
}

/** Bodies read once for all their fields; gone with the entries themselves. */
const read = new WeakMap<StoredEntry, JsonObject>()

function bodyOf(entry: StoredEntry): JsonObject {
  const known = read.get(entry)
  if (known !== undefined) return known
  const body = parsed(entry.body)
  read.set(entry, body)
  return body
}

/** What is not JSON has been damaged: verification says so, a list goes on. */
function parsed(bytes: Uint8Array): JsonObject {
  try {
    const value: Json = JSON.parse(Buffer.from(bytes).toString('utf8'))
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

const member = (object: Json | undefined, name: string): Json | undefined => {
  return isObject(object) ? object[name] : undefined
}
const at =
  (...path: readonly string[]) =>
  (entry: StoredEntry): Json | undefined =>
    path.reduce<Json | undefined>(member, bodyOf(entry))

export const entryResolvers = {
  Query: {
    entries: (_: unknown, { filter, ...at }: PageArguments & { filter?: FilterInput | null }, visit: Visit) =>
      page(filter ?? {}, at, visit),
  },
  Session: {
    entries: ({ session }: SessionSummary, at: PageArguments, visit: Visit) => page({ session }, at, visit),
  },
  Entry: {
    envelope: ({ env }: StoredEntry) => env,
    at: ({ ts }: StoredEntry) => ts,
    ref: at('ref'),
    agent: at('actor', 'agent'),
    principal: at('actor', 'subject'),
    protocol: at('action', 'protocol'),
    tool: at('action', 'tool'),
    capability: at('action', 'capability'),
    policy: at('decision', 'policy'),
    policySha256: at('decision', 'policy_sha256'),
    rule: at('decision', 'rule'),
    effect: at('effect'),
    findings: (entry: StoredEntry) => at('findings')(entry) ?? [],
    blastRadius: at('blast'),
    reviewer: at('reviewer'),
    outcome: at('outcome'),
    body: bodyOf,
  },
  Credential: { tokenSha256: (credential: JsonObject) => credential['token_sha256'] },
}
