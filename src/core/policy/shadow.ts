import { isSoft } from './candidates.ts'
import { contains } from './containment.ts'
import { type Door, type Rule, SOFT_CONDITIONS, type SoftGlobs } from './document.ts'
import { compileGlobs, type GlobSet } from './glob.ts'
import { createHeadIndex } from './head-index.ts'
import type { Position } from './tree.ts'

/** Rules that can never decide because one earlier rule always does; sound, and complete up to rules shadowed only by several together. */
export function findUnreachable(
  rules: readonly Rule[],
): readonly { readonly at: Position; readonly message: string }[] {
  const earlier = createEarlierRules()
  const found: { at: Position; message: string }[] = []
  for (const rule of rules) {
    const shadow = shadowOf(rule, earlier)
    if (shadow !== null) found.push({ at: rule.at, message: advice(rule, shadow) })
    earlier.add(rule)
  }
  return found
}

function advice(rule: Rule, shadow: Rule): string {
  const line = `the rule in line ${shadow.at.line}`
  if (rule.decision === shadow.decision)
    return `unreachable: ${line} already decides everything this rule matches; remove it`
  return `unreachable: ${line} decides ${shadow.decision} for everything this rule matches; move this rule before it or remove it`
}

/** The rule that shadows this one; for a rule with several tools, the last one where each tool is shadowed. */
function shadowOf(rule: Rule, earlier: EarlierRules): Rule | null {
  let last: Rule | null = null
  for (const tool of toolsOf(rule)) {
    const shadow = earlier.near(tool).find((other) => shadows(other, rule, tool))
    if (shadow === undefined) return null
    if (last === null || shadow.at.line > last.at.line) last = shadow
  }
  return last
}

/** True where `first` decides (or holds a review at least as early) whenever `second`, seen with this tool, matches. */
function shadows(first: Rule, second: Rule, tool: GlobSet | null): boolean {
  if (!includes(first.protocol, second.protocol) || !includes(first.capability, second.capability)) return false
  if (!includes(first.method, second.method)) return false
  if (!globsInclude(first.tool, tool) || !globsInclude(first.repo, second.repo)) return false
  if (!isSoft(first)) return true
  // Rules that tighten match what they only touch, which a rule that allows (or a review that only touches) does not settle.
  if (first.decision === 'allow' && second.decision !== 'allow') return false
  if (first.decision === 'review' && second.decision === 'block') return false
  if (first.decision !== 'block' && first.soft.target !== null && !namesWholeTexts(first, first.soft.target.exact))
    return false
  return SOFT_CONDITIONS.every((condition) => softIncludes(first.soft[condition], second.soft[condition]))
}

/** A rule covers a whole command line only by globs that name its command (`match.ts`): only such globs are compared as texts. */
function namesWholeTexts({ protocol }: Rule, target: GlobSet): boolean {
  if (protocol?.every((door) => SHELL_FREE.has(door))) return true
  return target.programs.every(
    ({ head, steps }) => head.includes(' ') || (steps.length === 1 && steps[0]?.kind === 'deep'),
  )
}

const SHELL_FREE: ReadonlySet<Door> = new Set<Door>(['git', 'sql', 'http', 'file'])

function softIncludes(outer: SoftGlobs | null, inner: SoftGlobs | null): boolean {
  if (outer === null) return true
  return inner !== null && contains(outer.exact, inner.exact) && contains(outer.folded, inner.folded)
}

function includes<T extends string>(outer: readonly T[] | null, inner: readonly T[] | null): boolean {
  return outer === null || inner?.every((one) => outer.includes(one)) === true
}

function globsInclude(outer: GlobSet | null, inner: GlobSet | null): boolean {
  return outer === null || (inner !== null && contains(outer, inner))
}

function toolsOf({ tool }: Rule): readonly (GlobSet | null)[] {
  if (tool === null || tool.texts.length === 1) return [tool]
  return tool.texts.map((text) => {
    const one = compileGlobs([text], tool.flavour)
    return 'fault' in one ? tool : one
  })
}

/** Earlier rules, found by how their tools begin: with thousands of rules each is compared only with those that can meet it. */
interface EarlierRules {
  add(rule: Rule): void
  /** Earlier rules that could match everything this tool glob does. */
  near(tool: GlobSet | null): readonly Rule[]
}

function createEarlierRules(): EarlierRules {
  const byHead = createHeadIndex<Rule>()
  return {
    add(rule) {
      const heads = rule.tool?.programs.map(({ head }) => head) ?? ['']
      for (const head of new Set(heads)) byHead.add(head, rule)
    },
    near: (tool) => byHead.find(tool?.programs[0]?.head ?? ''),
  }
}
