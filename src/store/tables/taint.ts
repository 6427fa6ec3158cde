import { and, asc, eq, gte, lt } from 'drizzle-orm'
import type { Principal } from '../../core/ids.ts'
import type { TaintEntry, TaintStore } from '../../facts/taint.ts'
import type { Database } from './database.ts'

export function createTaintStore({ queries, tables }: Database): TaintStore {
  const { taint } = tables
  return {
    async put(entry) {
      const { principal, source, visibility, repository, at } = entry
      const set = { repository, isText: entry.text ? 1 : 0, at }
      await queries
        .insert(taint)
        .values({ principal, source, visibility, ...set })
        .onConflictDoUpdate({ target: [taint.principal, taint.source, taint.visibility], set })
    },
    async drop({ principal, source, visibility }) {
      const which = and(eq(taint.principal, principal), eq(taint.source, source), eq(taint.visibility, visibility))
      await queries.delete(taint).where(which)
    },
    async of(principal, since) {
      const which = and(eq(taint.principal, principal), gte(taint.at, since))
      const rows = await queries.select().from(taint).where(which).orderBy(asc(taint.at), asc(taint.source))
      return rows.map(entryOf)
    },
    async forget(before) {
      await queries.delete(taint).where(lt(taint.at, before))
    },
  }
}

function entryOf({ isText, ...row }: Database['tables']['taint']['$inferSelect']): TaintEntry {
  return { ...row, principal: row.principal as Principal, text: isText === 1 }
}
