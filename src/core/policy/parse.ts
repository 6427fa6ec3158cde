import type { RuleVerdict } from '../decision.ts'
import type { Dialect, PolicyDocument, Rule } from './document.ts'
import type { ConfiguredGuard } from './guards/guard.ts'
import { readGuards } from './guards/registry.ts'
import { RULE_DECISIONS, type RuleContext, readRule } from './parse-rule.ts'
import { MAX_REVIEWERS } from './parse-terms.ts'
import { createReader, type Members, type Reader } from './reader.ts'
import { findUnreachable } from './shadow.ts'
import type { MappingTree, Problem, Tree, TreeEntry } from './tree.ts'

/** Policy files of this version are read. */
const VERSION = 1
const MAX_RULES = 20_000
const NATIVE_KEYS = ['version', 'name', 'description', 'default_decision', 'critical_needs', 'rules', 'guards'] as const
const FLAT_KEYS = ['name', 'description', 'default_decision', 'rules'] as const
const NESTED_KEYS = ['tool_policies'] as const
const TOOL_POLICIES_KEYS = ['enabled', 'default_decision', 'rules'] as const
const AEGISFLOW_RULE_KEYS = ['protocol', 'tool', 'target', 'capability', 'decision']
const HOOK_KEYS = ['action', 'conditions', 'priority']

export interface ParseOptions {
  /** The file, as it is called in messages; its base name names a policy that has no `name` (AegisFlow). */
  readonly source: string
  /** Prefixes of canonical tools that exist besides the built-in ones: names of upstreams without a catalog. Null: not known, not checked. */
  readonly toolPrefixes: readonly string[] | null
}

/** A file with any problem does not load: there is a document or there are problems, never both. */
export type ParseResult =
  | { readonly ok: true; readonly document: PolicyDocument }
  | { readonly ok: false; readonly name: string; readonly problems: readonly Problem[] }

/** Reads one policy of any known dialect and reports every mistake in it, in file order. Never throws. */
export function parsePolicy(tree: Tree, options: ParseOptions): ParseResult {
  const reader = createReader()
  const fallbackName = baseName(options.source)
  if (tree.kind !== 'mapping') {
    reader.problem(
      tree.at,
      'a policy file is a mapping; start with `version: 1`, `name:`, `default_decision:` and `rules:`',
    )
    return { ok: false, name: fallbackName, problems: reader.problems }
  }
  const read = isHookDialect(tree) ? readHook(reader, tree) : readDialect(reader, tree, options)
  const { name = fallbackName } = read
  if (reader.problems.length > 0) {
    const problems = reader.problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
    return { ok: false, name, problems }
  }
  const { dialect, description = null, defaultDecision = 'block', rules, guards = [], criticalNeeds } = read
  const critical = criticalNeeds === undefined ? {} : { criticalNeeds }
  const document = { name, source: options.source, dialect, description, defaultDecision, rules, guards, ...critical }
  return { ok: true, document }
}

interface Read {
  readonly dialect: Dialect
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly defaultDecision?: RuleVerdict | undefined
  readonly rules: readonly Rule[]
  readonly guards?: readonly ConfiguredGuard[]
  readonly criticalNeeds?: number | undefined
}

function readDialect(reader: Reader, tree: MappingTree, options: ParseOptions): Read {
  if (has(tree, 'tool_policies')) return readNested(reader, tree, options)
  return isFlat(tree) ? readFlat(reader, tree, options) : readNative(reader, tree, options)
}

function readNative(reader: Reader, tree: MappingTree, options: ParseOptions): Read {
  const top = reader.members(tree, 'the policy', NATIVE_KEYS)
  checkVersion(reader, tree, top.version)
  if (top.name === undefined) reader.problem(tree.at, '`name` is missing; it stands in every decision of this policy')
  if (top.default_decision === undefined) {
    reader.problem(
      tree.at,
      '`default_decision` is missing; say what happens where no rule matches: block, review or allow',
    )
  }
  const guards = readGuards(reader, top.guards)
  const criticalNeeds = reader.whole(top.critical_needs, 1, MAX_REVIEWERS)
  return { ...readBody(reader, tree, top, { ...options, dialect: 'native' }), dialect: 'native', guards, criticalNeeds }
}

/** AegisFlow's stand-alone pack. A missing default blocks there. */
function readFlat(reader: Reader, tree: MappingTree, options: ParseOptions): Read {
  const top = reader.members(tree, 'the policy', FLAT_KEYS)
  return { ...readBody(reader, tree, top, { ...options, dialect: 'aegisflow' }), dialect: 'aegisflow' }
}

