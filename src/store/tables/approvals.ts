import { and, asc, count, desc, eq, inArray, lte } from 'drizzle-orm'
import type { ApprovalFilter, ApprovalStore } from '../../approvals/ports.ts'
import type { Approval } from '../../core/approval.ts'
import type { EnvelopeId, Principal, SessionId, Sha256 } from '../../core/ids.ts'
import type { Database } from './database.ts'

const MAX_LIST = 1000

/** Reads approvals; they change only with the entry that records it (`approval-changes.ts`). */
export function createApprovalStore({ queries, tables }: Database): ApprovalStore {
  const { approval } = tables

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
