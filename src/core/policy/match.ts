import type { Act } from '../envelope.ts'
import { type Rule, SOFT_CONDITIONS, type SoftCondition, type SoftGlobs } from './document.ts'
import { type GlobSet, matchesGlobs } from './glob.ts'
import type { Step } from './glob-syntax.ts'

/**
 * How a rule fits an act whose door and tool it names.
 * `cover`: every operand and path is meant. `touch`: some are, or only when case is ignored.
 */
export type Fit = 'none' | 'touch' | 'cover'

/** An act while it is judged: its texts with case folded are made once, and only where a rule asks for them. */
export interface ActView {
  readonly act: Act
  /** `owner/name` in lower case, null where the act has no repository. */
  readonly repo: string | null
  readonly folds: Map<string, string>
}

export function viewOf(act: Act): ActView {
  const { repository } = act.resource
  const repo = repository === null ? null : `${repository.owner}/${repository.name}`.toLowerCase()
  return { act, repo, folds: new Map() }
}

/**
 * What the rule makes of the act. A rule that allows must cover it. A rule that blocks or reviews matches where it
 * touches it; a review that only touches does not end the search, since a later block may be meant for the rest.
 */
export function fitOf(rule: Rule, view: ActView): Fit {
  if (rule.capability !== null && !rule.capability.includes(view.act.capability)) return 'none'
  if (rule.method !== null && !hasMethod(rule.method, view.act)) return 'none'
  if (rule.repo !== null && (view.repo === null || !matchesGlobs(rule.repo, view.repo))) return 'none'
  let fit: Fit = 'cover'
  for (const condition of SOFT_CONDITIONS) {
    const globs = rule.soft[condition]
    if (globs === null || COVERS[condition](globs.exact, view.act)) continue
    if (rule.decision === 'allow' || !touches(condition, globs, view)) return 'none'
    fit = 'touch'
  }
  return fit
}

function hasMethod(methods: readonly string[], { method }: Act): boolean {
  return method !== undefined && methods.includes(method)
}

const COVERS = {
  target: coversTarget,
  path: (globs, { resource }) => coversAll(globs, resource.paths),
  // The default branch's name is a fact nobody gave: a rule that allows by branch cannot know that it holds.
  branch: (globs, { resource }) => resource.branch.kind === 'named' && matchesGlobs(globs, resource.branch.name),
  base: (globs, { resource }) => resource.base !== null && matchesGlobs(globs, resource.base),
} as const satisfies Record<SoftCondition, (globs: GlobSet, act: Act) => boolean>

function coversTarget(globs: GlobSet, act: Act): boolean {
  const { target, operands, paths } = act.resource
  const pieces = [...operands, ...paths]
  if (pieces.some(climbs)) return false
  if (coversWhole(globs, act)) return act.protocol === 'shell' || !climbs(target)
  return coversAll(globs, pieces)
}

/**
 * The whole target text. A command line counts as a whole only for a glob that names the command: else `**` + `/*.md`,
 * meant for a file, would allow `cat /etc/shadow x.md`.
 */
function coversWhole(globs: GlobSet, act: Act): boolean {
  const { target } = act.resource
  if (act.protocol !== 'shell') return matchesGlobs(globs, target)
  const space = target.indexOf(' ')
  const command = space === -1 ? target : target.slice(0, space)
  const naming = globs.programs.filter(({ head, steps }) => head.startsWith(command) || isAnything(steps))
  return naming.length > 0 && matchesGlobs({ ...globs, programs: naming }, target)
}

function isAnything(steps: readonly Step[]): boolean {
  return steps.length === 1 && steps[0]?.kind === 'deep'
}

function coversAll(globs: GlobSet, texts: readonly string[]): boolean {
  return texts.length > 0 && texts.every((text) => !climbs(text) && matchesGlobs(globs, text))
}

/** True where a segment is `..`: where such a path ends is not what its text says, so no rule allows it by its text. */
function climbs(text: string): boolean {
  return text.includes('..') && /(?:^|[\\/])\.\.(?:[\\/]|$)/.test(text)
}

function touches(condition: SoftCondition, globs: SoftGlobs, view: ActView): boolean {
  const { target, operands, paths, branch, base } = view.act.resource
  const touched = (text: string) => {
    const fold = folded(view, text)
    return matchesGlobs(globs.folded, fold) || ((fold !== text || globs.mixed) && matchesGlobs(globs.exact, text))
  }
  switch (condition) {
    case 'target':
      return touched(target) || operands.some(touched) || paths.some(touched)
    case 'path':
      return paths.some(touched)
    case 'branch':
      return branch.kind === 'default' || (branch.kind === 'named' && touched(branch.name))
    case 'base':
      return base !== null && touched(base)
    default:
      return condition satisfies never
  }
}

const LOWER_ASCII = /^[\x00-\x40\x5b-\x7f]*$/

function folded(view: ActView, text: string): string {
  if (LOWER_ASCII.test(text)) return text
  const known = view.folds.get(text)
  if (known !== undefined) return known
  const fold = foldCase(text)
  view.folds.set(text, fold)
  return fold
}

/** Folds case and compatibility forms as file systems that ignore case do (`.ENV`, `.ſsh`): only ever used to tighten. */
export function foldCase(text: string): string {
  return text.normalize('NFKC').toUpperCase().toLowerCase()
}

/** Why the rule does not fit the act, for people; null where it does. Door and tool are the caller's to explain. */
export function failReason(rule: Rule, view: ActView): string | null {
  const { act, repo } = view
  if (rule.capability !== null && !rule.capability.includes(act.capability)) {
    return `capability: ${act.capability} is not ${rule.capability.join(' or ')}`
  }
  if (rule.method !== null && !hasMethod(rule.method, act)) {
    return `method: ${act.method ?? 'the act has none'} is not ${rule.method.join(' or ')}`
  }
  if (rule.repo !== null && (repo === null || !matchesGlobs(rule.repo, repo))) {
    return `repo: ${repo === null ? 'the act names none' : `${quote(repo)} does not match ${listed(rule.repo)}`}`
  }
  for (const condition of SOFT_CONDITIONS) {
    const globs = rule.soft[condition]
    if (globs === null || COVERS[condition](globs.exact, act)) continue
    if (rule.decision !== 'allow' && touches(condition, globs, view)) continue
    return `${condition}: ${shown(condition, act)} does not match ${listed(globs.exact)}`
  }
  return null
}

function shown(condition: SoftCondition, act: Act): string {
  const { target, operands, paths, branch, base } = act.resource
  switch (condition) {
    case 'target':
      return operands.length === 0 ? quote(target) : `${quote(target)} (${operands.map(quote).join(', ')})`
    case 'path':
      return paths.length === 0 ? 'an act without paths' : paths.map(quote).join(', ')
    case 'branch':
      return branch.kind === 'named'
        ? quote(branch.name)
        : branch.kind === 'default'
          ? 'the default branch, whose name is not known,'
          : 'an act without a branch'
    case 'base':
      return base === null ? 'an act without a base branch' : quote(base)
    default:
      return condition satisfies never
  }
}

const LISTED = 4

/** The globs of a condition, for a message; a long list is cut. */
export function listed(globs: GlobSet): string {
  const { texts } = globs
  const shown = texts.slice(0, LISTED).map(quote).join(' or ')
  return texts.length > LISTED ? `${shown} or ${texts.length - LISTED} more` : shown
}

const SHOWN = 200

function quote(text: string): string {
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text)
}
