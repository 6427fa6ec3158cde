import Database from 'libsql'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SessionId } from '../../src/core/ids.ts'
import { createPool } from '../../src/store/postgres/connection.ts'
import { createDatabase as createPostgres } from '../../src/store/postgres/database.ts'
import { createDatabase as createSqlite } from '../../src/store/sqlite/database.ts'
import { openForReading } from '../../src/store/sqlite/handle.ts'
import { openSqlite } from '../../src/store/sqlite/index.ts'
import { approvalQuery, riskiestQuery } from '../../src/store/tables/approvals.ts'
import type { Database as Tables } from '../../src/store/tables/database.ts'
import { postingQuery } from '../../src/store/tables/search.ts'
import { removeFolder, temporaryFolder } from '../support/evidence-store.ts'
import { startPostgres, type TestDatabase } from '../support/postgres.ts'

const RANGE = { from: 10, to: 20 }
const PENDING = { status: 'pending', order: 'oldest', limit: 51 } as const
const PLACE = { queuedAt: 5, id: 'x' }

/** What people wait for, and by which index each database must find it. */
const QUESTIONS = [
  {
    name: 'the entries of one value',
    ask: (tables: Tables) => postingQuery(tables, 'agent', { value: 'claude' }, RANGE),
    index: { sqlite: 'PRIMARY KEY (field=? AND value=? AND block>? AND block<?)', postgres: 'search_posting_pkey' },
  },
  {
    name: 'the entries of all tools that begin so',
    ask: (tables: Tables) => postingQuery(tables, 'tool', { prefix: 'github.' }, RANGE),
    index: { sqlite: 'search_posting_block (field=? AND block>? AND block<?)', postgres: 'search_posting_block' },
  },
  {
    name: 'what waits for a person',
    ask: (tables: Tables) => approvalQuery(tables, PENDING),
    index: { sqlite: 'approval_status (status=?)', postgres: 'approval_status' },
  },
  {
    name: 'what waits for a person, further on',
    ask: (tables: Tables) => approvalQuery(tables, { ...PENDING, after: PLACE }),
    index: { sqlite: 'approval_status (status=? AND queued_at>?)', postgres: 'approval_status' },
  },
  {
    name: 'what waits for a person, the riskiest first',
    ask: (tables: Tables) => riskiestQuery(tables, 30),
    index: { sqlite: 'approval_risk (status=?)', postgres: 'approval_risk' },
  },
  {
    name: 'what was settled last',
    ask: (tables: Tables) => approvalQuery(tables, { ...PENDING, status: 'redeemed', order: 'newest', after: PLACE }),
    index: { sqlite: 'approval_status (status=? AND queued_at<?)', postgres: 'approval_status' },
  },
  {
    name: 'the approvals of one session',
    ask: (tables: Tables) => approvalQuery(tables, { ...PENDING, session: 'key_a1/sess' as SessionId }),
    index: { sqlite: 'approval_session (session=?)', postgres: 'approval_session' },
  },
] as const

describe('SQLite reads from an index, never a whole table', () => {
  const folder = temporaryFolder()
  const file = `${folder}/aegis.db`

  beforeAll(async () => (await openSqlite(file)).close())
  afterAll(() => removeFolder(folder))

  it.each(QUESTIONS)('for $name', ({ ask, index }) => {
    const { sql, params } = ask(createSqlite(openForReading(file))).toSQL()
    const rows = new Database(file).prepare(`EXPLAIN QUERY PLAN ${sql}`).all(params) as { detail: string }[]
    const plan = rows.map(({ detail }) => detail).join('\n')
    expect(plan).toContain(index.sqlite)
    expect(plan).not.toContain('SCAN')
  })
})

/** Enough rows that a plan is worth making. */
const FILLED = [
  `INSERT INTO aegis.search_posting (field, value, block, slots)
    SELECT field, 'value-' || value, block, '\\x0000' FROM unnest(ARRAY['agent', 'tool', 'session']) field,
      generate_series(1, 60) value, generate_series(1, 240) block`,
  `INSERT INTO aegis.approval (id, status, digest, principal, session, queued_at, expires_at, record, votes)
    SELECT 'id-' || i, CASE WHEN i % 5 = 0 THEN 'pending' ELSE 'redeemed' END, 'digest-' || i, 'key_a1',
      'key_a1/sess-' || i % 500, i, i, repeat('x', 500), '[]' FROM generate_series(1, 25000) i`,
  'ANALYZE aegis.search_posting, aegis.approval',
] as const

const server = await startPostgres()
afterAll(async () => server?.close())

describe.skipIf(server === null)('PostgreSQL reads from an index, never a whole table', () => {
  let database: TestDatabase
  let client: Client

  beforeAll(async () => {
    if (server === null) return
    database = await server.database()
    client = new Client({ connectionString: database.as('app') })
    await client.connect()
    await database.run(...FILLED)
  })

  afterAll(async () => {
    await client.end()
    await database.drop()
  })

  it.each(QUESTIONS)('for $name', async ({ ask, index }) => {
    const pool = createPool(database.as('app'), { max: 1 })
    const { sql, params } = ask(createPostgres(pool)).toSQL()
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${sql}`, params as unknown[])
    await pool.end()
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).toContain(index.postgres)
    // A range of it, or, where the index holds nothing but what is asked for, its beginning.
    expect(plan).toMatch(/Index Cond|^Limit.*\n +-> +Index Scan using approval_risk\b[^\n]*$/)
    expect(plan).not.toContain('Seq Scan')
  })
})
