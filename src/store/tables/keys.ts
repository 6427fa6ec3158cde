import { and, asc, eq, isNull } from 'drizzle-orm'
import type { Principal, Sha256 } from '../../core/ids.ts'
import type { KeyRecord, KeyStore } from '../../identity/ports.ts'
import type { Database } from './database.ts'

export function createKeyStore({ queries, tables }: Database): KeyStore {
  const { apiKey } = tables
  return {
    async byHash(hash) {
      const [row] = await queries.select().from(apiKey).where(eq(apiKey.hash, hash)).limit(1)
      return row === undefined ? null : keyOf(row)
    },
    async get(id) {
      const [row] = await queries.select().from(apiKey).where(eq(apiKey.id, id)).limit(1)
      return row === undefined ? null : keyOf(row)
    },
    async list() {
      const rows = await queries.select().from(apiKey).orderBy(asc(apiKey.createdAt), asc(apiKey.id))
      return rows.map(keyOf)
    },
    async put(record) {
      // The secret's hash, the id and the room never change; an existing key keeps its time of making and its revocation.
      const { name, owner, sponsor, role, prefix } = record
      await queries
        .insert(apiKey)
        .values({ ...record, roomId: record.room?.id ?? null, roomRole: record.room?.role ?? null })
        .onConflictDoUpdate({ target: apiKey.id, set: { name, owner, sponsor, role, prefix } })
    },
    async revoke(id, at) {
      const rows = await queries
        .update(apiKey)
        .set({ revokedAt: at })
        .where(and(eq(apiKey.id, id), isNull(apiKey.revokedAt)))
        .returning({ id: apiKey.id })
      return rows.length > 0
    },
    async used(id, at) {
      await queries.update(apiKey).set({ lastUsedAt: at }).where(eq(apiKey.id, id))
    },
  }
}

function keyOf({ roomId, roomRole, ...row }: Database['tables']['apiKey']['$inferSelect']): KeyRecord {
  // A room without a role would be a key of no room: it confines to the lowest.
  const room = roomId === null ? null : { id: roomId, role: roomRole ?? 'DEVELOPER' }
  return { ...row, id: row.id as Principal, hash: row.hash as Sha256, room }
}
