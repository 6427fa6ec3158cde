import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  type Anchor,
  AnchorError,
  createAnchors,
  createDispatcher,
  type Dispatcher,
  type Scheduled,
} from '../../src/anchors/index.ts'
import type { Random } from '../../src/core/runtime.ts'
import type { LedgerStore } from '../../src/ledger/store.ts'
import { openSqlite } from '../../src/store/sqlite/index.ts'
import { folder, memoryLog, ORIGIN, tinyLog } from './support.ts'

const log = tinyLog(60)
const clock = { now: () => Date.now(), elapsed: () => performance.now() }
/** The shortest of all waits. */
const random: Random = { bytes: (count) => new Uint8Array(count) }
const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function openStore(): Promise<LedgerStore> {
  const stores = await openSqlite(join(folder(), 'aegis.db'))
  closing.push(() => stores.close())
  await stores.ledger.initialize(ORIGIN)
  return stores.ledger
}

function dispatch(store: LedgerStore, anchors: readonly Scheduled[]) {
  const said = memoryLog()
  const dispatcher = createDispatcher({ anchors, store, prove: log.prove, clock, random, log: said })
  closing.push(() => dispatcher.stop())
  return { dispatcher, said }
}

interface Tap {
  readonly anchor: Anchor
  readonly sizes: number[]
  /** What the next submissions do before they succeed. */
  readonly script: (() => Promise<void> | void)[]
}

/** A sink whose behaviour is written down beforehand. */
function tap(name = 'tap'): Tap {
  const sizes: number[] = []
  const script: Tap['script'] = []
  const anchor: Anchor = {
    ...{ name, kind: 'file' },
    async submit({ size }) {
      sizes.push(size)
      await script.shift()?.()
      return `receipt ${size}`
    },
  }
  return { anchor, sizes, script }
}

const until = (dispatcher: Dispatcher, size: number) =>
  vi.waitFor(() => expect(dispatcher.status().map((one) => one.anchoredSize)).toEqual([size]), { timeout: 10_000 })