/** AegisFlow's pack inside a configuration. The rest of such a configuration is not ours to read, and not ours to ignore. */
function readNested(reader: Reader, tree: MappingTree, options: ParseOptions): Read {
  const nested = reader.members(
    tree,
    'a file with `tool_policies` (keep other AegisFlow settings out of the policy file)',
    NESTED_KEYS,
  )
  const value = nested.tool_policies?.value
  if (value === undefined) return { dialect: 'aegisflow', rules: [] }
  if (value.kind !== 'mapping') {
    reader.problem(value.at, '`tool_policies` must be a mapping with `default_decision` and `rules`')
    return { dialect: 'aegisflow', rules: [] }
  }
  const top = reader.members(value, '`tool_policies`', TOOL_POLICIES_KEYS)
  if (reader.flag(top.enabled) === false) {
    reader.problem(
      top.enabled?.value.at ?? value.at,
      '`enabled: false` would leave everything unjudged; take the file out of `policy` in aegis.yaml instead',
    )
  }
  return { ...readBody(reader, value, top, { ...options, dialect: 'aegisflow' }), dialect: 'aegisflow' }
}

function readBody(
  reader: Reader,
  tree: MappingTree,
  top: Members<'name' | 'description' | 'default_decision' | 'rules'>,
  context: RuleContext,
): Omit<Read, 'dialect' | 'guards' | 'criticalNeeds'> {
  return {
    name: readName(reader, top.name),
    description: reader.sentence(top.description),
    defaultDecision: readDefault(reader, top.default_decision),
    rules: readRules(reader, tree, top.rules, context),
  }
}

function readName(reader: Reader, entry: TreeEntry | undefined): string | undefined {
  const name = reader.text(entry)
  if (entry === undefined || name === undefined || /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return name
  reader.problem(entry.value.at, '`name` is 1 to 64 letters, digits and `._-`, starting with a letter or digit')
  return undefined
}

function readDefault(reader: Reader, entry: TreeEntry | undefined): RuleVerdict | undefined {
  const text = reader.text(entry)
  if (entry === undefined || text === undefined) return undefined
  return reader.choice({ text, at: entry.value.at }, 'decision', RULE_DECISIONS.known, RULE_DECISIONS.aliases)
}

function readRules(
  reader: Reader,
  tree: MappingTree,
  entry: TreeEntry | undefined,
  context: RuleContext,
): readonly Rule[] {
  const list = entry?.value
  if (list === undefined || list.kind !== 'list' || list.items.length === 0) {
    reader.problem(
      list?.at ?? tree.at,
      `\`rules\` must list at least one rule${list === undefined ? '; it is missing' : ''}`,
    )
    return []
  }
  if (list.items.length > MAX_RULES) {
    reader.problem(list.at, `a policy has at most ${MAX_RULES} rules; this one has ${list.items.length}`)
    return []
  }
  const rules: Rule[] = []
  for (const item of list.items) {
    const rule = readRule(reader, item, context)
    if (rule !== null) rules.push(rule)
  }
  checkIds(reader, rules)
  for (const { at, message } of findUnreachable(rules)) reader.problem(at, message)
  return rules
}

function checkIds(reader: Reader, rules: readonly Rule[]): void {
  const lines = new Map<string, number>()
  for (const { id, at } of rules) {
    if (id === null) continue
    const first = lines.get(id)
    if (first === undefined) lines.set(id, at.line)
    else reader.problem(at, `the id \`${id}\` is already taken by the rule in line ${first}`)
  }
}

function checkVersion(reader: Reader, tree: MappingTree, entry: TreeEntry | undefined): void {
  if (entry === undefined) {
    reader.problem(tree.at, '`version` is missing; write `version: 1` as the first line')
    return
  }
  const { value } = entry
  if (value.kind === 'scalar' && value.value === VERSION) return
  const shown = value.kind === 'scalar' ? `\`${String(value.value)}\`` : `a ${value.kind}`
  reader.problem(value.at, `unknown version ${shown}; this program reads \`version: ${VERSION}\``)
}

function readHook(reader: Reader, tree: MappingTree): Read {
  reader.problem(
    tree.at,
    'these are rules of the agent-hook dialect (`action`, `conditions`), which this version does not read; write them with `protocol`, `tool` and `decision`',
  )
  return { dialect: 'native', rules: [] }
}

function isHookDialect(tree: MappingTree): boolean {
  return ruleKeys(tree).some((key) => HOOK_KEYS.includes(key))
}

/** No version and only keys of AegisFlow, in the file and in its rules. */
function isFlat(tree: MappingTree): boolean {
  const keys = tree.entries.map(({ key }) => key)
  const flat: readonly string[] = FLAT_KEYS
  return (
    keys.includes('rules') &&
    keys.every((key) => flat.includes(key)) &&
    ruleKeys(tree).every((key) => AEGISFLOW_RULE_KEYS.includes(key))
  )
}

function ruleKeys(tree: MappingTree): readonly string[] {
  const rules = tree.entries.find(({ key }) => key === 'rules')?.value
  if (rules?.kind !== 'list') return []
  return rules.items.flatMap((item) => (item.kind === 'mapping' ? item.entries.map(({ key }) => key) : []))
}

function has(tree: MappingTree, key: string): boolean {
  return tree.entries.some((entry) => entry.key === key)
}

function baseName(source: string): string {
  return source.replace(/^.*[\\/]/, '').replace(/\.ya?ml$/, '')
}
