import { existsSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, describe, expect, it } from 'vitest'
import type { SessionId } from '../../src/core/ids.ts'
import { verifyStored } from '../../src/ledger/audit/verify-stored.ts'
import { openLedger } from '../../src/ledger/ledger.ts'
import { openStores } from '../../src/store/open.ts'
import { openSqlite, openSqliteReader } from '../../src/store/sqlite/index.ts'
import { storeContract } from '../contract/store.ts'
import { committed, draft, frozenClock, random, SESSION } from '../support/drafts.ts'
import {
  type EvidenceStore,
  openEvidence,
  removeFolder,
  signingIn,
  temporaryFolder,
} from '../support/evidence-store.ts'

storeContract('SQLite', async () => {
  const folder = temporaryFolder()
  return {
    open: () => openStores(join(folder, 'aegis.db')),
    remove: async () => removeFolder(folder),
  }
})

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) removeFolder(folder)
})

async function seven(): Promise<EvidenceStore> {
  const evidence = await openEvidence()
  folders.push(evidence.folder)
  for (let index = 0; index < 7; index += 1) {
    await evidence.ledger.append(draft({ commitments: committed(`v${index}`) }))
  }
  return evidence
}

/** As an administrator with a SQLite shell: the triggers go first. */
function tamper(file: string, sql: string): void {
  const database = new Database(file)
  database.exec('DROP TRIGGER IF EXISTS ledger_entry_no_update; DROP TRIGGER IF EXISTS ledger_entry_no_delete')
  database.exec(sql)
  database.close()
}

async function verdict(file: string, session: string = SESSION) {
  const reader = await openSqliteReader(file)
  try {
    return await verifyStored(reader.ledger, session)
  } finally {
    await reader.close()
  }
}