describe('the dispatcher of checkpoints', () => {
  it('brings a checkpoint to every anchor and keeps the receipts', async () => {
    const store = await openStore()
    const path = join(folder(), 'anchor.jsonl')
    const repository = join(folder(), 'anchor.git')
    const ref = 'refs/heads/checkpoints'
    const anchors = createAnchors(
      [
        { name: 'file', kind: 'file', path, every: 1 },
        { name: 'git', kind: 'git', repository, ref, remote: null, every: 1 },
      ],
      { env: process.env, readSecretFile: (file) => readFileSync(file, 'utf8'), clock },
    )
    const { dispatcher } = dispatch(store, anchors)
    const checkpoint = await log.checkpoint(7)
    await store.putCheckpoint(checkpoint, [])
    dispatcher.offer(checkpoint)
    await dispatcher.drain(30_000)
    const receipts = await store.receipts(0, 10)
    expect(receipts.map(({ sink, size }) => [sink, size]).sort()).toEqual([
      ['file', 7],
      ['git', 7],
    ])
    expect(dispatcher.status()).toMatchObject([
      { name: 'file', anchoredSize: 7, newestSize: 7, lagEntries: 0, lagSeconds: 0, lastError: null },
      { name: 'git', anchoredSize: 7, newestSize: 7, lagEntries: 0, lagSeconds: 0, lastError: null },
    ])
  })

  it('keeps only the newest checkpoint waiting while a sink is slow or its interval runs', async () => {
    const { anchor, sizes, script } = tap()
    const gate = new EventEmitter()
    script.push(async () => void (await once(gate, 'open')))
    const { dispatcher } = dispatch(await openStore(), [{ anchor, every: 1 }])
    dispatcher.offer(await log.checkpoint(1))
    await vi.waitFor(() => expect(sizes).toEqual([1]))
    for (const size of [2, 3, 4]) dispatcher.offer(await log.checkpoint(size))
    dispatcher.offer(await log.checkpoint(3))
    expect(dispatcher.status()).toMatchObject([{ anchoredSize: null, newestSize: 4, lagEntries: 4 }])
    gate.emit('open')
    await until(dispatcher, 4)
    expect(sizes).toEqual([1, 4])
  })

  it('waits for the interval of the sink, and not when it drains', async () => {
    const { anchor, sizes } = tap()
    const { dispatcher } = dispatch(await openStore(), [{ anchor, every: 3_600_000 }])
    dispatcher.offer(await log.checkpoint(1))
    await until(dispatcher, 1)
    dispatcher.offer(await log.checkpoint(2))
    await sleep(50)
    expect(sizes).toEqual([1])
    await dispatcher.drain(10_000)
    expect(sizes).toEqual([1, 2])
  })

  it('tries again what failed, tells what went wrong, and forgets it after a success', async () => {
    const { anchor, sizes, script } = tap()
    script.push(() => {
      throw new AnchorError('unreachable', 'no answer')
    })
    const { dispatcher, said } = dispatch(await openStore(), [{ anchor, every: 1 }])
    dispatcher.offer(await log.checkpoint(5))
    await vi.waitFor(() => expect(dispatcher.status()[0]?.attempts).toBe(1))
    expect(dispatcher.status()[0]?.lastError).toMatchObject({ fault: 'unreachable', message: 'no answer' })
    await until(dispatcher, 5)
    expect(sizes).toEqual([5, 5])
    expect(dispatcher.status()).toMatchObject([{ attempts: 0, lastError: null }])
    expect(said.lines).toEqual([
      expect.stringMatching(/^warn anchor not reached/),
      expect.stringMatching(/^info anchor reached again/),
    ])
  })

  it('is alarmed by a sink that knows another history, but not by one that another gateway was faster at', async () => {
    const store = await openStore()
    const { anchor, sizes, script } = tap()
    const ahead = () => {
      throw new AnchorError('rollback', 'it holds more')
    }
    script.push(ahead)
    const { dispatcher, said } = dispatch(store, [{ anchor, every: 1 }])
    await store.putCheckpoint(await log.checkpoint(9), [])
    dispatcher.offer(await log.checkpoint(8))
    await until(dispatcher, 9)
    expect(sizes).toEqual([8, 9])
    expect(said.lines).toEqual([])
    script.push(ahead)
    await store.putCheckpoint(await log.checkpoint(10), [])
    dispatcher.offer(await log.checkpoint(10))
    await vi.waitFor(() => expect(said.lines).toHaveLength(1))
    expect(said.lines[0]).toMatch(/^error the anchor knows another history of this log/)
  })

  it('takes up at its start what an earlier process left undone', async () => {
    const store = await openStore()
    const receipt = (sink: string, size: number) => store.putReceipt({ size, sink, receipt: 'x', at: 1 })
    for (const size of [3, 30, 50]) await store.putCheckpoint(await log.checkpoint(size), [])
    await receipt('behind', 3)
    await receipt('behind', 30)
    await receipt('done', 50)
    const [behind, done, fresh] = [tap('behind'), tap('done'), tap('fresh')]
    const anchors = [behind, done, fresh].map(({ anchor }) => ({ anchor, every: 1 }))
    const { dispatcher } = dispatch(store, anchors)
    await dispatcher.start()
    expect(dispatcher.status().map(({ anchoredSize }) => anchoredSize)).toEqual([30, 50, null])
    await dispatcher.drain(10_000)
    expect([behind, done, fresh].map(({ sizes }) => sizes)).toEqual([[50], [], [50]])
  })

  it('gives a sink that hangs no second submission, drains no longer than it is told, and ends with stop', async () => {
    const { anchor, sizes, script } = tap()
    script.push(() => new Promise<void>(() => {}))
    const quick = tap('quick')
    const { dispatcher } = dispatch(await openStore(), [
      { anchor, every: 1 },
      { anchor: quick.anchor, every: 1 },
    ])
    dispatcher.offer(await log.checkpoint(5))
    await dispatcher.drain(200)
    dispatcher.offer(await log.checkpoint(6))
    await vi.waitFor(() => expect(quick.sizes).toEqual([5, 6]))
    expect(sizes).toEqual([5])
    dispatcher.stop()
    dispatcher.offer(await log.checkpoint(7))
    await sleep(20)
    expect(quick.sizes).toEqual([5, 6])
  })
})
