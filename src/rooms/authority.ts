import type { Role } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import { ROOM_ROLES, type RoomRole } from '../core/facts.ts'
import { type Room, repositoryText } from './room.ts'

/** What rooms look at of the key that wants to change one. */
export interface Keyholder {
  readonly role: Role
  readonly owner: string
}

/** What may be done to a room. `tools` and `keys` concern one role's map, one role's keys. */
export type RoomAct =
  | { readonly kind: 'create' | 'remove' | 'mode' | 'permission' | 'members' }
  | { readonly kind: 'tools' | 'keys'; readonly role: RoomRole }

/** The rank somebody changes a room with: `administrator` of Aegis, a member's role, or null for none. */
export type Standing = 'administrator' | RoomRole | null

/**
 * Only people change rooms: reviewers who are members of it, and administrators. The member entry counts that names the key's
 * own owner; whom it acts for does not, and an agent's key is nobody here.
 */
export function standingOf(key: Keyholder, room: Room): Standing {
  if (key.role === 'admin') return 'administrator'
  if (key.role !== 'reviewer' || key.owner === '') return null
  return room.members.find(({ name }) => name === key.owner)?.role ?? null
}

/** A mode that only watches and a permission to write set aside what the policy says: they are not a room's own to give. */
const OF_ADMINISTRATORS: ReadonlySet<RoomAct['kind']> = new Set(['create', 'remove', 'mode', 'permission'] as const)

/** Whether this rank may do it. Nobody sets the map of their own rank, but administrators. */
export function mayDo(standing: Standing, act: RoomAct): boolean {
  switch (standing) {
    case 'administrator':
      return true
    case 'OWNER':
      if (OF_ADMINISTRATORS.has(act.kind)) return false
      return act.kind !== 'tools' || below(act.role, 'OWNER')
    case 'ADMIN':
      return (act.kind === 'tools' || act.kind === 'keys') && below(act.role, 'ADMIN')
    case 'DEVELOPER':
    case null:
      return false
    default:
      return standing satisfies never
  }
}

/** @throws AegisError `forbidden`, saying who may */
export function demandAuthority(key: Keyholder, room: Room, act: RoomAct): void {
  const standing = standingOf(key, room)
  if (mayDo(standing, act)) return
  const who = ([...ROOM_ROLES] as RoomRole[]).filter((role) => mayDo(role, act))
  const people = [...who.map((role) => `an ${role} of the room with a reviewer key`), 'an administrator']
  const you = standing === null ? `your key has role ${key.role} and no say in it` : `you are ${standing}`
  throw new AegisError('forbidden', `in the room of ${repositoryText(room.repository)} ${you}`, {
    advice: `this is for ${people.join(', or ')}`,
  })
}

function below(role: RoomRole, other: RoomRole): boolean {
  return ROOM_ROLES.indexOf(role) < ROOM_ROLES.indexOf(other)
}
