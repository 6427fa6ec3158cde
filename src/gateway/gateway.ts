import { type Approvals, redeems } from '../approvals/approvals.ts'
import type { CatalogName } from '../core/catalog/catalog.ts'
import { classifyTool } from '../core/catalog/index.ts'
import type { Decision } from '../core/decision.ts'
import type { ActionEnvelope } from '../core/envelope.ts'
import { AegisError, asAegisError } from '../core/errors.ts'
import { isObject, type JsonObject } from '../core/json.ts'
import type { CompiledPolicy } from '../core/policy/compiled.ts'
import type { Clock, Log, Random } from '../core/runtime.ts'
import type { CredentialBroker } from '../credentials/ports.ts'
import type { FactCollector } from '../facts/facts.ts'
import type { Ledger } from '../ledger/draft.ts'
import type { Metrics } from '../observability/metrics.ts'
import { createNormalizer } from './normalize.ts'
import { createPerform } from './perform.ts'
import type { ClientChannel, IncomingCall, Upstreams } from './ports.ts'
import { createRecorder, type Intent } from './recorder.ts'
import type { Gateway, ListedTool, Reply } from './reply.ts'
import { createSessions } from './sessions.ts'

/** How often a call is judged again because another one spent the approval it counted on. */
const RETRIES = 4
/** Pages of one upstream's tool list followed at most: an upstream that never ends its list is cut off. */
const LIST_PAGES = 100

export interface GatewayParts {
  /** The policy in force at this moment: swapped whole on reload. */
  readonly policy: () => CompiledPolicy
  readonly facts: FactCollector
  readonly approvals: Approvals
  readonly ledger: Ledger
  readonly broker: CredentialBroker
  readonly upstreams: Upstreams
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}

/** The product on one screen: call -> envelope -> facts -> decision -> intent -> credential -> forward -> result -> reply. */
export function createGateway(parts: GatewayParts): Gateway {
  const { facts, upstreams, clock, log, metrics } = parts
  const { normalize } = createNormalizer({ ...parts, sessions: createSessions(clock) })
  const recorder = createRecorder(parts)
  const perform = createPerform({ ...parts, recorder })

  async function judge(policy: CompiledPolicy, envelope: ActionEnvelope, signal: AbortSignal): Promise<Decision> {
    return policy.decide(envelope, await facts.collect(policy.factsNeeded(envelope), envelope, signal))
  }

  async function decideAndRecord(envelope: ActionEnvelope, call: IncomingCall, signal: AbortSignal) {
    for (let round = 1; ; round++) {
      const decision = await judge(parts.policy(), envelope, signal)
      const runs = decision.verdict === 'allow' && envelope.action.route !== null && asked(call, decision)
      try {
        const intent = await recorder.decision(envelope, decision, runs ? 'forward' : 'none')
        return { decision, intent, runs }
      } catch (error) {
        const spent = error instanceof AegisError && error.code === 'approval_spent'
        if (!spent || round === RETRIES) throw error
      }
    }
  }

  async function answer(envelope: ActionEnvelope, call: IncomingCall, signal: AbortSignal): Promise<Reply> {
    const { decision, intent, runs } = await decideAndRecord(envelope, call, signal)
    const { entry } = intent
    switch (decision.verdict) {
      case 'block':
        return { kind: 'refused', envelope, decision, entry }
      case 'review':
        return { kind: 'parked', envelope, decision, entry, approval: parkedApproval(intent) }
      case 'allow': {
        if (!runs && call.execute && call.surface !== 'hook') throw nothingRuns(envelope)
        if (!runs) return { kind: 'decided', envelope, decision, entry }
        const { channel, meta, retry } = call
        return perform(envelope, decision, intent, {
          signal,
          channel,
          meta,
          ...(retry === undefined ? {} : { retry }),
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
        logAction(log, envelope, decision, clock.elapsed() - start)
        return reply
      } catch (error) {
        logFailure(log, envelope, error, clock.elapsed() - start)
        throw error
      }
    },

    async preview(call, signal) {
      const envelope = await normalize(call)
      const policy = parts.policy()
      const known = await facts.collect(policy.factsNeeded(envelope), envelope, signal)
      return { ...policy.simulate(envelope, known), envelope }
    },

    async tools(upstream, _caller, channel, signal) {
      const info = upstreams.get(upstream)
      if (info === null) throw new AegisError('no_upstream', `no upstream \`${upstream}\``)
      const policy = parts.policy()
      const { tools, rest } = await listAll(upstreams, upstream, channel, signal)
      const callable = tools.filter((tool) => reachable(policy, upstream, info.catalog, tool))
      return { tools: callable.map((tool): ListedTool => ({ upstream, tool })), rest }
    },

    relay: (upstream, message, channel, context) => upstreams.request(upstream, message, channel, context),
  }
}

/** JSON-RPC 2.0, section 5.1. */
const METHOD_NOT_FOUND = -32601
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

async function listAll(upstreams: Upstreams, upstream: string, channel: ClientChannel, signal: AbortSignal) {
  const tools: JsonObject[] = []
  let rest: JsonObject = {}
  let cursor: string | null = null
  for (let page = 0; page < LIST_PAGES; page++) {
    const params: JsonObject = cursor === null ? {} : { cursor }
    const outcome = await upstreams.request(upstream, { method: 'tools/list', params }, channel, {
      signal,
      onNotification: ignore,
    })
    if (outcome.kind === 'error') {
      // A server without tools need not know the method: it offers prompts or resources.
      if (outcome.error.code === METHOD_NOT_FOUND) break
      throw new AegisError(
        'upstream_unreachable',
        `upstream \`${upstream}\` would not list its tools: ${outcome.error.message}`,
      )
    }
    const { tools: listed, nextCursor, ...others } = outcome.result
    if (page === 0) rest = others
    // One by one: a list of some hundred thousand does not fit into the arguments of one `push`.
    for (const tool of Array.isArray(listed) ? listed : []) if (isObject(tool)) tools.push(tool)
    if (typeof nextCursor !== 'string' || nextCursor === cursor) break
    cursor = nextCursor
  }
  return { tools, rest }
}

/** A tool is listed where some arguments could make a call of it anything but blocked. */
function reachable(policy: CompiledPolicy, upstream: string, catalog: CatalogName, tool: JsonObject): boolean {
  const { name } = tool
  return (
    typeof name === 'string' && policy.reachable({ surface: 'mcp', ...classifyTool({ upstream, catalog, tool: name }) })
  )
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
