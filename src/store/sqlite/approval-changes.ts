import { riskRank } from '../../approvals/risk.ts'
import type { Approval, ApprovalChange, Vote } from '../../core/approval.ts'
import { forgotten, type KeptTexts } from '../forgotten.ts'
import { type Given, settledUntil, sharesVoice } from '../shared-voice.ts'
import { column, type Handle, prepare, type Statement } from './handle.ts'

/** Applies one change inside the running transaction. False: it does not hold, and nothing was changed. */
export type ApplyChange = (change: ApprovalChange) => boolean

const PARK = `INSERT INTO approval
  (id, status, digest, principal, session, queued_at, expires_at, record, parameters, votes, resolution, risk)
  VALUES (?, 'pending', ?, ?, ?, ?, ?, ?, ?, '[]', NULL, ?) ON CONFLICT DO NOTHING RETURNING id`
const VOTES = `SELECT votes FROM approval WHERE id = ? AND status = 'pending' AND expires_at > ?`
const VOTE = `UPDATE approval SET votes = ? WHERE id = ? AND status = 'pending' RETURNING id`
const APPROVE = `UPDATE approval SET status = 'approved', votes = ?, resolution = ?, expires_at = ?
  WHERE id = ? AND status = 'pending' RETURNING id`
const DENY = `UPDATE approval SET status = 'denied', resolution = ?, expires_at = ?, parameters = NULL
  WHERE id = ? AND status = 'pending' AND expires_at > ? RETURNING id`
const EXPIRE = `UPDATE approval SET status = 'expired', parameters = NULL
  WHERE id = ? AND status IN ('pending', 'approved') AND expires_at <= ? RETURNING id`
const WITHDRAW = `UPDATE approval SET status = 'expired', parameters = NULL, expires_at = ?
  WHERE id = ? AND principal = ? AND status IN ('pending', 'approved') AND expires_at > ? RETURNING id`
const REDEEM = `UPDATE approval SET status = 'redeemed', parameters = NULL
  WHERE id = ? AND status = 'approved' AND digest = ? AND expires_at > ? RETURNING id`
// Read as text: PostgreSQL's JSON refuses the escape of a NUL. Within a text each quote has a backslash before it.
const REUSE = `UPDATE approval SET status = 'approved'
  WHERE id = ? AND status = 'approved' AND digest = ? AND expires_at > ? AND resolution LIKE '%,"repeat":%' RETURNING id`
const RESTORE = `UPDATE approval SET status = 'approved', parameters = ? WHERE id = ? AND status = 'redeemed' RETURNING id`
const KEPT = `SELECT record, votes, resolution FROM approval WHERE id = ? AND status IN ('denied', 'expired', 'redeemed')`
const FORGET = 'UPDATE approval SET record = ?, votes = ?, resolution = ?, parameters = NULL WHERE id = ?'

export function createApplyChange(handle: Handle): ApplyChange {
  const park = prepare(handle, PARK)
  const votes = prepare(handle, VOTES)
  const vote = prepare(handle, VOTE)
  const approve = prepare(handle, APPROVE)
  const deny = prepare(handle, DENY)
  const expire = prepare(handle, EXPIRE)
  const withdraw = prepare(handle, WITHDRAW)
  const redeem = prepare(handle, REDEEM)
  const reuse = prepare(handle, REUSE)
  const restore = prepare(handle, RESTORE)
  const kept = prepare(handle, KEPT)
  const forget = prepare(handle, FORGET)

  return (change) => {
    switch (change.kind) {
      case 'park':
        return held(park, parkValues(change.approval))
      case 'approve': {
        const given = withVote(votes.get([change.id, change.vote.at]), change.vote)
        if (given === null) return false
        const until = settledUntil(change, given)
        if (until === null) return held(vote, [given.text, change.id])
        return held(approve, [given.text, resolutionOf(change.vote, change.repeat), until, change.id])
      }
      case 'deny':
        return held(deny, [resolutionOf(change.vote), change.expiresAt, change.id, change.vote.at])
      case 'expire':
        return held(expire, [change.id, change.at])
      case 'withdraw':
        return held(withdraw, [change.at, change.id, change.principal, change.at])
      case 'redeem':
        return held(redeem, [change.id, change.digest, change.at])
      case 'reuse':
        return held(reuse, [change.id, change.digest, change.at])
      case 'restore':
        return held(restore, [jsonOrNull(change.parameters), change.id])
      case 'forget': {
        const texts = keptTexts(kept.get([change.id]))
        if (texts === null) return true
        const { record, votes, resolution } = forgotten(texts, change.paths)
        forget.run([record, votes, resolution, change.id])
        return true
      }
      default:
        return change satisfies never
    }
  }
}

function held(statement: Statement, values: readonly (string | number | null)[]): boolean {
  return statement.get(values) !== undefined
}

/** Null where the approval is not pending, is past its time, or this reviewer has voted: two votes of one person are one. */
function withVote(row: unknown, vote: Vote): Given | null {
  const text = column(row, 'votes')
  if (typeof text !== 'string') return null
  const votes: readonly Vote[] = JSON.parse(text)
  return votes.some((one) => sharesVoice(one, vote))
    ? null
    : { text: JSON.stringify([...votes, vote]), count: votes.length + 1 }
}

function keptTexts(row: unknown): KeptTexts | null {
  const record = column(row, 'record')
  const votes = column(row, 'votes')
  const resolution = column(row, 'resolution')
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
