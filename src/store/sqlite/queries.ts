import { drizzle, type SqliteRemoteDatabase } from 'drizzle-orm/sqlite-proxy'
import { type Handle, prepare } from './handle.ts'

export type Queries = SqliteRemoteDatabase

/** drizzle over the one handle. Its own drivers want packages that bring another SQLite with them. */
export function createQueries(handle: Handle): Queries {
  return drizzle(async (sql, parameters, method) => {
    const statement = prepare(handle, sql)
    if (method === 'run') {
      statement.run(parameters)
      return { rows: [] }
    }
    const rows = statement.raw(true).all(parameters)
    return { rows: method === 'get' ? rows.slice(0, 1).flat() : rows }
  })
}
