import { fileURLToPath } from 'node:url'
import { AegisError } from '../core/errors.ts'
import { openSqlite, type Stores } from './sqlite/index.ts'

export type { Stores } from './sqlite/index.ts'

/**
 * Opens the store a setting names: a path or a `file:` URL of a SQLite database.
 * @throws AegisError `config` where no such kind of store exists, and as `openSqlite` throws
 */
export async function openStores(setting: string): Promise<Stores> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(setting)?.[1]?.toLowerCase()
  if (scheme === undefined) return openSqlite(setting)
  if (scheme === 'file') return openSqlite(fileURLToPath(setting))
  throw new AegisError('config', `there is no store for \`${scheme}\` URLs`, {
    advice: 'Give the path of a SQLite file, such as `~/.local/share/aegis/aegis.db`.',
    path: 'store',
  })
}
