import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { leafHash } from '../../../src/ledger/format/chain.ts'
import type { SealedBatch, StoredEntry } from '../../../src/ledger/store.ts'
import { openPostgres, type PostgresStores } from '../../../src/store/postgres/index.ts'
import { migratePostgres } from '../../../src/store/postgres/migrate.ts'
import { SESSION } from '../../support/drafts.ts'
import { startPostgres, type TestDatabase } from '../../support/postgres.ts'

const server = await startPostgres()
afterAll(async () => server?.close())

const TILE = { level: 0, index: 0, hashes: Buffer.alloc(8192, 7) }
const CHECKPOINT = { size: 300, root: Buffer.alloc(32, 9), note: 'a note\n' }

function leaf(n: number, kind: string, session: string | null = null): StoredEntry {
  const text = JSON.stringify({ kind, n })
  const none = { eid: null, seq: null, env: null, ts: null, prev: null }
  return { ...none, n, kind, session, hash: leafHash(text), body: Buffer.from(text) }
}

describe.skipIf(server === null)('tiles, checkpoints and stretches of the log in PostgreSQL', () => {
  let database: TestDatabase
  let stores: PostgresStores

  beforeEach(async () => {
    if (server === null) return
    database = await server.database()
    // One login that may append and prune: a small installation.
    const login = 'aegis_test_small'
    const roles = ['led_app', 'led_retention'] as const
    await migratePostgres(database.admin, { members: roles.map((role) => ({ role, login })) })
    const url = new URL(database.admin)
    url.username = login
    stores = await openPostgres(url.href)
    await stores.ledger.initialize('aegis/test')
  })
  afterEach(async () => {
    await stores.close()
    await database.drop()
  })

  /** Appends leaves of this kind, without the ledger: the store does not read bodies. */
  function append(count: number, kind: string, more: Partial<SealedBatch> = {}): Promise<void> {
    return stores.ledger.commit({
      ...{ sessions: [], slots: [] },
      seal: ({ log }) => {
        const entries = Array.from({ length: count }, (_, index) => leaf(log.size + index, kind))
        const size = log.size + count
        return { log: { ...log, size, replayFrom: size }, sessions: [], payloads: [], erased: [], entries, ...more }
      },
    })
  }

  it('keep one root a size and one tile a place; the same again is no error', async () => {
    const { ledger } = stores
    await ledger.putCheckpoint(CHECKPOINT, [TILE])
    await ledger.putCheckpoint(CHECKPOINT, [TILE])
    await ledger.putCheckpoint({ ...CHECKPOINT, size: 400 }, [])
    const conflict = { failure: 'conflict' }
    await expect(ledger.putCheckpoint({ ...CHECKPOINT, root: Buffer.alloc(32, 8) }, [])).rejects.toMatchObject(conflict)
    const other = { ...TILE, hashes: Buffer.alloc(8192, 8) }
    await expect(ledger.putCheckpoint({ ...CHECKPOINT, size: 500 }, [other])).rejects.toMatchObject(conflict)
    expect(await ledger.latestCheckpoint()).toEqual({ ...CHECKPOINT, size: 400 })
    expect((await ledger.checkpoints(301, 9)).map(({ size }) => size)).toEqual([400])
    expect(await ledger.tile(0, 0)).toEqual(TILE.hashes)
    expect(await ledger.tile(0, 1)).toBeNull()
  })

  it('keep the newest receipt of a sink, and holds until they are lifted', async () => {
    const { ledger } = stores
    await ledger.putReceipt({ size: 300, sink: 'git', receipt: 'one', at: 1 })
    await ledger.putReceipt({ size: 300, sink: 'git', receipt: 'two', at: 2 })
    expect(await ledger.receipts(0, 9)).toEqual([{ size: 300, sink: 'git', receipt: 'two', at: 2 }])
    await ledger.hold(SESSION, { session: SESSION, reason: 'case 7', at: 3 })
    expect(await ledger.holds()).toEqual([{ session: SESSION, reason: 'case 7', at: 3 }])
    await ledger.hold(SESSION, null)
    expect(await ledger.holds()).toEqual([])
  })

  it('give the hashes of a stretch, also of more than one page', async () => {
    await append(700, 'gap')
    const hashes = await stores.ledger.leafHashes(10, 690)
    expect(hashes).toHaveLength(680)
    expect(Buffer.from(hashes[0] ?? []).toString('hex')).toBe(leaf(10, 'gap').hash)
    const seen: number[] = []
    for await (const page of stores.ledger.entries(100)) seen.push(...page.map(({ n }) => n))
    expect(seen).toEqual(Array.from({ length: 600 }, (_, index) => index + 100))
  })

  it('erase a value with the leaf that says so, and scour after it', async () => {
    const payload = { n: 0, path: 'params', salt: Buffer.alloc(32), value: Buffer.from('"x"') }
    await append(1, 'gap', { payloads: [payload] })
    const erased = [{ n: 0, path: 'params' }]
    await expect(append(1, 'gap', { erased })).rejects.toMatchObject({ failure: 'conflict' })
    expect(await stores.ledger.payloads(0)).toHaveLength(1)
    await append(1, 'erase', { erased })
    expect(await stores.ledger.payloads(0)).toEqual([])
    // From PostgreSQL 17 on a gateway may vacuum this table; before, only its owner.
    const left = await stores.ledger.scour([]).then(
      () => 'nothing is left',
      (error: Error) => error.message,
    )
    expect(left).toMatch(/^nothing is left$|removed by autovacuum/)
    const owner = await openPostgres(database.admin)
    await owner.ledger.scour([])
    await owner.close()
  })

  it('prune what has its tiles and its leaf, and not what is held', async () => {
    const { ledger } = stores
    const early = { failure: 'conflict' }
    await append(300, 'gap')
    await expect(ledger.prune(256)).rejects.toMatchObject(early)
    await ledger.putCheckpoint(CHECKPOINT, [TILE])
    await expect(ledger.prune(256)).rejects.toThrow(/no entry says/)
    await append(1, 'prune')
    await ledger.commit({
      ...{ sessions: [], slots: [] },
      seal: ({ log }) => {
        const size = log.size + 1
        const entries = [leaf(log.size, 'manifest', SESSION)]
        return { log: { ...log, size, replayFrom: size }, sessions: [], payloads: [], erased: [], entries }
      },
    })
    await ledger.hold(SESSION, { session: SESSION, reason: 'case 7', at: 3 })
    await ledger.prune(256)
    expect(await ledger.extent()).toEqual({ count: 46, last: 301 })
    expect((await ledger.head())?.minIndex).toBe(256)
    await ledger.putCheckpoint({ ...CHECKPOINT, size: 600 }, [{ ...TILE, index: 1 }])
    await append(300, 'prune')
    await expect(ledger.prune(512)).rejects.toThrow(/legal hold/)
    await ledger.hold(SESSION, null)
    await ledger.prune(512)
    expect(await ledger.extent()).toEqual({ count: 90, last: 601 })
  })

  it('go on over the border of a partition, the next one made ahead, and drop those that were pruned whole', async () => {
    const border = 5_000_000
    await database.run(
      'SET aegis.maintenance = on',
      'ALTER TABLE aegis.ledger_log DISABLE TRIGGER head_moved',
      `UPDATE aegis.ledger_log SET size = ${border - 10}`,
      'ALTER TABLE aegis.ledger_log ENABLE ALWAYS TRIGGER head_moved',
    )
    await append(20, 'gap')
    const partitions = "SELECT relname FROM pg_class WHERE relname ~ '^ledger_entry_p\\d+$' ORDER BY 1"
    const names = async () => (await database.run(partitions)).map(({ relname }) => relname)
    expect(await names()).toEqual(['ledger_entry_p0', 'ledger_entry_p1', 'ledger_entry_p2'])
    expect(await stores.ledger.extent()).toEqual({ count: 20, last: border + 9 })
    expect((await stores.ledger.leafHashes(border - 2, border + 2)).length).toBe(4)
    await expect(database.run('TRUNCATE aegis.ledger_entry_p2')).rejects.toThrow(/append-only/)

    await database.run(
      `INSERT INTO aegis.ledger_tile SELECT 0, i, decode(repeat('00', 8192), 'hex') FROM generate_series(0, ${Math.floor(border / 256)}) AS i`,
    )
    await append(300, 'prune')
    await stores.ledger.prune((Math.floor(border / 256) + 1) * 256)
    expect(await names()).toEqual(['ledger_entry_p1', 'ledger_entry_p2'])
    expect((await stores.ledger.extent()).last).toBe(border + 309)
  })
})
