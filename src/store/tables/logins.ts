import { asc, eq, lt, or } from 'drizzle-orm'
import type { Principal, Sha256 } from '../../core/ids.ts'
import type { LoginSession, LoginStore } from '../../identity/index.ts'
import type { Database } from './database.ts'

export function createLoginStore({ queries, tables }: Database): LoginStore {
  const { loginSession, loginSpent } = tables
  const { hash, principal, createdAt, seenAt, endsAt } = loginSession
  return {
    async get(wanted) {
      const [row] = await queries.select().from(loginSession).where(eq(hash, wanted)).limit(1)
      return row === undefined ? null : sessionOf(row)
    },
    async put(session) {
      await queries.insert(loginSession).values(session)
    },
    async seen(wanted, at) {
      await queries.update(loginSession).set({ seenAt: at }).where(eq(hash, wanted))
    },
    async remove(wanted) {
      return (await queries.delete(loginSession).where(eq(hash, wanted)).returning({ hash })).length > 0
    },
    async of(who) {
      const rows = await queries
        .select()
        .from(loginSession)
        .where(eq(principal, who))
        .orderBy(asc(createdAt), asc(hash))
      return rows.map(sessionOf)
    },
    async spend(attempt, until) {
      const added = queries.insert(loginSpent).values({ attempt, until }).onConflictDoNothing()
      return (await added.returning({ attempt: loginSpent.attempt })).length > 0
    },
    async sweep(now, idleSince) {
      await queries.delete(loginSession).where(or(lt(endsAt, now), lt(seenAt, idleSince)))
      await queries.delete(loginSpent).where(lt(loginSpent.until, now))
    },
  }
}

function sessionOf(row: Database['tables']['loginSession']['$inferSelect']): LoginSession {
  return { ...row, hash: row.hash as Sha256, principal: row.principal as Principal }
}