describe('a tampered SQLite file', () => {
  // The seven entries have n 1 to 7; n 0 is the leaf of the start.
  const CASES: readonly [string, string, string][] = [
    ['a body', "UPDATE ledger_entry SET body = replace(body, 'get_file', 'set_file') WHERE n = 4", 'ALTERED_BODY'],
    ['a body that is not UTF-8', "UPDATE ledger_entry SET body = x'ff41' WHERE n = 4", 'ALTERED_BODY'],
    ['a body as text', 'UPDATE ledger_entry SET body = CAST(body || 1 AS TEXT) WHERE n = 4', 'ALTERED_BODY'],
    ['a hash', "UPDATE ledger_entry SET hash = replace(hash, substr(hash, 1, 1), 'g') WHERE n = 4", 'ALTERED_HASH'],
    ['a kind', "UPDATE ledger_entry SET kind = 'block' WHERE n = 4", 'PROJECTION_MISMATCH'],
    [
      'a kind that is not UTF-8',
      "UPDATE ledger_entry SET kind = CAST(x'ff' AS TEXT) WHERE n = 4",
      'PROJECTION_MISMATCH',
    ],
    ['a kind with a line feed', "UPDATE ledger_entry SET kind = 'a' || char(10) WHERE n = 4", 'PROJECTION_MISMATCH'],
    ['a time', "UPDATE ledger_entry SET ts = '2020-01-01T00:00:00.000Z' WHERE n = 4", 'PROJECTION_MISMATCH'],
    ['a missing time', 'UPDATE ledger_entry SET ts = NULL WHERE n = 4', 'PROJECTION_MISMATCH'],
    ['an envelope', "UPDATE ledger_entry SET env = 'x' WHERE n = 4", 'PROJECTION_MISMATCH'],
    ['an entry id', "UPDATE ledger_entry SET eid = 'x' WHERE n = 4", 'PROJECTION_MISMATCH'],
    ['a link column', "UPDATE ledger_entry SET prev = 'x' WHERE n = 4", 'PROJECTION_MISMATCH'],
    ['a position', 'UPDATE ledger_entry SET seq = 40 WHERE n = 4', 'PROJECTION_MISMATCH'],
    ['a position as text', "UPDATE ledger_entry SET seq = CAST(x'ff' AS TEXT) WHERE n = 4", 'PROJECTION_MISMATCH'],
    ['a missing position', 'UPDATE ledger_entry SET seq = NULL WHERE n = 4', 'DELETED'],
    ['a session column', "UPDATE ledger_entry SET session = 'key_b2/x' WHERE n = 4", 'DELETED'],
    ['a number', 'UPDATE ledger_entry SET n = 99 WHERE n = 4', 'REORDERED'],
    ['the last number', 'UPDATE ledger_entry SET n = 99 WHERE n = 7', 'PROJECTION_MISMATCH'],
    ['a deleted row', 'DELETE FROM ledger_entry WHERE n = 4', 'DELETED'],
    ['a deleted end', 'DELETE FROM ledger_entry WHERE n > 5', 'TRUNCATED_TAIL'],
    ['a deleted start', 'DELETE FROM ledger_entry WHERE n IN (1, 2)', 'TRUNCATED_HEAD'],
    ['a session without its rows', 'DELETE FROM ledger_entry WHERE n > 0', 'SESSION_MISSING'],
    ['a payload', "UPDATE ledger_payload SET value = x'7b7d' WHERE n = 4", 'PAYLOAD_MISMATCH'],
    ['a salt', 'UPDATE ledger_payload SET salt = zeroblob(32) WHERE n = 4', 'PAYLOAD_MISMATCH'],
    ['a payload path', "UPDATE ledger_payload SET path = CAST(x'ff' AS TEXT) WHERE n = 4", 'PAYLOAD_MISMATCH'],
    ['a missing payload', 'DELETE FROM ledger_payload WHERE n = 4', 'PAYLOAD_MISSING'],
    ['a head hash', "UPDATE ledger_session SET head_hash = 'x'", 'ALTERED_LINK'],
    ['a head count', 'UPDATE ledger_session SET next_seq = 9', 'PROJECTION_MISMATCH'],
    ['a missing head', 'DELETE FROM ledger_session', 'PROJECTION_MISMATCH'],
    ['a log head', 'UPDATE ledger_log SET size = 90', 'DELETED'],
    ['a log name', "UPDATE ledger_log SET origin = 'other'", 'WRONG_LOG'],
    ['a deleted leaf of the log', 'DELETE FROM ledger_entry WHERE n = 0', 'DELETED'],
  ]

  it.each(CASES)('does not verify: %s', async (_, sql, expected) => {
    const evidence = await seven()
    await evidence.close()
    expect(await verdict(evidence.file)).toMatchObject({ valid: true, totalEntries: 7 })
    tamper(evidence.file, sql)
    const report = await verdict(evidence.file)
    expect(report.valid).toBe(false)
    expect(report.findings.map((finding) => finding.class)).toContain(expected)
  })

  it('does not hide a cut end by a corrected head row, once a manifest was written', async () => {
    const evidence = await seven()
    await evidence.ledger.export(SESSION)
    await evidence.close()
    tamper(
      evidence.file,
      `DELETE FROM ledger_entry WHERE n IN (6, 7);
       UPDATE ledger_session SET next_seq = 5, head_hash = (SELECT hash FROM ledger_entry WHERE n = 5)`,
    )
    const report = await verdict(evidence.file)
    expect(report.findings.map((finding) => finding.class)).toContain('TRUNCATED_TAIL')
  })

  it('does not verify with a forged or missing manifest leaf', async () => {
    const evidence = await seven()
    await evidence.ledger.export(SESSION)
    await evidence.close()
    tamper(evidence.file, `UPDATE ledger_entry SET body = replace(body, '"entries":7', '"entries":6') WHERE n = 8`)
    expect((await verdict(evidence.file)).brokenLink).toContain('MANIFEST_FORGED')
  })

  it('is not written to again', async () => {
    for (const sql of [
      'DELETE FROM ledger_entry WHERE n = 7',
      'DELETE FROM ledger_entry WHERE n = 4',
      "UPDATE ledger_session SET head_hash = 'x'",
      "UPDATE ledger_entry SET body = replace(body, 'allow', 'block') WHERE n = 8",
    ]) {
      const evidence = await seven()
      // Its open intent makes recovery look at it.
      await evidence.ledger.append(draft({ effect: 'forward' }))
      await evidence.close()
      tamper(evidence.file, sql)
      const stores = await openSqlite(evidence.file)
      const options = { clock: frozenClock(), random, gateway: 'gw-1' }
      await expect(openLedger({ store: stores.ledger, ...options }), sql).rejects.toMatchObject({
        code: 'evidence_unavailable',
        message: expect.stringContaining('the stored log is damaged'),
      })
      await stores.close()
    }
  })
})

