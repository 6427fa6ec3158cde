import { shownUrl } from '../shown-url.ts'
import { type Client, createPool, unopened, withClient } from './connection.ts'
import { guardDefinitions } from './definition-guard.ts'
import { ensureRoles, grantRole, type Role } from './roles.ts'
import { appliedMigrations, checkKnown, knownMigrations } from './schema-version.ts'
import { serverSettings } from './server-settings.ts'

export interface MigrateOptions {
  /** Logins to make members of these roles. */
  readonly members: readonly { readonly role: Role; readonly login: string }[]
}

export interface MigrateReport {
  /** The database, without user and password. */
  readonly database: string
  /** How many migrations ran now, and how many there are. */
  readonly ran: number
  readonly total: number
  /** What was changed, in order, one sentence each. */
  readonly done: readonly string[]
  readonly warnings: readonly string[]
}

/** Any number, the same for all: two migrations at once would stumble over each other. */
const LOCK = 4_712_018

/**
 * Prepares a database, or brings it up to date: roles, schema, migrations. Needs a role that may create roles and schemas;
 * once the roles are there, a member of led_migrate. All in one transaction.
 * @throws AegisError `config` or `forbidden`; then nothing was changed
 */
export async function migratePostgres(url: string, { members }: MigrateOptions): Promise<MigrateReport> {
  const pool = createPool(url, { max: 1 })
  try {
    const done = await withClient(pool, async (client) => {
      await client.query('BEGIN')
      await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK])
      const changes = [
        ...(await ensureRoles(client)),
        ...(await ensureSchema(client)),
        ...(await runMissing(client, url)),
      ]
      for (const { role, login } of members) changes.push(...(await grantRole(client, role, login)))
      await client.query('COMMIT')
      return changes
    })
    await serverSettings(pool, url)
    const warnings = await withClient(pool, guardDefinitions)
    const ran = done.filter((line) => line.startsWith(RAN)).length
    return { database: shownUrl(url), ran, total: knownMigrations().length, done, warnings }
  } catch (error) {
    throw unopened(url, error)
  } finally {
    await pool.end()
  }
}

async function ensureSchema(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query("SELECT FROM pg_namespace WHERE nspname = 'aegis'")
  if (rows.length > 0) return []
  await client.query('CREATE SCHEMA aegis AUTHORIZATION led_owner')
  await client.query('SET LOCAL ROLE led_owner')
  await client.query('CREATE TABLE aegis.schema_migration (id INTEGER PRIMARY KEY, hash TEXT NOT NULL)')
  await client.query('RESET ROLE')
  return ['created schema aegis']
}

const RAN = 'ran migration'

async function runMissing(client: Client, url: string): Promise<readonly string[]> {
  const known = knownMigrations()
  const applied = await appliedMigrations(client)
  checkKnown(applied, known, url)
  const done: string[] = []
  await client.query('SET LOCAL ROLE led_owner')
  await client.query("SELECT set_config('aegis.maintenance', 'on', true)")
  for (const [index, migration] of known.entries()) {
    if (index < applied.length) continue
    for (const statement of migration.sql) await client.query(statement)
    await client.query('INSERT INTO aegis.schema_migration (id, hash) VALUES ($1, $2)', [index, migration.hash])
    done.push(`${RAN} ${index + 1} of ${known.length}`)
  }
  await client.query('RESET ROLE')
  return done
}
