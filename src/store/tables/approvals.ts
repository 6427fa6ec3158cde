import { and, asc, count, desc, eq, gte, inArray, lte, sql } from 'drizzle-orm'
import type { ApprovalFilter, ApprovalPageFilter, ApprovalStore } from '../../approvals/ports.ts'
import { APPROVAL_STATUSES, type Approval, type ApprovalStatus } from '../../core/approval.ts'
import type { EnvelopeId, Principal, SessionId, Sha256 } from '../../core/ids.ts'
import type { Database } from './database.ts'

const MAX_LIST = 1000

/** Reads approvals; they change only with the entry that records it (`approval-changes.ts`). */
export function createApprovalStore(database: Database): ApprovalStore {
  const { queries } = database
  const { approval } = database.tables

  function whereOf({ status, principal, session }: Omit<ApprovalFilter, 'limit'>) {
    return and(
      status === 'all' ? undefined : eq(approval.status, status),
      principal === undefined ? undefined : eq(approval.principal, principal),
      session === undefined ? undefined : eq(approval.session, session),
    )
  }

  return {
    async get(id) {
      const [row] = await queries.select().from(approval).where(eq(approval.id, id)).limit(1)
      return row === undefined ? null : approvalOf(row)
    },
    async latest(digest) {
      const newest = desc(approval.queuedAt)
      const rows = await queries.select().from(approval).where(eq(approval.digest, digest)).orderBy(newest).limit(1)
      return rows[0] === undefined ? null : approvalOf(rows[0])
    },
    async list(filter) {
      const limit = Math.min(filter.limit, MAX_LIST)
      const oldest = asc(approval.queuedAt)
      const rows = await queries.select().from(approval).where(whereOf(filter)).orderBy(oldest).limit(limit)
      return rows.map(approvalOf)
    },
    async page(filter) {
      // One more than a page, by which it is known that there is another.
      const limit = Math.min(filter.limit, MAX_LIST + 1)
      // Each status has its index by time; all of them together have none, and need none.
      const statuses = filter.status === 'all' ? APPROVAL_STATUSES : [filter.status]
      const pages = await Promise.all(statuses.map((status) => statusPage(database, { ...filter, status, limit })))
      return pages.flat().sort(inOrder(filter.order)).slice(0, limit)
    },
    async riskiest(limit, principal) {
      const rows = await riskiestQuery(database, Math.min(limit, MAX_LIST), principal)
      return rows.map(approvalOf)
    },
    async pending(principal) {
      const waiting = whereOf({ status: 'pending', ...(principal === undefined ? {} : { principal }) })
      const [row] = await queries.select({ waiting: count() }).from(approval).where(waiting)
      return row?.waiting ?? 0
    },
    async due(now, limit) {
      const over = and(inArray(approval.status, ['pending', 'approved']), lte(approval.expiresAt, now))
      const rows = await queries.select().from(approval).where(over).orderBy(asc(approval.expiresAt)).limit(limit)
      return rows.map(approvalOf)
    },
  }
}

type OneStatus = ApprovalPageFilter & { readonly status: ApprovalStatus }

function inOrder(order: ApprovalPageFilter['order']): (one: Approval, two: Approval) => number {
  const sign = order === 'oldest' ? 1 : -1
  return (one, two) => sign * (one.queuedAt - two.queuedAt || (one.id < two.id ? -1 : 1))
}

/** Asks again where what was asked for was not all of the tool. */
async function statusPage(database: Database, filter: OneStatus): Promise<readonly Approval[]> {
  const found: Approval[] = []
  for (let after = filter.after; ; ) {
    const rows = await approvalQuery(database, { ...filter, ...(after === undefined ? {} : { after }) })
    const page = rows.map(approvalOf)
    found.push(...page.filter(({ tool }) => filter.tool === undefined || isTool(tool, filter.tool)))
    after = page.at(-1)
    if (page.length < filter.limit || found.length >= filter.limit) return found.slice(0, filter.limit)
  }
}

function isTool(tool: string, wanted: string): boolean {
  return wanted.endsWith('*') ? tool.startsWith(wanted.slice(0, -1)) : tool === wanted
}

/** One status in the order of its index, or one session in the order of that. */
export function approvalQuery({ queries, tables: { approval } }: Database, filter: OneStatus) {
  const { status, principal, session, tool, order, after, limit } = filter
  const [by, beyond, from] = order === 'oldest' ? ([asc, sql`>`, gte] as const) : ([desc, sql`<`, lte] as const)
  const behind =
    after === undefined
      ? undefined
      : and(
          from(approval.queuedAt, after.queuedAt),
          sql`(${approval.queuedAt}, ${approval.id}) ${beyond} (${after.queuedAt}, ${after.id})`,
        )
  // Of one session there are few, whatever became of them: not the index of the status.
  const ofStatus = session === undefined ? eq(approval.status, status) : sql`(${approval.status} || '') = ${status}`
  const where = and(
    ofStatus,
    principal === undefined ? undefined : eq(approval.principal, principal),
    session === undefined ? undefined : eq(approval.session, session),
    tool === undefined ? undefined : sql`${approval.record} like ${toolPattern(tool)} escape '!'`,
    behind,
  )
  return queries.select().from(approval).where(where).orderBy(by(approval.queuedAt), by(approval.id)).limit(limit)
}

/** Of the pending ones alone there is an index in this order. */
export function riskiestQuery({ queries, tables: { approval } }: Database, limit: number, principal?: Principal) {
  const ofPrincipal = principal === undefined ? undefined : eq(approval.principal, principal)
  const where = and(sql`${approval.status} = 'pending'`, ofPrincipal)
  const order = [desc(approval.risk), asc(approval.queuedAt), asc(approval.id)]
  return queries
    .select()
    .from(approval)
    .where(where)
    .orderBy(...order)
    .limit(limit)
}

/** As the record spells it, in which no other text can hold these quotes. It may find more: who asks looks again. */
function toolPattern(tool: string): string {
  const begun = tool.endsWith('*')
  const quoted = JSON.stringify(begun ? tool.slice(0, -1) : tool)
  return `%"tool":${(begun ? quoted.slice(0, -1) : quoted).replace(/[%_!]/g, '!$&')}%`
}

/** What `park` wrote as one text: all that never changes. */
type ApprovalRecord = Omit<
  Approval,
  | 'id'
  | 'status'
  | 'digest'
  | 'principal'
  | 'session'
  | 'queuedAt'
  | 'expiresAt'
  | 'parameters'
  | 'votes'
  | 'resolution'
>

function approvalOf(row: Database['tables']['approval']['$inferSelect']): Approval {
  const record: ApprovalRecord = JSON.parse(row.record)
  const { status, queuedAt, expiresAt } = row
  return {
    ...record,
    ...{ status, queuedAt, expiresAt },
    id: row.id as EnvelopeId,
    digest: row.digest as Sha256,
    principal: row.principal as Principal,
    session: row.session as SessionId,
    parameters: row.parameters === null ? null : JSON.parse(row.parameters),
    votes: JSON.parse(row.votes),
    resolution: row.resolution === null ? null : JSON.parse(row.resolution),
  }
}
