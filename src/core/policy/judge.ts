import { DEFAULT_TERMS, type Finding, type ReviewTerms, type RuleRef, type RuleVerdict } from '../decision.ts'
import type { Act, Surface } from '../envelope.ts'
import { type Candidate, createCandidates, isSoft, type Named } from './candidates.ts'
import type { CompiledPolicy } from './compiled.ts'
import type { PolicyDocument } from './document.ts'
import { fitOf, viewOf } from './match.ts'

/** One opinion on one act: of a rule, of a policy's default, or of the catalog's doubt. */
export interface Opinion {
  readonly verdict: RuleVerdict
  readonly ref: RuleRef
  readonly finding: Finding
  readonly terms: ReviewTerms
  readonly suggestion: string | null
}

/** A policy document ready to judge. */
export interface Bench {
  readonly document: PolicyDocument
  readonly candidates: (surface: Surface, act: Named) => readonly Candidate[]
  readonly fallback: Opinion
}

const STRICTNESS = { allow: 0, review: 1, block: 2 } as const satisfies Record<RuleVerdict, number>

export function stricterThan(a: RuleVerdict, b: RuleVerdict): boolean {
  return STRICTNESS[a] > STRICTNESS[b]
}

export function benchOf(document: PolicyDocument): Bench {
  return { document, candidates: createCandidates(document), fallback: defaultOpinion(document) }
}

/** What one document makes of one act, and where its search ended: the index of a rule, or null for the default. */
export interface Search {
  readonly opinions: readonly Opinion[]
  readonly endedAt: number | null
}

/** First match; two opinions where a review only touched the act and a later rule blocks the rest of it. */
export function searchRules(bench: Bench, surface: Surface, act: Act): Search {
  const view = viewOf(act)
  let held: Opinion | null = null
  for (const candidate of bench.candidates(surface, act)) {
    const fit = fitOf(candidate.rule, view)
    if (fit === 'none') continue
    const opinion = ruleOpinion(bench.document, candidate)
    if (candidate.rule.decision === 'review' && fit === 'touch') {
      held ??= opinion
      continue
    }
    return { opinions: settle(held, opinion), endedAt: candidate.index }
  }
  return { opinions: settle(held, bench.fallback), endedAt: null }
}

function settle(held: Opinion | null, last: Opinion): readonly Opinion[] {
  if (held === null) return [last]
  return stricterThan(last.verdict, held.verdict) ? [last, held] : [held]
}

const VERBS = { allow: 'allows', review: 'asks for review of', block: 'blocks' } as const satisfies Record<
  RuleVerdict,
  string
>

function ruleOpinion({ name }: PolicyDocument, { rule, index, label }: Candidate): Opinion {
  const reason = rule.reason ?? `rule ${label} of ${name} ${VERBS[rule.decision]} it`
  return {
    verdict: rule.decision,
    ref: { policy: name, index, label },
    finding: { source: 'rule', name: label, verdict: rule.decision, reason },
    terms: rule.terms,
    suggestion: rule.suggestion,
  }
}

function defaultOpinion({ name, defaultDecision }: PolicyDocument): Opinion {
  const reason = `no rule of ${name} matches, and its default ${VERBS[defaultDecision]} it`
  return {
    verdict: defaultDecision,
    ref: { policy: name, index: null, label: 'default' },
    finding: { source: 'default', name: 'default', verdict: defaultDecision, reason },
    terms: DEFAULT_TERMS,
    suggestion: null,
  }
}

/** What the catalog could not understand is for a person to look at, whatever the rules say. */
export function doubtOpinion(act: Act, doubt: string, policy: string): Opinion {
  const label = `${act.protocol}:doubt`
  return {
    verdict: 'review',
    ref: { policy, index: null, label },
    finding: { source: 'catalog', name: label, verdict: 'review', reason: doubt },
    terms: DEFAULT_TERMS,
    suggestion: null,
  }
}

/** False only where no arguments could make the tool anything but blocked. */
export function canBeReached(
  { candidates, document }: Bench,
  tool: Parameters<CompiledPolicy['reachable']>[0],
): boolean {
  for (const { rule } of candidates(tool.surface, tool)) {
    if (rule.capability !== null && !rule.capability.includes(tool.capability)) continue
    if (rule.decision !== 'block') return true
    if (rule.repo === null && !isSoft(rule)) return false
  }
  return document.defaultDecision !== 'block'
}
