import { riskRank } from '../../approvals/risk.ts'
import type { Approval, ApprovalChange, Vote } from '../../core/approval.ts'
import type { CommitRequest } from '../../ledger/store.ts'
import { forgotten, type KeptTexts } from '../forgotten.ts'
import { type Given, settledUntil, sharesVoice } from '../shared-voice.ts'
import type { Client, Row } from './connection.ts'
import { type Statement, send } from './transaction.ts'

type Slot = CommitRequest['slots'][number]

const TABLE = 'aegis.approval'
const PARK = `INSERT INTO ${TABLE}
  (id, status, digest, principal, session, queued_at, expires_at, record, parameters, votes, resolution, risk)
  VALUES ($1, 'pending', $2, $3, $4, $5, $6, $7, $8, '[]', NULL, $9) ON CONFLICT DO NOTHING RETURNING id`
const VOTES = `SELECT votes FROM ${TABLE} WHERE id = $1 AND status = 'pending' AND expires_at > $2`
const VOTE = `UPDATE ${TABLE} SET votes = $1 WHERE id = $2 AND status = 'pending' RETURNING id`
const APPROVE = `UPDATE ${TABLE} SET status = 'approved', votes = $1, resolution = $2, expires_at = $3
  WHERE id = $4 AND status = 'pending' RETURNING id`
const DENY = `UPDATE ${TABLE} SET status = 'denied', resolution = $1, expires_at = $2, parameters = NULL
  WHERE id = $3 AND status = 'pending' AND expires_at > $4 RETURNING id`
const EXPIRE = `UPDATE ${TABLE} SET status = 'expired', parameters = NULL
  WHERE id = $1 AND status IN ('pending', 'approved') AND expires_at <= $2 RETURNING id`
const WITHDRAW = `UPDATE ${TABLE} SET status = 'expired', parameters = NULL, expires_at = $1
  WHERE id = $2 AND principal = $3 AND status IN ('pending', 'approved') AND expires_at > $4 RETURNING id`
const REDEEM = `UPDATE ${TABLE} SET status = 'redeemed', parameters = NULL
  WHERE id = $1 AND status = 'approved' AND digest = $2 AND expires_at > $3 RETURNING id`
// Read as text: PostgreSQL's JSON refuses the escape of a NUL. Within a text each quote has a backslash before it.
const REUSE = `UPDATE ${TABLE} SET status = 'approved'
  WHERE id = $1 AND status = 'approved' AND digest = $2 AND expires_at > $3 AND resolution LIKE '%,"repeat":%' RETURNING id`
const RESTORE = `UPDATE ${TABLE} SET status = 'approved', parameters = $1 WHERE id = $2 AND status = 'redeemed' RETURNING id`
const KEPT = `SELECT record, votes, resolution FROM ${TABLE} WHERE id = $1 AND status IN ('denied', 'expired', 'redeemed')`
const FORGET = `UPDATE ${TABLE} SET record = $1, votes = $2, resolution = $3, parameters = NULL WHERE id = $4`

/**
 * Applies a slot's changes inside the running transaction: all of them hold, or they leave no trace. The head row is locked,
 * so no other gateway changes an approval meanwhile.
 */
export function createApplySlot(client: Client): (slot: Slot) => Promise<boolean> {
  async function rowOf(statement: Statement): Promise<Row | undefined> {
    const { rows } = await send(client, [statement])
    return rows[0]?.[0]
  }

  async function apply(change: ApprovalChange): Promise<boolean> {
    if (change.kind === 'forget') return forget(change)
    const statement = change.kind === 'approve' ? await approve(change) : statementOf(change)
    return statement !== null && (await rowOf(statement)) !== undefined
  }

  async function approve(change: Extract<ApprovalChange, { kind: 'approve' }>): Promise<Statement | null> {
    const { id, vote, repeat } = change
    const given = withVote(await rowOf({ sql: VOTES, values: [id, vote.at] }), vote)
    if (given === null) return null
    const until = settledUntil(change, given)
    return until === null
      ? { sql: VOTE, values: [given.text, id] }
      : { sql: APPROVE, values: [given.text, resolutionOf(vote, repeat), until, id] }
  }

  async function forget({ id, paths }: Extract<ApprovalChange, { kind: 'forget' }>): Promise<true> {
    const texts = keptTexts(await rowOf({ sql: KEPT, values: [id] }))
    if (texts === null) return true
    const { record, votes, resolution } = forgotten(texts, paths)
    await send(client, [{ sql: FORGET, values: [record, votes, resolution, id] }])
    return true
  }

  return async (slot) => {
    const [only, ...others] = slot
    if (only === undefined) return true
    // One statement that does not hold changes nothing by itself.
    if (others.length === 0) return apply(only)
    await send(client, [{ sql: 'SAVEPOINT slot' }])
    for (const change of slot) {
      if (await apply(change)) continue
      await send(client, [{ sql: 'ROLLBACK TO slot' }])
      return false
    }
    await send(client, [{ sql: 'RELEASE slot' }])
    return true
  }
}

function statementOf(change: Exclude<ApprovalChange, { kind: 'approve' | 'forget' }>): Statement {
  switch (change.kind) {
    case 'park':
      return { sql: PARK, values: parkValues(change.approval) }
    case 'deny':
      return { sql: DENY, values: [resolutionOf(change.vote), change.expiresAt, change.id, change.vote.at] }
    case 'expire':
      return { sql: EXPIRE, values: [change.id, change.at] }
    case 'withdraw':
      return { sql: WITHDRAW, values: [change.at, change.id, change.principal, change.at] }
    case 'redeem':
      return { sql: REDEEM, values: [change.id, change.digest, change.at] }
    case 'reuse':
      return { sql: REUSE, values: [change.id, change.digest, change.at] }
    case 'restore':
      return { sql: RESTORE, values: [jsonOrNull(change.parameters), change.id] }
    default:
      return change satisfies never
  }
}

/** Null where the approval is not pending, is past its time, or this reviewer has voted: two votes of one person are one. */
function withVote(row: Row | undefined, vote: Vote): Given | null {
  const text = row?.['votes']
  if (typeof text !== 'string') return null
  const votes: readonly Vote[] = JSON.parse(text)
  return votes.some((one) => sharesVoice(one, vote))
    ? null
    : { text: JSON.stringify([...votes, vote]), count: votes.length + 1 }
}

function keptTexts(row: Row | undefined): KeptTexts | null {
  const record = row?.['record']
  const votes = row?.['votes']
  const resolution = row?.['resolution']
  if (typeof record !== 'string' || typeof votes !== 'string') return null
  return { record, votes, resolution: typeof resolution === 'string' ? resolution : null }
}

function resolutionOf({ reviewer, comment, at }: Vote, repeat?: number): string {
  return JSON.stringify({ reviewer, comment, at, ...(repeat === undefined ? {} : { repeat }) })
}

function parkValues(approval: Approval): (string | number | null)[] {
  const { id, digest, principal, session, queuedAt, expiresAt, parameters, status, votes, resolution, ...record } =
    approval
  const texts = [JSON.stringify(record), jsonOrNull(parameters)]
  return [id, digest, principal, session, queuedAt, expiresAt, ...texts, riskRank(approval)]
}

function jsonOrNull(value: Approval['parameters'] | undefined): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value)
}
