import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { AegisError } from '../../core/errors.ts'
import { column, type Handle, prepare } from './handle.ts'

/**
 * Brings the schema up to date, each migration in its own transaction.
 * @throws AegisError `config` where the file was made by a newer Aegis, or a migration that ran is not the one we know
 */
export function migrate(handle: Handle): void {
  const known = readMigrationFiles({ migrationsFolder: migrationsFolder() })
  handle.exec('CREATE TABLE IF NOT EXISTS schema_migration (id INTEGER PRIMARY KEY, hash TEXT NOT NULL)')
  const applied = prepare(handle, 'SELECT hash FROM schema_migration ORDER BY id')
    .all([])
    .map((row) => String(column(row, 'hash')))
  applied.forEach((hash, index) => {
    if (known[index]?.hash !== hash) throw foreign(index >= known.length)
  })
  const record = prepare(handle, 'INSERT INTO schema_migration (id, hash) VALUES (?, ?)')
  known.slice(applied.length).forEach((migration, index) => {
    handle.transaction(() => {
      for (const statement of migration.sql) handle.exec(statement)
      record.run([applied.length + index, migration.hash])
    })()
  })
}

function foreign(newer: boolean): AegisError {
  const why = newer ? 'was made by a newer Aegis' : 'has a schema this Aegis does not know'
  return new AegisError('config', `the store ${why}`, {
    advice: 'Run the version of Aegis that made it, or a newer one.',
  })
}

/** `migrations/` lies beside `src/`, and beside `dist/` once built. */
function migrationsFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url))
  for (const up of ['../../..', '../../../..']) {
    const folder = join(here, up, 'migrations', 'sqlite')
    if (existsSync(folder)) return folder
  }
  throw new AegisError('internal', 'the folder migrations/sqlite is missing from this installation')
}
