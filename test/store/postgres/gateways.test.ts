import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { verifyStored } from '../../../src/ledger/audit/verify-stored.ts'
import { type LedgerOptions, type OpenLedger, openLedger } from '../../../src/ledger/ledger.ts'
import { checkLog } from '../../../src/store/copy/check-log.ts'
import { checkpointMemory, openLogKey } from '../../../src/store/files/log-key.ts'
import { openPostgres, openPostgresReader, type PostgresStores } from '../../../src/store/postgres/index.ts'
import { draft, frozenClock, pendingApproval, random, SESSION } from '../../support/drafts.ts'
import { removeFolder, temporaryFolder } from '../../support/evidence-store.ts'
import { startPostgres, type TestDatabase } from '../../support/postgres.ts'

const server = await startPostgres()
afterAll(async () => server?.close())

const WRITER = join(import.meta.dirname, '../../support/postgres-writer.mjs')

const children: { kill(signal: 'SIGKILL'): boolean }[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

interface Gateway {
  readonly child: ChildProcessByStdio<Writable, Readable, null>
  /** What it was told is durable, `n` to hash. */
  readonly acknowledged: Map<number, string>
}

async function spawnGateway(url: string, name: string): Promise<Gateway> {
  const child = spawn(process.execPath, [WRITER, url, name], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const acknowledged = new Map<number, string>()
  const opened = new Promise<void>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`${name} did not open`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [word, n = '', hash = ''] = line.split(' ')
      if (word === 'ack') acknowledged.set(Number(n), hash)
      if (word === 'open') resolve()
    })
  })
  await opened
  return { child, acknowledged }
}

async function end({ child }: Gateway, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}

const moment = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

