import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { Pool } from './connection.ts'

export type Queries = NodePgDatabase

export function createQueries(pool: Pool): Queries {
  return drizzle(pool)
}
