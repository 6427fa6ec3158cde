import type { Approval } from '../../../core/approval.ts'
import { AegisError } from '../../../core/errors.ts'
import { type EnvelopeId, sessionLabel } from '../../../core/ids.ts'
import { isObject, type JsonObject, textMember } from '../../../core/json.ts'
import type { IncomingCall, Outcome } from '../../../gateway/ports.ts'
import type { Slot } from '../../../identity/limiter.ts'
import type { McpOptions } from '../endpoint.ts'
import { shown } from '../failures.ts'
import { refusalResult } from '../refusals.ts'
import { outcomeOf } from '../tool-call.ts'
import type { Admitted } from './calls.ts'
import type { Clients } from './clients.ts'
import { failedOutcome, modernOutcome } from './results.ts'
import type { ReviewParts } from './review-parts.ts'
import { KEEP_MS, over, recorded, runState, type TaskState, taskWire, waiting, working } from './review-task-wire.ts'
import { TaskRun } from './task-run.ts'
import { demandTasks, withoutTasks } from './tasks.ts'

/** Ended tasks kept at once; the oldest goes first, and after it the evidence has the word. */
const MAX_KEPT = 1_000
/** Characters of results kept at once. */
const MAX_KEPT_SIZE = 64 * 1024 * 1024
/** Milliseconds that a quick call is waited for, so that the look which sets it off sees its end. */
const QUICK_MS = 300
/** Milliseconds that calls under way may take to finish when the server stops. */
const DRAIN_MS = 5_000

/**
 * Calls that wait for a person, as tasks. The approval is the task, so that it survives what a client or this process does not.
 * The call runs when its client next asks after it, and once: not at the reviewer's word, for nothing runs for a client that
 * has gone, and because what the client can be asked on the way is known from its request alone.
 */
export interface ReviewTasks {
  /** Whether a task is one of these, and no upstream's. */
  owns(taskId: string): boolean
  /** `tasks/get`, `tasks/update`, `tasks/cancel`. @throws AegisError `missing_capability`, `invalid_params`, `method_not_found` */
  answer(request: Admitted): Promise<Outcome>
  tick(): void
  /** Lets what runs finish for a while, then ends it. */
  close(): Promise<void>
}

