import type { Act, Surface } from '../envelope.ts'
import type { PolicyDocument, Rule } from './document.ts'
import { matchesGlobs, matchingGlob } from './glob.ts'

/** A rule whose door and tool fit, with the label it decides under. */
export interface Candidate {
  readonly rule: Rule
  readonly index: number
  /** `<protocol>:<tool glob>` as written: the wire's `matched_rule`. */
  readonly label: string
}

/** What a rule's `protocol` and `tool` look at. */
export type Named = Pick<Act, 'protocol' | 'tool'>

/** Tools remembered in each of the two generations. Tool names are agent-controlled, so memory of them is bounded. */
const GENERATION = 1024

/** Finds the rules that can concern an act, in order. Equal doors and tools are looked up, not searched. */
export function createCandidates(document: PolicyDocument): (surface: Surface, act: Named) => readonly Candidate[] {
  let young = new Map<string, readonly Candidate[]>()
  let old = new Map<string, readonly Candidate[]>()
  return (surface, act) => {
    const key = `${surface} ${act.protocol} ${act.tool}`
    const known = young.get(key)
    if (known !== undefined) return known
    const found = old.get(key) ?? search(document, surface, act)
    // What is asked for again moves to the young generation; a flood of invented names only pushes out itself.
    if (young.size >= GENERATION) {
      old = young
      young = new Map()
    }
    young.set(key, found)
    return found
  }
}

function search(document: PolicyDocument, surface: Surface, act: Named): readonly Candidate[] {
  const found: Candidate[] = []
  for (const [index, rule] of document.rules.entries()) {
    if (doorReason(rule, surface, act) !== null) continue
    found.push({ rule, index, label: ruleLabel(rule, surface, act) })
    if (isUnconditional(rule)) break
  }
  return found
}

/** Why the rule's `protocol` or `tool` does not name this act; null where both do. */
export function doorReason(rule: Rule, surface: Surface, act: Named): string | null {
  const { protocol, tool } = rule
  if (protocol !== null && !protocol.includes(act.protocol) && !protocol.includes(surface)) {
    return `protocol: ${act.protocol} over ${surface} is not ${protocol.join(' or ')}`
  }
  if (tool !== null && !matchesGlobs(tool, act.tool)) {
    return `tool: ${JSON.stringify(act.tool.slice(0, 200))} does not match ${tool.texts.map((text) => JSON.stringify(text)).join(' or ')}`
  }
  return null
}

/** True where a rule whose door and tool fit decides whatever the act touches. */
export function isUnconditional(rule: Rule): boolean {
  return rule.capability === null && rule.repo === null && !isSoft(rule)
}

export function isSoft(rule: Rule): boolean {
  const { target, path, branch, base } = rule.soft
  return target !== null || path !== null || branch !== null || base !== null
}

/** The one of the rule's protocols and tool globs, as written, that names this act; all of them where none does. */
export function ruleLabel(rule: Rule, surface: Surface, act: Named): string {
  const { protocol, tool } = rule
  const door = protocol?.find((one) => one === act.protocol) ?? protocol?.find((one) => one === surface)
  const glob = tool === null || tool.texts.length === 1 ? tool?.texts[0] : matchingGlob(tool, act.tool)
  return `${door ?? protocol?.join(',') ?? '*'}:${glob ?? tool?.texts.join(',') ?? '*'}`
}
