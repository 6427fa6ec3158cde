import type { Act } from '../core/envelope.ts'
import type { Fact, RoomFact, RoomRole } from '../core/facts.ts'
import { higherRole, type Room, repositoryKey, repositoryText } from './room.ts'

/** What rooms look at of the key that calls. */
export interface RoomCaller {
  readonly owner: string
  readonly sponsor: string
  /** Set for a room's key: it reaches this room's repository alone, in this role. */
  readonly room: { readonly id: string; readonly role: RoomRole } | null
}

/** The rooms as they are now, found in the two ways a call needs. */
export interface RoomIndex {
  readonly size: number
  byId(id: string): Room | undefined
  byRepository(key: string): Room | undefined
}

const NO_ROOM: Fact<null> = { known: true, value: null }

/** The room that a call concerns, as its caller meets it; undefined where there is no room at all and none is asked for. */
export function roomFact(
  index: RoomIndex,
  acts: readonly Act[],
  caller: RoomCaller,
): Fact<RoomFact | null> | undefined {
  if (caller.room !== null) return { known: true, value: ownRoom(index, caller.room) }
  if (index.size === 0) return undefined
  let found: Room | undefined
  for (const { resource } of acts) {
    if (resource.repository === null) continue
    const room = index.byRepository(repositoryKey(resource.repository))
    if (room === undefined || room === found) continue
    if (found !== undefined) return severalRooms(found, room)
    found = room
  }
  return found === undefined ? NO_ROOM : { known: true, value: seenBy(found, roleOf(found, caller), false) }
}

/** One room's word must not stand for another's. */
function severalRooms(one: Room, two: Room): Fact<never> {
  const names = `${repositoryText(one.repository)} and ${repositoryText(two.repository)}`
  return { known: false, reason: `it touches the rooms of ${names} at once: do one at a time` }
}

export function ownRoom(index: RoomIndex, { id, role }: { id: string; role: RoomRole }): RoomFact {
  const room = index.byId(id)
  return room === undefined ? nowhere(id, role) : seenBy(room, role, true)
}

/** A key outlived its room: it reaches nothing. No repository has such a name. */
function nowhere(id: string, role: RoomRole): RoomFact {
  const repository = { owner: 'a room that is gone', name: id }
  return { id, repository, role, confined: true, tools: {}, permission: null, mode: 'enforce' }
}

function seenBy({ id, repository, tools, permission, mode }: Room, role: RoomRole, confined: boolean): RoomFact {
  return { id, repository, role, confined, tools: tools[role], permission, mode }
}

/** The highest rank that the room gives the key's owner or the person it acts for; who is no member ranks lowest. */
function roleOf({ members }: Room, { owner, sponsor }: RoomCaller): RoomRole {
  let role: RoomRole = 'DEVELOPER'
  for (const member of members) {
    if (member.name === owner || member.name === sponsor) role = higherRole(role, member.role)
  }
  return role
}
