import { AegisError } from '../../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'
import type { SessionSummary } from '../../ledger/store.ts'
import { processContext } from '../context.ts'
import { type Column, FORMATS, list } from '../output.ts'
import { type StoreOptions, withReader } from './source.ts'

export async function sessions(options: StoreOptions & { limit: string; format?: string }): Promise<void> {
  const context = processContext()
  const format = FORMATS.find((known) => known === (options.json === true ? 'json' : (options.format ?? 'table')))
  if (format === undefined) throw new AegisError('invalid_params', `--format is one of ${FORMATS.join(', ')}`)
  const limit = Number(options.limit)
  if (!Number.isInteger(limit) || limit < 1) throw new AegisError('invalid_params', '--limit is a whole number above 0')
  const rows = await withReader(options, context, (reader) => reader.sessions(limit))
  context.out(list(rows.map(rowOf), COLUMNS, format))
}

function rowOf(summary: SessionSummary): JsonObject {
  const { session, label, principal, entries, status, first, last, counts } = summary
  return { session, label, principal, entries, status, started_at: first, last_at: last, counts }
}

const COLUMNS: readonly Column<JsonObject>[] = [
  { title: 'SESSION', value: (row) => textMember(row, 'session') ?? '' },
  { title: 'ENTRIES', value: (row) => String(row['entries']) },
  { title: 'STATUS', value: (row) => textMember(row, 'status') ?? '' },
  { title: 'STARTED', value: (row) => textMember(row, 'started_at') ?? '' },
  { title: 'LAST', value: (row) => textMember(row, 'last_at') ?? '' },
  { title: 'KINDS', value: (row) => kindsOf(row['counts']) },
]

function kindsOf(counts: Json | undefined): string {
  if (!isObject(counts)) return ''
  return Object.entries(counts)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ')
}