export function createReviewTasks(
  options: McpOptions,
  reviews: ReviewParts,
  clients: Pick<Clients, 'of'>,
): ReviewTasks {
  const { gateway, adminUrl, limiter, clock, log } = options
  const runs = new Map<EnvelopeId, TaskRun>()
  const sizes = new Map<EnvelopeId, number>()

  /** One answer for "not yours", "forged" and "not there": nobody learns of others' tasks. */
  async function find(request: Admitted): Promise<Approval> {
    const { head, caller, upstream } = request
    const id = reviews.ids.open(textMember(head.params, 'taskId') ?? '', caller.id)
    const approval = id === null ? null : await reviews.approval(id)
    const here = approval !== null && (upstream === null || approval.upstream === upstream)
    if (approval !== null && here && (runs.has(approval.id) || clock.now() <= approval.expiresAt + KEEP_MS))
      return approval
    throw new AegisError('invalid_params', 'unknown task', {
      path: 'params.taskId',
      advice: 'tasks are known to the key that got them, and for a while after they have ended; call the tool again',
    })
  }

  function start(approval: Approval, request: Admitted): TaskRun | null {
    const { id, upstream } = approval
    let slot: Slot
    try {
      slot = limiter.begin(request.caller.id)
    } catch {
      return null
    }
    try {
      const { client } = request.head
      // Its end is what the task ends with: an upstream must not answer it with a task of its own.
      const capabilities = withoutTasks(client.capabilities)
      const asked = clients.of(request.caller.id, upstream, { ...client, capabilities })
      const call = callOf(approval, request, asked.channel)
      const run = new TaskRun({
        clock,
        slot,
        follow: (running) => asked.follow(running, upstream ?? ''),
        carryOut: (leg, retry, mark) => carryOut(id, { ...call, retry, mark, onNotification: leg.tell }, leg.signal),
      })
      runs.set(id, run)
      void run.finished.then(() => keep(id, run))
      return run
    } catch (error) {
      slot.release()
      throw error
    }
  }

  async function carryOut(id: EnvelopeId, call: IncomingCall, signal: AbortSignal): Promise<Outcome> {
    try {
      const reply = await gateway.handle(call, signal)
      return modernOutcome('tools/call', outcomeOf(reply, adminUrl, refusalResult))
    } catch (error) {
      const known = shown(error, log)
      // Another process was faster, or the approval has just been taken back: what is recorded of it is what holds.
      if (known.code === 'conflict' && (await statusOf(id)) !== 'approved') runs.delete(id)
      return failedOutcome(known)
    }
  }

  async function statusOf(id: EnvelopeId): Promise<Approval['status'] | null> {
    const approval = await reviews.approval(id).catch(() => null)
    return approval === null ? null : approval.status
  }

  function keep(id: EnvelopeId, run: TaskRun): void {
    if (runs.get(id) !== run) return
    const { state } = run
    sizes.set(id, state.kind === 'done' ? JSON.stringify(state.outcome).length : 0)
    let total = [...sizes.values()].reduce((sum, size) => sum + size, 0)
    for (const [oldest, size] of sizes) {
      if (sizes.size <= MAX_KEPT && total <= MAX_KEPT_SIZE) break
      total -= size
      forget(oldest)
    }
  }

  function forget(id: EnvelopeId): void {
    sizes.delete(id)
    runs.delete(id)
  }

  async function get(request: Admitted): Promise<JsonObject> {
    const approval = await find(request)
    const ready = approval.status === 'approved' && approval.expiresAt > clock.now()
    if (ready && !runs.has(approval.id)) await start(approval, request)?.soon(QUICK_MS)
    const now = (await reviews.approval(approval.id)) ?? approval
    const state = await stateOf(now)
    const taskId = reviews.ids.of(approval.id, request.caller.id)
    return { resultType: 'complete', ...taskWire(taskId, now, state), ...state.payload }
  }

  async function stateOf(approval: Approval): Promise<TaskState> {
    const run = runs.get(approval.id)
    if (run !== undefined) return runState(run.state, run.changedAt)
    const { status } = approval
    switch (status) {
      case 'pending':
        return waiting(approval, adminUrl)
      case 'approved':
        return working('approved; the call waits for its turn', approval.resolution?.at ?? approval.queuedAt)
      case 'redeemed':
        return recorded(approval, await reviews.recorded(approval))
      case 'denied':
      case 'expired':
        return over(approval)
      default:
        return status satisfies never
    }
  }

  async function update(request: Admitted): Promise<void> {
    const { inputResponses } = request.head.params
    if (!isObject(inputResponses)) {
      throw new AegisError('invalid_params', '`inputResponses` must be an object', { path: 'params.inputResponses' })
    }
    runs.get((await find(request)).id)?.answer(inputResponses)
  }

  async function cancel(request: Admitted): Promise<void> {
    const { id } = await find(request)
    if (!runs.has(id)) await reviews.withdraw(id, request.caller.id)
    // A look at the task may have begun the run in this moment.
    runs.get(id)?.cancel()
  }

  return {
    owns: reviews.ids.owns,

    async answer(request) {
      if (!request.head.tasks) demandTasks({})
      limiter.spend(request.caller.id)
      switch (request.method) {
        case 'tasks/get':
          return { kind: 'result', result: await get(request) }
        case 'tasks/update':
          await update(request)
          return ACKNOWLEDGED
        case 'tasks/cancel':
          await cancel(request)
          return ACKNOWLEDGED
        default:
          throw new AegisError('method_not_found', `\`${request.method}\` is not offered here in this revision`)
      }
    },

    tick() {
      const limit = clock.now() - KEEP_MS
      for (const id of [...sizes.keys()]) if ((runs.get(id)?.changedAt ?? 0) < limit) forget(id)
    },

    async close() {
      const under = [...runs.values()]
      for (const run of under) if (run.state.kind === 'asking') run.cancel()
      await Promise.all(under.map((run) => run.soon(DRAIN_MS)))
      for (const run of under) run.cancel()
      await Promise.all(under.map(({ finished }) => finished))
    },
  }
}

const ACKNOWLEDGED: Outcome = { kind: 'result', result: { resultType: 'complete' } }

/** The call that was approved, word for word, in the session that asked for it. */
function callOf(
  { id, upstream, remoteTool, parameters, session }: Approval,
  { caller, head }: Admitted,
  channel: IncomingCall['channel'],
): IncomingCall {
  if (upstream === null || remoteTool === null || parameters === null) {
    throw new AegisError('internal', `approval ${id} does not say what to run`)
  }
  return {
    surface: 'mcp',
    caller,
    agent: textMember(head.client.info, 'name') ?? null,
    sessionLabel: sessionLabel(session),
    what: { kind: 'tool', upstream, tool: remoteTool, parameters },
    execute: true,
    approvalRef: id,
    task: null,
    justification: null,
    meta: null,
    channel,
  }
}