describe.skipIf(server === null)('several gateways on one database', () => {
  async function withDatabase(use: (database: TestDatabase) => Promise<void>): Promise<void> {
    const database = await server?.database()
    if (database === undefined) return
    await use(database)
    await database.drop()
  }

  async function gateway(url: string, name: string): Promise<{ stores: PostgresStores; ledger: OpenLedger }> {
    const stores = await openPostgres(url)
    const ledger = await openLedger({
      store: stores.ledger,
      clock: frozenClock(),
      random,
      gateway: name,
      minFreeBytes: 0,
    })
    return { stores, ledger }
  }

  async function close({ stores, ledger }: { stores: PostgresStores; ledger: OpenLedger }): Promise<void> {
    await ledger.close()
    await stores.close()
  }

  /** As if a gateway had not been heard of for longer than its lease. */
  const silence = (database: TestDatabase, name: string) =>
    database.run(`UPDATE aegis.ledger_gateway SET alive_until = '-infinity' WHERE gateway = '${name}'`)

  it('give every entry one place in one chain, and redeem an approval once', () =>
    withDatabase(async ({ as }) => {
      const one = await gateway(as('app'), 'gw-1')
      const other = await gateway(as('app'), 'gw-2')
      const approval = pendingApproval()
      await one.ledger.append(draft({ changes: [{ kind: 'park', approval }] }))
      const again = other.ledger.append(
        draft({ changes: [{ kind: 'park', approval: { ...approval, id: draft().env } }] }),
      )
      await expect(again).rejects.toMatchObject({ code: 'approval_spent' })
      const reviewer = { principal: 'key_x', name: 'x', owner: 'x', claimed: null, channel: 'cli', separation: 'none' }
      const vote = { reviewer, comment: 'fine', at: 2000 } as never
      await other.ledger.append(
        draft({ changes: [{ kind: 'approve', id: approval.id, vote, settles: true, expiresAt: 9000 }] }),
      )
      const { id, digest } = approval
      const calls = Array.from({ length: 40 }, (_, index) =>
        (index % 2 === 0 ? one : other).ledger.append(draft({ changes: [{ kind: 'redeem', id, digest, at: 3000 }] })),
      )
      const settled = await Promise.allSettled(calls)
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      await Promise.all(Array.from({ length: 100 }, (_, at) => (at % 2 === 0 ? one : other).ledger.append(draft())))
      expect(await one.ledger.verify(SESSION)).toMatchObject({ valid: true, totalEntries: 103 })
      await close(one)
      await close(other)
    }))

  it('keep the oldest open intent of all of them in the head row', () =>
    withDatabase(async ({ as }) => {
      const one = await gateway(as('app'), 'gw-1')
      const other = await gateway(as('app'), 'gw-2')
      const intent = await one.ledger.append(draft({ effect: 'forward' }))
      for (let index = 0; index < 3; index += 1) await other.ledger.append(draft())
      expect((await other.stores.ledger.head())?.replayFrom).toBe(intent.n)
      await one.ledger.append(draft({ kind: 'result', env: intent.env, effect: null }))
      const head = await other.stores.ledger.head()
      expect(head?.replayFrom).toBe(head?.size)
      await close(one)
      await close(other)
    }))

  it('leave what a living gateway has open alone, and claim a dead one once', () =>
    withDatabase(async (database) => {
      const dead = await gateway(database.as('app'), 'gw-dead')
      const one = await gateway(database.as('app'), 'gw-1')
      const other = await gateway(database.as('app'), 'gw-2')
      const intent = await dead.ledger.append(draft({ effect: 'forward' }))
      expect(await one.stores.ledger.fleet.claim()).toEqual([])
      await silence(database, 'gw-dead')
      const claims = [...(await one.stores.ledger.fleet.claim()), ...(await other.stores.ledger.fleet.claim())]
      expect(claims).toEqual([{ gateway: 'gw-dead', replayFrom: intent.n }])

      // It wakes up: it was only slow. What it left open belongs to another now, so it may not go on.
      const message = expect.stringContaining('taken over')
      const advice = expect.stringContaining('restart this gateway')
      for (let attempt = 0; attempt < 2; attempt += 1)
        await expect(dead.ledger.append(draft())).rejects.toMatchObject({ message, advice })

      // Who claimed it dies too, before it has closed anything.
      await silence(database, 'gw-1')
      expect(await other.stores.ledger.fleet.claim()).toEqual(claims)
      expect((await other.stores.ledger.head())?.replayFrom).toBe(intent.n)
      await other.stores.ledger.fleet.settled(['gw-dead'])
      expect(await other.stores.ledger.fleet.claim()).toEqual([])
      for (const each of [dead, one, other]) await close(each)
    }))

  it('take none for dead when all come back from an outage of the database', () =>
    withDatabase(async (database) => {
      const one = await gateway(database.as('app'), 'gw-1')
      const other = await gateway(database.as('app'), 'gw-2')
      await other.ledger.append(draft({ effect: 'forward' }))
      await database.run(`UPDATE aegis.ledger_gateway
        SET live_since = clock_timestamp() - interval '1 hour', alive_until = clock_timestamp() - interval '1 minute'`)
      // The first to come back: before it has renewed its own lease, and after.
      expect(await one.stores.ledger.fleet.claim()).toEqual([])
      await one.ledger.append(draft())
      expect(await one.stores.ledger.fleet.claim()).toEqual([])
      const late = await gateway(database.as('app'), 'gw-3')
      expect(late.ledger.recovered).toEqual({ orphans: 0 })
      await other.ledger.append(draft())
      for (const each of [one, other, late]) await close(each)
    }))

  it('claim one that was silent while they were not', () =>
    withDatabase(async (database) => {
      const silent = await gateway(database.as('app'), 'gw-silent')
      const one = await gateway(database.as('app'), 'gw-1')
      const intent = await silent.ledger.append(draft({ effect: 'forward' }))
      await database.run(
        "UPDATE aegis.ledger_gateway SET live_since = clock_timestamp() - interval '1 hour'",
        `UPDATE aegis.ledger_gateway SET alive_until = clock_timestamp() - interval '1 minute' WHERE gateway = 'gw-silent'`,
      )
      expect(await one.stores.ledger.fleet.claim()).toEqual([{ gateway: 'gw-silent', replayFrom: intent.n }])
      // Who was taken over takes nobody over.
      await silence(database, 'gw-1')
      expect(await silent.stores.ledger.fleet.claim()).toEqual([])
      await close(one)
      await close(silent)
    }))

  it('close as orphan what a dead one left open, and nothing of the living, at a start and while they run', () =>
    withDatabase(async (database) => {
      const dead = await gateway(database.as('app'), 'gw-dead')
      const one = await gateway(database.as('app'), 'gw-1')
      const left = await dead.ledger.append(draft({ effect: 'forward' }))
      const living = await one.ledger.append(draft({ effect: 'forward' }))
      await silence(database, 'gw-dead')
      const late = await gateway(database.as('app'), 'gw-2')
      expect(late.ledger.recovered).toEqual({ orphans: 1 })
      expect((await one.stores.ledger.byEnvelope(left.env)).map(({ kind }) => kind)).toEqual(['allow', 'orphan'])
      expect((await one.stores.ledger.byEnvelope(living.env)).map(({ kind }) => kind)).toEqual(['allow'])
      for (const each of [dead, one, late]) await close(each)
    }))

  it('sign one log by turns, each going on from what the other signed', () =>
    withDatabase(async ({ as }) => {
      const folder = temporaryFolder()
      const signed = async (name: string) => {
        const stores = await openPostgres(as('app'))
        const files = {
          logKey: join(folder, 'key'),
          logTrust: join(folder, 'vkey'),
          lastCheckpoint: join(folder, name),
        }
        const signing: LedgerOptions['signing'] = (origin, everSigned) => ({
          ...openLogKey(files, origin, everSigned, random),
          memory: checkpointMemory(files.lastCheckpoint),
        })
        const own = { clock: frozenClock(), random, gateway: name, minFreeBytes: 0, signing }
        return { stores, ledger: await openLedger({ store: stores.ledger, ...own }) }
      }
      const one = await signed('gw-1')
      const other = await signed('gw-2')
      for (const [writer, reader] of [
        [one, other],
        [other, one],
        [one, other],
      ] as const) {
        await Promise.all(Array.from({ length: 300 }, () => writer.ledger.append(draft())))
        expect((await reader.ledger.sign()).size).toBe((await writer.ledger.sign()).size)
      }
      const report = await one.ledger.verify(SESSION)
      expect(report).toMatchObject({ valid: true, totalEntries: 900 })
      // Each remembers the newest, whoever signed it.
      for (const { stores, ledger } of [one, other]) {
        expect(await stores.ledger.latestCheckpoint()).toEqual(ledger.checkpoint())
      }
      expect(readFileSync(join(folder, 'gw-1'), 'utf8')).toBe(readFileSync(join(folder, 'gw-2'), 'utf8'))
      await close(one)
      await close(other)
      removeFolder(folder)
    }))

  it('open beside one that is busy', () =>
    withDatabase(async (database) => {
      const busy = await gateway(database.as('app'), 'gw-busy')
      let running = true
      const load = Promise.all(
        Array.from({ length: 8 }, async () => {
          while (running) await busy.ledger.append(draft())
        }),
      )
      for (let start = 0; start < 5; start += 1) await close(await gateway(database.as('app'), `gw-${start}`))
      running = false
      await load
      expect(await busy.ledger.verify(SESSION)).toMatchObject({ valid: true })
      await close(busy)
    }))

  it('hand over what one left open when it stopped', () =>
    withDatabase(async (database) => {
      const one = await gateway(database.as('app'), 'gw-1')
      const intent = await one.ledger.append(draft({ effect: 'forward' }))
      await close(one)
      const other = await openPostgres(database.as('app'))
      await expect(other.ledger.fleet.join('gw-1')).rejects.toMatchObject({ code: 'conflict' })
      await other.ledger.fleet.join('gw-2')
      expect(await other.ledger.fleet.claim()).toEqual([{ gateway: 'gw-1', replayFrom: intent.n }])
      await other.close()
    }))

  it('claim once those that never joined, such as the one gateway of the file a log was copied from', () =>
    withDatabase(async (database) => {
      const one = await openPostgres(database.as('app'))
      const other = await openPostgres(database.as('app'))
      await one.ledger.fleet.join('gw-1')
      await other.ledger.fleet.join('gw-2')
      const seen = [
        { gateway: 'gw-file', replayFrom: 7 },
        { gateway: 'gw-2', replayFrom: 9 },
      ]
      expect(await one.ledger.fleet.claim(seen)).toEqual([{ gateway: 'gw-file', replayFrom: 7 }])
      expect(await other.ledger.fleet.claim(seen)).toEqual([])
      await one.ledger.fleet.settled(['gw-file'])
      expect(await one.ledger.fleet.claim(seen)).toEqual([])
      await one.close()
      await other.close()
    }))

  it.skipIf(server?.power === null)('lose nothing acknowledged when one is killed and the database restarts', () =>
    withDatabase(async (database) => {
      const killed = await spawnGateway(database.as('app'), 'gw-killed')
      const survivor = await spawnGateway(database.as('app'), 'gw-survivor')
      for (const { child } of [killed, survivor]) child.stdin.write('go\n')
      await moment(700)
      await server?.power?.stop('immediate')
      await server?.power?.start()
      await moment(700)
      await end(killed, 'SIGKILL')
      await moment(300)
      await end(survivor, 'SIGTERM')

      const reader = await openPostgresReader(database.as('read'))
      const { size } = await checkLog(reader.ledger, 'the database', () => {})
      const acknowledged = new Map([...killed.acknowledged, ...survivor.acknowledged])
      expect(acknowledged.size).toBe(killed.acknowledged.size + survivor.acknowledged.size)
      expect(Math.min(killed.acknowledged.size, survivor.acknowledged.size)).toBeGreaterThan(20)
      expect(size).toBeGreaterThanOrEqual(acknowledged.size)
      for await (const page of reader.ledger.entries(0)) {
        for (const { n, hash } of page) if (acknowledged.get(n) === hash) acknowledged.delete(n)
      }
      expect([...acknowledged]).toEqual([])
      for (const { session } of await reader.ledger.sessions(10)) {
        const report = await verifyStored(reader.ledger, session)
        expect(report.valid).toBe(true)
        // Only what the kill swallowed; the clocks of two processes may differ by a millisecond.
        const classes = new Set(report.findings.map((finding) => finding.class))
        expect([...classes].filter((name) => name !== 'UNRESOLVED' && name !== 'CLOCK_BACKWARDS')).toEqual([])
      }
      await reader.close()
    }),
  )
})
