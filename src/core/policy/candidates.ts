import { toolNames } from '../catalog/github-aliases.ts'
import type { Act, Protocol, Surface } from '../envelope.ts'
import type { PolicyDocument, Rule } from './document.ts'
import { type GlobSet, matchesGlobs, matchingGlob } from './glob.ts'
import { createHeadIndex } from './head-index.ts'
import { listed } from './match.ts'
import { type Opinion, ruleOpinion } from './opinion.ts'

/** A rule whose door and tool fit, with what it says where it matches. */
export interface Candidate {
  readonly rule: Rule
  readonly index: number
  readonly opinion: Opinion
}

/** What a rule's `protocol` and `tool` look at: old names of a tool, which may be of one method of it, name it too. */
export type Named = Pick<Act, 'protocol' | 'tool' | 'method'>

/** Tools remembered in each of the two generations. Tool names are agent-controlled, so memory of them is bounded. */
const GENERATION = 1024
/** Doors and methods of one tool that are remembered. */
const MOST_DOORS = 64

/** Finds the rules that can concern an act, in order. Equal doors and tools are looked up, not searched. */
export function createCandidates(document: PolicyDocument): (surface: Surface, act: Named) => readonly Candidate[] {
  const search = createSearch(document)
  let young = new Map<string, Known[]>()
  let old = new Map<string, Known[]>()

  // By tool alone: its text is hashed once, a text made of door and tool would be hashed on every call.
  function keep(tool: string, known: Known[]): void {
    // What is asked for again moves to the young generation; a flood of invented names only pushes out itself.
    if (young.size >= GENERATION) {
      old = young
      young = new Map()
    }
    young.set(tool, known)
  }

  return (surface, act) => {
    const { protocol, tool, method } = act
    let known = young.get(tool)
    if (known === undefined) {
      known = old.get(tool) ?? []
      keep(tool, known)
    }
    for (const one of known) {
      if (one.surface === surface && one.protocol === protocol && one.method === method) return one.candidates
    }
    // Methods are the caller's words: those that are made up are not remembered without end.
    if (known.length >= MOST_DOORS) known.length = 0
    const candidates = search(surface, act)
    known.push({ surface, protocol, method, candidates })
    return candidates
  }
}

/** What was found for one door of a tool. */
interface Known {
  readonly surface: Surface
  readonly protocol: Protocol
  readonly method: string | undefined
  readonly candidates: readonly Candidate[]
}

function createSearch({ name, rules }: PolicyDocument): (surface: Surface, act: Named) => readonly Candidate[] {
  const byHead = createHeadIndex<number>()
  for (const [index, { tool }] of rules.entries()) {
    if (tool === null) byHead.add('', index)
    else for (const { head } of tool.programs) byHead.add(head, index)
  }
  return (surface, act) => {
    const found: Candidate[] = []
    const indices = [...new Set(namesOf(act).flatMap((name) => byHead.find(name)))].sort((a, b) => a - b)
    for (const index of indices) {
      const rule = rules[index]
      if (rule === undefined || !names(rule, surface, act)) continue
      const label = ruleLabel(rule, surface, act)
      found.push({ rule, index, opinion: ruleOpinion(name, rule, index, label) })
      if (isUnconditional(rule)) break
    }
    return found
  }
}

/** True where the rule's `protocol` and `tool` name this act. */
function names({ protocol, tool }: Rule, surface: Surface, act: Named): boolean {
  if (protocol !== null && !protocol.includes(act.protocol) && !protocol.includes(surface)) return false
  return tool === null || namesOf(act).some((name) => matchesGlobs(tool, name))
}

/** The tool's names as rules may have them; `tool:method` is said by `method`. */
function namesOf({ tool, method }: Named): readonly string[] {
  return toolNames(tool, method).filter((name) => !name.includes(':'))
}

/** Why the rule's `protocol` or `tool` does not name this act; null where both do. */
export function doorReason(rule: Rule, surface: Surface, act: Named): string | null {
  const { protocol, tool } = rule
  if (protocol !== null && !protocol.includes(act.protocol) && !protocol.includes(surface)) {
    return `protocol: ${act.protocol} over ${surface} is not ${protocol.join(' or ')}`
  }
  if (tool !== null && !namesOf(act).some((name) => matchesGlobs(tool, name))) {
    return `tool: ${JSON.stringify(act.tool.slice(0, 200))} does not match ${listed(tool)}`
  }
  return null
}

/** True where a rule whose door and tool fit decides whatever the act touches. */
export function isUnconditional(rule: Rule): boolean {
  return rule.capability === null && !narrows(rule)
}

/** True where whether it matches depends on the arguments. */
export function narrows(rule: Rule): boolean {
  return rule.method !== null || rule.repo !== null || isSoft(rule)
}

export function isSoft(rule: Rule): boolean {
  const { target, path, branch, base } = rule.soft
  return target !== null || path !== null || branch !== null || base !== null
}

/** The one of the rule's protocols and tool globs, as written, that names this act; the first of them where none does. */
export function ruleLabel(rule: Rule, surface: Surface, act: Named): string {
  const { protocol, tool } = rule
  const door = protocol?.find((one) => one === act.protocol) ?? protocol?.find((one) => one === surface)
  const glob = tool === null || tool.texts.length === 1 ? tool?.texts[0] : globNaming(tool, act)
  return `${door ?? several(protocol)}:${glob ?? several(tool?.texts)}`
}

function globNaming(tool: GlobSet, act: Named): string | null | undefined {
  for (const name of namesOf(act)) {
    const glob = matchingGlob(tool, name)
    if (glob !== null && glob !== undefined) return glob
  }
  return undefined
}

/** The first of several that did not match, for a trace. */
function several(texts: readonly string[] | null | undefined): string {
  const [first = '*', ...rest] = texts ?? []
  return rest.length === 0 ? first : `${first},...`
}
