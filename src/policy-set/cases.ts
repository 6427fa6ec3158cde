import { type ActionClaim, CATALOGS, type Described, type UpstreamCall } from '../core/catalog/catalog.ts'
import { describeAction, describeRequest, describeUpstreamCall, type UpstreamRequest } from '../core/catalog/index.ts'
import type { Decision, RuleVerdict } from '../core/decision.ts'
import { type ActionEnvelope, JUDGED_REQUESTS, type Surface } from '../core/envelope.ts'
import { asAegisError } from '../core/errors.ts'
import { type EnvelopeId, type Principal, sessionId } from '../core/ids.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { CompiledPolicy, MappingTree, Position, Problem, Tree, TreeEntry } from '../core/policy/index.ts'
import { hint } from '../core/spelling.ts'
import { readYaml } from './read-yaml.ts'

/** What a case sends: a shell line, an action as the actions API takes it, a tool call to an upstream, or another request to one. */
export type CaseInput =
  | { readonly kind: 'shell'; readonly line: string }
  | { readonly kind: 'action'; readonly claim: ActionClaim }
  | { readonly kind: 'call'; readonly call: UpstreamCall }
  | { readonly kind: 'request'; readonly request: UpstreamRequest }

export interface PolicyCase {
  readonly name: string
  readonly at: Position
  readonly input: CaseInput
  readonly expect: RuleVerdict
  /** The expected `matched_rule`; null where the case does not say. */
  readonly rule: string | null
}

export interface CaseResult {
  readonly case: PolicyCase
  readonly passed: boolean
  /** What came out; null where the action could not be described at all. */
  readonly decision: Decision | null
  /** What differs, for people; null where nothing does. */
  readonly difference: string | null
}

export type CasesReading =
  | { readonly ok: true; readonly cases: readonly PolicyCase[] }
  | { readonly ok: false; readonly problems: readonly Problem[] }

const INPUTS = ['shell', 'action', 'call', 'request']
const CASE_KEYS = ['name', ...INPUTS, 'expect', 'rule']
const VERDICTS: readonly RuleVerdict[] = ['allow', 'review', 'block']

/** Reads a `*.cases.yaml`: a list of cases. Reports every problem. */
export function readCases(text: string): CasesReading {
  const yaml = readYaml(text)
  if (!yaml.ok) return yaml
  const problems: Problem[] = []
  const note = (at: Position, message: string) => void problems.push({ ...at, message })
  if (yaml.tree.kind !== 'list' || yaml.tree.items.length === 0) {
    note(yaml.tree.at, 'a cases file is a list, such as - { shell: "git status", expect: allow }')
    return { ok: false, problems }
  }
  const cases = yaml.tree.items.flatMap((item) => readCase(item, note) ?? [])
  return problems.length > 0 ? { ok: false, problems } : { ok: true, cases }
}

type Note = (at: Position, message: string) => void

function readCase(tree: Tree, note: Note): PolicyCase | null {
  if (tree.kind !== 'mapping') {
    note(tree.at, 'a case is a mapping, such as { shell: "git status", expect: allow }')
    return null
  }
  for (const { key, keyAt } of tree.entries) {
    if (!CASE_KEYS.includes(key)) note(keyAt, `unknown key \`${key}\` in a case${hint(key, CASE_KEYS)}`)
  }
  const input = readInput(tree, note)
  const expected = textOf(find(tree, 'expect'))
  const expect = VERDICTS.find((verdict) => verdict === expected)
  if (expect === undefined) note(find(tree, 'expect')?.value.at ?? tree.at, '`expect` must be allow, review or block')
  if (input === null || expect === undefined) return null
  return {
    name: textOf(find(tree, 'name')) ?? summary(input),
    at: tree.at,
    input,
    expect,
    rule: textOf(find(tree, 'rule')),
  }
}

