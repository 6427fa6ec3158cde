import { and, asc, eq } from 'drizzle-orm'
import type { RoomStore } from '../../rooms/ports.ts'
import type { Database } from './database.ts'
import { readRoom, roomRow } from './room-rows.ts'

export function createRoomStore({ queries, tables }: Database): RoomStore {
  const { room } = tables
  return {
    async list() {
      return (await queries.select().from(room).orderBy(asc(room.repositoryKey))).map(readRoom)
    },
    async get(id) {
      const [row] = await queries.select().from(room).where(eq(room.id, id)).limit(1)
      return row === undefined ? null : readRoom(row)
    },
    async add(added) {
      const rows = await queries.insert(room).values(roomRow(added)).onConflictDoNothing().returning({ id: room.id })
      return rows.length > 0
    },
    async replace(next) {
      const { record, version, updatedAt } = roomRow(next)
      const before = and(eq(room.id, next.id), eq(room.version, version - 1))
      const rows = await queries
        .update(room)
        .set({ record, version, updatedAt })
        .where(before)
        .returning({ id: room.id })
      return rows.length > 0
    },
    async remove(id) {
      const rows = await queries.delete(room).where(eq(room.id, id)).returning({ id: room.id })
      return rows.length > 0
    },
  }
}
