import { AegisError } from '../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { recordedReviewer } from '../core/reviewer-name.ts'
import { adminEndpoint, ask, type Endpoint } from './client.ts'
import { processContext } from './context.ts'
import { type Column, jsonText, list, visible } from './output.ts'
import { formatOf, type ListOptions, rowsOf } from './rows.ts'

interface FilterOptions extends ListOptions {
  readonly session?: string
  readonly agent?: string
  readonly action?: string
  readonly since?: string
  readonly limit?: string
  readonly allowed?: boolean
  readonly denied?: boolean
}

/** Rows the server gives at a time, and the most pages a filter may look through. */
const PAGE = 500
const PAGES = 200
const RESOLUTIONS = ['approve', 'deny', 'expire', 'override', 'orphan']
const ALLOWED = ['allow']
const DENIED = ['block', 'deny']

const TIME: Column<JsonObject> = { title: 'TIME', value: (row) => textMember(row, 'ts') ?? '' }
const ACTION_COLUMNS: readonly Column<JsonObject>[] = [
  { title: 'SESSION', value: (row) => (textMember(row, 'session') ?? '').replace(/^[^/]*\//, '') },
  { title: 'KIND', value: (row) => textMember(row, 'kind') ?? '' },
  { title: 'TOOL', value: (row) => inside(row, 'action', 'tool') },
]
const ENVELOPE: Column<JsonObject> = { title: 'ENVELOPE', value: (row) => textMember(row, 'env') ?? '' }

const ENTRY_COLUMNS: readonly Column<JsonObject>[] = [
  TIME,
  { title: 'AGENT', value: agentOf },
  ...ACTION_COLUMNS,
  { title: 'RULE', value: (row) => inside(row, 'decision', 'rule') },
  { title: 'REVIEWER', value: reviewerOf },
  { title: 'OUTCOME', value: (row) => inside(row, 'outcome', 'label') },
  ENVELOPE,
]

const AUDIT_COLUMNS: readonly Column<JsonObject>[] = [
  TIME,
  ...ACTION_COLUMNS,
  { title: 'BY', value: endedBy },
  ENVELOPE,
]

const SESSION_COLUMNS: readonly Column<JsonObject>[] = [
  { title: 'SESSION', value: (row) => textMember(row, 'label') ?? '' },
  { title: 'PRINCIPAL', value: (row) => textMember(row, 'principal') ?? '' },
  { title: 'ENTRIES', value: (row) => String(row['entries'] ?? '') },
  { title: 'FIRST', value: (row) => textMember(row, 'started_at') ?? '' },
  { title: 'LAST', value: (row) => textMember(row, 'last_at') ?? '' },
  { title: 'COUNTS', value: (row) => countsOf(row['counts']) },
]

export async function logs(options: FilterOptions): Promise<void> {
  const kinds = [...(options.allowed ? ALLOWED : []), ...(options.denied ? DENIED : [])]
  await show(options, (row) => kinds.length === 0 || kinds.includes(textMember(row, 'kind') ?? ''))
}

export async function audit(options: FilterOptions): Promise<void> {
  await show(options, (row) => RESOLUTIONS.includes(textMember(row, 'kind') ?? ''), AUDIT_COLUMNS)
}

async function show(
  options: FilterOptions,
  kindFits: (row: JsonObject) => boolean,
  columns = ENTRY_COLUMNS,
): Promise<void> {
  const context = processContext()
  const format = formatOf(options)
  const since = sinceTime(options.since)
  const fits = (row: JsonObject) => kindFits(row) && agentFits(row, options) && actionFits(row, options)
  const rows = await collect(adminEndpoint(context), options.session, countOf(options.limit), since, fits)
  context.out(list(rows, columns, format))
}

/** Pages backwards through the log until enough rows fit or the time is passed. */
async function collect(
  endpoint: Endpoint,
  session: string | undefined,
  limit: number,
  since: number,
  fits: (row: JsonObject) => boolean,
): Promise<readonly JsonObject[]> {
  const found: JsonObject[] = []
  let before: number | null = null
  for (let page = 0; page < PAGES && found.length < limit; page += 1) {
    const query = new URLSearchParams({ limit: String(PAGE) })
    if (session !== undefined) query.set('session', session)
    if (before !== null) query.set('before', String(before))
    const rows = rowsOf(await ask(endpoint, 'GET', `/admin/v1/logs?${query}`))
    found.push(...rows.filter((row) => timeOf(row) >= since && fits(row)))
    const last = rows.at(-1)
    const n = last?.['n']
    if (rows.length === 0 || last === undefined || typeof n !== 'number' || n < 1 || timeOf(last) < since) break
    before = n
  }
  return found.slice(0, limit)
}

export async function sessions(options: FilterOptions): Promise<void> {
  const context = processContext()
  const format = formatOf(options)
  const since = sinceTime(options.since)
  const wanted = options.agent?.toLowerCase() ?? ''
  const rows = rowsOf(await ask(adminEndpoint(context), 'GET', '/admin/v1/sessions?limit=1000'))
    .filter((row) => Date.parse(textMember(row, 'last_at') ?? '') >= since)
    .filter((row) => (textMember(row, 'session') ?? '').toLowerCase().includes(wanted))
  context.out(list(rows.slice(0, countOf(options.limit)), SESSION_COLUMNS, format))
}

export async function session(id: string, options: ListOptions): Promise<void> {
  const context = processContext()
  const format = formatOf(options)
  const rows = await collect(adminEndpoint(context), id, PAGE * PAGES, Number.NEGATIVE_INFINITY, () => true)
  context.out(list([...rows].reverse(), ENTRY_COLUMNS, format))
}

export async function stats(options: ListOptions): Promise<void> {
  const context = processContext()
  const answer = await ask(adminEndpoint(context), 'GET', '/admin/v1/stats')
  if (options.json || !isObject(answer)) return context.out(jsonText(answer))
  for (const [name, text] of statsLines(answer)) context.out(`${name.padEnd(16)}${text}\n`)
}

function statsLines(stats: JsonObject): readonly (readonly [string, string])[] {
  const numbers = ['entries', 'sessions', 'pending', 'queued'] as const
  const wait = isObject(stats['reviews']) ? stats['reviews']['median_wait_seconds'] : null
  const tools = Array.isArray(stats['blocked_tools']) ? stats['blocked_tools'].filter((row: Json) => isObject(row)) : []
  const blocked = tools.map((row) => `${visible(textMember(row, 'tool') ?? '')} ${String(row['blocked'])}`)
  return [
    ...numbers.map((name) => [name, String(stats[name] ?? 0)] as const),
    ['decisions', countsOf(stats['decisions'])],
    ['blocked tools', blocked.slice(0, 5).join(', ') || 'none'],
    ['reviewers took', typeof wait === 'number' ? `${wait} s (median)` : 'nothing decided yet'],
    ...(stats['complete'] === false ? [['counted', 'the newest million entries'] as const] : []),
  ]
}

function inside(row: JsonObject, outer: string, member: string): string {
  const value = row[outer]
  return (isObject(value) ? textMember(value, member) : undefined) ?? ''
}

function reviewerOf(row: JsonObject): string {
  const [principal, name] = [inside(row, 'reviewer', 'principal'), inside(row, 'reviewer', 'name')]
  return name && recordedReviewer({ principal, name, claimed: inside(row, 'reviewer', 'claimed') || null })
}

/** The agent; of a reviewer's word none is recorded beside the session, and its actor is the reviewer. */
function agentOf(row: JsonObject): string {
  return reviewerOf(row) === '' ? inside(row, 'actor', 'agent') : ''
}

/** Who ended a wait: a reviewer, the agent that took it back, or `aegis` when its time was over. */
function endedBy(row: JsonObject): string {
  const subject = inside(row, 'actor', 'subject')
  return reviewerOf(row) || (subject === 'system' ? 'aegis' : `agent ${inside(row, 'actor', 'agent')}`)
}

function countsOf(counts: Json | undefined): string {
  if (!isObject(counts)) return ''
  return Object.entries(counts)
    .map(([kind, count]) => `${visible(kind)} ${String(count)}`)
    .join(', ')
}

function agentFits(row: JsonObject, { agent }: FilterOptions): boolean {
  return agent === undefined || inside(row, 'actor', 'agent') === agent
}

function actionFits(row: JsonObject, { action }: FilterOptions): boolean {
  const text = `${inside(row, 'action', 'protocol')}:${inside(row, 'action', 'tool')}`
  return action === undefined || text.toLowerCase().includes(action.toLowerCase())
}

function timeOf(row: JsonObject): number {
  return Date.parse(textMember(row, 'ts') ?? '')
}

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

export function sinceTime(text: string | undefined): number {
  if (text === undefined) return Number.NEGATIVE_INFINITY
  const match = /^(\d{1,6})([smhd])$/.exec(text)
  if (match) return Date.now() - Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return time
  throw new AegisError('invalid_params', `--since is no time: ${JSON.stringify(text.slice(0, 40))}`, {
    advice: 'Write 90s, 30m, 24h, 7d, or 2026-04-06T14:00:00Z.',
  })
}

function countOf(text: string | undefined): number {
  const count = Number(text ?? '50')
  if (Number.isInteger(count) && count >= 1 && count <= 100_000) return count
  throw new AegisError('invalid_params', '--limit must be a whole number from 1 to 100000')
}
