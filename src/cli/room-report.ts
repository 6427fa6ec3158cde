import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { rfc3339 } from '../core/runtime.ts'
import { adminEndpoint, ask } from './client.ts'
import { processContext } from './context.ts'
import { sinceTime } from './history.ts'
import { type Column, jsonText, list, visible } from './output.ts'
import { roomPath } from './rooms.ts'
import { formatOf, type ListOptions } from './rows.ts'

const MOMENTS: readonly Column<JsonObject>[] = [
  { title: 'TIME', value: (row) => textMember(row, 'ts') ?? '' },
  { title: 'WOULD BE', value: (row) => textMember(row, 'would') ?? '' },
  { title: 'DECISION', value: (row) => textMember(row, 'decision') ?? '' },
  { title: 'TOOL', value: (row) => textMember(row, 'tool') ?? '' },
  { title: 'RISK', value: (row) => `${textMember(row, 'blast_radius') ?? ''} ${String(row['blast_score'] ?? '')}` },
  { title: 'AGENT', value: (row) => textMember(row, 'agent') ?? '' },
  { title: 'SESSION', value: (row) => textMember(row, 'session') ?? '' },
  { title: 'ENVELOPE', value: (row) => textMember(row, 'envelope_id') ?? '' },
]

/** Moments that a person reads on a terminal; the export has all. */
const SHOWN = 20
const OUTCOMES = ['allowed', 'rewritten', 'held', 'blocked']
const LEVELS = ['low', 'medium', 'high', 'critical']

/** A table tells the sums, CSV lists the calls that would not simply have been allowed, JSON has both. */
export async function reportRoom(room: string, options: ListOptions & { since?: string }): Promise<void> {
  const context = processContext()
  const format = formatOf(options)
  const since = sinceTime(options.since)
  const query = Number.isFinite(since) ? `?${new URLSearchParams({ since: rfc3339(since) })}` : ''
  const answer = await ask(adminEndpoint(context), 'GET', roomPath(room, `/report${query}`))
  if (format === 'json' || !isObject(answer)) return context.out(jsonText(answer))
  const moments = rows(answer['moments'])
  context.out(format === 'csv' ? list(moments, MOMENTS, 'csv') : reportText(answer, moments))
  if (format === 'csv' && answer['moments_left_out'] !== 0) {
    context.err(`${String(answer['moments_left_out'])} older ones are left out: narrow it with --since\n`)
  }
}

function reportText(report: JsonObject, moments: readonly JsonObject[]): string {
  const mode = textMember(report, 'mode') ?? ''
  const span = `${textMember(report, 'from') ?? 'the beginning'} to ${textMember(report, 'to') ?? 'now'}`
  const incomplete = report['complete'] === false ? 'older entries were not looked at: narrow it with --since\n' : ''
  const verb = mode === 'enforce' ? 'were' : 'were, or would have been'
  const top = moments.slice(0, SHOWN)
  return [
    `${visible(textMember(report, 'repository') ?? '')}  ${visible(mode)}  ${visible(span)}\n${incomplete}`,
    `${String(report['calls'] ?? 0)} calls ${verb}: ${countsText(report['would'])}\n`,
    `decided: ${plainText(report['decisions'])}\n`,
    section(
      'by blast radius',
      LEVELS.map((level) => [level, countsText(inside(report, 'blast_radius', level))]),
    ),
    section(
      'by tool',
      rows(report['tools']).map((row) => [textMember(row, 'tool') ?? '', countsText(row['would'])]),
    ),
    top.length === 0 ? '' : `\n${list(top, MOMENTS, 'table')}`,
    moments.length > SHOWN ? `... and ${moments.length - SHOWN} more: --format csv lists them\n` : '',
  ].join('')
}

function section(title: string, lines: readonly (readonly [string, string])[]): string {
  const told = lines.filter(([, text]) => text !== NOTHING)
  if (told.length === 0) return ''
  const width = Math.max(...told.map(([name]) => name.length))
  return `\n${title}\n${told.map(([name, text]) => `  ${visible(name).padEnd(width)}  ${text}\n`).join('')}`
}

const NOTHING = 'none'

function countsText(counts: Json | undefined): string {
  if (!isObject(counts)) return NOTHING
  const told = OUTCOMES.filter((name) => counts[name] !== 0 && counts[name] !== undefined)
  return told.length === 0 ? NOTHING : told.map((name) => `${String(counts[name])} ${name}`).join(', ')
}

function plainText(counts: Json | undefined): string {
  if (!isObject(counts)) return NOTHING
  return Object.entries(counts)
    .map(([name, count]) => `${visible(name)} ${String(count)}`)
    .join(', ')
}

function inside(row: JsonObject, outer: string, member: string): Json | undefined {
  const value = row[outer]
  return isObject(value) ? value[member] : undefined
}

function rows(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter((row: Json) => isObject(row)) : []
}
