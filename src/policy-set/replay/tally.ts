import type { Verdict } from '../../core/decision.ts'
import type { Rejudged } from './judge.ts'
import type { RecordedDecision, Undecidable } from './recorded.ts'

/** A decision that another policy would not have made. */
export interface ChangedDecision {
  readonly n: number
  readonly env: string
  readonly session: string
  readonly tool: string
  readonly was: Verdict
  readonly would: Verdict
  readonly ruleThen: string
  readonly ruleNow: string
  readonly reason: string
}

export interface ToolChanges {
  readonly tool: string
  readonly decisions: number
  readonly changed: number
  readonly undecidable: number
}

/** What a policy would have made of what is recorded. Counts only; reports of consecutive stretches can be added up. */
export interface ReplayReport {
  readonly decisions: number
  readonly unchanged: number
  readonly changed: number
  readonly undecidable: number
  /** `allow>block`: how many decisions were the one and would be the other; also those that stay. */
  readonly matrix: Readonly<Record<string, number>>
  readonly reasons: Readonly<Partial<Record<Undecidable, number>>>
  /** Facts that were missing, and how often. */
  readonly facts: Readonly<Record<string, number>>
  /** Those with changes or doubts first. */
  readonly tools: readonly ToolChanges[]
  readonly examples: readonly ChangedDecision[]
}

const EXAMPLES = 20
/** Tool names are agents' words: what is kept of them is bounded. */
const MOST_TOOLS = 1000
const OTHER_TOOLS = '(other tools)'

export const NO_DECISIONS: ReplayReport = {
  ...{ decisions: 0, unchanged: 0, changed: 0, undecidable: 0 },
  ...{ matrix: {}, reasons: {}, facts: {}, tools: [], examples: [] },
}

/** The report of one decision. */
export function tallied(recorded: RecordedDecision, judged: Rejudged): ReplayReport {
  const { n, env, session, tool, was, rule } = recorded
  if (!judged.decided) {
    return {
      ...{ ...NO_DECISIONS, decisions: 1, undecidable: 1, reasons: { [judged.why]: 1 } },
      facts: Object.fromEntries((judged.facts ?? []).map((fact) => [fact, 1])),
      tools: [{ tool, decisions: 1, changed: 0, undecidable: 1 }],
    }
  }
  const changed = judged.verdict !== was ? 1 : 0
  const example = { n, env, session, tool, was, would: judged.verdict, ruleThen: rule, ruleNow: judged.rule }
  return {
    ...{ ...NO_DECISIONS, decisions: 1, changed, unchanged: 1 - changed, matrix: { [`${was}>${judged.verdict}`]: 1 } },
    tools: [{ tool, decisions: 1, changed, undecidable: 0 }],
    examples: changed === 1 ? [{ ...example, reason: judged.reason }] : [],
  }
}

/** Adds reports of stretches of one log. */
export function addedUp(reports: readonly ReplayReport[]): ReplayReport {
  const sum = (pick: (report: ReplayReport) => number) => reports.reduce((total, report) => total + pick(report), 0)
  const examples = reports.flatMap((report) => report.examples)
  return {
    decisions: sum(({ decisions }) => decisions),
    unchanged: sum(({ unchanged }) => unchanged),
    changed: sum(({ changed }) => changed),
    undecidable: sum(({ undecidable }) => undecidable),
    matrix: counted(reports.map(({ matrix }) => matrix)),
    reasons: counted(reports.map(({ reasons }) => reasons)),
    facts: counted(reports.map(({ facts }) => facts)),
    tools: toolsOf(reports.flatMap(({ tools }) => tools)),
    examples: examples.slice(0, EXAMPLES),
  }
}

function counted(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const one of all) for (const [key, count] of Object.entries(one)) counts[key] = (counts[key] ?? 0) + count
  return counts
}

function toolsOf(all: readonly ToolChanges[]): readonly ToolChanges[] {
  const byTool = new Map<string, ToolChanges>()
  for (const one of all) {
    const tool = byTool.has(one.tool) || byTool.size < MOST_TOOLS ? one.tool : OTHER_TOOLS
    const { decisions, changed, undecidable } = byTool.get(tool) ?? { decisions: 0, changed: 0, undecidable: 0 }
    byTool.set(tool, {
      tool,
      decisions: decisions + one.decisions,
      changed: changed + one.changed,
      undecidable: undecidable + one.undecidable,
    })
  }
  return [...byTool.values()].sort(
    (a, b) => b.changed - a.changed || b.undecidable - a.undecidable || b.decisions - a.decisions,
  )
}
