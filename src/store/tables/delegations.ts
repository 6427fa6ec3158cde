import { and, asc, eq, gt, isNull } from 'drizzle-orm'
import type { Delegation, DelegationStore } from '../../approvals/delegations.ts'
import type { Principal } from '../../core/ids.ts'
import type { Database } from './database.ts'

const MAX_LIST = 1000

export function createDelegationStore({ queries, tables }: Database): DelegationStore {
  const { delegation } = tables
  return {
    async add({ id, from, to, createdAt, until, endedAt }) {
      const { principal, name, owner } = from
      await queries.insert(delegation).values({ id, principal, name, owner, delegate: to, createdAt, until, endedAt })
    },
    async active(now, to) {
      const theirs = to === undefined ? undefined : eq(delegation.delegate, to)
      const open = and(isNull(delegation.endedAt), gt(delegation.until, now), theirs)
      const oldest = asc(delegation.createdAt)
      return (await queries.select().from(delegation).where(open).orderBy(oldest).limit(MAX_LIST)).map(delegationOf)
    },
    async get(id) {
      const [row] = await queries.select().from(delegation).where(eq(delegation.id, id)).limit(1)
      return row === undefined ? null : delegationOf(row)
    },
    async end(id, endedAt) {
      const open = and(eq(delegation.id, id), isNull(delegation.endedAt))
      const rows = await queries.update(delegation).set({ endedAt }).where(open).returning({ id: delegation.id })
      return rows.length > 0
    },
  }
}

function delegationOf(row: Database['tables']['delegation']['$inferSelect']): Delegation {
  const { id, principal, name, owner, delegate, createdAt, until, endedAt } = row
  return { id, from: { principal: principal as Principal, name, owner }, to: delegate, createdAt, until, endedAt }
}
