import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyStored } from '../../../src/ledger/audit/verify-stored.ts'
import { openLedger } from '../../../src/ledger/ledger.ts'
import { openPostgres, openPostgresReader } from '../../../src/store/postgres/index.ts'
import { committed, draft, frozenClock, random, SESSION } from '../../support/drafts.ts'
import { startPostgres, type TestDatabase } from '../../support/postgres.ts'

const server = await startPostgres()
afterAll(async () => server?.close())

/** SQLSTATE of a refusal: no right to it; ours (append-only); a CHECK; what must come first is missing. */
const DENIED = '42501'
const APPEND_ONLY = '23001'
const CHECKED = '23514'
const PREMATURE = '55000'

const FORBIDDEN: readonly string[] = [
  "UPDATE aegis.ledger_entry SET kind = 'block'",
  'DELETE FROM aegis.ledger_entry',
  'DELETE FROM aegis.ledger_payload',
  'UPDATE aegis.ledger_payload SET value = salt',
  'TRUNCATE aegis.ledger_entry',
  'TRUNCATE aegis.ledger_entry_p0',
  'DELETE FROM aegis.ledger_entry_p0',
  'DROP TABLE aegis.ledger_entry',
  'ALTER TABLE aegis.ledger_entry DETACH PARTITION aegis.ledger_entry_p0',
  'ALTER TABLE aegis.ledger_entry DISABLE TRIGGER no_delete',
  'DELETE FROM aegis.ledger_session',
  'DELETE FROM aegis.ledger_log',
  'TRUNCATE aegis.ledger_log',
  'UPDATE aegis.ledger_checkpoint SET note = note',
  'DELETE FROM aegis.ledger_tile',
  'DROP SCHEMA aegis CASCADE',
  'DROP FUNCTION aegis.prune(BIGINT)',
]

/** Only those whom grants bind are refused these. */
const UNGRANTED: readonly string[] = [
  "UPDATE aegis.ledger_log SET origin = 'other'",
  'UPDATE aegis.ledger_log SET min_index = 256',
  "INSERT INTO aegis.ledger_entry SELECT * FROM aegis.ledger_entry ON CONFLICT (n) DO UPDATE SET kind = 'block'",
  "COPY aegis.ledger_entry FROM PROGRAM 'true'",
  'SELECT aegis.add_partition(9)',
  'SET session_replication_role = replica',
  'SELECT aegis.prune(256)',
  'CREATE TABLE aegis.mine (x INT)',
]

