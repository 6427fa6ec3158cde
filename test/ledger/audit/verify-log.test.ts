import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SessionId } from '../../../src/core/ids.ts'
import { type LogReport, verifyLog } from '../../../src/ledger/audit/verify-log.ts'
import { parseTrustPolicy } from '../../../src/ledger/notes/trust-policy.ts'
import type { Pins } from '../../../src/ledger/verify/trust.ts'
import { openSqliteReader } from '../../../src/store/sqlite/read-only.ts'
import { draft } from '../../support/drafts.ts'
import { openEvidence, removeFolder, signingIn, temporaryFolder } from '../../support/evidence-store.ts'
import { rewriteHistory } from '../../support/rewrite.ts'
import { DISARM, sqlite } from '../../support/sqlite-shell.ts'

let folder: string
let pins: Pins

const SESSIONS = ['key_a/one', 'key_a/two', 'key_b/three'] as SessionId[]

/** Three sessions of 200 entries, interleaved, a manifest of each; signed at 301 and at the end. */
beforeEach(async () => {
  folder = temporaryFolder()
  const { ledger, close } = await openEvidence(folder, signingIn(folder))
  const round = () => Promise.all(SESSIONS.map((session) => ledger.append(draft({ session }))))
  for (let index = 0; index < 100; index += 1) await round()
  await ledger.sign()
  for (let index = 0; index < 100; index += 1) await round()
  for (const session of SESSIONS) await ledger.closeSession(session)
  await close()
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

async function verify(fast = false): Promise<LogReport> {
  const store = await openSqliteReader(file())
  return verifyLog(store.ledger, { pins, fast }).finally(() => store.close())
}

const found = ({ findings }: LogReport) => findings.map((finding) => finding.class)

describe('a whole log', () => {
  it.each([
    false,
    true,
  ])('is verified with all its sessions, leaves, tiles and checkpoints (fast: %s)', async (fast) => {
    const report = await verify(fast)
    expect(report).toMatchObject({
      valid: true,
      findings: [],
      totalEntries: 600,
      sessions: 3,
      leaves: 4,
    })
    // The log signs itself now and then as well.
    expect(report.checkpoints).toBeGreaterThanOrEqual(2)
    expect(report.trust).toMatchObject({ level: 'self-signed', checkpoint: { size: 604 } })
  })

  it('shows once what was rewritten, between which checkpoints', async () => {
    rewriteHistory(file(), (body) => (body.includes('"seq":150,') ? body.replace('get_file_contents', 'get_me') : body))
    const report = await verify()
    const [rewritten] = report.findings.filter((finding) => finding.class === 'REWRITTEN')
    expect(rewritten?.n).toBeGreaterThanOrEqual(301)
    // The manifests named the hashes that were there before.
    expect(new Set(found(report))).toEqual(new Set(['REWRITTEN', 'MANIFEST_FORGED']))
    expect(found(report).filter((kind) => kind === 'REWRITTEN')).toHaveLength(1)
  })

  it.each([
    ['a tile', 'UPDATE ledger_tile SET hashes = zeroblob(8192) WHERE idx = 1;', 'PROJECTION_MISMATCH', 'tile 0/1'],
    ['a missing tile', 'DELETE FROM ledger_tile WHERE idx = 1;', 'PROJECTION_MISMATCH', 'tile 0/1 is missing'],
    [
      'the tree in the head row',
      'UPDATE ledger_log SET frontier = zeroblob(length(frontier));',
      'PROJECTION_MISMATCH',
      'head row',
    ],
    [
      'an old checkpoint',
      "UPDATE ledger_checkpoint SET note = replace(note, '\n301\n', '\n300\n') WHERE size = 301;",
      'BAD_SIGNATURE',
      'size 301',
    ],
    [
      'the root of an old checkpoint',
      'UPDATE ledger_checkpoint SET root = zeroblob(32) WHERE size = 301;',
      'PROJECTION_MISMATCH',
      'size 301',
    ],
    [
      'the boot leaf',
      "UPDATE ledger_entry SET body = replace(body, 'gw-1', 'gw-2') WHERE n = 0;",
      'ALTERED_BODY',
      'hash',
    ],
    ["a leaf's kind", "UPDATE ledger_entry SET kind = 'gap' WHERE n = 0;", 'PROJECTION_MISMATCH', 'columns'],
    [
      'an entry',
      "UPDATE ledger_entry SET body = replace(body, 'get_file', 'set_file') WHERE n = 100;",
      'ALTERED_BODY',
      'session key_a/one',
    ],
    ['an entry that is gone', 'DELETE FROM ledger_entry WHERE n = 100;', 'DELETED', 'entries 100 to 100'],
    [
      'an entry without a session',
      "UPDATE ledger_entry SET session = 'key_c/x' WHERE n = 100;",
      'INSERTED',
      'in the chains',
    ],
    [
      "a session's head row",
      "UPDATE ledger_session SET head_hash = 'x' WHERE session = 'key_a/two';",
      'PROJECTION_MISMATCH',
      'head row',
    ],
    [
      'a session that is gone',
      "DELETE FROM ledger_entry WHERE session = 'key_a/two';",
      'PROJECTION_MISMATCH',
      'session key_a/two',
    ],
  ])('shows a change of %s', async (_, sql, kind, detail) => {
    change(sql)
    const report = await verify()
    expect(report.valid).toBe(false)
    const told = report.findings.filter((finding) => finding.class === kind)
    expect(told.some((finding) => finding.detail.includes(detail))).toBe(true)
  })
})
