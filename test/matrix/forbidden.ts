import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import { openSqliteReader } from '../../src/store/sqlite/index.ts'
import { SESSION } from '../support/drafts.ts'
import type { Case, Expected, Group } from './case.ts'
import { type Base, changed } from './stored.ts'

const TAMPERED: Expected = { outcome: 'tampered' }

/** What nobody may do to the evidence. `owner`: what is said of it where the file's owner does it all the same. */
const STATEMENTS: readonly { readonly sql: string; readonly owner: Expected }[] = [
  { sql: "UPDATE ledger_entry SET body = x'7b7d' WHERE n = 1", owner: { ...TAMPERED, class: 'ALTERED_BODY', n: 1 } },
  { sql: 'DELETE FROM ledger_entry WHERE n = 3', owner: { ...TAMPERED, class: 'DELETED' } },
  { sql: 'DELETE FROM ledger_entry', owner: { ...TAMPERED, class: ['SESSION_MISSING', 'DELETED'] } },
  {
    sql: "REPLACE INTO ledger_entry (n, kind, hash, body) VALUES (1, 'boot', hex(randomblob(32)), x'7b7d')",
    owner: TAMPERED,
  },
  { sql: "UPDATE ledger_checkpoint SET note = ''", owner: { ...TAMPERED, class: 'BAD_SIGNATURE' } },
  { sql: 'UPDATE ledger_checkpoint SET root = randomblob(32)', owner: { ...TAMPERED, class: 'PROJECTION_MISMATCH' } },
  { sql: 'UPDATE ledger_tile SET hashes = randomblob(8192)', owner: { ...TAMPERED, class: 'PROJECTION_MISMATCH' } },
  // The gateway's own memory still vouches for the rows, and so for what is gone.
  {
    sql: 'DELETE FROM ledger_tile; DELETE FROM ledger_checkpoint',
    owner: { ...TAMPERED, class: 'PROJECTION_MISMATCH', only: ['PROJECTION_MISMATCH'] },
  },
]

const ROLES = ['the gateway', 'a reader', 'the owner'] as const

export function forbidden(base: Base): Group {
  const cases = STATEMENTS.flatMap(({ sql, owner }) =>
    ROLES.map((role): Case => {
      const name = `${role}: ${sql}`
      if (role === 'the owner')
        return { name, evidence: () => changed(base, name, (database) => database.exec(sql)), expect: owner }
      return { name, evidence: () => refused(base, name, sql, role), expect: { outcome: 'valid', only: [] } }
    }),
  )
  return { name: 'T14 forbidden statements', cases }
}

/** As the store's own handle would run it: with every trigger in place. Throws where the statement is let through. */
async function refused(base: Base, name: string, sql: string, role: string): ReturnType<typeof changed> {
  const file = join(base.folder, `${name.replace(/\W+/g, '-')}.db`)
  copyFileSync(base.file, file)
  const database = new Database(file, { readonly: role === 'a reader' })
  try {
    if (role === 'a reader') database.exec('PRAGMA query_only = ON')
    if (!isRefused(database, sql)) throw new Error(`${role} may: ${sql}`)
  } finally {
    database.close()
  }
  const { ledger: reader } = await openSqliteReader(file)
  return { as: 'store', reader, session: SESSION, pins: base.pins, remembered: base.remembered }
}

function isRefused(database: Database.Database, sql: string): boolean {
  try {
    database.exec(sql)
    return false
  } catch {
    return true
  }
}
