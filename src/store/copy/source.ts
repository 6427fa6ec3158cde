import { isUtf8 } from 'node:buffer'
import { AegisError } from '../../core/errors.ts'
import { bytesOf } from '../bytes.ts'
import { column, type Handle, prepare } from '../sqlite/handle.ts'
import type { CopiedRow, Kind, Table, Value } from './tables.ts'

/** The rows of a SQLite table in the order of its key. @throws AegisError `cannot_decide` where a value is not of its column's kind */
export function* rowsOf(handle: Handle, table: Table): Generator<CopiedRow> {
  const columns = Object.entries(table.columns)
  // Text as bytes: the driver ends the process on text that is not UTF-8.
  const wanted = columns.map(([name, kind]) => (kind === 'int' ? name : `CAST(${name} AS BLOB) AS ${name}`))
  const rows = prepare(handle, `SELECT ${wanted.join(', ')} FROM ${table.name} ORDER BY ${table.order}`)
  for (const row of rows.iterate([])) {
    yield columns.map(([name, kind]) => copiedValue(column(row, name), kind, `${table.name}.${name}`))
  }
}

function copiedValue(value: unknown, kind: Kind, place: string): Value {
  if (value === null || value === undefined) return null
  if (kind === 'int') {
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value
    throw unfit(place, 'a number')
  }
  const bytes = bytesOf(value)
  if (kind === 'bytes') return bytes
  // PostgreSQL keeps any text but U+0000.
  if (!isUtf8(bytes) || bytes.includes(0)) throw unfit(place, 'text in UTF-8')
  return Buffer.from(bytes).toString()
}

function unfit(place: string, what: string): AegisError {
  return new AegisError('cannot_decide', `${place} holds something that is not ${what}`, {
    advice: 'The file was changed by something other than Aegis. Nothing was copied.',
  })
}
