import { spawnSync } from 'node:child_process'
import Database from 'libsql'

/** The command-line shell, as an administrator has it; where it is not installed, the driver stands in for it. */
const SHELL = spawnSync('sqlite3', ['--version']).status === 0

/** Runs statements on a store file. What they select comes back as rows of text, all values through `quote()` or `hex()`. */
export function sqlite(file: string, sql: string): string[][] {
  if (!SHELL) return byDriver(file, sql)
  const ended = spawnSync('sqlite3', ['-batch', '-bail', '-noheader', '-separator', '\t', file], {
    input: sql,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  })
  if (ended.status !== 0) throw new Error(`sqlite3: ${ended.stderr}`)
  const lines = ended.stdout.split('\n').filter((line) => line !== '')
  return lines.map((line) => line.split('\t'))
}

function byDriver(file: string, sql: string): string[][] {
  const database = new Database(file)
  try {
    if (!/^\s*SELECT/i.test(sql)) {
      database.exec(sql)
      return []
    }
    const rows: unknown[] = database.prepare(sql).raw().all()
    return rows.map((row) => (Array.isArray(row) ? row.map(String) : [String(row)]))
  } finally {
    database.close()
  }
}

/** What an administrator does first: everything that stands in the way of changing history goes. */
export const DISARM = `PRAGMA ignore_check_constraints = ON;
  DROP TRIGGER IF EXISTS ledger_entry_no_update; DROP TRIGGER IF EXISTS ledger_entry_no_delete;
  DROP TRIGGER IF EXISTS ledger_entry_gapless;`
