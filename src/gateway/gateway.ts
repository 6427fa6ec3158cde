import { type Approvals, redeems } from '../approvals/approvals.ts'
import { type Decision, permits } from '../core/decision.ts'
import type { ActionEnvelope } from '../core/envelope.ts'
import { AegisError, asAegisError } from '../core/errors.ts'
import type { Facts } from '../core/facts.ts'
import type { CompiledPolicy } from '../core/policy/compiled.ts'
import { onBranch } from '../core/policy/rewrite.ts'
import type { Clock, Log, Random } from '../core/runtime.ts'
import type { CredentialBroker } from '../credentials/ports.ts'
import type { FactCollector } from '../facts/facts.ts'
import type { KeyRecord } from '../identity/ports.ts'
import type { Ledger } from '../ledger/draft.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { ToolPins } from '../tool-pins/index.ts'
import { createNormalizer } from './normalize.ts'
import { createPerform } from './perform.ts'
import { createPinGuard } from './pin-guard.ts'
import type { IncomingCall, NoteRead, RoomLookup, StandIn, Upstreams } from './ports.ts'
import { createQuestions, ruledOutcome } from './questions.ts'
import { createRecorder, type Intent } from './recorder.ts'
import type { Gateway, ListedTool, Reply } from './reply.ts'
import { createSessions } from './sessions.ts'
import { createGreeting, createToolList } from './tool-list.ts'

/** How often a call is judged again because another one spent the approval it counted on. */
const RETRIES = 4

export interface GatewayParts {
  /** The policy in force at this moment: swapped whole on reload. */
  readonly policy: () => CompiledPolicy
  readonly facts: FactCollector
  readonly rooms: RoomLookup
  readonly noteRead: NoteRead
  readonly approvals: Approvals
  readonly ledger: Ledger
  readonly broker: CredentialBroker
  readonly upstreams: Upstreams
  /** Runs what the upstreams' own tools cannot: plans, and merges of a known commit. */
  readonly standIn: StandIn
  readonly pins: ToolPins
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}

