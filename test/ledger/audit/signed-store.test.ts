import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type StoredOptions, verifyStored } from '../../../src/ledger/audit/verify-stored.ts'
import { parseTrustPolicy } from '../../../src/ledger/notes/trust-policy.ts'
import type { VerifyReport } from '../../../src/ledger/verify/report.ts'
import type { Pins } from '../../../src/ledger/verify/trust.ts'
import { openSqliteReader } from '../../../src/store/sqlite/read-only.ts'
import { draft, SESSION } from '../../support/drafts.ts'
import { openEvidence, removeFolder, signingIn, temporaryFolder } from '../../support/evidence-store.ts'
import { rewriteHistory } from '../../support/rewrite.ts'
import { DISARM, sqlite } from '../../support/sqlite-shell.ts'

let folder: string
let pins: Pins

/** 600 entries of one session, signed at 101, 301 and 601 leaves (the first is the `boot` leaf). */
beforeEach(async () => {
  folder = temporaryFolder()
  const evidence = await openEvidence(folder, signingIn(folder))
  for (const count of [100, 200, 300]) {
    await Promise.all(Array.from({ length: count }, () => evidence.ledger.append(draft())))
    await evidence.ledger.sign()
  }
  await evidence.close()
  const parsed = parseTrustPolicy(readFileSync(join(folder, 'log.vkey'), 'utf8'))
  if (!parsed.ok) throw new Error('no policy')
  pins = { policy: parsed.policy, named: false }
})
afterEach(() => removeFolder(folder))

const file = () => join(folder, 'aegis.db')
const LOCKS = ['ledger_tile', 'ledger_checkpoint']
  .flatMap((table) => [`${table}_no_update`, `${table}_no_delete`])
  .map((trigger) => `DROP TRIGGER IF EXISTS ${trigger};`)
const change = (sql: string) => sqlite(file(), `${DISARM} ${LOCKS.join(' ')} ${sql}`)

async function verify(options: Partial<StoredOptions> = {}): Promise<VerifyReport> {
  const store = await openSqliteReader(file())
  try {
    return await verifyStored(store.ledger, SESSION, { pins, ...options })
  } finally {
    await store.close()
  }
}

async function verifyLinks(): Promise<VerifyReport> {
  const store = await openSqliteReader(file())
  return verifyStored(store.ledger, SESSION).finally(() => store.close())
}

const found = (report: VerifyReport) => report.findings.map(({ class: kind, n }) => [kind, n])
/** In all entries from this place on. */
const editFrom = (seq: number) => (body: string) => {
  const own = Number(/"seq":(\d+)/.exec(body)?.[1] ?? -1)
  return own >= seq ? body.replace('get_file_contents', 'get_me') : body
}

