import { AegisError } from '../core/errors.ts'
import { ROOM_PERMISSIONS, type RoomFact, type RoomMode, type RoomRole } from '../core/facts.ts'
import { demandAuthority, type Keyholder, standingOf } from './authority.ts'
import { type Member, parseMember, type Room } from './room.ts'
import { toolKey } from './tool-keys.ts'

/** One change of a room, as somebody asks for it. */
export type RoomChange =
  | { readonly kind: 'mode'; readonly mode: RoomMode }
  | { readonly kind: 'permission'; readonly permission: RoomFact['permission'] }
  /** `role` null removes the member. */
  | { readonly kind: 'member'; readonly name: string; readonly role: RoomRole | null }
  /** `allowed` null takes the tool out of the map: then only the policy speaks. */
  | { readonly kind: 'tool'; readonly role: RoomRole; readonly tool: string; readonly allowed: boolean | null }

const MOST_MEMBERS = 500

/**
 * The room after a change by this key. Version and time are the registry's.
 * @throws AegisError `forbidden` where the key may not, `invalid_request` for names that mean nothing
 */
export function changed(room: Room, change: RoomChange, by: Keyholder): Room {
  switch (change.kind) {
    case 'mode':
      demandAuthority(by, room, { kind: 'mode' })
      return { ...room, mode: change.mode }
    case 'permission':
      demandAuthority(by, room, { kind: 'permission' })
      return { ...room, permission: readable(change.permission) }
    case 'member':
      demandAuthority(by, room, { kind: 'members' })
      return { ...room, members: membersWith(room, change, by) }
    case 'tool':
      demandAuthority(by, room, { kind: 'tools', role: change.role })
      return {
        ...room,
        tools: { ...room.tools, [change.role]: toolsWith(room.tools[change.role], change.tool, change.allowed) },
      }
    default:
      return change satisfies never
  }
}

/** Whoever may write can find out what is there. */
function readable(permission: RoomFact['permission']): RoomFact['permission'] {
  if (permission === null) return null
  const { read, write } = permission
  if (ROOM_PERMISSIONS.indexOf(write) >= ROOM_PERMISSIONS.indexOf(read)) return permission
  throw new AegisError('invalid_request', 'what may be written may be read as well', {
    path: 'permission',
    advice: 'let `read` be as free as `write`',
  })
}

function membersWith(room: Room, { name, role }: { name: string; role: RoomRole | null }, by: Keyholder): Member[] {
  const who = parseMember(name)
  const others = room.members.filter((member) => member.name !== who)
  if (role === null && others.length === room.members.length) {
    throw new AegisError('not_found', `${JSON.stringify(who)} is no member of the room`, { path: 'member' })
  }
  // An owner who slips would leave a room that none of its members can mend.
  const ownerless = !others.some((member) => member.role === 'OWNER') && role !== 'OWNER'
  if (ownerless && room.members.some((member) => member.role === 'OWNER') && standingOf(by, room) !== 'administrator') {
    throw new AegisError('conflict', 'the last OWNER of a room stays in it', {
      advice: 'make somebody else OWNER first, or ask an administrator',
    })
  }
  const members = role === null ? others : [...others, { name: who, role }]
  if (members.length > MOST_MEMBERS) {
    throw new AegisError('invalid_request', `a room has at most ${MOST_MEMBERS} members`, { path: 'member' })
  }
  return members.sort((one, two) => (one.name < two.name ? -1 : 1))
}

function toolsWith(tools: Room['tools'][RoomRole], tool: string, allowed: boolean | null): Record<string, boolean> {
  const key = toolKey(tool)
  const others = Object.entries(tools).filter(([name]) => name !== key)
  const all: [string, boolean][] = allowed === null ? others : [...others, [key, allowed]]
  return Object.fromEntries(all.sort(([one], [two]) => (one < two ? -1 : 1)))
}
