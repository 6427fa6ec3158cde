import type { RuleVerdict } from '../decision.ts'
import { CAPABILITIES, type Capability, PROTOCOLS, SURFACES } from '../envelope.ts'
import type { Dialect, Door, Rule, SoftCondition, SoftGlobs } from './document.ts'
import { compileGlobs, type GlobSet } from './glob.ts'
import type { GlobFlavour } from './glob-syntax.ts'
import { foldCase } from './match.ts'
import { readTerms } from './parse-terms.ts'
import type { PlacedText, Reader } from './reader.ts'
import { checkTools } from './tool-prefixes.ts'
import type { Tree, TreeEntry } from './tree.ts'

export interface RuleContext {
  readonly dialect: Dialect
  readonly toolPrefixes: readonly string[] | null
}

const NATIVE_KEYS = [
  'id',
  'protocol',
  'tool',
  'method',
  'capability',
  'repo',
  'target',
  'path',
  'branch',
  'base',
  'decision',
  'reason',
  'suggested_alternative',
  'approval',
] as const
type RuleKey = (typeof NATIVE_KEYS)[number]
const AEGISFLOW_KEYS: readonly RuleKey[] = ['protocol', 'tool', 'target', 'capability', 'decision']

export const RULE_DECISIONS = {
  known: ['allow', 'review', 'block'],
  aliases: { deny: 'block', require_approval: 'review' },
} as const satisfies { known: readonly RuleVerdict[]; aliases: Record<string, RuleVerdict> }

const DOORS: readonly Door[] = [...new Set([...PROTOCOLS, ...SURFACES])]

/** One rule, or null where it has a problem; all problems are noted with the reader. */
export function readRule(reader: Reader, tree: Tree, context: RuleContext): Rule | null {
  const before = reader.problems.length
  if (tree.kind !== 'mapping') {
    reader.problem(tree.at, 'a rule is a mapping, such as { protocol: git, tool: "github.get_*", decision: allow }')
    return null
  }
  const members = reader.members(tree, 'a rule', context.dialect === 'native' ? NATIVE_KEYS : AEGISFLOW_KEYS)
  const decision = readDecision(reader, members.decision, tree)
  const protocol = readChoices(reader, members.protocol, 'protocol', DOORS)
  const tools = reader.texts(members.tool)
  const tool = globs(reader, tools, 'name')
  for (const { text, at } of tools ?? []) {
    if (text.includes(':'))
      reader.problem(
        at,
        `a tool has no colon; write \`tool: ${text.replace(/:.*/, '')}\` and \`method: ${text.replace(/.*:/, '')}\``,
      )
  }
  if (tool !== null && tools !== undefined) checkTools(reader, tools, protocol, context.toolPrefixes)
  const rule: Rule = {
    at: tree.at,
    id: readId(reader, members.id),
    protocol,
    tool,
    method: readMethods(reader, members.method),
    capability: readChoices(reader, members.capability, 'capability', CAPABILITIES),
    repo: readRepo(reader, members.repo),
    soft: {
      target: soft(reader, members.target),
      path: soft(reader, members.path),
      branch: soft(reader, members.branch),
      base: soft(reader, members.base),
    } satisfies Record<SoftCondition, SoftGlobs | null>,
    decision: decision ?? 'block',
    reason: reader.sentence(members.reason) ?? null,
    suggestion: readSuggestion(reader, members.suggested_alternative, decision),
    terms: readTerms(reader, members.approval, decision),
  }
  return reader.problems.length === before ? rule : null
}

function readDecision(reader: Reader, entry: TreeEntry | undefined, tree: Tree): RuleVerdict | undefined {
  if (entry === undefined) {
    reader.problem(tree.at, 'the rule has no `decision`; write allow, review or block')
    return undefined
  }
  const text = reader.text(entry)
  if (text === undefined) return undefined
  return reader.choice({ text, at: entry.value.at }, 'decision', RULE_DECISIONS.known, RULE_DECISIONS.aliases)
}

function readId(reader: Reader, entry: TreeEntry | undefined): string | null {
  const id = reader.text(entry)
  if (entry === undefined || id === undefined) return null
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(id))
    reader.problem(entry.value.at, '`id` is 1 to 64 letters, digits and `._-`')
  return id
}

/** Known words, or null where the key is absent or holds `*`: any. */
function readChoices<T extends Door | Capability>(
  reader: Reader,
  entry: TreeEntry | undefined,
  what: string,
  known: readonly T[],
): readonly T[] | null {
  const texts = reader.texts(entry)
  if (texts === undefined || (texts.length === 1 && texts[0]?.text === '*')) return null
  const found: T[] = []
  for (const value of texts) {
    const choice = reader.choice(value, what, known)
    if (choice !== undefined) found.push(choice)
  }
  return found
}

/** Names of methods as servers write them; no globs, for there are few. */
function readMethods(reader: Reader, entry: TreeEntry | undefined): readonly string[] | null {
  const texts = reader.texts(entry)
  if (texts === undefined) return null
  for (const { text, at } of texts) {
    if (!/^[a-z][a-z0-9_]{0,63}$/.test(text))
      reader.problem(at, `\`${text}\` is no method; write it as the tool's \`method\` argument`)
  }
  return texts.map(({ text }) => text)
}

function readRepo(reader: Reader, entry: TreeEntry | undefined): GlobSet | null {
  const texts = reader.texts(entry)
  if (texts === undefined) return null
  for (const { text, at } of texts) {
    if (!text.includes('/') && !text.includes('**')) {
      reader.problem(
        at,
        `a repository is \`owner/name\`; \`${text}\` can match none, write \`${text}/*\` or \`*/${text}\``,
      )
    }
  }
  return globs(
    reader,
    texts.map(({ text, at }) => ({ text: text.toLowerCase(), at })),
    'path',
  )
}

function soft(reader: Reader, entry: TreeEntry | undefined): SoftGlobs | null {
  const texts = reader.texts(entry)
  const exact = globs(reader, texts, 'path')
  if (exact === null) return null
  const lower = exact.texts.map(foldCase)
  const folded = compileGlobs(lower, 'path')
  const mixed = lower.some((text, at) => text !== exact.texts[at])
  // Folding can turn a range around (`[Z-a]`): then the exact globs must do for both.
  return { exact, folded: 'fault' in folded ? exact : folded, mixed }
}

function globs(reader: Reader, texts: readonly PlacedText[] | undefined, flavour: GlobFlavour): GlobSet | null {
  if (texts === undefined) return null
  const compiled = compileGlobs(
    texts.map(({ text }) => text),
    flavour,
  )
  if (!('fault' in compiled)) return compiled
  const at = texts[compiled.index]
  if (at !== undefined) reader.problem(at.at, `malformed glob \`${at.text}\`: ${compiled.fault}`)
  return null
}

function readSuggestion(
  reader: Reader,
  entry: TreeEntry | undefined,
  decision: RuleVerdict | undefined,
): string | null {
  if (entry === undefined) return null
  if (decision !== undefined && decision !== 'block') {
    reader.problem(
      entry.keyAt,
      `\`suggested_alternative\` is said only where a rule blocks; this one decides ${decision}`,
    )
  }
  return reader.sentence(entry) ?? null
}
