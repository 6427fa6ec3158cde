import type { Hash } from '../../ledger/merkle/tree.ts'
import type { LedgerReader, LegalHold, StoredCheckpoint, StoredReceipt } from '../../ledger/store.ts'
import { bytesOf } from '../bytes.ts'
import type { Query, Row } from './connection.ts'
import { textOf } from './rows.ts'

type TreeReader = Pick<LedgerReader, 'tile' | 'leafHashes' | 'latestCheckpoint' | 'checkpoints' | 'receipts' | 'holds'>

const MAX_LIST = 1000
const MAX_LEAVES = 65_536
const CHECKPOINT = 'SELECT size, root, note FROM aegis.ledger_checkpoint'

/** Reads tiles, checkpoints, receipts and holds. */
export function createTreeReader(query: Query): TreeReader {
  return {
    tile: async (level, index) => {
      const [row] = await query('SELECT hashes FROM aegis.ledger_tile WHERE level = $1 AND idx = $2', [level, index])
      return row === undefined ? null : bytesOf(row['hashes'])
    },
    leafHashes: async (from, to) => {
      const sql = 'SELECT hash FROM aegis.ledger_entry WHERE n >= $1 AND n < $2 ORDER BY n LIMIT $3'
      return (await query(sql, [from, to, MAX_LEAVES])).flatMap((row) => leafOf(textOf(row['hash'])))
    },
    latestCheckpoint: async () => {
      const [row] = await query(`${CHECKPOINT} ORDER BY size DESC LIMIT 1`)
      return row === undefined ? null : checkpointOf(row)
    },
    checkpoints: async (from, limit) => {
      const sql = `${CHECKPOINT} WHERE size >= $1 ORDER BY size LIMIT $2`
      return (await query(sql, [from, Math.min(limit, MAX_LIST)])).map(checkpointOf)
    },
    receipts: async (from, limit) => {
      const sql =
        'SELECT size, sink, receipt, at FROM aegis.ledger_anchor WHERE size >= $1 ORDER BY size, sink LIMIT $2'
      return (await query(sql, [from, Math.min(limit, MAX_LIST)])).map(receiptOf)
    },
    holds: async () => (await query('SELECT session, reason, at FROM aegis.ledger_hold ORDER BY session')).map(holdOf),
  }
}

function leafOf(hash: string): Hash[] {
  return /^[0-9a-f]{64}$/.test(hash) ? [Buffer.from(hash, 'hex')] : []
}

function checkpointOf(row: Row): StoredCheckpoint {
  return { size: Number(row['size']), root: bytesOf(row['root']), note: textOf(row['note']) }
}

function receiptOf(row: Row): StoredReceipt {
  const { size, sink, receipt, at } = row
  return { size: Number(size), sink: textOf(sink), receipt: textOf(receipt), at: Number(at) }
}

function holdOf(row: Row): LegalHold {
  return { session: textOf(row['session']), reason: textOf(row['reason']), at: Number(row['at']) }
}
