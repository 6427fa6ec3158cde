import { VERDICTS, type Verdict } from '../core/decision.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import type { ChangedDecision, ReplayReport, Undecidable } from '../policy-set/index.ts'
import { visible } from './output.ts'

/** The report in a server's answer. */
export function reportOf(answer: Json): ReplayReport {
  const wire = isObject(answer) ? answer : {}
  const rows = (member: string) => (Array.isArray(wire[member]) ? wire[member].filter(isObject) : [])
  return {
    decisions: count(wire, 'decisions'),
    unchanged: count(wire, 'unchanged'),
    changed: count(wire, 'changed'),
    undecidable: count(wire, 'undecidable'),
    matrix: counts(wire['matrix']),
    reasons: counts(wire['undecidable_because']),
    facts: counts(wire['facts_missing']),
    tools: rows('tools').map((row) => ({
      tool: textMember(row, 'tool') ?? '',
      decisions: count(row, 'decisions'),
      changed: count(row, 'changed'),
      undecidable: count(row, 'undecidable'),
    })),
    examples: rows('examples').map(exampleOf),
  }
}

function exampleOf(row: JsonObject): ChangedDecision {
  const text = (member: string) => textMember(row, member) ?? ''
  return {
    n: count(row, 'n'),
    env: text('envelope_id'),
    session: text('session'),
    tool: text('tool'),
    was: verdictOf(text('was')),
    would: verdictOf(text('would')),
    ruleThen: text('rule_then'),
    ruleNow: text('rule_now'),
    reason: text('reason'),
  }
}

function verdictOf(text: string): Verdict {
  return VERDICTS.find((verdict) => verdict === text) ?? 'block'
}

function count(row: JsonObject, member: string): number {
  const value = row[member]
  return typeof value === 'number' ? value : 0
}

function counts(value: Json | undefined): Record<string, number> {
  if (!isObject(value)) return {}
  return Object.fromEntries(Object.keys(value).map((key) => [key, count(value, key)]))
}

const WHY: Readonly<Record<Undecidable, string>> = {
  erased: 'what was asked was erased',
  altered: 'what lies beside the entry is not what it commits to',
  catalog: 'this program reads the call differently',
  surface: 'it depends on the surface, which is not recorded',
  room: 'a room had a say, and rooms are not kept as they were',
  pins: "the tool's definition was not accepted: no policy was asked",
  rewritten: 'it was rewritten, and what its plan would meet is not known',
  facts: 'a guard looks at facts that nobody recorded',
}

/** Tools listed. */
const MOST_TOOLS = 20

export function reportText(report: ReplayReport): string {
  const { decisions, unchanged, changed, undecidable, reasons, facts, examples } = report
  const missing = Object.entries(facts).map(([fact, times]) => `${fact} ${times}`)
  const lines = [
    `${decisions} decisions: ${unchanged} stay, ${changed} would change, ${undecidable} cannot be told`,
    '',
    ...matrixLines(report.matrix),
    ...section('cannot be told', [
      ...WHY_KEYS.flatMap((key) => (reasons[key] === undefined ? [] : [`${reasons[key]}  ${WHY[key]}`])),
      ...(missing.length === 0 ? [] : [`facts: ${missing.join(', ')}`]),
    ]),
    ...section('tools', toolLines(report)),
    ...section(
      'first changes',
      examples.map(({ env, tool, was, would, ruleThen, ruleNow }) => {
        return `${env}  ${tool}  ${was} -> ${would}  (${ruleThen} -> ${ruleNow})`
      }),
    ),
  ]
  return `${lines.map(visible).join('\n')}\n`
}

const WHY_KEYS = ['erased', 'altered', 'catalog', 'surface', 'room', 'pins', 'rewritten', 'facts'] as const

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${line}`)]
}

/** Rows: what was decided. Columns: what would be. */
function matrixLines(matrix: ReplayReport['matrix']): readonly string[] {
  const row = (title: string, cells: readonly string[]) =>
    title.padEnd(14) + cells.map((cell) => cell.padStart(9)).join('')
  return [
    row('was \\ would be', VERDICTS),
    ...VERDICTS.map((was) =>
      row(
        was,
        VERDICTS.map((would) => String(matrix[`${was}>${would}`] ?? '.')),
      ),
    ),
  ]
}

function toolLines({ tools }: ReplayReport): readonly string[] {
  return tools
    .filter(({ changed, undecidable }) => changed + undecidable > 0)
    .slice(0, MOST_TOOLS)
    .map(({ tool, decisions, changed, undecidable }) => {
      return `${tool}  ${changed} of ${decisions} would change${undecidable === 0 ? '' : `, ${undecidable} cannot be told`}`
    })
}
