import type { Described } from '../core/catalog/catalog.ts'
import { describeAction, describeRequest, describeUpstreamCall } from '../core/catalog/index.ts'
import type { Decision } from '../core/decision.ts'
import type { ActionEnvelope, Surface } from '../core/envelope.ts'
import { asAegisError } from '../core/errors.ts'
import type { Facts } from '../core/facts.ts'
import { type EnvelopeId, type Principal, sessionId } from '../core/ids.ts'
import type { CompiledPolicy } from '../core/policy/index.ts'
import type { CaseInput, PolicyCase } from './read-cases.ts'

export interface CaseResult {
  readonly case: PolicyCase
  readonly passed: boolean
  /** What came out; null where the action could not be described at all. */
  readonly decision: Decision | null
  /** What differs, for people; null where nothing does. */
  readonly difference: string | null
}

/** Judges the cases by the real catalog and the real policy; what a case does not say of the world is unknown. */
export function runCases(policy: CompiledPolicy, cases: readonly PolicyCase[]): readonly CaseResult[] {
  return cases.map((one) => runCase(policy, one))
}

export function runCase(policy: CompiledPolicy, one: PolicyCase): CaseResult {
  try {
    const { receivedAt, facts: given } = one
    const facts: Facts = { ...given, approval: { known: true, value: { status: 'none' } } }
    const decision = policy.decide(policy.bind({ ...caseEnvelope(one.input), receivedAt }, facts), facts)
    const difference = differenceOf(one, decision)
    return { case: one, passed: difference === null, decision, difference }
  } catch (error) {
    const { message } = asAegisError(error)
    return {
      case: one,
      passed: false,
      decision: null,
      difference: `refused before any policy looked at it: ${message}`,
    }
  }
}

function differenceOf({ expect, rule }: PolicyCase, decision: Decision): string | null {
  const { verdict, reason } = decision
  const { label } = decision.rule
  if (verdict !== expect) return `expected ${expect}, got ${verdict} by ${label} (${reason})`
  if (rule !== null && rule !== label) return `expected the rule ${rule}, got ${label} (${reason})`
  return null
}

/** The envelope of a case: real catalog, a made-up caller, no upstream. @throws AegisError as the catalog does. */
export function caseEnvelope(input: CaseInput): ActionEnvelope {
  const { protocol, tool, capability, parameters, acts, resource } = describe(input)
  const principal = 'key_case' as Principal
  const surface: Surface = input.kind === 'call' || input.kind === 'request' ? 'mcp' : 'api'
  return {
    id: '00000000-0000-7000-8000-000000000000' as EnvelopeId,
    receivedAt: 0,
    surface,
    subject: { principal, owner: '', role: 'agent', agent: 'case', session: sessionId(principal, 'case') },
    action: { protocol, tool, capability, parameters, route: null, acts },
    resource,
    task: null,
    justification: null,
    approvalRef: null,
  }
}

function describe(input: CaseInput): Described {
  if (input.kind === 'call') return describeUpstreamCall(input.call)
  if (input.kind === 'request') return describeRequest(input.request)
  if (input.kind === 'action') return describeAction(input.claim)
  return describeAction({
    protocol: 'shell',
    tool: 'shell',
    target: '',
    capability: null,
    parameters: { command: input.line },
  })
}
