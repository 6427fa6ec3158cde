import { NO_RESOURCE } from '../core/acts.ts'
import { requestTool } from '../core/catalog/index.ts'
import type { Block, Decision, Finding } from '../core/decision.ts'
import type { ActionEnvelope, Capability, Resource } from '../core/envelope.ts'
import { asAegisError } from '../core/errors.ts'
import { type Principal, uuidv7 } from '../core/ids.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import type { CompiledPolicy } from '../core/policy/compiled.ts'
import type { Clock, Log, Random } from '../core/runtime.ts'
import { createTeller } from '../identity/once-a-minute.ts'
import { agentName } from './normalize.ts'
import type { ClientChannel, Outcome, Question, RpcError, Upstreams } from './ports.ts'
import { createQuestionBudget } from './question-budget.ts'
import type { Recorder } from './recorder.ts'
import type { Sessions } from './sessions.ts'

/** What an upstream may ask of a client that a policy can rule. A sampling request makes the client's model run. */
const RULED: ReadonlyMap<string, Capability> = new Map([
  ['sampling/createMessage', 'execute'],
  ['elicitation/create', 'read'],
  ['roots/list', 'read'],
])

const BLOCKED = -32001

/** Strictest first. */
const STRICTNESS = { block: 0, review: 1, rewrite: 2, allow: 3 } as const

/**
 * Judges what upstreams ask of clients (`<upstream>.sampling.createMessage`, `.elicitation.create`, `.roots.list`). A rule that
 * matches speaks and is recorded; where none does the question passes: the client has its own say in it. A review cannot be
 * waited for inside somebody else's call, so it refuses.
 */
export function createQuestions(parts: {
  readonly policy: () => CompiledPolicy
  readonly upstreams: Upstreams
  readonly recorder: Recorder
  readonly sessions: Sessions
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}): (question: Question) => Promise<RpcError | null> {
  const { upstreams, recorder, sessions, clock, random, log } = parts
  const budget = createQuestionBudget(clock)
  const tell = createTeller(log, clock)

  function envelopeOf(question: Question, capability: Capability): ActionEnvelope {
    const { upstream, method, params, channel } = question
    const { principal, sessionLabel } = channel.owner ?? NOBODY
    const tool = requestTool(upstream, upstreams.get(upstream)?.catalog ?? 'none', method)
    const resource = resourceOf(params)
    const act = { protocol: 'mcp', tool, capability, resource, doubt: null } as const
    const { name } = channel.client.info
    return {
      id: uuidv7(clock.now(), random),
      receivedAt: clock.now(),
      surface: 'mcp',
      subject: {
        principal,
        owner: '',
        role: 'agent',
        agent: agentName(typeof name === 'string' ? name : null) ?? principal,
        session: sessions.of(principal, sessionLabel),
      },
      action: { protocol: 'mcp', tool, capability, parameters: params, route: null, acts: [act] },
      resource,
      task: null,
      justification: null,
      approvalRef: null,
    }
  }

  return async (question) => {
    const capability = RULED.get(question.method)
    if (capability === undefined) return null
    const envelope = envelopeOf(question, capability)
    const decision = spoken(parts.policy().decide(envelope, {}))
    if (decision === null) return null
    // There is no session to record it in.
    const { owner } = question.channel
    if (owner === undefined) return refusal(question, 'the client is not known')
    if (!budget.take(question.upstream, owner.principal)) {
      const { upstream } = question
      tell(`${upstream} ${owner.principal}`, { upstream, principal: owner.principal }, 'an upstream asks without end')
      return refusal(question, 'it asks too often')
    }
    try {
      await recorder.decision(envelope, decision, 'none')
    } catch (error) {
      log.warn(
        { upstream: question.upstream, method: question.method, error: asAegisError(error).message },
        'a question was not recorded',
      )
      return refusal(question, 'the evidence cannot be written')
    }
    return decision.verdict === 'block' ? refusal(question, decision.reason) : null
  }
}

/** A conversation without a caller: judged, never recorded. */
const NOBODY = { principal: 'key_nobody' as Principal, sessionLabel: 'none' }

/** The page that a URL elicitation would have the person open is what a rule's `target` means; a form has none. */
export function resourceOf({ url }: JsonObject): Resource {
  return typeof url === 'string' ? { ...NO_RESOURCE, target: url, operands: [url] } : NO_RESOURCE
}

/** Questions of one answer judged at most: each may cost an entry. */
const MAX_INPUTS = 64

/**
 * Whatever an upstream answers may carry questions to the client: refused whole where the client may not be asked one of
 * them. It is the questions that count and not the kind of the answer, which is the upstream's own word: a client may heed
 * them in answers that should have none.
 */
export async function ruledOutcome(
  question: (question: Question) => Promise<RpcError | null>,
  upstream: string,
  channel: ClientChannel | null,
  outcome: Outcome,
): Promise<Outcome> {
  const asked = questionsIn(outcome)
  if (asked.length === 0 || channel === null) return outcome
  if (asked.length > MAX_INPUTS)
    return { kind: 'error', error: { code: -32000, message: 'the upstream asks too much' } }
  for (const each of asked) {
    const error = await question({ upstream, ...each, channel })
    if (error !== null) return { kind: 'error', error }
  }
  return outcome
}

/**
 * `inputRequests` of a round trip or a task (2026-07-28, "Multi Round-Trip Requests"; SEP-2663), and the pages that an error
 * wants to have opened (2025-11-25, "URL Elicitation Required Error").
 */
export function questionsIn(outcome: Outcome): readonly Pick<Question, 'method' | 'params'>[] {
  if (outcome.kind === 'error') {
    const { data } = outcome.error
    const pages = isObject(data) ? data['elicitations'] : undefined
    return objects(pages).map((params) => ({ method: 'elicitation/create', params }))
  }
  return objects(outcome.result['inputRequests']).map((input) => {
    const params = input['params']
    return { method: textMember(input, 'method') ?? '', params: isObject(params) ? params : {} }
  })
}

function objects(listed: Json | undefined): readonly JsonObject[] {
  return typeof listed === 'object' && listed !== null ? Object.values<Json>(listed).filter(isObject) : []
}

/** The decision of the rules alone; null where none of them matches. */
function spoken(decision: Decision): Exclude<Decision, { verdict: 'review' }> | null {
  const [rule] = decision.findings
    .filter(({ source }) => source === 'rule')
    .sort((left, right) => STRICTNESS[left.verdict] - STRICTNESS[right.verdict])
  if (rule === undefined) return null
  const { policySha256, findings, blastRadius } = decision
  const ref = { policy: decision.rule.policy, index: null, label: rule.name }
  const common = { rule: ref, policySha256, findings, reason: reasonOf(rule), blastRadius, obligations: [] }
  if (rule.verdict === 'allow') return { ...common, verdict: 'allow' }
  return { ...common, verdict: 'block', suggestion: null } satisfies Block
}

function reasonOf({ verdict, reason }: Finding): string {
  return verdict === 'review' ? `${reason}, and a question of an upstream cannot wait for a reviewer` : reason
}

function refusal({ upstream, method }: Question, reason: string): RpcError {
  return { code: BLOCKED, message: `policy: ${method} of ${upstream} is blocked: ${reason}` }
}
