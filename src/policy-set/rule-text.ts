import type { Rule } from '../core/policy/index.ts'

/** Longest text shown of one rule, in lines: the rest is in the version's source. */
const MOST_LINES = 60

/** A rule as it is written in its file: its lines, less the indentation they share. */
export function ruleText(source: string, { at }: Pick<Rule, 'at'>): string {
  const lines = source.split(/\r?\n/)
  const first = lines[at.line - 1] ?? ''
  const dash = first.search(/\S/)
  const taken = [first]
  for (const line of lines.slice(at.line)) {
    const indent = line.search(/\S/)
    if (indent === -1 || indent <= dash || taken.length === MOST_LINES) break
    taken.push(line)
  }
  return taken.map((line) => line.slice(Math.max(0, dash)).trimEnd()).join('\n')
}
