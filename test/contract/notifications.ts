import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type OpenLedger, openLedger } from '../../src/ledger/ledger.ts'
import { createTail, type Tail } from '../../src/ledger/tail.ts'
import type { EventName } from '../../src/notifications/events.ts'
import { createNotifier, type Notifier } from '../../src/notifications/notifier.ts'
import { type Delivery, DeliveryError, type NotificationStore } from '../../src/notifications/ports.ts'
import type { Stores } from '../../src/store/open.ts'
import { draft, random } from '../support/drafts.ts'
import { handClock, listLog } from '../support/world.ts'
import type { StoreUnderTest } from './store.ts'

const soon = { timeout: 10_000, interval: 10 }
const HOSTILE = ["x'; DROP TABLE notification; --", '__proto__', '"}]', '人', '%_\\'] as const

function delivery(id: string, more: Partial<Delivery> = {}): Delivery {
  return { id, endpoint: 'ops', event: 'denied', n: 1, createdAt: 100, nextAttemptAt: 100, attempts: 0, ...more }
}

/** What the queue of messages promises, whichever database it is in. */
export function notificationContract(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the queue of messages`, () => {
    let place: StoreUnderTest
    let stores: Stores
    let queue: NotificationStore

    beforeEach(async () => {
      place = await create()
      stores = await place.open()
      queue = stores.notifications
    })
    afterEach(async () => {
      await stores.close()
      await place.remove()
    })

    it('is worked by one gateway at a time, and by another once the first has been silent for too long', async () => {
      expect(await queue.cursor()).toBe(null)
      expect(await queue.lease('one', 1000, 2000, 7)).toEqual({ next: 7 })
      expect(await queue.lease('two', 1500, 2500, 9)).toBe(null)
      expect(await queue.lease('one', 1500, 2500, 9)).toEqual({ next: 7 })
      expect(await queue.lease('two', 2501, 3500, 9)).toEqual({ next: 7 })
      expect(await queue.lease('one', 2600, 3600, 9)).toBe(null)
      expect(await queue.cursor()).toEqual({ next: 7, holder: 'two', until: 3500 })
      await queue.release('one')
      expect(await queue.lease('one', 2600, 3600, 9)).toBe(null)
      await queue.release('two')
      expect(await queue.lease('one', 2600, 3600, 9)).toEqual({ next: 7 })
    })

    it('does not go on for one that has lost it, whose messages stay queued once', async () => {
      await queue.lease('one', 1000, 2000, 0)
      await queue.lease('two', 2001, 3000, 0)
      expect(await queue.enqueue('one', 5, [delivery('a')])).toBe(false)
      expect(await queue.enqueue('two', 5, [delivery('a', { attempts: 3 })])).toBe(true)
      expect(await queue.cursor()).toMatchObject({ next: 5 })
      expect(await queue.due('ops', 100, 10)).toEqual([delivery('a')])
    })

    it('gives what is due, the longest due first, of one endpoint', async () => {
      await queue.lease('one', 0, 1, 0)
      await queue.enqueue('one', 5, [
        delivery('late', { nextAttemptAt: 300, n: 1 }),
        delivery('second', { nextAttemptAt: 200, n: 3 }),
        delivery('first', { nextAttemptAt: 200, n: 2 }),
        delivery('other', { endpoint: 'else' }),
      ])
      expect((await queue.due('ops', 299, 10)).map(({ id }) => id)).toEqual(['first', 'second'])
      expect((await queue.due('ops', 300, 1)).map(({ id }) => id)).toEqual(['first'])
      await queue.done('first')
      expect((await queue.due('ops', 300, 10)).map(({ id }) => id)).toEqual(['second', 'late'])
    })

    it('counts what waits and what was given up, with the last error, and tries dead letters again', async () => {
      await queue.lease('one', 0, 1, 0)
      await queue.enqueue('one', 5, [delivery('a'), delivery('b', { createdAt: 50 }), delivery('c')])
      const failure = { attempts: 1, nextAttemptAt: 900, failedAt: 700, error: 'first', dead: false }
      await queue.failed('a', failure)
      await queue.failed('b', { ...failure, failedAt: 800, error: 'second', dead: true })
      expect(await queue.counts(1000)).toEqual([
        { endpoint: 'ops', waiting: 2, dead: 1, oldest: 100, lastError: { error: 'second', at: 800 } },
      ])
      expect(await queue.dead(10)).toMatchObject([{ id: 'b', error: 'second', failedAt: 800, attempts: 1 }])
      expect((await queue.due('ops', 800, 10)).map(({ id }) => id)).toEqual(['c'])
      await queue.hurry('ops', 750)
      expect((await queue.due('ops', 800, 10)).map(({ id }) => id)).toEqual(['c', 'a'])
      expect(await queue.retry('a', 800)).toBe(false)
      expect(await queue.retry('nothing', 800)).toBe(false)
      expect(await queue.retry('b', 800)).toBe(true)
      expect(await queue.dead(10)).toEqual([])
      expect(await queue.due('ops', 800, 10)).toContainEqual(
        delivery('b', { createdAt: 800, nextAttemptAt: 800, attempts: 0 }),
      )
    })

    it('keeps what endpoints made for a subject, and forgets the old with old dead letters', async () => {
      for (const subject of HOSTILE) await queue.refer('slack', subject, `place of ${subject}`, 100)
      for (const subject of HOSTILE) expect(await queue.reference('slack', subject)).toBe(`place of ${subject}`)
      expect(await queue.reference('other', HOSTILE[0])).toBe(null)
      await queue.refer('slack', HOSTILE[0], 'elsewhere', 900)
      await queue.lease('one', 0, 1, 0)
      await queue.enqueue('one', 1, [delivery('dead'), delivery('waits')])
      await queue.failed('dead', { attempts: 1, nextAttemptAt: 0, failedAt: 100, error: '', dead: true })
      await queue.sweep(500)
      expect(await queue.reference('slack', HOSTILE[0])).toBe('elsewhere')
      expect(await queue.reference('slack', HOSTILE[1])).toBe(null)
      expect(await queue.dead(10)).toEqual([])
      expect(await queue.due('ops', 100, 10)).toHaveLength(1)
    })

    it('counts nothing as waiting whose time has not come: a reminder is queued long before', async () => {
      await queue.lease('one', 0, 1, 0)
      await queue.enqueue('one', 5, [delivery('now'), delivery('later', { createdAt: 900, nextAttemptAt: 900 })])
      expect((await queue.counts(899))[0]).toMatchObject({ waiting: 1, oldest: 100 })
      expect((await queue.counts(900))[0]).toMatchObject({ waiting: 2 })
    })

    it('takes thousands at once', async () => {
      await queue.lease('one', 0, 1, 0)
      const many = Array.from({ length: 3000 }, (_, n) => delivery(`id-${n}`, { n }))
      expect(await queue.enqueue('one', 3000, many)).toBe(true)
      expect((await queue.counts(1000))[0]).toMatchObject({ waiting: 3000 })
    })

    describe('with gateways', () => {
      let ledger: OpenLedger
      let tail: Tail
      let running: Notifier[]

      beforeEach(async () => {
        ledger = await openLedger({
          store: stores.ledger,
          clock: handClock(Date.now()),
          random,
          gateway: 'gw',
          minFreeBytes: 0,
        })
        tail = createTail(stores.ledger, { pollMs: 20 })
        running = []
      })
      afterEach(async () => {
        await Promise.all(running.map((notifier) => notifier.stop()))
        tail.close()
        await ledger.close()
      })

      /** A gateway whose endpoint writes down what it gets, or refuses it. */
      function gateway(name: string, told: string[], clock = handClock(Date.now()), refuse = () => false): Notifier {
        const notifier = createNotifier({
          endpoints: [
            {
              ...{ name: 'ops', kind: 'webhook', place: 'here', width: 2, events: new Set<EventName>(['denied']) },
              async deliver(notice) {
                if (refuse()) throw new DeliveryError('down')
                told.push(`${name} ${notice.n}`)
              },
            },
          ],
          ...{ store: stores.notifications, tail, reader: stores.ledger, approval: stores.approvals.get },
          ...{ gateway: name, remindAt: 67, clock, random, log: listLog() },
        })
        notifier.start()
        running.push(notifier)
        return notifier
      }

      const block = () => ledger.append(draft({ kind: 'block' }))
      const held = (by: string) => vi.waitFor(async () => expect((await queue.cursor())?.holder).toBe(by), soon)

      it('tells each event once, by one of them', async () => {
        const told: string[] = []
        gateway('gw-1', told)
        await held('gw-1')
        gateway('gw-2', told)
        for (let entry = 0; entry < 20; entry += 1) await block()
        await vi.waitFor(() => expect(told).toHaveLength(20), soon)
        expect(new Set(told).size).toBe(20)
        expect(told.every((line) => line.startsWith('gw-1'))).toBe(true)
      })

      it('has another tell what the first could not, once that has died', async () => {
        const told: string[] = []
        const first = gateway('gw-1', told, handClock(Date.now()), () => true)
        await held('gw-1')
        await block()
        await vi.waitFor(async () => expect((await queue.counts(Date.now()))[0]?.lastError?.error).toBe('down'), soon)
        await first.stop()
        // As if it had not said good-bye.
        const died = Date.now()
        await queue.lease('gw-dead', died, died + 15_000, 0)
        const clock = handClock(died)
        gateway('gw-2', told, clock)
        await block()
        expect(told).toEqual([])
        clock.advance(15_001)
        await vi.waitFor(() => expect(told).toHaveLength(2), soon)
        expect(told.every((line) => line.startsWith('gw-2'))).toBe(true)
      })

      it('does not tell what is older than a day: notifications were off for so long', async () => {
        const told: string[] = []
        const first = gateway('gw-1', told)
        await held('gw-1')
        await first.stop()
        await block()
        const later = handClock(Date.parse('2126-01-01'))
        gateway('gw-2', told, later)
        await vi.waitFor(async () => expect((await queue.cursor())?.next).toBe(ledger.stats().size), soon)
        expect(await queue.counts(Number.MAX_SAFE_INTEGER)).toEqual([])
      })
    })
  })
}
