import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { knownMigrations } from '../../src/store/postgres/schema-version.ts'
import { captured } from '../support/captured.ts'
import { committed, draft, SESSION } from '../support/drafts.ts'
import { openEvidence, removeFolder, temporaryFolder } from '../support/evidence-store.ts'
import { startPostgres, type TestDatabase } from '../support/postgres.ts'

const ALL = knownMigrations().length

const server = await startPostgres()
afterAll(async () => server?.close())

const typed = (program: 'aegis' | 'aegisctl', ...words: string[]) => captured(() => main(program, words))

describe.skipIf(server === null)('a database for the evidence', () => {
  const folders: string[] = []
  let database: TestDatabase

  beforeEach(async () => {
    if (server !== null) database = await server.empty()
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await database.drop()
    for (const folder of folders.splice(0)) removeFolder(folder)
  })

  const migrate = (...more: string[]) => typed('aegisctl', 'db', 'migrate', '--store', database.admin, ...more)

  it('is prepared by `aegisctl db migrate`, which says what it did', async () => {
    const first = await migrate('--app', 'aegis_test_app', '--read', 'aegis_test_read')
    expect(first).toMatchObject({ exit: 0, err: '' })
    expect(first.out).toContain(`created schema aegis\nran migration 1 of ${ALL}\n`)
    expect(first.out).toContain('made aegis_test_app a led_app\n')
    expect(first.out).toContain(`is ready: schema ${ALL} of ${ALL}\n`)
    const again = await migrate('--json')
    expect(JSON.parse(again.out)).toMatchObject({ ran: 0, total: ALL, done: [], warnings: [] })
    expect((await migrate()).out).toMatch(/was ready already/)
  })

  it('must be named by a URL, and never shows the password in it', async () => {
    const file = await typed('aegisctl', 'db', 'migrate', '--store', 'aegis.db')
    expect(file).toMatchObject({ exit: 2, err: expect.stringContaining('not a postgres:// URL') })
    const closed = await typed('aegisctl', 'db', 'migrate', '--store', 'postgres://eve:s3cret@127.0.0.1:1/x')
    expect(closed.exit).toBe(2)
    expect(closed.out + closed.err).not.toMatch(/s3cret|eve/)
  })

  it('takes a whole SQLite store, which verifies there', async () => {
    const { folder, file, ledger, close } = await openEvidence()
    folders.push(folder)
    for (let index = 0; index < 5; index += 1) await ledger.append(draft({ commitments: committed('x') }))
    await close()
    await migrate('--app', 'aegis_test_app', '--read', 'aegis_test_read')
    const copied = await typed('aegisctl', 'db', 'copy', '--from', file, '--to', database.as('app'))
    expect(copied).toMatchObject({ exit: 0, err: '' })
    expect(copied.out).toContain('ledger_entry: 6 rows\n')
    expect(copied.out).toMatch(
      /copied 6 entries to postgres:\/\/127\.0\.0\.1:\d+\/\w+, every row compared\nroot: [0-9a-f]{64}\n$/,
    )
    const sessions = await typed('aegisctl', 'evidence', 'sessions', '--json', '--store', database.as('read'))
    expect(JSON.parse(sessions.out)).toMatchObject([{ session: SESSION, entries: 5 }])
    expect((await typed('aegisctl', 'db', 'copy', '--from', file, '--to', database.as('app'))).exit).toBe(1)
  })

  it('holds the keys of an installation that `aegis init --store` makes', async () => {
    const folder = temporaryFolder()
    folders.push(folder)
    for (const name of ['CONFIG', 'DATA']) vi.stubEnv(`AEGIS_${name}_DIR`, join(folder, name.toLowerCase()))
    vi.stubEnv('HOME', folder)
    const early = await typed('aegis', 'init', '--store', database.as('app'))
    expect(early).toMatchObject({ exit: 2, err: expect.stringContaining('aegisctl db migrate') })
    await migrate('--app', 'aegis_test_app')
    const made = await typed('aegis', 'init', '--store', database.as('app'))
    expect(made.err).toBe('')
    expect(made.exit).toBe(0)
    expect(readFileSync(join(folder, 'config', 'aegis.yaml'), 'utf8')).toContain(database.as('app'))
    expect(await database.run('SELECT role FROM aegis.api_key ORDER BY role')).toEqual([
      { role: 'admin' },
      { role: 'agent' },
    ])
    const again = await typed('aegis', 'init')
    expect(again.exit).toBe(0)
    expect(await database.run('SELECT role FROM aegis.api_key')).toHaveLength(2)
  })
})
