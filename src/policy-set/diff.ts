import { lineChanges } from '../core/changes.ts'
import { guardForm, type PolicyDocument, type Rule, ruleForm } from '../core/policy/index.ts'
import type { LoadedPolicies } from './load.ts'
import { ruleText } from './rule-text.ts'

/** A rule as it stands in one version. */
export interface PlacedRule {
  /** Position among the rules of its document, from 0; line in its file, from 1. */
  readonly index: number
  readonly line: number
  readonly text: string
}

export type RuleChange =
  | { readonly kind: 'added'; readonly is: PlacedRule }
  | { readonly kind: 'removed'; readonly was: PlacedRule }
  /** `moved`: the same rule in another place, where another rule may come first. */
  | { readonly kind: 'changed' | 'moved'; readonly was: PlacedRule; readonly is: PlacedRule }

/** What became of one document, by its name. */
export interface DocumentDiff {
  readonly name: string
  readonly kind: 'added' | 'removed' | 'changed'
  /** Where no rule matches; null where it stayed. */
  readonly defaultDecision: { readonly was: string | null; readonly is: string | null } | null
  readonly rules: readonly RuleChange[]
  readonly guards: {
    readonly added: readonly string[]
    readonly removed: readonly string[]
    readonly changed: readonly string[]
  }
}

/** What differs between two policies: as data, where something can change a decision, and as text, where anything is written differently. */
export interface PolicyDiff {
  readonly documents: readonly DocumentDiff[]
  readonly text: string
}

type Side = Pick<LoadedPolicies, 'documents' | 'sources'>
interface Half {
  readonly document: PolicyDocument
  readonly source: string
}

export function diffPolicies(was: Side, is: Side): PolicyDiff {
  const [before, after] = [halvesOf(was), halvesOf(is)]
  const names = [...new Set([...before.keys(), ...after.keys()])].sort()
  const documents = names.flatMap((name) => diffDocument(name, before.get(name), after.get(name)) ?? [])
  return { documents, text: textOf(was, is) }
}

function halvesOf({ documents, sources }: Side): Map<string, Half> {
  return new Map(documents.map((document, at) => [document.name, { document, source: sources[at]?.text ?? '' }]))
}

function diffDocument(name: string, was: Half | undefined, is: Half | undefined): DocumentDiff | null {
  const rules = ruleChanges(was, is)
  const guards = guardChanges(was?.document, is?.document)
  const [before, after] = [was?.document.defaultDecision ?? null, is?.document.defaultDecision ?? null]
  const defaultDecision = before === after ? null : { was: before, is: after }
  const kind = was === undefined ? 'added' : is === undefined ? 'removed' : 'changed'
  const touched = [rules, guards.added, guards.removed, guards.changed].some((some) => some.length > 0)
  return touched || defaultDecision !== null || kind !== 'changed'
    ? { name, kind, defaultDecision, rules, guards }
    : null
}

interface Loose {
  readonly form: string
  readonly rule: Rule
  readonly placed: PlacedRule
}

/** Rules that stay in the same order are no news. What left one place is looked for among what came: the same, by id, by what it is about. */
function ruleChanges(was: Half | undefined, is: Half | undefined): readonly RuleChange[] {
  const [before, after] = [placedRules(was), placedRules(is)]
  const gone: Loose[] = []
  const come: Loose[] = []
  let [old, now] = [0, 0]
  for (const { mark } of lineChanges(formsOf(before), formsOf(after))) {
    const [left, arrived] = [before[old], after[now]]
    if (mark !== '+') old += 1
    if (mark !== '-') now += 1
    if (mark === '-' && left !== undefined) gone.push(left)
    if (mark === '+' && arrived !== undefined) come.push(arrived)
  }
  const changes: RuleChange[] = []
  for (const { kind, alike } of MATCHES) {
    for (const { placed, rule, form } of [...come]) {
      const at = gone.findIndex((other) => alike(other, { placed, rule, form }))
      const [match] = at === -1 ? [] : gone.splice(at, 1)
      if (match === undefined) continue
      come.splice(
        come.findIndex((one) => one.placed === placed),
        1,
      )
      changes.push({ kind, was: match.placed, is: placed })
    }
  }
  for (const { placed } of come) changes.push({ kind: 'added', is: placed })
  for (const { placed } of gone) changes.push({ kind: 'removed', was: placed })
  return changes.sort((a, b) => placeOf(a) - placeOf(b))
}

const MATCHES: readonly { kind: 'moved' | 'changed'; alike: (one: Loose, other: Loose) => boolean }[] = [
  { kind: 'moved', alike: (one, other) => one.form === other.form },
  { kind: 'changed', alike: (one, other) => one.rule.id !== null && one.rule.id === other.rule.id },
  { kind: 'changed', alike: (one, other) => one.rule.tool !== null && aboutOf(one) === aboutOf(other) },
]

function aboutOf({ rule }: Loose): string {
  return JSON.stringify([rule.protocol, rule.tool?.texts ?? null])
}

function placedRules(half: Half | undefined): readonly Loose[] {
  if (half === undefined) return []
  const { document, source } = half
  return document.rules.map((rule, index) => {
    return { form: ruleForm(rule), rule, placed: { index, line: rule.at.line, text: ruleText(source, rule) } }
  })
}

function formsOf(rules: readonly Loose[]): string {
  return rules.map(({ form }) => form).join('\n')
}

function placeOf(change: RuleChange): number {
  return change.kind === 'removed' ? change.was.index : change.is.index
}

function guardChanges(was: PolicyDocument | undefined, is: PolicyDocument | undefined): DocumentDiff['guards'] {
  const forms = (document: PolicyDocument | undefined) =>
    new Map((document?.guards ?? []).map((guard) => [guard.guard.name, guardForm(guard)]))
  const [before, after] = [forms(was), forms(is)]
  return {
    added: [...after.keys()].filter((name) => !before.has(name)),
    removed: [...before.keys()].filter((name) => !after.has(name)),
    changed: [...after].flatMap(([name, form]) => (before.has(name) && before.get(name) !== form ? [name] : [])),
  }
}

/** Lines around a change that are shown with it. */
const CONTEXT = 3

function textOf(was: Side, is: Side): string {
  const files = [...new Set([...was.sources, ...is.sources].map(({ file }) => file))].sort()
  return files
    .map((file) => {
      const [old, now] = [was, is].map(({ sources }) => sources.find((one) => one.file === file)?.text ?? '')
      return old === now ? '' : `--- ${file}\n+++ ${file}\n${hunks(old ?? '', now ?? '')}`
    })
    .join('')
}

function hunks(old: string, now: string): string {
  const lines = lineChanges(old, now)
  const shown = new Set<number>()
  for (const [at, { mark }] of lines.entries()) {
    if (mark !== ' ') for (let near = at - CONTEXT; near <= at + CONTEXT; near += 1) shown.add(near)
  }
  let skipping = true
  return lines
    .map(({ mark, text }, at) => {
      if (!shown.has(at)) {
        skipping = true
        return ''
      }
      const gap = skipping ? '@@\n' : ''
      skipping = false
      return `${gap}${mark}${text}\n`
    })
    .join('')
}
