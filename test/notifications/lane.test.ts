import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { backOff, GIVE_UP_MS } from '../../src/notifications/back-off.ts'
import { createLane, type Lane } from '../../src/notifications/lane.ts'
import {
  type Delivery,
  DeliveryError,
  type Endpoint,
  type Notice,
  type NotificationStore,
} from '../../src/notifications/ports.ts'
import { openSqlite, type Stores } from '../../src/store/sqlite/index.ts'
import { handClock, listLog, systemRandom } from '../support/world.ts'

const soon = { timeout: 5000, interval: 5 }

describe('the way to one endpoint', () => {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-lane-'))
  let stores: Stores
  let clock: ReturnType<typeof handClock>
  let log: ReturnType<typeof listLog>
  let lane: Lane | null = null
  let tried: string[]
  let outcome: (id: string, signal: AbortSignal) => Promise<void>
  let file = 0

  beforeEach(async () => {
    file += 1
    stores = await openSqlite(join(folder, `${file}.db`))
    clock = handClock()
    log = listLog()
    tried = []
    outcome = async () => {}
    await stores.notifications.lease('gw', clock.now(), clock.now() + 1, 0)
  })
  afterEach(async () => {
    await lane?.stop()
    lane = null
    await stores.close()
    if (file > 50) rmSync(folder, { recursive: true, force: true })
  })

  function open(width = 4, store: NotificationStore = stores.notifications): Lane {
    const endpoint: Endpoint = {
      ...{ name: 'ops', kind: 'webhook', place: 'here', events: new Set(['denied']), width },
      async deliver(notice, signal) {
        tried.push(notice.id)
        await outcome(notice.id, signal)
      },
    }
    const read = async ({ id, n }: Delivery): Promise<Notice> => {
      return { id, n, event: 'denied', hash: '', at: '', body: {}, approval: null, values: {}, intent: null }
    }
    lane = createLane(endpoint, { store, read, clock, random: systemRandom, log })
    return lane
  }

  async function queue(...ids: string[]): Promise<void> {
    const now = clock.now()
    const more = { endpoint: 'ops', event: 'denied' as const, createdAt: now, nextAttemptAt: now, attempts: 0 }
    await stores.notifications.enqueue(
      'gw',
      1,
      ids.map((id, n) => ({ id, n, ...more })),
    )
  }

  const waiting = async () => (await stores.notifications.counts(clock.now()))[0]?.waiting ?? 0
  const dead = async () => (await stores.notifications.counts(clock.now()))[0]?.dead ?? 0

  it('delivers in the order of the log, and forgets what arrived', async () => {
    await queue('a', 'b', 'c')
    open(1).pump()
    await vi.waitFor(async () => expect(await waiting()).toBe(0), soon)
    expect(tried).toEqual(['a', 'b', 'c'])
  })

  it('has no more under way than its width, however much waits', async () => {
    const ids = Array.from({ length: 30 }, (_, index) => `id-${index}`)
    await queue(...ids)
    const held: (() => void)[] = []
    let most = 0
    let now = 0
    outcome = () => {
      now += 1
      most = Math.max(most, now)
      return new Promise((resolve) => {
        held.push(() => {
          now -= 1
          resolve()
        })
      })
    }
    open(4).pump()
    await vi.waitFor(async () => {
      for (const go of held.splice(0)) go()
      expect(await waiting()).toBe(0)
    }, soon)
    expect(most).toBe(4)
    expect(tried).toHaveLength(30)
  })

  it('does not send again what arrived while the store was still answering what is due', async () => {
    await queue('a', 'b', 'c', 'd', 'e', 'f')
    // A database that answers late, as one behind a network does.
    const late = { ...stores.notifications }
    late.due = async (...asked) => {
      const found = await stores.notifications.due(...asked)
      await new Promise((resolve) => setTimeout(resolve, 20))
      return found
    }
    outcome = (id) => new Promise((resolve) => setTimeout(resolve, 'ace'.includes(id) ? 0 : 5))
    open(2, late).pump()
    await vi.waitFor(async () => expect(await waiting()).toBe(0), soon)
    expect(tried.toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  it('tries again after a growing pause, and gives up after a day', async () => {
    await queue('a')
    outcome = async () => {
      throw new DeliveryError('https://ops.example answered with status 500')
    }
    const opened = open()
    for (let hour = 0; hour <= 26 && (await dead()) === 0; hour += 1) {
      const before = tried.length
      opened.pump()
      await vi.waitFor(() => expect(tried.length).toBeGreaterThan(before), soon)
      await vi.waitFor(
        async () => expect((await stores.notifications.counts(clock.now()))[0]?.lastError?.at).toBe(clock.now()),
        soon,
      )
      clock.advance(3_600_000)
    }
    expect(await dead()).toBe(1)
    expect(tried.length).toBeGreaterThanOrEqual(23)
    expect((await stores.notifications.dead(10))[0]).toMatchObject({
      error: 'https://ops.example answered with status 500',
    })
  })

  it('has all that failed due at once when the endpoint is back', async () => {
    await queue('a', 'b', 'c', 'd')
    let down = true
    outcome = async () => {
      if (down) throw new DeliveryError('down')
    }
    const opened = open()
    opened.pump()
    await vi.waitFor(() => expect(tried).toHaveLength(4), soon)
    for (let round = 0; round < 5; round += 1) {
      clock.advance(3_600_000)
      opened.pump()
      await vi.waitFor(() => expect(tried.length).toBeGreaterThan(4 + round), soon)
    }
    down = false
    clock.advance(3_600_000)
    opened.pump()
    await vi.waitFor(async () => expect(await waiting()).toBe(0), soon)
    expect(log.lines.filter((line) => line.includes('arrive again'))).toHaveLength(1)
  })

  it('waits as long as it is asked to', async () => {
    await queue('a')
    outcome = async () => {
      throw new DeliveryError('too many', { wait: 600_000 })
    }
    const opened = open()
    opened.pump()
    await vi.waitFor(
      async () => expect((await stores.notifications.counts(clock.now()))[0]?.lastError).not.toBe(null),
      soon,
    )
    expect(await stores.notifications.due('ops', clock.now() + 599_000, 10)).toEqual([])
    expect(await stores.notifications.due('ops', clock.now() + 600_000, 10)).toHaveLength(1)
  })

  it('never shows or keeps what an unforeseen error says: it may quote what was sent', async () => {
    await queue('a')
    outcome = async () => {
      throw new Error('hush-hush')
    }
    open().pump()
    await vi.waitFor(
      async () => expect((await stores.notifications.counts(clock.now()))[0]?.lastError).not.toBe(null),
      soon,
    )
    const kept = JSON.stringify([await stores.notifications.counts(clock.now()), log.lines])
    expect(kept).not.toContain('hush-hush')
  })

  it('ends what is under way when it is stopped, and leaves it in the queue', async () => {
    await queue('a')
    outcome = (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new DeliveryError('ended')))
      })
    const opened = open()
    opened.pump()
    await vi.waitFor(() => expect(tried).toHaveLength(1), soon)
    await opened.stop()
    expect(await stores.notifications.due('ops', clock.now(), 10)).toMatchObject([{ id: 'a', attempts: 0 }])
  })
})

describe('the pause between two tries', () => {
  it('grows, is spread, and is never longer than an hour', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 0, max: 255 }), (attempts, byte) => {
        const wait = backOff(attempts, { bytes: () => new Uint8Array([byte]) })
        const full = Math.min(3_600_000, 1000 * 2 ** Math.min(attempts - 1, 20))
        return wait >= full / 2 - 1 && wait <= full && wait < GIVE_UP_MS
      }),
    )
  })
})
