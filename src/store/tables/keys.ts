import { and, asc, eq, isNull } from 'drizzle-orm'
import { AegisError } from '../../core/errors.ts'
import type { Principal, Sha256 } from '../../core/ids.ts'
import type { KeyRecord, KeyStore } from '../../identity/ports.ts'
import type { Database } from './database.ts'

export function createKeyStore({ queries, tables }: Database): KeyStore {
  const { apiKey } = tables

  /** Whether a key that was not revoked before was changed. */
  async function change(id: Principal, set: { readonly revokedAt: number } | { readonly expiresAt: number }) {
    const changed = queries
      .update(apiKey)
      .set(set)
      .where(and(eq(apiKey.id, id), isNull(apiKey.revokedAt)))
      .returning({ id: apiKey.id })
    try {
      return (await changed).length > 0
    } catch (error) {
      throw isLastAdmin(error) ? lastAdmin() : error
    }
  }

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
      // The secret's hash, the id and the room never change; an existing key keeps its times of making and of its end.
      const { name, owner, sponsor, role, prefix } = record
      await queries
        .insert(apiKey)
        .values({ ...record, roomId: record.room?.id ?? null, roomRole: record.room?.role ?? null })
        .onConflictDoUpdate({ target: apiKey.id, set: { name, owner, sponsor, role, prefix } })
    },
    revoke: (id, at) => change(id, { revokedAt: at }),
    expire: (id, at) => change(id, { expiresAt: at }),
    async used(id, at) {
      await queries.update(apiKey).set({ lastUsedAt: at }).where(eq(apiKey.id, id))
    },
  }
}

/** As the triggers of both databases say it (`migrations/`). */
const LAST_ADMIN = 'the last admin key that does not expire'

function isLastAdmin(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error.message.includes(LAST_ADMIN) || isLastAdmin(error.cause)
}

function lastAdmin(): AegisError {
  return new AegisError('conflict', `${LAST_ADMIN} can be neither revoked nor made to expire`, {
    path: 'key',
    advice: 'make another one first: `aegisctl keys create --role admin --name NAME`',
  })
}

function keyOf({ roomId, roomRole, ...row }: Database['tables']['apiKey']['$inferSelect']): KeyRecord {
  // A room without a role would be a key of no room: it confines to the lowest.
  const room = roomId === null ? null : { id: roomId, role: roomRole ?? 'DEVELOPER' }
  return { ...row, id: row.id as Principal, hash: row.hash as Sha256, room }
}
