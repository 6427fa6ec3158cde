import { join } from 'node:path'
import Database from 'libsql'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { openLedger } from '../../../src/ledger/ledger.ts'
import { copyToPostgres } from '../../../src/store/copy/index.ts'
import { openPostgres } from '../../../src/store/postgres/index.ts'
import { openSqlite } from '../../../src/store/sqlite/index.ts'
import { ALICE, committed, draft, frozenClock, newId, pendingApproval, random, SESSION } from '../../support/drafts.ts'
import { openEvidence, removeFolder } from '../../support/evidence-store.ts'
import { startPostgres, type TestDatabase } from '../../support/postgres.ts'

const server = await startPostgres()
afterAll(async () => server?.close())
const quiet = () => {}

describe.skipIf(server === null)('aegisctl db copy', () => {
  const folders: string[] = []
  const databases: TestDatabase[] = []
  afterEach(async () => {
    for (const folder of folders.splice(0)) removeFolder(folder)
    for (const database of databases.splice(0)) await database.drop()
  })

  async function target(): Promise<TestDatabase> {
    if (server === null) throw new Error('no server')
    const database = await server.database()
    databases.push(database)
    return database
  }

  /** A store that has something in every table. */
  async function filled(): Promise<{ file: string; entries: number }> {
    const { folder, file, ledger, stores, close } = await openEvidence()
    folders.push(folder)
    const approval = pendingApproval({ justification: 'für die Straße ✓' })
    await ledger.append(draft({ changes: [{ kind: 'park', approval }], commitments: committed('x') }))
    await Promise.all(
      Array.from({ length: 600 }, (_, at) => ledger.append(draft({ commitments: committed(`v${at}`) }))),
    )
    await ledger.append(draft({ effect: 'forward' }))
    const hashes = Buffer.alloc(8192, 7)
    await stores.ledger.putCheckpoint({ size: 600, root: Buffer.alloc(32, 9), note: 'a note\n' }, [
      { level: 0, index: 0, hashes },
    ])
    await stores.ledger.putReceipt({ size: 600, sink: 'file', receipt: 'r', at: 5 })
    await stores.ledger.hold(SESSION, { session: SESSION, reason: 'case 7', at: 6 })
    await stores.keys.put({
      ...{ id: ALICE.principal, name: 'admin', owner: 'alice', sponsor: '', role: 'admin' },
      ...{ hash: 'cd'.repeat(32) as typeof approval.digest, prefix: 'aegis_ad', createdAt: 5, revokedAt: null },
      ...{ room: null, lastUsedAt: 7, expiresAt: 8 },
    })
    await stores.logins.put({
      ...{ hash: 'ef'.repeat(32) as typeof approval.digest, principal: ALICE.principal },
      ...{ createdAt: 1, seenAt: 2, endsAt: 3 },
    })
    await stores.taint.put({
      ...{ principal: ALICE.principal, source: 'acme/site: issue_read', repository: 'acme/site' },
      ...{ visibility: 'public', text: true, at: 5 },
    })
    await stores.delegations.add({
      ...{ id: 'del_1', from: { principal: ALICE.principal, name: 'admin', owner: 'alice' }, to: 'bob' },
      ...{ createdAt: 1, until: 2, endedAt: null },
    })
    await stores.policyVersions.add({
      ...{
        number: 1,
        digest: 'ab'.repeat(32) as typeof approval.digest,
        names: ['team'],
        at: 4,
        leaf: 1,
        of: null,
        by: null,
      },
      ...{
        sources: [{ file: 'team.yaml', text: 'version: 1' }],
        sourcesSha256: 'cd'.repeat(32) as typeof approval.digest,
      },
      ...{ cause: 'start', disk: { sourcesSha256: approval.digest, digest: approval.digest } },
    })
    await stores.rooms.add({
      ...{ id: 'room_1', repository: { owner: 'acme', name: 'site' }, members: [], mode: 'warn', permission: null },
      ...{ tools: { DEVELOPER: {}, ADMIN: {}, OWNER: {} }, version: 3, createdAt: 1, updatedAt: 2 },
    })
    await stores.revocations.enqueue({
      ...{ id: 'rev-1', sealed: Uint8Array.of(0, 255, 7), apiUrl: 'http://127.0.0.1:9', tokenSha256: 'ab'.repeat(32) },
      ...{ scope: 's', envelope: newId(), issuedAt: 1, deadline: 600, attempts: 0, nextAttemptAt: 10 },
    })
    await stores.notifications.lease('gw-1', 1, 2, 0)
    await stores.notifications.enqueue('gw-1', 600, [
      {
        ...{ id: 'ops.e-1', endpoint: 'ops', event: 'denied', n: 3 },
        ...{ createdAt: 1, nextAttemptAt: 2, attempts: 0 },
      },
    ])
    await stores.notifications.refer('slack', approval.id, '{"channel":"C1","ts":"1.2"}', 5)
    await stores.pins.hold([
      {
        ...{ upstream: 'files', tool: 'read', digest: 'ef'.repeat(32) as typeof approval.digest },
        ...{ core: 'aa'.repeat(32) as typeof approval.digest, era: 'legacy', status: 'waiting' },
        ...{ definition: '{"name":"read"}', findings: ['listed-later'], seenAt: 7, decidedAt: null, decidedBy: null },
      },
    ])
    await close()
    return { file, entries: 603 }
  }

  it('moves every table with every hash unchanged, and the log goes on there', async () => {
    const { file, entries } = await filled()
    const database = await target()
    const steps = new Set<string>()
    const report = await copyToPostgres(file, database.as('app'), (step) => steps.add(step))
    expect(report).toMatchObject({
      size: entries,
      rows: { ledger_entry: entries, ledger_payload: 601, api_key: 1, login_session: 1, room: 1, taint: 1 },
    })
    expect(report.root).toMatch(/^[0-9a-f]{64}$/)
    expect(Object.values(report.rows).every((rows) => rows > 0)).toBe(true)
    expect([...steps]).toEqual(expect.arrayContaining(['checking the file', 'copying ledger_entry']))

    const before = await openSqlite(file)
    const after = await openPostgres(database.as('app'))
    expect(await after.ledger.head()).toEqual(await before.ledger.head())
    expect(await after.approvals.list({ status: 'all', limit: 9 })).toEqual(
      await before.approvals.list({ status: 'all', limit: 9 }),
    )
    expect(await after.notifications.due('ops', 9, 9)).toEqual(await before.notifications.due('ops', 9, 9))
    expect(await after.notifications.cursor()).toEqual({ next: 600, holder: 'gw-1', until: 2 })
    await before.close()
    const options = { clock: frozenClock(), random, gateway: 'gw-2', minFreeBytes: 0 }
    const ledger = await openLedger({ store: after.ledger, ...options })
    expect(ledger.recovered.orphans).toBe(1)
    await ledger.append(draft())
    expect(await ledger.verify(SESSION)).toMatchObject({ valid: true, totalEntries: entries + 1 })
    await ledger.close()
    await after.close()
  })

  it('refuses a target that is in use, and a source that is', async () => {
    const { file } = await filled()
    const database = await target()
    const busy = await openSqlite(file)
    await expect(copyToPostgres(file, database.as('app'), quiet)).rejects.toMatchObject({ code: 'conflict' })
    await busy.close()
    await copyToPostgres(file, database.as('app'), quiet)
    await expect(copyToPostgres(file, database.as('app'), quiet)).rejects.toThrow(/is not empty/)
  })

  it.each([
    ['a changed body', "UPDATE ledger_entry SET body = replace(body, 'get_file', 'set_file') WHERE n = 4"],
    ['a missing entry', 'DELETE FROM ledger_entry WHERE n = 300'],
    ['a changed frontier', 'UPDATE ledger_log SET frontier = zeroblob(length(frontier))'],
    ['text that is not UTF-8', "UPDATE approval SET votes = CAST(x'ff' AS TEXT)"],
  ])('copies nothing of a file with %s', async (_, sql) => {
    const { file } = await filled()
    const shell = new Database(file)
    shell.exec('DROP TRIGGER ledger_entry_no_update; DROP TRIGGER ledger_entry_no_delete')
    shell.exec(sql)
    shell.close()
    const database = await target()
    await expect(copyToPostgres(file, database.as('app'), quiet)).rejects.toThrow(/damaged|UTF-8/)
    expect(await database.run('SELECT FROM aegis.ledger_log')).toEqual([])
  })

  it('needs a file that is there and a database that was prepared', async () => {
    const { file } = await filled()
    const database = await target()
    const nowhere = copyToPostgres(join(file, 'nothing'), database.as('app'), quiet)
    await expect(nowhere).rejects.toMatchObject({ code: 'not_found' })
    const empty = await server?.empty()
    if (empty === undefined) return
    databases.push(empty)
    await expect(copyToPostgres(file, empty.admin, quiet)).rejects.toThrow(/holds no evidence store yet/)
  })
})
