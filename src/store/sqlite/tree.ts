import { isUtf8 } from 'node:buffer'
import type { Hash } from '../../ledger/merkle/tree.ts'
import {
  type LedgerReader,
  type LedgerStore,
  type LegalHold,
  type StoredCheckpoint,
  type StoredReceipt,
  type StoredTile,
  StoreError,
} from '../../ledger/store.ts'
import { bytesOf } from '../bytes.ts'
import { column, type Handle, prepare } from './handle.ts'
import { latin1 } from './rows.ts'

const MAX_LIST = 1000
const MAX_LEAVES = 65_536

type TreeReader = Pick<LedgerReader, 'tile' | 'leafHashes' | 'latestCheckpoint' | 'checkpoints' | 'receipts' | 'holds'>
type TreeWriter = Pick<LedgerStore, 'putCheckpoint' | 'putReceipt' | 'hold' | 'prune'>

const CHECKPOINT = 'SELECT size, CAST(root AS BLOB) AS root, CAST(note AS BLOB) AS note FROM ledger_checkpoint'
const RECEIPT = `SELECT CAST(size AS INTEGER) AS size, CAST(sink AS BLOB) AS sink, CAST(receipt AS BLOB) AS receipt,
  CAST(at AS INTEGER) AS at FROM ledger_anchor`

/** Reads tiles, checkpoints, receipts and holds. No value a tamperer can store makes it throw. */
export function createTreeReader(handle: Handle): TreeReader {
  const tile = prepare(handle, 'SELECT CAST(hashes AS BLOB) AS hashes FROM ledger_tile WHERE level = ? AND idx = ?')
  const hashes = prepare(
    handle,
    'SELECT CAST(hash AS BLOB) AS hash FROM ledger_entry WHERE n >= ? AND n < ? ORDER BY n LIMIT ?',
  )
  const latest = prepare(handle, `${CHECKPOINT} ORDER BY size DESC LIMIT 1`)
  const checkpoints = prepare(handle, `${CHECKPOINT} WHERE size >= ? ORDER BY size LIMIT ?`)
  const receipts = prepare(handle, `${RECEIPT} WHERE size >= ? ORDER BY size, sink LIMIT ?`)
  const holds = prepare(
    handle,
    'SELECT CAST(session AS BLOB) AS session, CAST(reason AS BLOB) AS reason, CAST(at AS INTEGER) AS at FROM ledger_hold ORDER BY session',
  )
  return {
    tile: async (level, index) => {
      const row = tile.get([level, index])
      return row === undefined ? null : bytesOf(column(row, 'hashes'))
    },
    leafHashes: async (from, to) => hashes.all([from, to, MAX_LEAVES]).flatMap((row) => leafOf(column(row, 'hash'))),
    latestCheckpoint: async () => {
      const row = latest.get([])
      return row === undefined ? null : checkpointOf(row)
    },
    checkpoints: async (from, limit) => checkpoints.all([from, Math.min(limit, MAX_LIST)]).map(checkpointOf),
    receipts: async (from, limit) => receipts.all([from, Math.min(limit, MAX_LIST)]).map(receiptOf),
    holds: async () => holds.all([]).map(holdOf),
  }
}

function leafOf(value: unknown): Hash[] {
  const text = latin1(value)
  return /^[0-9a-f]{64}$/.test(text) ? [Buffer.from(text, 'hex')] : []
}

function checkpointOf(row: unknown): StoredCheckpoint {
  return { size: Number(column(row, 'size')), root: bytesOf(column(row, 'root')), note: text(column(row, 'note')) }
}

function receiptOf(row: unknown): StoredReceipt {
  const size = Number(column(row, 'size'))
  return { size, sink: text(column(row, 'sink')), receipt: text(column(row, 'receipt')), at: Number(column(row, 'at')) }
}

function holdOf(row: unknown): LegalHold {
  const session = latin1(column(row, 'session'))
  return { session, reason: text(column(row, 'reason')), at: Number(column(row, 'at')) }
}

/** Text that is not UTF-8 comes back as something no honest text is. */
function text(value: unknown): string {
  const bytes = bytesOf(value)
  return isUtf8(bytes) ? Buffer.from(bytes).toString() : latin1(bytes)
}

