import { APPROVAL_STATUSES } from '../core/approval.ts'
import { AegisError } from '../core/errors.ts'
import { type EnvelopeId, parseEnvelopeId } from '../core/ids.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { adminEndpoint, ask, type Endpoint } from './client.ts'
import { processContext } from './context.ts'
import { type Column, jsonText, list, visible } from './output.ts'
import { formatOf, type ListOptions, rowsOf } from './rows.ts'

const COLUMNS: readonly Column<JsonObject>[] = [
  { title: 'ID', value: (row) => textMember(row, 'envelope_id') ?? '' },
  { title: 'TOOL', value: (row) => textMember(row, 'tool') ?? '' },
  { title: 'TARGET', value: (row) => textMember(row, 'target') ?? '' },
  { title: 'AGENT', value: (row) => actor(row, 'agent') },
  { title: 'SESSION', value: (row) => actor(row, 'session') },
  { title: 'RISK', value: (row) => textMember(row, 'blast_radius') ?? '' },
  { title: 'QUEUED', value: (row) => textMember(row, 'queued_at') ?? '' },
]

function actor(row: JsonObject, member: string): string {
  const value = row['actor']
  return (isObject(value) ? textMember(value, member) : undefined) ?? ''
}

export async function pending(options: ListOptions & { status: string }): Promise<void> {
  const context = processContext()
  const statuses = [...APPROVAL_STATUSES, 'all']
  if (!statuses.includes(options.status)) {
    throw new AegisError('invalid_params', `--status must be one of ${statuses.join(', ')}`)
  }
  const answer = await ask(adminEndpoint(context), 'GET', `/admin/v1/approvals?status=${options.status}`)
  context.out(list(rowsOf(answer), COLUMNS, formatOf(options)))
}

/** One approval as a person must see it before deciding: the arguments in full. */
export async function show(text: string, options: ListOptions): Promise<void> {
  const context = processContext()
  const answer = await ask(adminEndpoint(context), 'GET', `/admin/v1/approvals/${approvalId(text)}`)
  if (formatOf(options) === 'json' || !isObject(answer)) return context.out(jsonText(answer))
  for (const [name, value] of Object.entries(answer)) {
    if (value === null) continue
    context.out(`${name.padEnd(18)}${typeof value === 'string' ? visible(value) : indented(value)}\n`)
  }
}

function indented(value: Json): string {
  return jsonText(value)
    .trimEnd()
    .replaceAll('\n', `\n${' '.repeat(18)}`)
}

function approvalId(text: string): EnvelopeId {
  const id = parseEnvelopeId(text)
  if (id !== null) return id
  throw new AegisError('invalid_params', `not the id of an approval: ${JSON.stringify(text.slice(0, 80))}`, {
    advice: 'Take it from `aegisctl pending`.',
  })
}

interface SettleOptions {
  readonly comment: string
  readonly reviewer?: string
  readonly repeat?: boolean
}

function wordsOf({ comment, reviewer }: SettleOptions): JsonObject {
  return { comment, ...(reviewer === undefined ? {} : { reviewer }) }
}

/** One is approved as `settle` does it; several in one request, each settled by itself. */
export async function approve(ids: readonly string[], options: SettleOptions): Promise<void> {
  const [only, ...more] = ids
  if (only !== undefined && more.length === 0) return settle('approve', only, options)
  const context = processContext()
  if (options.repeat) {
    throw new AegisError('invalid_params', '--repeat is for one approval at a time')
  }
  const endpoint = adminEndpoint(context)
  // What a passphrase guards is shown and asked about one by one.
  if (endpoint.unlock !== undefined) {
    for (const id of ids) await settle('approve', id, options)
    return
  }
  const body = { ids: ids.map(approvalId), ...wordsOf(options) }
  const answer = await ask(endpoint, 'POST', '/admin/v1/approvals/approve', body)
  context.out(jsonText(answer))
  const results = isObject(answer) && Array.isArray(answer['results']) ? answer['results'].filter(isObject) : []
  if (results.some(({ http_status: status }) => status !== 200)) process.exitCode = 1
}

/** Approves or denies. The answer is the server's: who was recorded, when, and the hash of the entry that says so. */
export async function settle(verb: 'approve' | 'deny', text: string, options: SettleOptions): Promise<void> {
  const context = processContext()
  const id = approvalId(text)
  const body = { ...wordsOf(options), ...(options.repeat ? { repeat: true } : {}) }
  const endpoint = adminEndpoint(context)
  const path = `/admin/v1/approvals/${id}`
  const send = (to: Endpoint): Promise<Json> => ask(to, 'POST', `${path}/${verb}`, body)
  if (endpoint.unlock === undefined) return context.out(jsonText(await send(endpoint)))
  const { settleUnlocked } = await import('./login/settle.ts')
  context.out(jsonText(await settleUnlocked(endpoint.unlock, { verb, id, comment: options.comment, send })))
}
