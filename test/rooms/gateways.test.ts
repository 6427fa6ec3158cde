import { afterAll, describe, expect, it } from 'vitest'
import { composeRooms } from '../../src/compose/rooms.ts'
import { openStores } from '../../src/store/open.ts'
import { startPostgres } from '../support/postgres.ts'
import { handClock, listLog, systemRandom } from '../support/world.ts'
import { ADMIN, callOn } from './world.ts'

const server = await startPostgres()
afterAll(async () => server?.close())

const CALLER = { owner: '', sponsor: '', room: null }

describe.skipIf(server === null)('gateways on one database', () => {
  it('follow each other in what rooms say, by themselves', async () => {
    if (server === null) return
    const database = await server.database()
    const url = database.as('app')
    const open = async () => {
      const stores = await openStores(url)
      const parts = { clock: handClock(), random: systemRandom, log: listLog() }
      return { stores, ...(await composeRooms(url, stores.rooms, parts)) }
    }
    const [one, two] = [await open(), await open()]
    const seen = () => {
      const fact = two.rooms.fact(callOn('acme/site'), CALLER)
      return fact?.known === true ? fact.value?.mode : fact
    }
    await one.rooms.create({ repository: 'acme/site', mode: 'observe' }, ADMIN)
    await expect.poll(seen, { timeout: 10_000 }).toBe('observe')
    await one.rooms.change('acme/site', { kind: 'mode', mode: 'enforce' }, ADMIN, null)
    await expect.poll(seen, { timeout: 10_000 }).toBe('enforce')
    // Of two changes of one version made in different gateways one is told so.
    const both = await Promise.allSettled(
      [one, two].map(({ rooms }) => rooms.change('acme/site', { kind: 'mode', mode: 'warn' }, ADMIN, 2)),
    )
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    await one.rooms.remove('acme/site', ADMIN)
    await expect.poll(seen, { timeout: 10_000 }).toBeUndefined()
    for (const gateway of [one, two]) {
      gateway.stop()
      await gateway.stores.close()
    }
    await database.drop()
  })
})
