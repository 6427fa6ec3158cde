import { afterAll, describe, it } from 'vitest'
import { openStores } from '../../../src/store/open.ts'
import { storeContract } from '../../contract/store.ts'
import { startPostgres } from '../../support/postgres.ts'

const server = await startPostgres()
afterAll(async () => server?.close())

if (server === null) {
  describe.skip('PostgreSQL', () => it('is not on this machine', () => {}))
} else {
  storeContract('PostgreSQL', async () => {
    const database = await server.database()
    return { open: () => openStores(database.as('app')), remove: database.drop }
  })
}
