import { AegisError } from '../../core/errors.ts'
import { bytesOf } from '../bytes.ts'
import { byteaArray, int8Array, textArray } from '../postgres/binary-arrays.ts'
import type { Client, Row } from '../postgres/connection.ts'
import { createDigester, type TableDigest } from './digest.ts'
import type { CopiedRow, Kind, Table, Value } from './tables.ts'

const BATCH_ROWS = 500
const BATCH_BYTES = 4 * 1024 * 1024
const ARRAY_TYPE = { int: 'int8[]', text: 'text[]', bytes: 'bytea[]' } as const satisfies Record<Kind, string>

/** @throws AegisError `conflict` where a table holds rows */
export async function refuseFilled(client: Client, tables: readonly Table[], where: string): Promise<void> {
  for (const { name } of tables) {
    const { rows } = await client.query(`SELECT FROM aegis.${name} LIMIT 1`)
    if (rows.length === 0) continue
    throw new AegisError('conflict', `${where} is not empty: there are rows in ${name}`, {
      advice: 'Copy into a database that no gateway has used yet.',
    })
  }
}

/** Writes the rows of a table; `progress` hears how many are there. */
export async function writeRows(
  client: Client,
  table: Table,
  rows: Iterable<CopiedRow>,
  progress: (rows: number) => void,
): Promise<void> {
  const sql = insertOf(table)
  let written = 0
  for (const batch of batches(rows)) {
    await client.query(sql, arraysOf(table, batch))
    written += batch.length
    progress(written)
  }
}

function insertOf({ name, columns }: Table): string {
  const arrays = Object.values(columns).map((kind, index) => `$${index + 1}::${ARRAY_TYPE[kind]}`)
  return `INSERT INTO aegis.${name} (${Object.keys(columns).join(', ')}) SELECT * FROM unnest(${arrays.join(', ')})`
}

function* batches(rows: Iterable<CopiedRow>): Generator<CopiedRow[]> {
  let batch: CopiedRow[] = []
  let bytes = 0
  for (const row of rows) {
    batch.push(row)
    bytes += row.reduce<number>((sum, value) => sum + sizeOf(value), 0)
    if (batch.length < BATCH_ROWS && bytes < BATCH_BYTES) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}

function sizeOf(value: Value): number {
  return value === null || typeof value === 'number' ? 8 : value.length
}

function arraysOf({ columns }: Table, batch: readonly CopiedRow[]): Buffer[] {
  return Object.values(columns).map((kind, index) => {
    const values = batch.map((row) => row[index] ?? null)
    if (kind === 'int') return int8Array(values.map((value) => (typeof value === 'number' ? value : null)))
    if (kind === 'text') return textArray(values.map((value) => (typeof value === 'string' ? value : null)))
    return byteaArray(values.map(bytesOf))
  })
}

/** Reads the table back as it stands in the running transaction. */
export async function digestOf(client: Client, { name, columns, order }: Table): Promise<TableDigest> {
  const digester = createDigester()
  const names = Object.entries(columns)
  const selected = Object.keys(columns).join(', ')
  await client.query(`DECLARE copied NO SCROLL CURSOR FOR SELECT ${selected} FROM aegis.${name} ORDER BY ${order}`)
  for (;;) {
    const { rows } = await client.query<Row>(`FETCH ${BATCH_ROWS} FROM copied`)
    if (rows.length === 0) break
    for (const row of rows) digester.add(names.map(([column, kind]) => copiedValue(row[column], kind)))
  }
  await client.query('CLOSE copied')
  return digester.end()
}

function copiedValue(value: unknown, kind: Kind): Value {
  if (value === null || value === undefined) return null
  if (kind === 'int') return Number(value)
  return kind === 'text' ? String(value) : bytesOf(value)
}
