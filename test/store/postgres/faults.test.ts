import { afterAll, afterEach, describe, expect, it } from 'vitest'
import type { SessionId } from '../../../src/core/ids.ts'
import { type OpenLedger, openLedger } from '../../../src/ledger/ledger.ts'
import { checkLog } from '../../../src/store/copy/check-log.ts'
import { openPostgres, type PostgresStores } from '../../../src/store/postgres/index.ts'
import { type CuttingProxy, cuttingProxy } from '../../support/cutting-proxy.ts'
import { committed, draft, frozenClock, newId, pendingApproval, random, SESSION } from '../../support/drafts.ts'
import { startPostgres, type TestDatabase } from '../../support/postgres.ts'

const server = await startPostgres()
afterAll(async () => server?.close())

describe.skipIf(server === null)('PostgreSQL under a running gateway', () => {
  const closing: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function database(): Promise<TestDatabase> {
    if (server === null) throw new Error('no server')
    const made = await server.database()
    closing.push(made.drop)
    return made
  }

  async function gateway(url: string, name = 'gw-1'): Promise<{ stores: PostgresStores; ledger: OpenLedger }> {
    const stores = await openPostgres(url)
    const ledger = await openLedger({
      store: stores.ledger,
      clock: frozenClock(),
      random,
      gateway: name,
      minFreeBytes: 0,
    })
    closing.push(async () => {
      await ledger.close()
      await stores.close()
    })
    return { stores, ledger }
  }

  async function proxied(): Promise<{ proxy: CuttingProxy; stores: PostgresStores; ledger: OpenLedger }> {
    const { as } = await database()
    const proxy = await cuttingProxy(as('app'))
    closing.push(proxy.close)
    return { proxy, ...(await gateway(proxy.through(as('app')))) }
  }

  it('acknowledges once what was committed though its answer was lost', async () => {
    const { proxy, stores, ledger } = await proxied()
    proxy.arm('answer')
    const entries = await Promise.all(
      Array.from({ length: 10 }, () => ledger.append(draft({ commitments: committed('x') }))),
    )
    expect(proxy.cuts).toBe(1)
    expect(entries.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(await stores.ledger.extent()).toEqual({ count: 11, last: 10 })
    expect(await ledger.verify(SESSION)).toMatchObject({ valid: true, totalEntries: 10 })
  })

  it('says that nothing was written where the COMMIT itself was lost, and goes on', async () => {
    const { proxy, stores, ledger } = await proxied()
    const approval = pendingApproval()
    proxy.arm('commit')
    const parked = ledger.append(draft({ changes: [{ kind: 'park', approval }] }))
    await expect(parked).rejects.toMatchObject({ code: 'evidence_unavailable' })
    expect(await stores.approvals.get(approval.id)).toBeNull()
    expect((await stores.ledger.extent()).count).toBe(1)
    await ledger.append(draft())
    expect(await ledger.verify(SESSION)).toMatchObject({ valid: true, totalEntries: 1 })
  })

  it('still writes the result of what has happened, once, after it could not', async () => {
    const { proxy, stores, ledger } = await proxied()
    const intent = await ledger.append(draft({ effect: 'forward' }))
    // With a change of an approval, a group is written under the lock and not tried again.
    const changes = [{ kind: 'forget' as const, id: newId(), paths: [] }]
    const result = draft({ kind: 'result', env: intent.env, effect: null, changes })
    proxy.arm('commit')
    await expect(ledger.append(result)).rejects.toMatchObject({ code: 'evidence_unavailable' })
    await ledger.append(draft())
    const kinds = (await stores.ledger.byEnvelope(intent.env)).map(({ kind }) => kind)
    expect(kinds).toEqual(['allow', 'result'])
  })

  it('writes again, and once, what was lost on its way over a log that nobody else writes to', async () => {
    const { proxy, stores, ledger } = await proxied()
    await ledger.append(draft())
    proxy.arm('commit')
    const entry = await ledger.append(draft())
    expect(proxy.cuts).toBe(1)
    expect((await stores.ledger.entry(entry.n))?.hash).toBe(entry.hash)
    expect(await ledger.verify(SESSION)).toMatchObject({ valid: true, totalEntries: 2 })
  })

  it('lets no write arrive late that was looked for and not found', async () => {
    const { as, run } = await database()
    const { stores } = await gateway(as('app'))
    const [before] = await run('SELECT size, epoch, frontier FROM aegis.ledger_log')
    const late = () => run(`SELECT aegis.expect_log('on', size, ${before?.['epoch']}, frontier) FROM aegis.ledger_log`)
    await expect(late()).resolves.toHaveLength(1)
    await stores.ledger.probe()
    await expect(late()).rejects.toMatchObject({ code: 'AEG02' })
  })

  it('finds out what became of a batch though the answer is lost again and again', async () => {
    const { proxy, stores, ledger } = await proxied()
    proxy.arm('answer', 3)
    const entry = await ledger.append(draft())
    expect(proxy.cuts).toBe(3)
    expect((await stores.ledger.entry(entry.n))?.hash).toBe(entry.hash)
    expect((await stores.ledger.extent()).count).toBe(2)
  })

  it('takes a new connection where a pooler has closed the old one', async () => {
    const { proxy, ledger } = await proxied()
    for (let index = 0; index < 5; index += 1) {
      proxy.arm('afterwards')
      await ledger.append(draft())
      await new Promise((resolve) => setTimeout(resolve, 40))
    }
    expect(proxy.cuts).toBe(5)
    expect(await ledger.verify(SESSION)).toMatchObject({ valid: true, totalEntries: 5 })
  })

  it('refuses to go on over a database that was put back to an older state', async () => {
    const made = await database()
    const { ledger } = await gateway(made.as('app'))
    await ledger.append(draft())
    const copy = `${made.name}_backup`
    await made.run(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${made.name}' AND pid <> pg_backend_pid()`,
    )
    await made.run('SELECT 1')
    const aside = await server?.empty()
    await aside?.run(`CREATE DATABASE ${copy} TEMPLATE ${made.name}`)
    await ledger.append(draft())
    await aside?.run(
      `ALTER DATABASE ${made.name} ALLOW_CONNECTIONS false`,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${made.name}'`,
      `DROP DATABASE ${made.name} WITH (FORCE)`,
      `ALTER DATABASE ${copy} RENAME TO ${made.name}`,
    )
    await aside?.drop()
    await expect(ledger.append(draft())).rejects.toThrow(/put back to an older state/)
    const advice = expect.stringContaining('evidence fsck')
    await expect(ledger.append(draft())).rejects.toMatchObject({ code: 'evidence_unavailable', advice })
  })

  it('lets a gateway go that stalls while it holds the head: nothing of its batch is written, others go on', async () => {
    const made = await database()
    const { ledger } = await gateway(made.as('app'))
    let calls = -1
    const clock = {
      elapsed: () => 0,
      now: () => {
        // The second time of an append is told under the lock. The event loop stands still, as a stalled process would.
        if (calls >= 0) calls += 1
        if (calls === 2) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500)
        return 0
      },
    }
    const stores = await openPostgres(made.as('app'))
    closing.push(stores.close)
    const stalled = await openLedger({ store: stores.ledger, clock, random, gateway: 'gw-2', minFreeBytes: 0 })
    calls = 0
    await expect(stalled.append(draft())).rejects.toMatchObject({ code: 'evidence_unavailable' })
    await ledger.append(draft())
    await stalled.append(draft())
    expect(await ledger.verify(SESSION)).toMatchObject({ valid: true, totalEntries: 2 })
  })

  it.skipIf(server?.power === null)(
    'keeps all that was acknowledged when the server dies in the middle of a load',
    async () => {
      const made = await database()
      const { stores, ledger } = await gateway(made.as('app'))
      const acknowledged = new Map<number, string>()
      let running = true
      const callers = Array.from({ length: 16 }, async (_, index) => {
        while (running) {
          try {
            const { n, hash } = await ledger.append(draft({ session: `key_a1/c${index}` as SessionId }))
            acknowledged.set(n, hash)
          } catch {
            await new Promise((resolve) => setTimeout(resolve, 20))
          }
        }
      })
      for (const how of ['immediate', 'fast', 'immediate'] as const) {
        await new Promise((resolve) => setTimeout(resolve, 300))
        await server?.power?.stop(how)
        await server?.power?.start()
      }
      await new Promise((resolve) => setTimeout(resolve, 300))
      running = false
      await Promise.all(callers)
      const { size } = await checkLog(stores.ledger, 'the database', () => {})
      expect(size).toBeGreaterThan(acknowledged.size)
      for await (const page of stores.ledger.entries(0)) {
        for (const { n, hash } of page) if (acknowledged.get(n) === hash) acknowledged.delete(n)
      }
      expect([...acknowledged]).toEqual([])
      for (let index = 0; index < 16; index += 1) {
        expect((await ledger.verify(`key_a1/c${index}`)).valid).toBe(true)
      }
    },
  )
})