describe('a stored session', () => {
  it('is vouched for by the newest checkpoint', async () => {
    const report = await verify()
    expect(report).toMatchObject({ valid: true, totalEntries: 600, findings: [], belowTrust: null })
    expect(report.trust).toMatchObject({ level: 'self-signed', checkpoint: { size: 601 } })
    expect(await verify({ fast: true })).toMatchObject({ valid: true, totalEntries: 600 })
  })

  it.each([
    423, 424, 680, 935,
  ])('is proved block by block, whatever the last block holds: %i entries more', async (count) => {
    const evidence = await openEvidence(folder, signingIn(folder))
    await Promise.all(Array.from({ length: count }, () => evidence.ledger.append(draft())))
    await evidence.close()
    expect(await verify()).toMatchObject({ valid: true, totalEntries: 600 + count, findings: [], belowTrust: null })
    change(`UPDATE ledger_tile SET hashes = zeroblob(8192) WHERE idx = 1;`)
    rewriteHistory(file(), editFrom(599 + count))
    expect(found(await verify())[0]?.[0]).toBe('REWRITTEN')
  })

  it('that an administrator rewrote with all that follows from it is not the one that was signed', async () => {
    rewriteHistory(file(), editFrom(250))
    expect((await verifyLinks()).valid).toBe(true)
    const report = await verify()
    expect(found(report)).toEqual([['REWRITTEN', 101]])
    expect(report.brokenLink).toBe('log (entry 101) REWRITTEN')
    expect(report.findings[0]?.detail).toContain('from 101 to 300')
  })

  it('is compared with tiles that were left as they were, to the entry', async () => {
    const tiles = sqlite(file(), 'SELECT level, idx, hex(hashes) FROM ledger_tile')
    rewriteHistory(file(), editFrom(200))
    for (const [level, index, hex] of tiles) change(`REPLACE INTO ledger_tile VALUES (${level}, ${index}, x'${hex}');`)
    // The tail outside of full tiles is rewritten back: only what lies in tiles differs.
    expect(found(await verify())[0]?.[0]).toBe('REWRITTEN')
  })

  it.each([
    [
      'were changed',
      'UPDATE ledger_tile SET hashes = zeroblob(8192) WHERE idx = 0;',
      'are not those of the signed tree',
    ],
    ['are gone', 'DELETE FROM ledger_tile;', 'tile 0/0 of the signed tree is missing'],
    ['in part are gone', 'DELETE FROM ledger_tile WHERE idx = 1;', 'tile 0/1 of the signed tree is missing'],
  ])('shows tiles that %s, and is verified without them', async (_, sql, detail) => {
    change(sql)
    const report = await verify()
    expect(found(report)).toEqual([['PROJECTION_MISMATCH', null]])
    expect(report.findings[0]?.detail).toContain(detail)
  })

  it('shows a checkpoint that is gone though the gateway remembers it', async () => {
    const remembered = readFileSync(join(folder, 'log.checkpoint'), 'utf8')
    change('DELETE FROM ledger_checkpoint WHERE size > 400;')
    const report = await verify({ remembered })
    expect(found(report)).toEqual([['PROJECTION_MISMATCH', null]])
    expect(report.findings[0]?.detail).toContain('checkpoint of 601 entries is not in the store any more')
    // The older one that is left is the newest for whoever remembers nothing.
    expect(await verify()).toMatchObject({ valid: true, belowTrust: expect.stringContaining('300 entries are newer') })
  })

  it('was rolled back where fewer entries are there than were signed, or than the gateway remembers to have signed', async () => {
    const remembered = readFileSync(join(folder, 'log.checkpoint'), 'utf8')
    change('DELETE FROM ledger_checkpoint WHERE size > 400;')
    expect(await verify()).toMatchObject({ valid: true, belowTrust: expect.stringContaining('300 entries are newer') })
    rewriteHistory(file(), editFrom(400))
    expect((await verify()).valid).toBe(true)
    expect(found(await verify({ remembered }))).toEqual([['REWRITTEN', 301]])
    change(`DELETE FROM ledger_entry WHERE n > 500; UPDATE ledger_log SET size = 501;
      UPDATE ledger_session SET next_seq = 500, last_n = 500,
        head_hash = (SELECT hash FROM ledger_entry WHERE n = 500);`)
    expect(found(await verify({ remembered }))).toEqual([['ROLLBACK', null]])
  })

  it('that no checkpoint covers to its end says so, and is less than a pinned key asks for', async () => {
    change('DELETE FROM ledger_checkpoint WHERE size > 400;')
    const report = await verify()
    expect(found(report)).toEqual([['TORN_TAIL', 301]])
    expect(report.belowTrust).toContain('newer')
    expect((await verify({ pins: null })).undecided).toContain('nobody you know')
    change('DELETE FROM ledger_checkpoint;')
    expect(await verify()).toMatchObject({ valid: true, belowTrust: expect.stringContaining('no checkpoint') })
    expect(await verify({ pins: null })).toMatchObject({ valid: true, belowTrust: null })
  })

  it.each([
    ['a note cut short', 'UPDATE ledger_checkpoint SET note = substr(note, 1, 60) WHERE size = 601;', 'BAD_SIGNATURE'],
    [
      'a root that does not fit its note',
      'UPDATE ledger_checkpoint SET root = zeroblob(32) WHERE size = 601;',
      'PROJECTION_MISMATCH',
    ],
    [
      'a note of another log',
      "UPDATE ledger_checkpoint SET note = replace(note, 'aegis.example/log/test', 'other') WHERE size = 601;",
      'WRONG_LOG',
    ],
    [
      'another key id',
      "UPDATE ledger_checkpoint SET note = replace(note, '— aegis', '— xegis') WHERE size = 601;",
      'WRONG_KEY',
    ],
  ])('shows a checkpoint with %s', async (_, sql, kind) => {
    change(sql)
    expect(found(await verify()).map(([name]) => name)).toContain(kind)
  })
})
