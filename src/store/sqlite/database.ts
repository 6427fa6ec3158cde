import { drizzle } from 'drizzle-orm/sqlite-proxy'
import type { Database } from '../tables/database.ts'
import { type Handle, prepare } from './handle.ts'
import * as tables from './schema.ts'

/** drizzle over the one handle. Its own drivers want packages that bring another SQLite with them. */
export function createDatabase(handle: Handle): Database {
  const queries = drizzle(async (sql, parameters, method) => {
    const statement = prepare(handle, sql)
    if (method === 'run') {
      statement.run(parameters)
      return { rows: [] }
    }
    const rows = statement.raw(true).all(parameters)
    return { rows: method === 'get' ? rows.slice(0, 1).flat() : rows }
  })
  return { queries, tables }
}
