import { Pool, type PoolClient, type PoolConfig, types } from 'pg'
import { AegisError } from '../../core/errors.ts'
import { shownUrl } from '../shown-url.ts'
import { reasonOf } from './failures.ts'

export type Client = PoolClient
export type { Pool } from 'pg'
/** A row as the driver gives it; columns are read through `rows.ts`. */
export type Row = Readonly<Record<string, unknown>>

/** Runs one statement; who reads does not care on which connection. */
export type Query = (sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>

/** Milliseconds for making a connection, over a network and through a busy pooler. */
const CONNECT_TIMEOUT = 5000
/** Milliseconds of idleness after which a connection is probed, so that a dead peer is noticed. */
const KEEP_ALIVE_AFTER = 10_000

/** A connection is kept while it is used now and then, and made anew after an hour: a name may mean another server by then. */
const IDLE_MS = 300_000
const LIFETIME_SECONDS = 3600

const INT8 = 20

/** Places fit a double exactly up to 2^53: all that `n` and `seq` can honestly be. */
const parsers: PoolConfig['types'] = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 && format !== 'binary' ? Number : types.getTypeParser(oid, format),
}

export interface PoolShape {
  readonly max: number
  /** Statements sent together share a round trip. */
  readonly pipeline?: boolean
  /** Milliseconds after which a connection that does not answer is given up. Default: as long as it lives. */
  readonly answerWithin?: number
}

/** Connections to one database. The password is the URL's, PGPASSWORD's or that of ~/.pgpass. */
export function createPool(url: string, { max, pipeline = false, answerWithin }: PoolShape): Pool {
  const pool = new Pool({
    connectionString: url,
    ...{ max, pipeline, types: parsers },
    ...(answerWithin === undefined ? {} : { query_timeout: answerWithin }),
    application_name: 'aegis',
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    idleTimeoutMillis: IDLE_MS,
    maxLifetimeSeconds: LIFETIME_SECONDS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER,
  })
  // A connection that dies while idle is dropped by the pool; whoever needs one next finds out what is wrong.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/** Runs `use` on one connection; it goes back to the pool only where `use` ended well. */
export async function withClient<T>(pool: Pool, use: (client: Client) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    const value = await use(client)
    client.release()
    return value
  } catch (error) {
    client.release(true)
    throw error
  }
}

export function queryOn(on: Client | Pool): Query {
  return async (sql, values) => (await on.query<Row>(sql, values === undefined ? undefined : [...values])).rows
}

/** @throws AegisError `config` that names the database and never the password */
export function unopened(url: string, error: unknown): AegisError {
  if (error instanceof AegisError) return error
  return new AegisError('config', `the store ${shownUrl(url)} cannot be opened: ${reasonOf(error)}`, {
    advice: 'Check the address, the database and the role; a password may stand in PGPASSWORD or ~/.pgpass.',
    path: 'store',
  })
}
