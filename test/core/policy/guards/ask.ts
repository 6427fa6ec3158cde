import { describeAction, describeUpstreamCall } from '../../../../src/core/catalog/index.ts'
import type { Act, ActionEnvelope, Plan } from '../../../../src/core/envelope.ts'
import type { Fact, FactKey, Facts, FactValues } from '../../../../src/core/facts.ts'
import type { EnvelopeId, Principal, SessionId } from '../../../../src/core/ids.ts'
import type { JsonObject } from '../../../../src/core/json.ts'
import type { ConfiguredGuard, GuardFinding } from '../../../../src/core/policy/guards/guard.ts'
import { readGuards } from '../../../../src/core/policy/guards/registry.ts'
import { createReader } from '../../../../src/core/policy/reader.ts'
import { tree } from '../acts.ts'

/** A Wednesday, 12:00 in London. */
export const NOON = Date.parse('2026-11-18T12:00:00Z')
export const DOWN = 'GitHub answered 503'
export const REPO = { owner: 'acme', repo: 'app' }

/** What the reader makes of the text under `guards:`. */
export function readText(text: string): { guards: readonly ConfiguredGuard[]; problems: readonly string[] } {
  const reader = createReader()
  const read = tree(`guards: ${text.includes('\n') ? `\n${text.replace(/^/gm, '  ')}` : `{ ${text} }`}`)
  const entry = read.kind === 'mapping' ? read.entries[0] : undefined
  const guards = readGuards(reader, entry)
  return { guards, problems: reader.problems.map(({ line, column, message }) => `${line}:${column} ${message}`) }
}

export function guardOf(text: string): ConfiguredGuard {
  const { guards, problems } = readText(text)
  const [guard] = guards
  if (guard === undefined || problems.length > 0) throw new Error(problems.join('\n'))
  return guard
}

type Described = ReturnType<typeof describeUpstreamCall>

function enveloped(described: Described, part: Partial<ActionEnvelope>): ActionEnvelope {
  const { protocol, tool, capability, parameters, acts, resource } = described
  const principal = 'key_test' as Principal
  return {
    id: '00000000-0000-7000-8000-000000000001' as EnvelopeId,
    receivedAt: NOON,
    surface: 'mcp',
    subject: { principal, owner: '', role: 'agent', agent: 'test', session: 'key_test/sess-1' as SessionId },
    action: { protocol, tool, capability, parameters, route: null, acts },
    resource,
    task: null,
    justification: null,
    approvalRef: null,
    ...part,
  }
}

/** A call of a GitHub tool on acme/app. */
export function github(tool: string, parameters: JsonObject, part: Partial<ActionEnvelope> = {}): ActionEnvelope {
  const call = { upstream: 'github', catalog: 'github', tool, parameters: { ...REPO, ...parameters } } as const
  return enveloped(describeUpstreamCall(call), part)
}

export function shell(line: string, part: Partial<ActionEnvelope> = {}): ActionEnvelope {
  return enveloped(
    describeAction({ protocol: 'shell', tool: 'shell', target: line, capability: null, parameters: {} }),
    part,
  )
}

export function action(
  protocol: string,
  tool: string,
  target: string,
  parameters: JsonObject = {},
  part: Partial<ActionEnvelope> = {},
): ActionEnvelope {
  return enveloped(describeAction({ protocol, tool, target, capability: null, parameters }), part)
}

/** A call of a tool that no catalog knows. */
export function uncatalogued(tool: string, parameters: JsonObject = {}): ActionEnvelope {
  return enveloped(describeUpstreamCall({ upstream: 'other', catalog: 'none', tool, parameters }), {})
}

export function push(branch: string | undefined, contents: Readonly<Record<string, string>> = { 'src/a.ts': 'x\n' }) {
  const files = Object.entries(contents).map(([path, content]) => ({ path, content }))
  return github('push_files', { ...(branch === undefined ? {} : { branch }), files, message: 'm' })
}

/** The call with a plan for a pull request from `branch` to main, whose steps are those of the engine's. */
export function withPlan(asked: ActionEnvelope, branch: string): ActionEnvelope {
  const [first] = asked.action.acts
  const resource = { ...first.resource, paths: [], operands: [], branch: { kind: 'named', name: branch } } as const
  const step = { protocol: 'git', capability: 'write', doubt: null } as const
  const acts: [Act, ...Act[]] = [
    { ...step, tool: 'github.create_branch', resource },
    { ...first, resource: { ...first.resource, branch: resource.branch } },
    { ...step, tool: 'github.create_pull_request', resource: { ...resource, base: 'main' } },
  ]
  const repository = first.resource.repository ?? { owner: 'acme', name: 'app' }
  const plan: Plan = {
    kind: 'pull_request',
    repository,
    branch,
    base: 'main',
    message: 'm',
    title: 'm',
    body: '',
    files: [],
    acts,
  }
  return { ...asked, plan }
}

/** Facts by key: a value is known, a text is why it is not. */
export function facts(values: { readonly [K in FactKey]?: FactValues[K] | string }): Facts {
  const found: Record<string, Fact<unknown>> = {}
  for (const [key, value] of Object.entries(values)) {
    found[key] = typeof value === 'string' ? { known: false, reason: value } : { known: true, value }
  }
  return found as Facts
}

/** All that a guard says of all acts of a call. */
export function ask(text: string, envelope: ActionEnvelope, known: Facts = {}): readonly GuardFinding[] {
  const { guard } = guardOf(text)
  return envelope.action.acts.flatMap((act) => guard.judge({ act, envelope, facts: known }))
}

/** What it says of the steps of a plan. */
export function askPlan(text: string, envelope: ActionEnvelope, known: Facts = {}): readonly GuardFinding[] {
  const { guard } = guardOf(text)
  return (envelope.plan?.acts ?? []).flatMap((act) => guard.judge({ act, envelope, facts: known }))
}

/** The strictest verdict of all findings, `-` where there are none. */
export function verdict(text: string, envelope: ActionEnvelope, known: Facts = {}): string {
  const found = ask(text, envelope, known).map((one) => one.verdict)
  return (['block', 'review', 'rewrite'] as const).find((one) => found.includes(one)) ?? '-'
}

export function needs(text: string, envelope: ActionEnvelope): readonly FactKey[] {
  const { guard } = guardOf(text)
  return [...new Set(envelope.action.acts.flatMap((act) => guard.needs({ act, envelope })))]
}
