import { AegisError } from '../../core/errors.ts'
import type { RoomMode, RoomPermission, RoomRole } from '../../core/facts.ts'
import { type Room, type RoomChange, repositoryText } from '../../rooms/index.ts'
import type { Visit } from './visit.ts'

export const roomSdl = /* GraphQL */ `
  enum RoomRole {
    DEVELOPER
    ADMIN
    OWNER
  }

  enum RoomMode {
    observe
    warn
    enforce
  }

  enum RoomPermission {
    allow
    hold
    deny
  }

  type Member {
    member: String!
    role: RoomRole!
  }

  type RoomPermissions {
    read: RoomPermission!
    write: RoomPermission!
  }

  "Whether a role may use a tool; what is not listed may be used."
  type RoomTool {
    role: RoomRole!
    tool: String!
    allowed: Boolean!
  }

  "The access scope of one repository."
  type Room {
    id: ID!
    repository: String!
    mode: RoomMode!
    "What holds where no rule matches; null leaves it to the policy."
    permission: RoomPermissions
    members: [Member!]! @listSize(assumedSize: 20)
    tools: [RoomTool!]! @listSize(assumedSize: 20)
    "Counts changes: say which one a change is meant for."
    version: Int!
  }

  input MemberInput {
    member: String!
    "Null removes the member."
    role: RoomRole
  }

  input PermissionInput {
    read: RoomPermission!
    write: RoomPermission!
  }

  input ToolInput {
    role: RoomRole!
    tool: String!
    "Null takes the tool out of the map."
    allowed: Boolean
  }

  "One change. To leave the permission to the policy: {clearPermission: true}."
  input RoomChangeInput @oneOf {
    mode: RoomMode
    permission: PermissionInput
    clearPermission: Boolean
    member: MemberInput
    tool: ToolInput
  }

  extend type Query {
    "By repository. For viewers."
    rooms: [Room!] @cost(weight: 10) @listSize(assumedSize: 100)
    "By id or owner/name. For viewers."
    room(id: ID!): Room
  }

  extend type Mutation {
    updateRoom(room: ID!, change: RoomChangeInput!, version: Int): Room
  }
`

interface ChangeInput {
  readonly mode?: RoomMode
  readonly permission?: { readonly read: RoomPermission; readonly write: RoomPermission }
  readonly clearPermission?: boolean
  readonly member?: { readonly member: string; readonly role?: RoomRole | null }
  readonly tool?: { readonly role: RoomRole; readonly tool: string; readonly allowed?: boolean | null }
}

/** The schema lets one of them through. */
function changeOf({ mode, permission, clearPermission, member, tool }: ChangeInput): RoomChange {
  if (mode !== undefined) return { kind: 'mode', mode }
  if (permission !== undefined) return { kind: 'permission', permission }
  if (clearPermission === true) return { kind: 'permission', permission: null }
  if (member !== undefined) return { kind: 'member', name: member.member, role: member.role ?? null }
  if (tool !== undefined) return { kind: 'tool', role: tool.role, tool: tool.tool, allowed: tool.allowed ?? null }
  throw new AegisError('invalid_request', 'no change is asked for', { path: 'change' })
}

export const roomResolvers = {
  Query: {
    rooms: (_: unknown, __: unknown, { desks, who }: Visit) => desks.rooms.list(who),
    room: (_: unknown, { id }: { id: string }, { desks, who }: Visit) => desks.rooms.find(who, id),
  },
  Mutation: {
    updateRoom: (
      _: unknown,
      { room, change, version }: { room: string; change: ChangeInput; version?: number | null },
      { desks, who }: Visit,
    ) => desks.rooms.change(who, room, changeOf(change), version ?? null),
  },
  Room: {
    repository: ({ repository }: Room) => repositoryText(repository),
    members: ({ members }: Room) => members.map(({ name, role }) => ({ member: name, role })),
    tools: ({ tools }: Room) =>
      Object.entries(tools).flatMap(([role, map]) =>
        Object.entries(map).map(([tool, allowed]) => ({ role, tool, allowed })),
      ),
  },
}
