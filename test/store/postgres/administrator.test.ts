import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fileAnchor } from '../../../src/anchors/file-anchor.ts'
import { main } from '../../../src/cli/main.ts'
import { openLedger } from '../../../src/ledger/ledger.ts'
import { createSigner } from '../../../src/ledger/notes/sign.ts'
import { openPostgres } from '../../../src/store/postgres/index.ts'
import { draft, frozenClock, random } from '../../support/drafts.ts'
import { ORIGIN, removeFolder, signingIn, temporaryFolder } from '../../support/evidence-store.ts'
import { startPostgres, type TestDatabase } from '../../support/postgres.ts'
import { rewriteLog } from '../../support/rewrite-postgres.ts'

const server = await startPostgres()
afterAll(async () => server?.close())

const harmless = (body: string) => body.replace('github.get_file_contents', 'github.get_me')

describe.skipIf(server === null)('an administrator of the database who writes the whole log anew', () => {
  let folder: string
  let database: TestDatabase
  const outside = () => join(folder, 'outside.log')

  async function openSigned() {
    const stores = await openPostgres(database.as('app'))
    const options = { clock: frozenClock(), random, gateway: `gw-${Date.now()}`, origin: ORIGIN, minFreeBytes: 0 }
    const ledger = await openLedger({ store: stores.ledger, ...options, signing: signingIn(folder) }).catch(
      async (error) => {
        await stores.close()
        throw error
      },
    )
    return { stores, ledger }
  }

  async function append(count: number): Promise<void> {
    const { stores, ledger } = await openSigned()
    await Promise.all(Array.from({ length: count }, () => ledger.append(draft())))
    await fileAnchor('outside', outside()).submit(await ledger.sign(), async () => [], AbortSignal.timeout(5000))
    await ledger.close()
    await stores.close()
  }

  async function verify(...more: string[]): Promise<{ exit: unknown; out: string }> {
    let out = ''
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      out += String(chunk)
      return true
    })
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const asked = ['--all', '--store', database.as('read'), '--key', join(folder, 'log.vkey'), ...more]
    const exit = await main('aegisctl', ['evidence', 'verify', ...asked])
    vi.restoreAllMocks()
    const status = process.exitCode ?? exit
    process.exitCode = undefined
    return { exit: status, out }
  }

  const anchored = () => verify('--anchor', `file:${outside()}`)

  beforeEach(async () => {
    if (server === null) return
    folder = temporaryFolder()
    database = await server.database()
    await append(300)
    expect(await anchored()).toMatchObject({ exit: 0, out: expect.stringContaining('trust: anchored(file)') })
  })
  afterEach(async () => {
    await database.drop()
    removeFolder(folder)
  })

  it('is found out by the checkpoint, and the gateway writes nothing over it', async () => {
    await rewriteLog(database.admin, harmless, null)
    expect(await verify()).toMatchObject({ exit: 1, out: expect.stringContaining('REWRITTEN') })
    await expect(openSigned()).rejects.toMatchObject({ message: expect.stringContaining('REWRITTEN') })
  })

  it('is found out by the gateway’s memory where he has stolen its key', async () => {
    await rewriteLog(database.admin, harmless, createSigner(ORIGIN, readFileSync(join(folder, 'log.key'), 'utf8')))
    await expect(openSigned()).rejects.toMatchObject({ message: expect.stringContaining('REWRITTEN') })
  })

  it('is found out by the anchor where he is root on the gateway too', async () => {
    const stolen = createSigner(ORIGIN, readFileSync(join(folder, 'log.key'), 'utf8'))
    const note = await rewriteLog(database.admin, harmless, stolen)
    writeFileSync(join(folder, 'log.checkpoint'), note ?? '')
    // By itself this log is perfect: that is what anchors are for.
    expect(await verify()).toMatchObject({ exit: 0, out: expect.stringContaining('trust: self-signed') })
    const found = await anchored()
    expect(found.exit).toBe(1)
    expect(found.out).toMatch(/REWRITTEN|FORK/)
  })
})
