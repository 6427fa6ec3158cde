import { type LedgerStore, type StoredCheckpoint, type StoredTile, StoreError } from '../../ledger/store.ts'
import { bytesOf } from '../bytes.ts'
import { byteaArray, int8Array } from './binary-arrays.ts'
import type { Client, Pool } from './connection.ts'
import { storeError } from './failures.ts'
import { inTransaction, type Statement, send } from './transaction.ts'

type TreeWriter = Pick<LedgerStore, 'putCheckpoint' | 'putReceipt' | 'hold' | 'scour' | 'prune'>

const TILES = `INSERT INTO aegis.ledger_tile (level, idx, hashes)
  SELECT level, idx, hashes FROM unnest($1::int8[], $2::int8[], $3::bytea[]) AS t (level, idx, hashes) ON CONFLICT DO NOTHING`
const OTHER_TILE = `SELECT t.level, t.idx FROM unnest($1::int8[], $2::int8[], $3::bytea[]) AS t (level, idx, hashes)
  LEFT JOIN aegis.ledger_tile s ON s.level = t.level AND s.idx = t.idx WHERE s.hashes IS DISTINCT FROM t.hashes LIMIT 1`
const CHECKPOINT = 'INSERT INTO aegis.ledger_checkpoint (size, root, note) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING'
const ROOT = 'SELECT root FROM aegis.ledger_checkpoint WHERE size = $1'
const RECEIPT = `INSERT INTO aegis.ledger_anchor (size, sink, receipt, at) VALUES ($1, $2, $3, $4)
  ON CONFLICT (size, sink) DO UPDATE SET receipt = excluded.receipt, at = excluded.at`
const HOLD = `INSERT INTO aegis.ledger_hold (session, reason, at) VALUES ($1, $2, $3)
  ON CONFLICT (session) DO UPDATE SET reason = excluded.reason, at = excluded.at`

export interface TreePools {
  readonly evidence: Pool
  /** For what may take minutes. */
  readonly slow: Pool
}

/** Tiles, checkpoints and what is about whole stretches of the log. Never together with a commit: these lock no head row. */
export function createTreeWriter({ evidence, slow }: TreePools, begin: string): TreeWriter {
  const write = (statement: Statement) =>
    inTransaction(evidence, begin, async (client) => {
      await send(client, [statement])
    })

  return {
    putCheckpoint: (checkpoint, tiles) => inTransaction(evidence, begin, (client) => put(client, checkpoint, tiles)),
    putReceipt: ({ size, sink, receipt, at }) => write({ sql: RECEIPT, values: [size, sink, receipt, at] }),
    hold: (session, hold) =>
      hold === null
        ? write({ sql: 'SELECT aegis.lift_hold($1)', values: [session] })
        : write({ sql: HOLD, values: [session, hold.reason, hold.at] }),
    scour: () =>
      scour(slow).catch((error: unknown) => {
        throw storeError(error)
      }),
    // As long as it takes: deleting millions of rows is no matter of seconds.
    prune: (minIndex) =>
      inTransaction(slow, `${begin}; SET LOCAL statement_timeout = 0`, async (client) => {
        await send(client, [{ sql: 'SELECT aegis.prune($1)', values: [minIndex] }])
      }),
  }
}

const MAY_VACUUM = `SELECT CASE
    WHEN pg_has_role(current_user, relowner, 'USAGE') THEN true
    WHEN current_setting('server_version_num')::int >= 170000 THEN has_table_privilege(oid, 'MAINTAIN')
    ELSE false END AS may
  FROM pg_class WHERE oid = 'aegis.ledger_payload'::regclass`

/**
 * Dead rows go at once where this role may do that; else autovacuum removes them, which that table is set to have done within
 * a minute. The write-ahead log, backups and standbys keep what was erased until they are overwritten themselves.
 */
async function scour(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ may: boolean }>(MAY_VACUUM)
  if (rows[0]?.may !== true) {
    const why = 'this role may not vacuum: what was erased is removed by autovacuum, within about a minute'
    throw new StoreError('busy', why, undefined)
  }
  await pool.query('VACUUM aegis.ledger_payload')
}

async function put(client: Client, wanted: StoredCheckpoint, tiles: readonly StoredTile[]): Promise<void> {
  const arrays = [
    int8Array(tiles.map(({ level }) => level)),
    int8Array(tiles.map(({ index }) => index)),
    byteaArray(tiles.map(({ hashes }) => hashes)),
  ]
  const { size, root, note } = wanted
  const { rows } = await send(client, [
    ...(tiles.length === 0 ? [] : [{ sql: TILES, values: arrays }]),
    { sql: OTHER_TILE, values: arrays },
    { sql: CHECKPOINT, values: [size, root, note] },
    { sql: ROOT, values: [size] },
  ])
  const [other, , stored] = rows.slice(-3)
  const [tile] = other ?? []
  if (tile !== undefined) {
    throw new StoreError('conflict', `tile ${tile['level']}/${tile['idx']} is stored with other hashes`, undefined)
  }
  if (!Buffer.from(bytesOf(stored?.[0]?.['root'])).equals(root)) {
    throw new StoreError('conflict', `another root was signed for size ${size}`, undefined)
  }
}
