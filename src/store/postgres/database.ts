import { drizzle } from 'drizzle-orm/node-postgres'
import { type Database, twinOf } from '../tables/database.ts'
import type { Pool } from './connection.ts'
import * as tables from './schema.ts'

export function createDatabase(pool: Pool): Database {
  return twinOf(drizzle(pool), tables)
}
