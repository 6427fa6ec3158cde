import { type ActionClaim, CATALOGS, type UpstreamCall } from '../core/catalog/catalog.ts'
import type { UpstreamRequest } from '../core/catalog/index.ts'
import { VERDICTS, type Verdict } from '../core/decision.ts'
import { JUDGED_REQUESTS } from '../core/envelope.ts'
import type { Facts } from '../core/facts.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { MappingTree, Position, Problem, Tree, TreeEntry } from '../core/policy/index.ts'
import { hint } from '../core/spelling.ts'
import { type Note, readCaseFacts } from './case-facts.ts'
import { readYaml } from './read-yaml.ts'
import { toJson } from './tree-json.ts'

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
  /** What is known of the world around it; a fact that is not given is unknown, as it is where nobody can look. */
  readonly facts: Facts
  /** The instant it is made at, in milliseconds since the epoch. */
  readonly receivedAt: number
  readonly expect: Verdict
  /** The expected `matched_rule`; null where the case does not say. */
  readonly rule: string | null
}

export type CasesReading =
  | { readonly ok: true; readonly cases: readonly PolicyCase[] }
  | { readonly ok: false; readonly problems: readonly Problem[] }

const INPUTS = ['shell', 'action', 'call', 'request']
const CASE_KEYS = ['name', ...INPUTS, 'facts', 'at', 'expect', 'rule']

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
  if (expect === undefined)
    note(find(tree, 'expect')?.value.at ?? tree.at, `\`expect\` must be one of ${VERDICTS.join(', ')}`)
  if (input === null || expect === undefined) return null
  return {
    name: textOf(find(tree, 'name')) ?? summary(input),
    at: tree.at,
    input,
    facts: readCaseFacts(find(tree, 'facts'), note),
    receivedAt: readInstant(find(tree, 'at'), note),
    expect,
    rule: textOf(find(tree, 'rule')),
  }
}

/** An instant as RFC 3339 writes it; the beginning of 1970 where none is given. */
function readInstant(entry: TreeEntry | undefined, note: Note): number {
  if (entry === undefined) return 0
  const instant = Date.parse(textOf(entry) ?? '')
  if (Number.isNaN(instant)) note(entry.value.at, '`at` must be an instant such as 2026-04-03T17:30:00+02:00')
  return Number.isNaN(instant) ? 0 : instant
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

/** What the actions API takes besides the action: it changes no decision. */
const OF_CALLS: ReadonlySet<string> = new Set(['session', 'agent', 'task', 'justification', 'execute', 'approval_ref'])

/** An action as JSON (the body of the actions API), or null where it is none. */
export function toClaim(value: Json): CaseInput | null {
  if (!isMapping(value)) return null
  const { protocol, tool, target = '', capability = null, parameters = {}, ...others } = value
  const rest = Object.keys(others).filter((key) => !OF_CALLS.has(key))
  if (typeof protocol !== 'string' || typeof tool !== 'string' || typeof target !== 'string') return null
  if ((capability !== null && typeof capability !== 'string') || !isMapping(parameters) || rest.length > 0) return null
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
