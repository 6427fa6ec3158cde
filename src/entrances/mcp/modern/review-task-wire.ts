import { wasWithdrawn } from '../../../approvals/approvals.ts'
import type { Approval } from '../../../core/approval.ts'
import type { JsonObject } from '../../../core/json.ts'
import { outwardName } from '../../../core/reviewer-name.ts'
import { rfc3339 } from '../../../core/runtime.ts'
import type { Outcome } from '../../../gateway/ports.ts'
import type { RecordedRun } from '../../../gateway/recorded-run.ts'
import { refusalResult } from '../refusals.ts'
import type { RunState } from './task-run.ts'

/** Milliseconds that the end of a task can be asked for, after which it is forgotten here. */
export const KEEP_MS = 15 * 60_000
/** Milliseconds between two looks that we suggest: people take their time. */
const POLL_MS = 5_000

/** What a task is like at a moment ("Task Status", SEP-2663). */
export interface TaskState {
  readonly status: 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled'
  readonly statusMessage: string
  /** Milliseconds since the epoch. */
  readonly changedAt: number
  /** `inputRequests`, `result` or `error`, as the status has it. */
  readonly payload: JsonObject
}

/** A task as it stands on the wire, without what only some of its states hold. */
export function taskWire(taskId: string, approval: Approval, state: TaskState): JsonObject {
  const end = Math.max(approval.expiresAt, state.changedAt) + KEEP_MS
  return {
    taskId,
    status: state.status,
    statusMessage: state.statusMessage,
    createdAt: rfc3339(approval.queuedAt),
    lastUpdatedAt: rfc3339(state.changedAt),
    ttlMs: end - approval.queuedAt,
    pollIntervalMs: POLL_MS,
  }
}

/** The answer to a call that became a task. Its approval is durable already. */
export function createdTask(taskId: string, approval: Approval, adminUrl: string): Outcome {
  return {
    kind: 'result',
    result: { resultType: 'task', ...taskWire(taskId, approval, waiting(approval, adminUrl)) },
  }
}

export function waiting(approval: Approval, adminUrl: string): TaskState {
  const { id, queuedAt, votes, terms } = approval
  const more = terms.reviewers > 1 ? ` (${votes.length} of ${terms.reviewers} have approved)` : ''
  return working(
    `waiting for a reviewer; approval ${id}${more}. Ask a reviewer: ${adminUrl}/approvals/${id}`,
    votes.at(-1)?.at ?? queuedAt,
  )
}

export function working(statusMessage: string, changedAt: number): TaskState {
  return { status: 'working', statusMessage, changedAt, payload: {} }
}

/** A call that runs, or ran, in this process. */
export function runState(state: RunState, changedAt: number): TaskState {
  switch (state.kind) {
    case 'running':
      return working('approved; the call is running', changedAt)
    case 'asking':
      return {
        status: 'input_required',
        statusMessage: 'approved; the upstream asks for more',
        changedAt,
        payload: { inputRequests: state.questions() },
      }
    case 'cancelled':
      return cancelled('cancelled while the call was running: it may have happened', changedAt)
    case 'done':
      return ended(state.outcome, changedAt)
    default:
      return state satisfies never
  }
}

function ended(outcome: Outcome, changedAt: number): TaskState {
  if (outcome.kind === 'result') {
    const statusMessage = outcome.result['isError'] === true ? 'the call ended with an error' : 'the call has run'
    return { status: 'completed', statusMessage, changedAt, payload: { result: outcome.result } }
  }
  const { code, message, data } = outcome.error
  const error: JsonObject = data === undefined ? { code, message } : { code, message, data }
  return { status: 'failed', statusMessage: message, changedAt, payload: { error } }
}

function cancelled(statusMessage: string, changedAt: number): TaskState {
  return { status: 'cancelled', statusMessage, changedAt, payload: {} }
}

/** An approval that nobody will give any more. The result is what the call itself would have been answered. */
export function over(approval: Approval): TaskState {
  const { id, tool, resolution, expiresAt } = approval
  if (wasWithdrawn(approval)) return cancelled(`taken back before it ran; approval ${id}`, expiresAt)
  if (approval.status !== 'denied' || resolution === null) {
    const given = resolution === null ? 'nobody settled it in time' : 'it was approved, but not fetched in time'
    const text = `approval required: ${tool} did not run: ${given} (approval ${id}). Call it again to ask anew`
    return refused(-32002, text, { envelope_id: id, status: 'expired' }, expiresAt)
  }
  const { reviewer, comment, at } = resolution
  const by = outwardName(reviewer)
  const reason = `denied by ${by}${comment === '' ? '' : `: ${comment}`}`
  return refused(-32001, `policy: ${tool} is blocked: ${reason}`, { envelope_id: id, reason, status: 'denied' }, at)
}

/** What the evidence says of a run of which nothing is kept here: its process has ended, or it was another one's. */
export function recorded(approval: Approval, run: RecordedRun): TaskState {
  const { id, tool, resolution, queuedAt } = approval
  const at = resolution?.at ?? queuedAt
  if (run.status === 'open') return working('approved; the call is running in another process', at)
  const head = `${tool} was approved (${id}) and its approval used`
  const look = 'Look at what it did before you call it again'
  if (run.status === 'orphan') {
    const message = `${head}, but Aegis stopped in the middle of the call: it may have happened. ${look}`
    return ended({ kind: 'error', error: { code: -32000, message, data: { envelope_id: id, status: 'orphan' } } }, at)
  }
  const word =
    run.status === 'elsewhere'
      ? 'by another call of the same key'
      : `the recorded outcome is ${run.result}${run.label === null ? '' : `, ${run.label}`}`
  const status = run.status === 'closed' ? run.result : run.status
  const text = `${head}; ${word}. The answer itself is not kept here any more. ${look}`
  return refused(-32000, text, { envelope_id: id, status }, at)
}

function refused(code: number, message: string, data: JsonObject, changedAt: number): TaskState {
  const outcome = refusalResult({ code, message, data })
  return { ...ended(outcome, changedAt), statusMessage: message }
}
