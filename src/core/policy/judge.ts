import type { Act, Surface } from '../envelope.ts'
import type { RoomFact } from '../facts.ts'
import { type Candidate, createCandidates, type Named, narrows } from './candidates.ts'
import type { ToolClass } from './compiled.ts'
import type { PolicyDocument } from './document.ts'
import { fitOf, viewOf } from './match.ts'
import { defaultOpinion, type Opinion, stricterThan } from './opinion.ts'

/** A policy document ready to judge. */
export interface Bench {
  readonly document: PolicyDocument
  readonly candidates: (surface: Surface, act: Named) => readonly Candidate[]
  readonly fallback: Opinion
}

export function benchOf(document: PolicyDocument): Bench {
  return { document, candidates: createCandidates(document), fallback: defaultOpinion(document) }
}

/** What one document makes of one act, and where its search ended: the index of a rule, or null for the default. */
export interface Search {
  /** One, or two where a review only touched the act and a later rule blocks the rest of it; none without a fallback. */
  readonly opinions: readonly Opinion[]
  readonly endedAt: number | null
}

/** First match. @param fallback what is said where no rule matches; null says nothing. */
export function searchRules(
  bench: Bench,
  surface: Surface,
  act: Act,
  fallback: Opinion | null = bench.fallback,
): Search {
  const view = viewOf(act)
  let held: Opinion | null = null
  for (const { rule, opinion, index } of bench.candidates(surface, act)) {
    const fit = fitOf(rule, view)
    if (fit === 'none') continue
    if (rule.decision === 'review' && fit === 'touch') {
      held ??= opinion
      continue
    }
    return { opinions: settle(held, opinion), endedAt: index }
  }
  return { opinions: settle(held, fallback), endedAt: null }
}

function settle(held: Opinion | null, last: Opinion | null): readonly Opinion[] {
  if (last === null) return held === null ? [] : [held]
  if (held === null) return [last]
  return stricterThan(last.verdict, held.verdict) ? [last, held] : [held]
}

/** False only where no arguments could make the tool anything but blocked. */
export function canBeReached({ candidates, document }: Bench, tool: ToolClass, room?: RoomFact): boolean {
  for (const { rule } of candidates(tool.surface, tool)) {
    if (rule.capability !== null && !rule.capability.includes(tool.capability)) continue
    if (rule.decision !== 'block') return true
    if (!narrows(rule)) return false
  }
  const held = room?.permission?.[tool.capability === 'read' ? 'read' : 'write']
  return held === undefined ? document.defaultDecision !== 'block' : held !== 'deny'
}

/** False only where no arguments could make the tool run without a person's word: then every call of it is reviewed or blocked. */
export function canRunUnattended({ candidates, document }: Bench, tool: ToolClass): boolean {
  for (const { rule } of candidates(tool.surface, tool)) {
    if (rule.capability !== null && !rule.capability.includes(tool.capability)) continue
    if (rule.decision === 'allow') return true
    if (!narrows(rule)) return false
  }
  return document.defaultDecision === 'allow'
}
