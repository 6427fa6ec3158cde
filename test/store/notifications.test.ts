import { join } from 'node:path'
import { afterAll, describe, it } from 'vitest'
import { openStores } from '../../src/store/open.ts'
import { notificationContract } from '../contract/notifications.ts'
import { removeFolder, temporaryFolder } from '../support/evidence-store.ts'
import { startPostgres } from '../support/postgres.ts'

notificationContract('SQLite', async () => {
  const folder = temporaryFolder()
  return { open: () => openStores(join(folder, 'aegis.db')), remove: async () => removeFolder(folder) }
})

const server = await startPostgres()
afterAll(async () => server?.close())

if (server === null) {
  describe.skip('PostgreSQL', () => it('is not on this machine', () => {}))
} else {
  notificationContract('PostgreSQL', async () => {
    const database = await server.database()
    return { open: () => openStores(database.as('app')), remove: database.drop }
  })
}