/** `inTransaction` commits what the work did, or nothing; `durable` resolves when that would survive a power cut. */
export function createTreeWriter(
  handle: Handle,
  inTransaction: (work: () => void) => void,
  durable: () => Promise<void>,
): TreeWriter {
  const checkpoint = prepare(
    handle,
    'INSERT INTO ledger_checkpoint (size, root, note) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const root = prepare(handle, 'SELECT CAST(root AS BLOB) AS root FROM ledger_checkpoint WHERE size = ?')
  const tile = prepare(handle, 'INSERT INTO ledger_tile (level, idx, hashes) VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
  const stored = prepare(handle, 'SELECT CAST(hashes AS BLOB) AS hashes FROM ledger_tile WHERE level = ? AND idx = ?')

  function put(wanted: StoredCheckpoint, tiles: readonly StoredTile[]): void {
    for (const { level, index, hashes } of tiles) {
      tile.run([level, index, hashes])
      if (!same(column(stored.get([level, index]), 'hashes'), hashes)) {
        throw new StoreError('conflict', `tile ${level}/${index} is stored with other hashes`, undefined)
      }
    }
    checkpoint.run([wanted.size, wanted.root, wanted.note])
    if (!same(column(root.get([wanted.size]), 'root'), wanted.root)) {
      throw new StoreError('conflict', `another root was signed for size ${wanted.size}`, undefined)
    }
  }

  async function write(work: () => void): Promise<void> {
    inTransaction(work)
    await durable()
  }

  return {
    putCheckpoint: (wanted, tiles) => write(() => put(wanted, tiles)),
    putReceipt: ({ size, sink, receipt, at }) =>
      write(() => {
        const sql =
          'INSERT INTO ledger_anchor VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET receipt = excluded.receipt, at = excluded.at'
        prepare(handle, sql).run([size, sink, receipt, at])
      }),
    hold: (session, hold) => write(() => setHold(handle, session, hold)),
    prune: (minIndex) => write(() => prune(handle, minIndex)),
  }
}

function same(stored: unknown, wanted: Uint8Array): boolean {
  return Buffer.from(bytesOf(stored)).equals(wanted)
}

function setHold(handle: Handle, session: string, hold: LegalHold | null): void {
  if (hold === null) {
    prepare(handle, 'DELETE FROM ledger_hold WHERE session = ?').run([session])
    return
  }
  const sql =
    'INSERT INTO ledger_hold VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET reason = excluded.reason, at = excluded.at'
  prepare(handle, sql).run([session, hold.reason, hold.at])
}

const NO_DELETE = 'ledger_entry_no_delete'

/**
 * One door: whoever asks, what goes has its tiles, an entry that says so, and no session under a legal hold in it. The trigger that
 * forbids deletion is lifted inside the transaction, and is back when it ends, however it ends.
 */
function prune(handle: Handle, minIndex: number): void {
  demandPrunable(handle, minIndex)
  const trigger = prepare(handle, "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = ?").get([NO_DELETE])
  const sql = column(trigger, 'sql')
  if (typeof sql !== 'string') throw new StoreError('conflict', `the trigger ${NO_DELETE} is missing`, undefined)
  handle.exec(`DROP TRIGGER ${NO_DELETE}`)
  prepare(handle, 'DELETE FROM ledger_payload WHERE n < ?').run([minIndex])
  prepare(handle, 'DELETE FROM ledger_entry WHERE n < ?').run([minIndex])
  handle.exec(sql)
  prepare(handle, 'UPDATE ledger_log SET min_index = max(min_index, ?) WHERE id = 1').run([minIndex])
}

const COUNT_TILES = 'SELECT count(*) AS found FROM ledger_tile WHERE level = 0 AND idx < ?'
const FIND_LEAF = "SELECT n AS found FROM ledger_entry WHERE kind = 'prune' AND n >= ? LIMIT 1"
const FIND_HELD = `SELECT CAST(h.session AS BLOB) AS found FROM ledger_hold h
  WHERE EXISTS (SELECT 1 FROM ledger_entry e WHERE e.session = h.session AND e.n < ?) LIMIT 1`

/** @throws StoreError `conflict` */
function demandPrunable(handle: Handle, minIndex: number): void {
  const find = (sql: string, value: number) => column(prepare(handle, sql).get([value]), 'found')
  const refuse = (why: string) => {
    throw new StoreError('conflict', why, undefined)
  }
  const tiles = minIndex / 256
  if (!Number.isInteger(tiles) || Number(find(COUNT_TILES, tiles)) !== tiles) {
    refuse(`not all tiles below ${minIndex} are stored`)
  }
  if (find(FIND_LEAF, minIndex) === undefined) refuse(`no entry says that the log is pruned below ${minIndex}`)
  const held = find(FIND_HELD, minIndex)
  if (held !== undefined) refuse(`session ${latin1(held)} is under a legal hold`)
}
