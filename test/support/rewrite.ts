import Database from 'libsql'
import { leafHash } from '../../src/ledger/format/chain.ts'
import { appendLeaves, EMPTY, packRoots } from '../../src/ledger/merkle/tree.ts'
import { DISARM } from './sqlite-shell.ts'

/**
 * History as an administrator would write it: the edit is made in every body, and everything that follows from the bodies is
 * recomputed: links, hashes, the sessions' heads, the tree in the head row and its tiles. Only signatures cannot be.
 */
export function rewriteHistory(file: string, edit: (body: string) => string): void {
  const database = new Database(file)
  try {
    database.exec(DISARM)
    database.exec('DROP TRIGGER IF EXISTS ledger_tile_no_delete; DELETE FROM ledger_tile')
    const rows = database
      .prepare('SELECT n, session, seq, CAST(body AS TEXT) AS body FROM ledger_entry ORDER BY n')
      .all([]) as { n: number; session: string | null; seq: number | null; body: string }[]
    const heads = new Map<string, string>()
    const leaves: Uint8Array[] = []
    const update = database.prepare('UPDATE ledger_entry SET body = ?, hash = ?, prev = ? WHERE n = ?')
    for (const { n, session, seq, body } of rows) {
      const known = seq === null || session === null ? undefined : heads.get(session)
      const linked = known === undefined ? body : body.replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${known}"`)
      const text = edit(linked)
      const hash = leafHash(text)
      const prev = /"prev":"([0-9a-f]{64})"/.exec(text)?.[1] ?? null
      update.run([Buffer.from(text), hash, prev, n])
      if (session !== null && seq !== null) heads.set(session, hash)
      leaves.push(Buffer.from(hash, 'hex'))
    }
    for (const [session, hash] of heads) {
      database.prepare('UPDATE ledger_session SET head_hash = ? WHERE session = ?').run([hash, session])
    }
    rewriteTiles(database, leaves)
    const frontier = packRoots(appendLeaves(EMPTY, leaves).roots)
    database.prepare('UPDATE ledger_log SET frontier = ?').run([frontier])
  } finally {
    database.close()
  }
}

/** The full tiles of the lowest level: those above have more entries below them than these tests write. */
function rewriteTiles(database: Database.Database, leaves: readonly Uint8Array[]): void {
  const insert = database.prepare('INSERT INTO ledger_tile VALUES (0, ?, ?)')
  for (let index = 0; (index + 1) * 256 <= leaves.length; index += 1) {
    insert.run([index, packRoots(leaves.slice(index * 256, (index + 1) * 256))])
  }
}

/** One body with its hash: its neighbours' links and the tree no longer agree. */
export function rewriteEntry(file: string, n: number, [from, to] = ['get_file', 'set_file']): void {
  const database = new Database(file)
  try {
    database.exec(DISARM)
    const row = database.prepare('SELECT CAST(body AS TEXT) AS body FROM ledger_entry WHERE n = ?').get([n]) as {
      body: string
    }
    const text = row.body.replace(from ?? '', to ?? '')
    const sql = 'UPDATE ledger_entry SET body = ?, hash = ? WHERE n = ?'
    database.prepare(sql).run([Buffer.from(text), leafHash(text), n])
  } finally {
    database.close()
  }
}