describe.skipIf(server === null)('what may be done to a log in PostgreSQL', () => {
  let database: TestDatabase

  beforeAll(async () => {
    if (server === null) return
    database = await server.database()
    const stores = await openPostgres(database.as('app'))
    const ledger = await openLedger({ store: stores.ledger, clock: frozenClock(), random, gateway: 'gw-1' })
    for (let index = 0; index < 3; index += 1) await ledger.append(draft({ commitments: committed(`v${index}`) }))
    await stores.ledger.putCheckpoint({ size: 4, root: Buffer.alloc(32), note: 'note' }, [
      { level: 0, index: 0, hashes: Buffer.alloc(8192) },
    ])
    await ledger.close()
    await stores.close()
  })
  afterAll(async () => database?.drop())

  /** The SQLSTATE a statement is refused with, or null; nothing of it stays. */
  async function attempt(url: string, statement: string, ...before: readonly string[]): Promise<string | null> {
    const client = new Client({ connectionString: url })
    await client.connect()
    try {
      await client.query('BEGIN')
      for (const one of before) await client.query(one)
      await client.query(statement)
      await client.query('ROLLBACK')
      return null
    } catch (error) {
      return error instanceof Error ? String(Reflect.get(error, 'code')) : 'no error'
    } finally {
      await client.end()
    }
  }

  describe.each(['app', 'read', 'retention'] as const)('led_%s', (role) => {
    it.each([...FORBIDDEN, ...UNGRANTED])('is refused: %s', async (statement) => {
      const mayPrune = role === 'retention' && statement.includes('aegis.prune(256)')
      expect(await attempt(database.as(role), statement)).toBe(mayPrune ? PREMATURE : DENIED)
    })
  })

  it.each(FORBIDDEN)('the owner is stopped where it is a slip: %s', async (statement) => {
    expect(await attempt(database.as('migrate'), statement, 'SET LOCAL ROLE led_owner')).toBe(APPEND_ONLY)
  })

  it.each(FORBIDDEN)('a superuser who skips ordinary triggers is stopped too: %s', async (statement) => {
    const skip = 'SET LOCAL session_replication_role = replica'
    expect(await attempt(database.admin, statement, skip)).toBe(APPEND_ONLY)
  })

  it('a body is not stored under another hash, whoever writes it', async () => {
    const disable = ['SET LOCAL aegis.maintenance = on', 'ALTER TABLE aegis.ledger_entry DISABLE TRIGGER ALL']
    const edit = "UPDATE aegis.ledger_entry SET body = body || '\\x20' WHERE n = 2"
    expect(await attempt(database.admin, edit, ...disable)).toBe(CHECKED)
    const insert = `INSERT INTO aegis.ledger_entry (n, kind, hash, body) VALUES (4, 'boot', repeat('0', 64), 'x')`
    expect(await attempt(database.as('app'), insert)).toBe(CHECKED)
  })

  it('the head row does not go back, nor over rows that are not there', async () => {
    for (const size of [3, 5]) {
      const move = `UPDATE aegis.ledger_log SET size = ${size}`
      expect(await attempt(database.as('app'), move)).toBe(APPEND_ONLY)
    }
  })

  it('a value is erased only with the entry that says so', async () => {
    const erase = "SELECT aegis.erase(ARRAY[1::bigint], ARRAY['params'])"
    expect(await attempt(database.as('app'), erase)).toBe(APPEND_ONLY)
    const body = `'{"kind":"erase"}'::bytea`
    const leaf = `INSERT INTO aegis.ledger_entry (n, kind, hash, body)
      VALUES (4, 'erase', encode(sha256('\\x00'::bytea || ${body}), 'hex'), ${body})`
    expect(await attempt(database.as('app'), erase, leaf)).toBeNull()
  })

  it('led_read reads the evidence, and neither keys nor arguments that wait for approval', async () => {
    const reader = await openPostgresReader(database.as('read'))
    expect(await verifyStored(reader.ledger, SESSION)).toMatchObject({ valid: true, totalEntries: 3 })
    await reader.close()
    for (const table of ['api_key', 'approval', 'pending_revocation', 'tool_pin']) {
      expect(await attempt(database.as('read'), `SELECT * FROM aegis.${table}`)).toBe(DENIED)
    }
  })

  it('what an administrator does all the same, verify tells', async () => {
    const edited = await server?.database()
    if (edited === undefined) return
    const stores = await openPostgres(edited.as('app'))
    const ledger = await openLedger({ store: stores.ledger, clock: frozenClock(), random, gateway: 'gw-1' })
    for (let index = 0; index < 3; index += 1) await ledger.append(draft())
    const classOf = async () => (await ledger.verify(SESSION)).findings[0]?.class
    await edited.run(
      'SET aegis.maintenance = on',
      'ALTER TABLE aegis.ledger_entry DISABLE TRIGGER ALL',
      `UPDATE aegis.ledger_entry SET body = new.body, hash = encode(sha256('\\x00'::bytea || new.body), 'hex')
       FROM (SELECT convert_to(replace(convert_from(body, 'UTF8'), 'get_file', 'set_file'), 'UTF8') AS body
             FROM aegis.ledger_entry WHERE n = 2) AS new WHERE n = 2`,
    )
    expect((await ledger.verify(SESSION)).valid).toBe(false)
    await edited.run(
      'SET aegis.maintenance = on',
      'ALTER TABLE aegis.ledger_entry DETACH PARTITION aegis.ledger_entry_p0',
    )
    expect((await ledger.verify(SESSION)).valid).toBe(false)
    expect(await classOf()).toBeDefined()
    await ledger.close()
    await stores.close()
    await edited.drop()
  })
})
