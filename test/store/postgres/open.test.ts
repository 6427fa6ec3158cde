import { afterAll, describe, expect, it } from 'vitest'
import { openPostgres } from '../../../src/store/postgres/index.ts'
import { migratePostgres } from '../../../src/store/postgres/migrate.ts'
import { knownMigrations } from '../../../src/store/postgres/schema-version.ts'
import { startPostgres, type TestDatabase } from '../../support/postgres.ts'

const ALL = knownMigrations().length

const server = await startPostgres()
afterAll(async () => server?.close())

describe.skipIf(server === null)('a PostgreSQL database', () => {
  async function withEmpty(use: (database: TestDatabase) => Promise<void>): Promise<void> {
    const database = await server?.empty()
    if (database === undefined) return
    await use(database)
    await database.drop()
  }

  it('is prepared once; a second time changes nothing', () =>
    withEmpty(async ({ admin, name }) => {
      await expect(openPostgres(admin)).rejects.toMatchObject({
        code: 'config',
        advice: expect.stringContaining('db migrate'),
      })
      const first = await migratePostgres(admin, { members: [] })
      expect(first).toMatchObject({ ran: ALL, total: ALL, warnings: [] })
      expect(first.database).toMatch(new RegExp(`^postgres://127\\.0\\.0\\.1:\\d+/${name}$`))
      expect(await migratePostgres(admin, { members: [] })).toMatchObject({ ran: 0, done: [] })
      const stores = await openPostgres(admin)
      expect(stores.ledger.settings).toMatchObject({ engine: 'postgresql', fsync: 'on', role: 'superuser' })
      await stores.close()
    }))

  it('is refused where a newer Aegis made its schema', () =>
    withEmpty(async ({ admin, run }) => {
      await migratePostgres(admin, { members: [] })
      await run("INSERT INTO aegis.schema_migration VALUES (1000, 'other')")
      await expect(openPostgres(admin)).rejects.toThrow(/newer Aegis/)
      await expect(migratePostgres(admin, { members: [] })).rejects.toThrow(/newer Aegis/)
    }))

  it('is prepared by a role that may create roles and schemas, and lacks only the guard of definitions', () =>
    withEmpty(async ({ admin, name, run }) => {
      await run(
        `CREATE ROLE ${name} LOGIN CREATEROLE`,
        `GRANT CREATE ON DATABASE ${name} TO ${name}`,
        `GRANT led_owner TO ${name}`,
      )
      const url = new URL(admin)
      url.username = name
      const report = await migratePostgres(url.href, { members: [] })
      expect(report).toMatchObject({ ran: ALL, warnings: [expect.stringContaining('superuser')] })
      const stores = await openPostgres(url.href)
      expect(stores.ledger.settings['role']).toBe('owner')
      await stores.close()
      await run(`REASSIGN OWNED BY ${name} TO CURRENT_USER`, `DROP OWNED BY ${name}`, `DROP ROLE ${name}`)
    }))

  it('is refused with fsync or full_page_writes off', async () => {
    for (const name of ['fsync', 'full_page_writes']) {
      const careless = await startPostgres([`${name}=off`])
      if (careless === null || careless.power === null) return
      const database = await careless.empty()
      await expect(migratePostgres(database.admin, { members: [] })).rejects.toThrow(`${name} = off`)
      await expect(openPostgres(database.admin)).rejects.toMatchObject({ code: 'config' })
      await careless.close()
    }
  })

  it('is never named with its password, nor a user of it', async () => {
    const url = 'postgres://alice:s3cret@127.0.0.1:1/evidence?password=s3cret2'
    const refused = await openPostgres(url).catch((error: unknown) => error)
    expect(refused).toMatchObject({
      code: 'config',
      message: expect.stringContaining('postgres://127.0.0.1:1/evidence'),
    })
    expect(JSON.stringify([String(refused), refused])).not.toMatch(/s3cret|alice/)
  })
})
