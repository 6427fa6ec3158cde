import type { Room } from '../../rooms/room.ts'
import { repositoryKey } from '../../rooms/room.ts'

/** What changes with a room's version, as one text. */
type RoomRecord = Pick<Room, 'repository' | 'members' | 'tools' | 'permission' | 'mode'>

interface RoomRow {
  readonly id: string
  readonly repositoryKey: string
  readonly record: string
  readonly version: number
  readonly createdAt: number
  readonly updatedAt: number
}

/** As both databases keep it. */
export function roomRow({ id, version, createdAt, updatedAt, ...room }: Room): RoomRow {
  const { repository, members, tools, permission, mode } = room
  const record: RoomRecord = { repository, members, tools, permission, mode }
  return { id, repositoryKey: repositoryKey(repository), record: JSON.stringify(record), version, createdAt, updatedAt }
}

export function readRoom({ id, record, version, createdAt, updatedAt }: RoomRow): Room {
  const kept: RoomRecord = JSON.parse(record)
  return { ...kept, id, version, createdAt, updatedAt }
}
