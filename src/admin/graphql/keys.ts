import type { Role } from '../../core/envelope.ts'
import type { MadeKey, ShownKey } from '../../oversight/keys.ts'
import type { Visit } from './visit.ts'

export const keySdl = /* GraphQL */ `
  enum KeyState {
    active
    expired
    revoked
  }

  "A key as lists show it: never its secret."
  type Key {
    id: ID!
    name: String!
    role: Role!
    prefix: String!
    owner: String!
    sponsor: String!
    state: KeyState!
    createdAt: DateTime!
    expiresAt: DateTime
    lastUsedAt: DateTime
    revokedAt: DateTime
    "owner/name of the repository it is confined to, where it is."
    repository: String
  }

  type MadeKey {
    key: Key!
    "Shown in this answer and nowhere else."
    secret: String!
  }

  input KeyInput {
    name: String!
    role: Role!
    owner: String
    sponsor: String
    "90d, a date, an RFC 3339 time, or never."
    expires: String
    "The owner is one self with who has it already."
    shareOwner: Boolean
  }

  extend type Mutation {
    "For administrators."
    createKey(key: KeyInput!): MadeKey
    "For administrators."
    revokeKey(id: ID!): Key
  }
`

interface KeyInput {
  readonly name: string
  readonly role: Role
  readonly owner?: string | null
  readonly sponsor?: string | null
  readonly expires?: string | null
  readonly shareOwner?: boolean | null
}

export const keyResolvers = {
  Mutation: {
    async createKey(_: unknown, { key }: { key: KeyInput }, { desks, who }: Visit) {
      const { name, role, owner, sponsor, expires, shareOwner } = key
      const made = await desks.keys.create(who, {
        ...{ name, role, owner: owner ?? undefined, sponsor: sponsor ?? undefined },
        ...{ expires: expires ?? undefined, shareOwner: shareOwner ?? undefined },
      })
      return { key: made, secret: made.secret }
    },
    revokeKey: (_: unknown, { id }: { id: string }, { desks, who }: Visit) => desks.keys.revoke(who, id),
  },
  Key: {
    id: ({ record }: ShownKey) => record.id,
    name: ({ record }: ShownKey) => record.name,
    role: ({ record }: ShownKey) => record.role,
    prefix: ({ record }: ShownKey) => record.prefix,
    owner: ({ record }: ShownKey) => record.owner,
    sponsor: ({ record }: ShownKey) => record.sponsor,
    createdAt: ({ record }: ShownKey) => record.createdAt,
    expiresAt: ({ record }: ShownKey) => record.expiresAt,
    lastUsedAt: ({ record }: ShownKey) => record.lastUsedAt,
    revokedAt: ({ record }: ShownKey) => record.revokedAt,
  },
} satisfies { readonly Key: { readonly [field: string]: (key: MadeKey) => unknown }; readonly Mutation: object }