/** The product on one screen: call -> envelope -> facts -> decision -> intent -> credential -> forward -> result -> reply. */
export function createGateway(parts: GatewayParts): Gateway {
  const { facts, upstreams, clock, log, metrics } = parts
  const sessions = createSessions(clock)
  const { normalize } = createNormalizer({ ...parts, sessions })
  const recorder = createRecorder(parts)
  const question = createQuestions({ ...parts, sessions, recorder })
  const perform = createPerform({ ...parts, recorder, question })
  const guarded = createPinGuard(parts)
  const toolList = createToolList(parts)

  async function decideAndRecord(unbound: ActionEnvelope, call: IncomingCall, signal: AbortSignal) {
    for (let round = 1; ; round++) {
      const policy = parts.policy()
      const { envelope: bound, known } = await inContext(policy, unbound, call.caller, signal)
      const decision = guarded(bound, policy.decide(bound, known))
      const envelope = await asApproved(bound, decision)
      const runs = permits(decision) && envelope.action.route !== null && asked(call, decision)
      try {
        const intent = await recorder.decision(envelope, decision, runs ? 'forward' : 'none')
        return { envelope, decision, intent, runs }
      } catch (error) {
        const spent = error instanceof AegisError && error.code === 'approval_spent'
        if (!spent || round === RETRIES) throw error
        // Where a named approval is gone, the next round finds a conflict, and asks for no new review.
      }
    }
  }

  /** An approved plan runs under the branch that was approved, whichever session comes back for it. */
  async function asApproved(envelope: ActionEnvelope, decision: Decision): Promise<ActionEnvelope> {
    const id = redeems(decision)
    if (envelope.plan === undefined || id === null) return envelope
    const approved = (await parts.approvals.get(id))?.plan
    return approved === undefined ? envelope : { ...envelope, plan: onBranch(envelope.plan, approved.branch) }
  }

  /** Looks up what the policy wants to know, and binds the envelope to what was found: to a plan, to a commit. */
  async function inContext(policy: CompiledPolicy, unbound: ActionEnvelope, caller: KeyRecord, signal: AbortSignal) {
    let envelope = unbound
    const room = parts.rooms.fact(envelope, caller)
    let known: Facts = room === undefined ? NOTHING_KNOWN : { room }
    let needed = policy.factsNeeded(envelope, known)
    while (needed.length > 0 && !needed.includes('approval')) {
      known = { ...known, ...(await facts.collect(needed, envelope, signal)) }
      envelope = policy.bind(envelope, known)
      needed = policy.factsNeeded(envelope, known)
    }
    // Who names the approval to use must name one of this very action, as it is bound by now.
    if (envelope.approvalRef !== null) await parts.approvals.referred(envelope.approvalRef, envelope)
    if (needed.length > 0) known = { ...known, ...(await facts.collect(needed, envelope, signal)) }
    return { envelope, known }
  }

  async function answer(unbound: ActionEnvelope, call: IncomingCall, signal: AbortSignal): Promise<Reply> {
    const { envelope, decision, intent, runs } = await decideAndRecord(unbound, call, signal)
    const { entry } = intent
    call.onDecision?.(decision)
    switch (decision.verdict) {
      case 'block':
        return { kind: 'refused', envelope, decision, entry }
      case 'review':
        return { kind: 'parked', envelope, decision, entry, approval: parkedApproval(intent) }
      case 'allow':
      case 'rewrite': {
        if (!runs && call.execute && call.surface !== 'hook') throw nothingRuns(envelope)
        if (!runs) return { kind: 'decided', envelope, decision, entry }
        // Before it is answered: what the agent then writes must already see it.
        if (parts.policy().remembersReads) parts.noteRead(envelope)
        const { channel, meta, retry, mark } = call
        return perform(envelope, decision, intent, {
          signal,
          channel,
          meta,
          ...(retry === undefined ? {} : { retry }),
          ...(mark === undefined ? {} : { mark }),
          onNotification: call.onNotification ?? ignore,
        })
      }
      default:
        return decision satisfies never
    }
  }

  return {
    async handle(call, signal) {
      const start = clock.elapsed()
      const envelope = await normalize(call)
      try {
        const reply = await answer(envelope, call, signal)
        const decision = reply.decision
        metrics.decided(decision.verdict, decision.rule.label, (clock.elapsed() - start) / 1000)
        logAction(log, reply.envelope, decision, clock.elapsed() - start)
        return reply
      } catch (error) {
        logFailure(log, envelope, error, clock.elapsed() - start)
        throw error
      }
    },

    async preview(call, signal) {
      const policy = parts.policy()
      const { envelope, known } = await inContext(policy, await normalize(call), call.caller, signal)
      const { decision, trace } = policy.simulate(envelope, known)
      return { decision: guarded(envelope, decision), trace, envelope }
    },

    async tools(upstream, caller, channel, signal) {
      const { tools, rest } = await toolList(upstream, caller, channel, signal)
      return { tools: tools.map((tool): ListedTool => ({ upstream, tool })), rest }
    },

    greeting: createGreeting(parts),
    question,
    async relay(upstream, message, channel, context) {
      return ruledOutcome(question, upstream, channel, await upstreams.request(upstream, message, channel, context))
    },
  }
}

const NOTHING_KNOWN: Facts = Object.freeze({})
const ignore = (): void => undefined

/** Calls over MCP run when allowed. The actions API runs what it is told to, and what an approval was redeemed for. */
function asked(call: IncomingCall, decision: Decision): boolean {
  return call.execute || call.approvalRef !== null || redeems(decision) !== null
}

function parkedApproval(intent: Intent) {
  if (intent.approval === null) throw new AegisError('internal', 'a review was recorded without its approval')
  return intent.approval
}

function nothingRuns(envelope: ActionEnvelope): AegisError {
  return new AegisError('no_upstream', `${envelope.action.tool} is allowed, but no upstream runs it`, {
    advice: 'leave out execute to have it judged only, or configure an upstream for it in aegis.yaml',
    data: { envelope_id: envelope.id },
  })
}

function logAction(log: Log, envelope: ActionEnvelope, decision: Decision, milliseconds: number): void {
  log.info(
    {
      envelope_id: envelope.id,
      tool: envelope.action.tool,
      decision: decision.verdict,
      latency_us: Math.round(milliseconds * 1000),
      matched_rule: decision.rule.label,
      session: envelope.subject.session,
      surface: envelope.surface,
    },
    'action evaluated',
  )
}

function logFailure(log: Log, envelope: ActionEnvelope, error: unknown, milliseconds: number): void {
  const { code, message } = asAegisError(error)
  const latency_us = Math.round(milliseconds * 1000)
  log.warn({ envelope_id: envelope.id, tool: envelope.action.tool, code, error: message, latency_us }, 'action failed')
}
