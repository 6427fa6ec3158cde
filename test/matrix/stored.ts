import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import { openSqliteReader } from '../../src/store/sqlite/index.ts'
import { committed, draft, SESSION } from '../support/drafts.ts'
import { openEvidence, signingIn } from '../support/evidence-store.ts'
import { DISARM } from '../support/sqlite-shell.ts'
import type { Case, Evidence, Expected, Group } from './case.ts'
import { OTHER } from './sample.ts'

/** No two values stand at one path. */
const PATHS = ['params', 'target', 'comment'] as const
/** Two full tiles and a ragged edge. */
const ROUNDS = 260

/** A real store in a file, written by the real gateway's ledger, and closed. */
export interface Base {
  readonly folder: string
  readonly file: string
  readonly pins: string
  readonly remembered: string
}

export async function storedBase(folder: string): Promise<Base> {
  const { file, stores, ledger, close } = await openEvidence(folder, signingIn(folder))
  for (let index = 0; index < ROUNDS; index += 1) {
    const commitments =
      index < 3 ? committed(`value ${index}`).map((one) => ({ ...one, path: PATHS[index] ?? one.path })) : []
    await Promise.all([ledger.append(draft({ commitments })), ledger.append(draft({ session: OTHER }))])
    if (index === 100) await ledger.sign()
  }
  await ledger.append(draft())
  await ledger.export(SESSION)
  await ledger.export(OTHER)
  const { size } = await ledger.sign()
  for (const sink of ['file', 'git']) await stores.ledger.putReceipt({ size, sink, receipt: `kept by ${sink}`, at: 1 })
  await close()
  // Copies are of the file alone.
  const database = new Database(file)
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
  const text = (name: string) => readFileSync(join(folder, name), 'utf8')
  return { folder, file, pins: text('log.vkey'), remembered: text('log.checkpoint') }
}

const OPEN = `${DISARM}
  DROP TRIGGER IF EXISTS ledger_tile_no_update; DROP TRIGGER IF EXISTS ledger_tile_no_delete;
  DROP TRIGGER IF EXISTS ledger_checkpoint_no_update; DROP TRIGGER IF EXISTS ledger_checkpoint_no_delete;`

/** A copy of the store as its administrator changed it, and what a verifier with the log's key says of it. */
export async function changed(
  base: Base,
  name: string,
  change: (database: Database.Database) => void,
): Promise<Evidence> {
  const file = join(base.folder, `${name.replace(/\W+/g, '-')}.db`)
  copyFileSync(base.file, file)
  const database = new Database(file)
  try {
    database.exec(OPEN)
    change(database)
  } finally {
    database.close()
  }
  const { ledger: reader } = await openSqliteReader(file)
  return { as: 'store', reader, session: SESSION, pins: base.pins, remembered: base.remembered }
}

const DAMAGES = ['bit flip', 'other valid value', 'null or empty', 're-encoding', 'swap with neighbour'] as const
type Damage = (typeof DAMAGES)[number]
type Cell = number | string | Buffer | null

interface Column {
  readonly table: string
  readonly name: string
  /** Which row, and which other one it is exchanged with. */
  readonly row: string
  readonly neighbour: string
  readonly other: Cell
  readonly expect: string | readonly string[] | null | Partial<Record<Damage, string | null>>
}

function columns(
  table: string,
  row: string,
  neighbour: string,
  of: Readonly<Record<string, readonly [Cell, Column['expect']]>>,
): Column[] {
  return Object.entries(of).map(([name, [other, expect]]) => ({ table, name, row, neighbour, other, expect }))
}

const ALL_WRONG = {
  'bit flip': 'PROJECTION_MISMATCH',
  'other valid value': 'PROJECTION_MISMATCH',
  'null or empty': 'PROJECTION_MISMATCH',
  're-encoding': 'PROJECTION_MISMATCH',
  'swap with neighbour': 'PROJECTION_MISMATCH',
} as const
const ALL_BAD = {
  'other valid value': 'BAD_SIGNATURE',
  'null or empty': 'BAD_SIGNATURE',
  're-encoding': 'BAD_SIGNATURE',
} as const
const SOME_HASH = 'ab'.repeat(32)
const NEWEST = 'size = (SELECT max(size) FROM ledger_checkpoint)'
const OLDER = 'size = (SELECT min(size) FROM ledger_checkpoint)'