describe('the SQLite file', () => {
  it('refuses to change or delete entries while its triggers stand', async () => {
    const evidence = await seven()
    const database = new Database(evidence.file)
    for (const sql of [
      "UPDATE ledger_entry SET kind = 'block'",
      'DELETE FROM ledger_entry',
      'REPLACE INTO ledger_entry SELECT * FROM ledger_entry',
    ]) {
      expect(() => database.exec(sql), sql).toThrow('append-only')
    }
    database.close()
    expect((await evidence.ledger.verify(SESSION)).valid).toBe(true)
    await evidence.close()
  })

  it('is for its owner only, WAL included', async () => {
    const evidence = await seven()
    for (const suffix of ['', '-wal', '-shm', '.lock']) {
      const file = `${evidence.file}${suffix}`
      if (existsSync(file)) expect(statSync(file).mode & 0o077, file).toBe(0)
    }
    await evidence.close()
  })

  it('tells a reader whether somebody writes to it now', async () => {
    const evidence = await seven()
    const beside = await openSqliteReader(evidence.file)
    expect(beside.grows()).toBe(true)
    await beside.close()
    await evidence.close()
    const alone = await openSqliteReader(evidence.file)
    expect(alone.grows()).toBe(false)
    await alone.close()
  })

  it('has one writer: the second is told which directory is taken', async () => {
    const evidence = await seven()
    await expect(openSqlite(evidence.file)).rejects.toMatchObject({
      code: 'conflict',
      message: `another Aegis process writes to ${evidence.folder}`,
    })
    await evidence.close()
    const next = await openSqlite(evidence.file)
    await next.close()
  })

  it('is read beside its writer, and refuses to be written by a reader', async () => {
    const evidence = await seven()
    expect(await verdict(evidence.file)).toMatchObject({ valid: true, totalEntries: 7 })
    await evidence.ledger.append(draft({ session: 'key_a1/next' as SessionId }))
    expect(await verdict(evidence.file, 'key_a1/next')).toMatchObject({ valid: true, totalEntries: 1 })
    await evidence.close()
  })

  it('made by a newer Aegis, with another schema, or not a database at all, is refused with the reason', async () => {
    const evidence = await seven()
    await evidence.close()
    const database = new Database(evidence.file)
    database.exec("INSERT INTO schema_migration VALUES (99, 'unknown')")
    database.close()
    await expect(openSqlite(evidence.file)).rejects.toThrow('made by a newer Aegis')
    const other = join(evidence.folder, 'other.db')
    writeFileSync(other, 'not a database, but long enough to look at as one '.repeat(100))
    await expect(openSqlite(other)).rejects.toMatchObject({ code: 'config' })
    await expect(openSqliteReader(other)).rejects.toMatchObject({ code: 'cannot_decide' })
    await expect(openSqliteReader(join(evidence.folder, 'none.db'))).rejects.toMatchObject({ code: 'not_found' })
    await expect(openStores('mysql://localhost/aegis')).rejects.toThrow('no store for `mysql` URLs')
  })

  it('that is replaced or unlinked under a running gateway takes nothing more', async () => {
    const evidence = await seven()
    renameSync(evidence.file, `${evidence.file}.gone`)
    const refused = { code: 'evidence_unavailable', message: expect.stringContaining('was removed') }
    await expect(evidence.ledger.append(draft())).rejects.toMatchObject(refused)
    renameSync(`${evidence.file}.gone`, evidence.file)
    const advice = expect.stringContaining('Put back the file')
    await expect(evidence.ledger.append(draft())).rejects.toMatchObject({ code: 'evidence_unavailable', advice })
    await evidence.close()
  })

  it('loses no row but with its tiles stored, an entry that says so, and no legal hold, whoever asks', async () => {
    const folder = temporaryFolder()
    folders.push(folder)
    const { ledger, stores, file, close } = await openEvidence(folder, signingIn(folder))
    await Promise.all(Array.from({ length: 300 }, () => ledger.append(draft())))
    for (const place of [512, 100]) await expect(stores.ledger.prune(place)).rejects.toThrow('not all tiles')
    await ledger.sign()
    await expect(stores.ledger.prune(256)).rejects.toThrow('no entry says')
    await close()
    const database = new Database(file)
    database.exec(`INSERT INTO ledger_entry (n, kind, hash, body)
      SELECT max(n) + 1, 'prune', lower(hex(randomblob(32))), x'7b7d' FROM ledger_entry`)
    database.close()
    const store = await openSqlite(file)
    await store.ledger.hold(SESSION, { session: SESSION, reason: 'case 7', at: 3 })
    await expect(store.ledger.prune(256)).rejects.toMatchObject({
      failure: 'conflict',
      message: expect.stringContaining('legal hold'),
    })
    expect((await store.ledger.extent()).count).toBe(302)
    await store.ledger.hold(SESSION, null)
    await store.ledger.prune(256)
    expect(await store.ledger.extent()).toEqual({ count: 46, last: 301 })
    await store.close()
  })

  it('is read any number of times without running out of file descriptors', async () => {
    const evidence = await seven()
    for (let round = 0; round < 50; round += 1) await evidence.ledger.verify(SESSION)
    const open = readdirSync('/dev/fd').length
    for (let round = 0; round < 50; round += 1) await evidence.ledger.verify(SESSION)
    expect(readdirSync('/dev/fd').length).toBeLessThanOrEqual(open + 2)
    await evidence.close()
  })

  it('in a path with the characters of a URI is read all the same', async () => {
    const folder = temporaryFolder()
    folders.push(folder)
    const stores = await openSqlite(join(folder, 'a b%20c?d#e', 'aegis.db'))
    const ledger = await openLedger({
      store: stores.ledger,
      clock: frozenClock(),
      random,
      gateway: 'gw-1',
      minFreeBytes: 0,
    })
    await ledger.append(draft())
    expect((await ledger.verify(SESSION)).valid).toBe(true)
    await ledger.close()
    await stores.close()
  })
})
