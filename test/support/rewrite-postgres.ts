import { Client } from 'pg'
import { leafHash } from '../../src/ledger/format/chain.ts'
import { appendLeaves, EMPTY, packRoots, rootOf } from '../../src/ledger/merkle/tree.ts'
import { checkpointText } from '../../src/ledger/notes/checkpoint.ts'
import { type Signer, signNote } from '../../src/ledger/notes/sign.ts'

const DISARM = ['ledger_entry', 'ledger_tile', 'ledger_checkpoint'].map(
  (table) => `ALTER TABLE aegis.${table} DISABLE TRIGGER ALL`,
)

/**
 * History as the administrator of a PostgreSQL server would write it, triggers off: the edit is made in every body, and all
 * that follows from the bodies is recomputed: links, hashes, heads, the tree. With a stolen key, the newest checkpoint as well.
 * Returns its note then.
 */
export async function rewriteLog(
  admin: string,
  edit: (body: string) => string,
  stolen: Signer | null,
): Promise<string | null> {
  const client = new Client({ connectionString: admin })
  await client.connect()
  try {
    for (const sql of ['SET aegis.maintenance = on', 'BEGIN', ...DISARM]) await client.query(sql)
    const leaves = await rewriteEntries(client, edit)
    await client.query('DELETE FROM aegis.ledger_tile')
    for (let index = 0; (index + 1) * 256 <= leaves.length; index += 1) {
      const hashes = packRoots(leaves.slice(index * 256, (index + 1) * 256))
      await client.query('INSERT INTO aegis.ledger_tile VALUES (0, $1, $2)', [index, hashes])
    }
    const frontier = packRoots(appendLeaves(EMPTY, leaves).roots)
    await client.query('UPDATE aegis.ledger_log SET frontier = $1', [frontier])
    const note = stolen === null ? null : await signAgain(client, leaves, stolen)
    await client.query('COMMIT')
    return note
  } finally {
    await client.end()
  }
}

async function rewriteEntries(client: Client, edit: (body: string) => string): Promise<Uint8Array[]> {
  type Row = { n: string; session: string | null; seq: string | null; body: Buffer }
  const { rows } = await client.query<Row>('SELECT n, session, seq, body FROM aegis.ledger_entry ORDER BY n')
  const heads = new Map<string, string>()
  const leaves: Uint8Array[] = []
  for (const { n, session, seq, body } of rows) {
    const known = seq === null || session === null ? undefined : heads.get(session)
    const was = body.toString()
    const text = edit(known === undefined ? was : was.replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${known}"`))
    const hash = leafHash(text)
    const prev = /"prev":"([0-9a-f]{64})"/.exec(text)?.[1] ?? null
    const sql = 'UPDATE aegis.ledger_entry SET body = $1, hash = $2, prev = $3 WHERE n = $4'
    await client.query(sql, [Buffer.from(text), hash, prev, n])
    if (session !== null && seq !== null) heads.set(session, hash)
    leaves.push(Buffer.from(hash, 'hex'))
  }
  for (const [session, hash] of heads) {
    await client.query('UPDATE aegis.ledger_session SET head_hash = $1 WHERE session = $2', [hash, session])
  }
  return leaves
}

async function signAgain(client: Client, leaves: readonly Uint8Array[], stolen: Signer): Promise<string> {
  const { rows } = await client.query<{ origin: string; size: string }>(
    'SELECT l.origin, max(c.size) AS size FROM aegis.ledger_log l, aegis.ledger_checkpoint c GROUP BY l.origin',
  )
  const [{ origin, size } = { origin: '', size: '0' }] = rows
  const root = rootOf(appendLeaves(EMPTY, leaves.slice(0, Number(size))))
  const note = await signNote(checkpointText({ origin, size: Number(size), root }), [stolen])
  await client.query('DELETE FROM aegis.ledger_checkpoint WHERE size < $1', [size])
  await client.query('UPDATE aegis.ledger_checkpoint SET root = $1, note = $2 WHERE size = $3', [root, note, size])
  return note
}