/** Null: the column claims nothing that an auditor relies on, and a change of it is no damage. */
const COLUMNS: readonly Column[] = [
  ...columns('ledger_payload', 'n = 1', 'n = (SELECT max(n) FROM ledger_payload)', {
    n: [2, 'PAYLOAD_MISSING'],
    path: ['comment', 'PAYLOAD_MISSING'],
    salt: [Buffer.alloc(32, 1), 'PAYLOAD_MISMATCH'],
    value: ['{"title":"other"}', 'PAYLOAD_MISMATCH'],
  }),
  ...columns('ledger_session', `session = '${SESSION}'`, `session = '${OTHER}'`, {
    session: ['key_c3/new', ['PROJECTION_MISMATCH', 'MANIFEST_FORGED']],
    tenant: [
      'other',
      {
        ...ALL_WRONG,
        // Both sessions are of one tenant.
        'swap with neighbour': null,
      },
    ],
    next_seq: [5, 'PROJECTION_MISMATCH'],
    head_hash: [SOME_HASH, 'ALTERED_LINK'],
    // What is no status reads as open.
    status: ['closed', { 'other valid value': 'PROJECTION_MISMATCH' }],
    manifest_n: [3, 'MANIFEST_FORGED'],
  }),
  ...columns('ledger_tile', 'level = 0 AND idx = 0', 'level = 0 AND idx = 1', {
    // What a tile held that is missing is made again from the rows, and it is missing.
    level: [7, { ...ALL_WRONG, 'null or empty': null, 'swap with neighbour': null }],
    idx: [9, { ...ALL_WRONG, 'null or empty': null }],
    hashes: [Buffer.alloc(8192, 1), 'PROJECTION_MISMATCH'],
  }),
  ...columns('ledger_checkpoint', NEWEST, OLDER, {
    // Put below an older one, it is no longer the newest: the gateway's own memory knows that there was one.
    size: [90_000, 'PROJECTION_MISMATCH'],
    root: [Buffer.alloc(32, 1), 'PROJECTION_MISMATCH'],
    note: [
      'aegis.example/log/test\n1\nAAAA\n',
      { ...ALL_BAD, 'bit flip': 'WRONG_KEY', 'swap with neighbour': 'PROJECTION_MISMATCH' },
    ],
  }),
  ...columns('ledger_anchor', "sink = 'file'", "sink = 'git'", {
    size: [3, null],
    sink: ['witness', null],
    receipt: ['never given', null],
  }),
  ...columns('ledger_log', 'id = 1', 'id = 1', {
    size: [4, ['ROLLBACK', 'DELETED']],
    frontier: [Buffer.alloc(32, 1), 'PROJECTION_MISMATCH'],
    // A scratch cell: its probes of the disk are counted there.
    epoch: [90, null],
  }),
]

export function storedColumns(base: Base): Group {
  const cases = COLUMNS.flatMap((column) => DAMAGES.map((damage) => columnCase(base, column, damage)))
  return { name: 'T2 columns of the store', cases }
}

function isList(value: Column['expect']): value is readonly string[] {
  return Array.isArray(value)
}

function columnCase(base: Base, column: Column, damage: Damage): Case {
  const { table, name, expect } = column
  const whole = expect === null || typeof expect === 'string' || isList(expect)
  const kind = whole ? expect : (expect[damage] ?? null)
  const expected: Expected = kind === null ? { outcome: 'valid' } : { outcome: 'tampered', class: kind }
  const title = `${table}.${name}, ${damage}`
  return {
    name: title,
    evidence: () => changed(base, title, (database) => apply(database, column, damage)),
    expect: expected,
  }
}

function apply(database: Database.Database, { table, name, row, neighbour, other }: Column, damage: Damage): void {
  const read = (where: string) => {
    const sql = `SELECT ${name} AS cell FROM ${table} WHERE ${where}`
    return cellOf(database.prepare(sql).get([]), sql)
  }
  const write = (where: string, value: Cell) =>
    database.prepare(`UPDATE OR REPLACE ${table} SET ${name} = ? WHERE ${where}`).run([value])
  const value = read(row)
  if (damage !== 'swap with neighbour') {
    write(row, damaged(value, other, damage))
    return
  }
  if (row === neighbour) {
    write(row, table === 'ledger_log' && name === 'frontier' ? Buffer.alloc(64, 2) : 7)
    return
  }
  const theirs = read(neighbour)
  // By way of a third value: the other row may be known by this very column.
  const [id] = database.prepare(`SELECT * FROM ${table} WHERE ${neighbour}`).raw().all([])
  database.prepare(`DELETE FROM ${table} WHERE ${neighbour}`).run([])
  write(row, theirs)
  insert(database, table, name, id, value)
}

function insert(database: Database.Database, table: string, name: string, cells: unknown, value: Cell): void {
  if (!Array.isArray(cells)) throw new Error(`no neighbour in ${table}`)
  const names = database.prepare(`SELECT name FROM pragma_table_info(?)`).raw().all([table]).flat()
  const known = cells.map((cell) => (cell instanceof ArrayBuffer ? Buffer.from(cell) : cell))
  const changed = known.map((cell, index) => (names[index] === name ? value : cell))
  database.prepare(`INSERT INTO ${table} VALUES (${changed.map(() => '?').join()})`).run(changed)
}

function cellOf(row: unknown, sql: string): Cell {
  if (typeof row !== 'object' || row === null || !('cell' in row)) throw new Error(`no row: ${sql}`)
  const { cell } = row
  if (cell === null || typeof cell === 'number' || typeof cell === 'string' || Buffer.isBuffer(cell)) return cell
  throw new Error('no such cell')
}

function damaged(value: Cell, other: Cell, damage: Exclude<Damage, 'swap with neighbour'>): Cell {
  if (damage === 'other valid value') return other
  if (damage === 'null or empty') return Buffer.isBuffer(value) ? Buffer.alloc(0) : typeof value === 'number' ? 0 : ''
  if (typeof value === 'number') return damage === 'bit flip' ? value ^ 1 : -1 - value
  if (value === null) return 0
  const bytes = Buffer.from(value)
  if (damage === 'bit flip') bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
  const next = damage === 'bit flip' ? bytes : Buffer.concat([bytes, Buffer.from(' ')])
  return typeof value === 'string' ? next.toString() : next
}
