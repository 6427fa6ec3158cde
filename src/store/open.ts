import { fileURLToPath } from 'node:url'
import { AegisError } from '../core/errors.ts'
import type { OpenReader } from '../ledger/store.ts'
import type { PolicyVersionStore } from '../policy-set/index.ts'
import type { OpenSearch } from '../search/ports.ts'
import { shownUrl } from './shown-url.ts'
import type { Stores } from './sqlite/index.ts'

export type { Stores } from './sqlite/index.ts'

/**
 * Opens the store a setting names: a path or a `file:` URL of a SQLite database, or a `postgres:` URL. Loads only the driver it needs.
 * @throws AegisError `config` where no such kind of store exists, and as `openSqlite` and `openPostgres` throw
 */
export async function openStores(setting: string): Promise<Stores> {
  if (isPostgres(setting)) return (await import('./postgres/index.ts')).openPostgres(setting)
  return (await import('./sqlite/index.ts')).openSqlite(fileOf(setting))
}

/**
 * Opens the log alone, for writing, in a process that has opened the store already.
 * @throws AegisError `config` and as `openSqlite` and `openPostgres` throw
 */
export async function openLedgerStore(setting: string): Promise<Pick<Stores, 'ledger' | 'close'>> {
  if (isPostgres(setting)) return (await import('./postgres/index.ts')).openPostgres(setting)
  return (await import('./sqlite/index.ts')).openSqliteLedger(fileOf(setting))
}

/** Opens the search index, and the log that it is made of, in a process that has opened the store already. */
export async function openSearch(setting: string): Promise<OpenSearch> {
  if (isPostgres(setting)) return (await import('./postgres/search.ts')).openPostgresSearch(setting)
  return (await import('./sqlite/search.ts')).openSqliteSearch(fileOf(setting))
}

/**
 * Opens the evidence alone, for reading only: beside running gateways, or after they were killed.
 * @throws AegisError `not_found`, `cannot_decide` or `config`
 */
export async function openReader(setting: string): Promise<OpenReader> {
  if (isPostgres(setting)) return (await import('./postgres/index.ts')).openPostgresReader(setting)
  return (await import('./sqlite/read-only.ts')).openSqliteReader(fileOf(setting))
}

/** Opens the policies that were in force alone, for reading only. A store from before they were kept refuses to be asked. */
export async function openPolicies(setting: string): Promise<PolicyHistory> {
  if (isPostgres(setting)) return (await import('./postgres/index.ts')).openPostgresPolicies(setting)
  return (await import('./sqlite/read-only.ts')).openSqlitePolicies(fileOf(setting))
}

export type PolicyHistory = Pick<PolicyVersionStore, 'ofDigest'> & { close(): Promise<void> }

/** Does this setting name a database server rather than a file? */
export function isPostgres(setting: string): boolean {
  return /^postgres(ql)?:\/\//i.test(setting)
}

/** The setting as it may be shown: of a URL, neither user nor password. */
export function shownStore(setting: string): string {
  return isPostgres(setting) ? shownUrl(setting) : setting
}

function fileOf(setting: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(setting)?.[1]?.toLowerCase()
  if (scheme === undefined) return setting
  if (scheme === 'file') return fileURLToPath(setting)
  throw new AegisError('config', `there is no store for \`${scheme}\` URLs`, {
    advice: 'Give the path of a SQLite file, such as `~/.local/share/aegis/aegis.db`, or a `postgres://` URL.',
    path: 'store',
  })
}
