import { AegisError } from '../../core/errors.ts'
import { shownUrl } from '../shown-url.ts'
import type { Pool, Row } from './connection.ts'
import { textOf } from './rows.ts'

/** What evidence rests on, as the server says it is now. */
export interface ServerSettings {
  /** For the `boot` leaf. */
  readonly boot: Readonly<Record<string, string>>
  /** The level for our commits: `on`, or the stronger one the administrator chose. */
  readonly synchronousCommit: 'on' | 'remote_apply'
}

const SETTINGS = `SELECT current_setting('server_version') AS server_version,
    current_setting('server_version_num')::int AS version,
    current_setting('server_encoding') AS encoding,
    current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('synchronous_standby_names') <> '' AS standbys,
    current_setting('data_checksums') AS data_checksums,
    pg_is_in_recovery() AS standby,
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
    pg_has_role(current_user, 'led_owner', 'USAGE') AS owner`

/** The oldest release that its makers still mend, and the oldest that the tests run on. */
const OLDEST = 150_000

/** @throws AegisError `config` where what is acknowledged would not survive a power cut, or the database cannot hold evidence */
export async function serverSettings(pool: Pool, url: string): Promise<ServerSettings> {
  const { rows } = await pool.query<Row>(SETTINGS)
  const row = rows[0] ?? {}
  for (const name of ['fsync', 'full_page_writes']) {
    if (row[name] !== 'on') throw unfit(url, `runs with ${name} = ${textOf(row[name])}`, DURABLE)
  }
  if (Number(row['version']) < OLDEST) {
    throw unfit(url, `is PostgreSQL ${textOf(row['server_version'])}`, 'Use PostgreSQL 15 or newer.')
  }
  if (row['encoding'] !== 'UTF8') {
    throw unfit(url, `has encoding ${textOf(row['encoding'])}`, "Make the database anew with ENCODING 'UTF8'.")
  }
  if (row['standby'] === true) throw unfit(url, 'is a standby that only reads', 'Name the primary server.')
  const synchronousCommit = row['synchronous_commit'] === 'remote_apply' ? 'remote_apply' : 'on'
  return { boot: bootSettings(row, synchronousCommit), synchronousCommit }
}

const DURABLE = 'Set it to on in postgresql.conf and reload: without it a crash may lose what was acknowledged.'

function bootSettings(row: Row, synchronousCommit: string): Record<string, string> {
  return {
    engine: 'postgresql',
    server_version: textOf(row['server_version']),
    fsync: textOf(row['fsync']),
    full_page_writes: textOf(row['full_page_writes']),
    synchronous_commit: synchronousCommit,
    synchronous_standby: row['standbys'] === true ? 'yes' : 'no',
    data_checksums: textOf(row['data_checksums']),
    role: roleOf(row),
  }
}

/** Grants bind `led_app` only; an auditor should know when the gateway ran as somebody stronger. */
function roleOf(row: Row): string {
  if (row['superuser'] === true) return 'superuser'
  return row['owner'] === true ? 'owner' : 'app'
}

function unfit(url: string, what: string, advice: string): AegisError {
  return new AegisError('config', `the database ${shownUrl(url)} ${what}`, { advice, path: 'store' })
}
