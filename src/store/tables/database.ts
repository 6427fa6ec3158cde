import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { SqliteRemoteDatabase } from 'drizzle-orm/sqlite-proxy'
import type * as schema from '../sqlite/schema.ts'

type Tables = typeof schema

/** A database of either kind, for the tables that both keep alike. What is written for one is run on both. */
export interface Database {
  readonly queries: SqliteRemoteDatabase
  readonly tables: Tables
}

/** Tables of PostgreSQL that give and take the very rows of their twins. */
type Twins = { readonly [K in keyof Tables]: PgTable & Pick<Tables[K], '$inferSelect' | '$inferInsert'> }

/**
 * PostgreSQL in the types of SQLite. The compiler holds the rows of the two schemas together; that the calls in this folder mean
 * the same in both dialects, whose query builders differ in type alone, is what the contract suite shows.
 */
export function twinOf(queries: NodePgDatabase, tables: Twins): Database {
  return { queries: queries as never, tables: tables as never }
}
