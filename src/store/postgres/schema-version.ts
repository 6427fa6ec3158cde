import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator'
import { AegisError } from '../../core/errors.ts'
import { shownUrl } from '../shown-url.ts'
import type { Client, Pool, Row } from './connection.ts'
import { sqlState } from './failures.ts'
import { textOf } from './rows.ts'

/** The migrations of this installation, oldest first. */
export function knownMigrations(): readonly MigrationMeta[] {
  return readMigrationFiles({ migrationsFolder: migrationsFolder() })
}

const APPLIED = 'SELECT hash FROM aegis.schema_migration ORDER BY id'

/** Hashes of the migrations that ran, oldest first; none where there is no schema. */
export async function appliedMigrations(on: Pool | Client): Promise<readonly string[]> {
  try {
    const { rows } = await on.query<Row>(APPLIED)
    return rows.map((row) => textOf(row['hash']))
  } catch (error) {
    // 3F000: no such schema; 42P01: no such table.
    if (['3F000', '42P01'].includes(sqlState(error) ?? '')) return []
    throw error
  }
}

/** @throws AegisError `config` where a newer Aegis made the schema, or one that ran is not the one we know */
export function checkKnown(applied: readonly string[], known: readonly MigrationMeta[], url: string): void {
  applied.forEach((hash, index) => {
    if (known[index]?.hash === hash) return
    const why = index >= known.length ? 'was made by a newer Aegis' : 'has a schema this Aegis does not know'
    throw new AegisError('config', `the store ${shownUrl(url)} ${why}`, {
      advice: 'Run the version of Aegis that made it, or a newer one.',
      path: 'store',
    })
  })
}

/** The server never changes the schema: that takes rights it should not have. @throws AegisError `config` */
export async function checkSchema(pool: Pool, url: string): Promise<void> {
  const known = knownMigrations()
  const applied = await appliedMigrations(pool)
  checkKnown(applied, known, url)
  if (applied.length === known.length) return
  const why =
    applied.length === 0 ? 'holds no evidence store yet' : `is ${known.length - applied.length} migrations behind`
  throw new AegisError('config', `the database ${shownUrl(url)} ${why}`, {
    advice: 'Run `aegisctl db migrate --store <url>` as an administrator of the database.',
    path: 'store',
  })
}

/** `migrations/` lies beside `src/`, and beside `dist/` once built. */
function migrationsFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url))
  for (const up of ['../../..', '../../../..']) {
    const folder = join(here, up, 'migrations', 'postgres')
    if (existsSync(folder)) return folder
  }
  throw new AegisError('internal', 'the folder migrations/postgres is missing from this installation')
}
