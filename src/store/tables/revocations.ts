import { asc, count, eq, lte } from 'drizzle-orm'
import type { EnvelopeId } from '../../core/ids.ts'
import type { PendingRevocation, RevocationStore } from '../../credentials/ports.ts'
import { bytesOf } from '../bytes.ts'
import type { Database } from './database.ts'

export function createRevocationStore({ queries, tables }: Database): RevocationStore {
  const { pendingRevocation } = tables
  return {
    async enqueue(row) {
      await queries.insert(pendingRevocation).values(row)
    },
    async due(now, limit) {
      const rows = await queries
        .select()
        .from(pendingRevocation)
        .where(lte(pendingRevocation.nextAttemptAt, now))
        .orderBy(asc(pendingRevocation.nextAttemptAt))
        .limit(limit)
      return rows.map(revocationOf)
    },
    async reschedule(id, attempts, nextAttemptAt) {
      await queries.update(pendingRevocation).set({ attempts, nextAttemptAt }).where(eq(pendingRevocation.id, id))
    },
    async done(id) {
      await queries.delete(pendingRevocation).where(eq(pendingRevocation.id, id))
    },
    async count() {
      const [row] = await queries.select({ rows: count() }).from(pendingRevocation)
      return row?.rows ?? 0
    },
  }
}

function revocationOf(row: Database['tables']['pendingRevocation']['$inferSelect']): PendingRevocation {
  return { ...row, sealed: bytesOf(row.sealed), envelope: row.envelope as EnvelopeId }
}