function readInput(tree: MappingTree, note: Note): CaseInput | null {
  const given = INPUTS.flatMap((key) => find(tree, key) ?? [])
  const [entry, second] = given
  if (entry === undefined || second !== undefined) {
    note(tree.at, 'a case needs exactly one of `shell`, `action`, `call` and `request`')
    return null
  }
  const line = textOf(entry)
  if (entry.key === 'shell' && line !== null) return { kind: 'shell', line }
  const value = toJson(entry.value)
  const input = READ[entry.key]?.(value) ?? null
  if (input === null) note(entry.value.at, SHAPES[entry.key] ?? '`shell` must be a command line')
  return input
}

const READ: Readonly<Record<string, (value: Json) => CaseInput | null>> = {
  action: toClaim,
  call: toCall,
  request: toRequest,
}

const SHAPES: Readonly<Record<string, string>> = {
  action: '`action` must be { protocol, tool, target, capability?, parameters? }',
  call: `\`call\` must be { upstream, catalog, tool, parameters }, the catalog one of ${CATALOGS.join(', ')}`,
  request: `\`request\` must be { upstream, catalog, method, parameters }, the method one of ${JUDGED_REQUESTS.join(', ')}`,
}

/** An action as JSON (the body of the actions API), or null where it is none. */
export function toClaim(value: Json): CaseInput | null {
  if (!isMapping(value)) return null
  const { protocol, tool, target = '', capability = null, parameters = {}, ...rest } = value
  if (typeof protocol !== 'string' || typeof tool !== 'string' || typeof target !== 'string') return null
  if ((capability !== null && typeof capability !== 'string') || !isMapping(parameters) || Object.keys(rest).length > 0)
    return null
  return { kind: 'action', claim: { protocol, tool, target, capability, parameters } }
}

function toCall(value: Json): CaseInput | null {
  if (!isMapping(value)) return null
  const { upstream, catalog: named, tool, parameters = {}, ...rest } = value
  const catalog = CATALOGS.find((one) => one === named)
  if (typeof upstream !== 'string' || typeof tool !== 'string' || catalog === undefined) return null
  if (!isMapping(parameters) || Object.keys(rest).length > 0) return null
  return { kind: 'call', call: { upstream, catalog, tool, parameters } }
}

function toRequest(value: Json): CaseInput | null {
  if (!isMapping(value)) return null
  const { upstream, catalog: named, method: asked, parameters = {}, ...rest } = value
  const catalog = CATALOGS.find((one) => one === named)
  const method = JUDGED_REQUESTS.find((one) => one === asked)
  if (typeof upstream !== 'string' || catalog === undefined || method === undefined) return null
  if (!isMapping(parameters) || Object.keys(rest).length > 0) return null
  return { kind: 'request', request: { upstream, catalog, method, parameters } }
}

/** Judges the cases by the real catalog and the real policy; facts are unknown, as they are on a first call. */
export function runCases(policy: CompiledPolicy, cases: readonly PolicyCase[]): readonly CaseResult[] {
  return cases.map((one) => runCase(policy, one))
}

export function runCase(policy: CompiledPolicy, one: PolicyCase): CaseResult {
  try {
    const decision = policy.decide(caseEnvelope(one.input), { approval: { known: true, value: { status: 'none' } } })
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

function summary(input: CaseInput): string {
  if (input.kind === 'shell') return input.line
  if (input.kind === 'action') return `${input.claim.tool} ${input.claim.target}`
  const [{ upstream, parameters }, what] =
    input.kind === 'call' ? [input.call, input.call.tool] : [input.request, input.request.method]
  return `${upstream}: ${what} ${JSON.stringify(parameters)}`
}

function find(tree: MappingTree, key: string): TreeEntry | undefined {
  return tree.entries.find((entry) => entry.key === key)
}

function textOf(entry: TreeEntry | undefined): string | null {
  return entry?.value.kind === 'scalar' && typeof entry.value.value === 'string' ? entry.value.value : null
}

function isMapping(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function toJson(tree: Tree): Json {
  if (tree.kind === 'scalar') return tree.value
  if (tree.kind === 'list') return tree.items.map(toJson)
  const object: Record<string, Json> = Object.create(null)
  for (const { key, value } of tree.entries) object[key] = toJson(value)
  return object
}
