import { chmodSync, copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { fileAnchor } from '../../src/anchors/file-anchor.ts'
import { main } from '../../src/cli/main.ts'
import type { EnvelopeId, SessionId } from '../../src/core/ids.ts'
import { captured } from '../support/captured.ts'
import { ALICE, committed, draft, newId, SESSION } from '../support/drafts.ts'
import {
  type EvidenceStore,
  openEvidence,
  removeFolder,
  signingIn,
  temporaryFolder,
} from '../support/evidence-store.ts'
import { rewriteHistory } from '../support/rewrite.ts'

let evidence: EvidenceStore
let env: EnvelopeId
const LABEL = 'sess-2026-04-06-1422'

beforeAll(async () => {
  evidence = await openEvidence()
  const { ledger } = evidence
  env = newId()
  await ledger.append(draft({ env, effect: 'forward', commitments: committed('x') }))
  const outcome = { label: 'pr/1247', status: 'ok', credential: null } as const
  await ledger.append(draft({ kind: 'result', env, effect: null, outcome }))
  await ledger.append(draft({ kind: 'approve', env, effect: null, reviewer: ALICE }))
  const action = { protocol: 'shell', tool: 'shell.\u001b[2Jrm\u202e', capability: 'delete' }
  await ledger.append(draft({ kind: 'block', env, action }))
  for (const principal of ['key_a1', 'key_b2']) {
    await ledger.append(draft({ session: `${principal}/twin` as SessionId }))
  }
})

afterAll(async () => {
  await evidence.close()
  removeFolder(evidence.folder)
})

afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

/** The command as typed, with what it printed. The store's writer is running all the while. */
const aegisctl = (...words: string[]) => captured(() => main('aegisctl', ['evidence', ...words]))

const store = () => ['--store', evidence.file]

describe('aegisctl evidence', () => {
  it('verify prints one line an entry, the verdict and the manifest hash', async () => {
    const { exit, out } = await aegisctl('verify', '--session', LABEL, ...store())
    const lines = out.trimEnd().split('\n')
    expect(lines.slice(0, 6)).toEqual([
      `verifying session ${LABEL}...`,
      `envelope ${env} allow github.get_file_contents`,
      `envelope ${env} result pr/1247`,
      `envelope ${env} approve alice (key admin)`,
      `envelope ${env} block shell.<U+001B>[2Jrm<U+202E>`,
      'valid: true, total_entries: 4, audit log integrity verified',
    ])
    expect(lines[6]).toMatch(/^session_manifest_hash: [0-9a-f]{64}$/)
    expect(lines[7]).toBe('trust: unsigned (detects edits, not a full rewrite)')
    expect(lines[8]).toBe('approvals: 1 of 1 not separated from the agent (no proof that a person gave them)')
    expect(exit).toBe(0)
  })

  it('verify says what is broken and exits 1', async () => {
    const copy = join(evidence.folder, 'tampered.db')
    for (const suffix of ['', '-wal']) {
      if (existsSync(evidence.file + suffix)) copyFileSync(evidence.file + suffix, copy + suffix)
    }
    const database = new Database(copy)
    database.exec('DROP TRIGGER ledger_entry_no_update')
    database.exec("UPDATE ledger_entry SET body = replace(body, 'result', 'Result') WHERE n = 2")
    database.close()
    const { exit, out } = await aegisctl('verify', '--session', SESSION, '--store', copy)
    expect(out).toContain('valid: false\nbroken_link: seq 1 -> 2 (entry 2) ALTERED_BODY\n')
    expect(exit).toBe(1)
  })

  it('export writes a bundle that verifies to the same manifest hash, on a machine without the store', async () => {
    const file = join(evidence.folder, 'bundle.json')
    const exported = await aegisctl('export', '--session', LABEL, '--out', file, ...store())
    const hash = /session_manifest_hash: (\w+)/.exec(exported.out)?.[1]
    const { exit, out } = await aegisctl('verify', '--bundle', file)
    expect(out).toContain(`session_manifest_hash: ${hash}`)
    expect(exit).toBe(0)
    const json = await aegisctl('verify', '--bundle', file, '--json')
    expect(JSON.parse(json.out)).toMatchObject({
      valid: true,
      total_entries: 4,
      session_manifest_hash: hash,
      findings: [],
    })
    const asked = await aegisctl(
      'verify',
      '--bundle',
      file,
      '--key',
      'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    )
    expect(asked.exit).toBe(4)
    writeFileSync(file, readFileSync(file, 'utf8').replace('pr/1247', 'pr/1248'))
    expect((await aegisctl('verify', '--bundle', file)).exit).toBe(1)
  })

  it('export keeps what it writes to its owner, also over a file that others could read', async () => {
    const file = join(evidence.folder, 'shared.json')
    writeFileSync(file, 'old')
    chmodSync(file, 0o644)
    await aegisctl('export', '--session', LABEL, '--out', file, ...store())
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('wants one session: an unknown or ambiguous label, or none at all, is a usage error', async () => {
    const twins = await aegisctl('verify', '--session', 'twin', ...store())
    expect(twins.exit).toBe(2)
    expect(twins.err).toContain('key_a1/twin, key_b2/twin')
    expect((await aegisctl('verify', '--session', 'key_b2/twin', ...store())).exit).toBe(0)
    expect((await aegisctl('verify', '--session', 'nothing', ...store())).exit).toBe(2)
    expect((await aegisctl('verify', '--session', 'key_x/nothing', ...store())).exit).toBe(2)
    expect((await aegisctl('verify', ...store())).exit).toBe(2)
    expect((await aegisctl('export', '--session', LABEL, '--out', '/x', '--redact', 'all', ...store())).exit).toBe(2)
  })

  it.each([
    ['cut short', (text: string) => text.slice(0, 400)],
    ['empty', () => ''],
    ['no JSON', () => 'hello'],
    ['another document', () => '{}'],
  ])('decides nothing on a file that is %s, and names it', async (_, change) => {
    const file = join(evidence.folder, 'received.json')
    await aegisctl('export', '--session', LABEL, '--out', file, ...store())
    writeFileSync(file, change(readFileSync(file, 'utf8')))
    const { exit, out, err } = await aegisctl('verify', '--bundle', file)
    expect({ exit, out }).toEqual({ exit: 3, out: '' })
    expect(err).toContain(`${file} is not a whole evidence bundle`)
  })

  it('lists the sessions, newest first', async () => {
    const { out } = await aegisctl('sessions', '--json', ...store())
    const rows = JSON.parse(out)
    expect(rows.map((row: { session: string }) => row.session)).toEqual(['key_b2/twin', 'key_a1/twin', SESSION])
    expect(rows[2]).toMatchObject({ label: LABEL, entries: 4, counts: { allow: 1, approve: 1, block: 1, result: 1 } })
  })
})

describe('aegisctl evidence, of a signed log', () => {
  const folder = temporaryFolder()
  let signed: EvidenceStore
  const anchor = join(folder, 'anchor')
  const KEY = () => join(folder, 'log.vkey')

  beforeAll(async () => {
    signed = await openEvidence(folder, signingIn(folder))
    for (let index = 0; index < 9; index += 1)
      await signed.ledger.append(draft({ commitments: committed(`v${index}`) }))
    const checkpoint = await signed.ledger.sign()
    await fileAnchor('outside', anchor).submit(checkpoint, async () => [], AbortSignal.timeout(5000))
  })
  afterAll(async () => {
    await signed.close()
    removeFolder(folder)
  })

  const verify = (...words: string[]) => aegisctl('verify', '--store', signed.file, '--key', KEY(), ...words)

  it('verify says what it rests on, and demands what is asked for', async () => {
    const plain = await verify('--session', LABEL)
    expect(plain.out).toMatch(/^trust: self-signed \(checkpoint of 10 entries, key \S+\)$/m)
    expect(plain.exit).toBe(0)
    const held = await verify('--session', LABEL, '--anchor', `file:${anchor}`, '--require-anchor')
    expect(held.out).toMatch(/^trust: anchored\(file\) /m)
    expect(held.exit).toBe(0)
    const lacking = await verify('--session', LABEL, '--require-witness', '1')
    expect([lacking.exit, lacking.out]).toEqual([4, expect.stringContaining('0 of 1 witnesses required')])
    expect((await verify('--session', LABEL, '--require-anchor')).exit).toBe(2)
    expect((await verify('--session', LABEL, '--require-witness', 'x')).exit).toBe(2)
    expect((await aegisctl('verify', '--store', signed.file, '--session', LABEL)).exit).toBe(3)
  })

  it('fsck and verify --all look at the whole store', async () => {
    const all = await verify('--all', '--anchor', `file:${anchor}`)
    expect(all.out).toContain('valid: true, total_entries: 9, sessions: 1, leaves: 1, checkpoints: 1\n')
    expect(all.out).toContain('trust: anchored(file)')
    const json = await aegisctl('fsck', '--store', signed.file, '--key', KEY(), '--fast', '--json')
    expect(JSON.parse(json.out)).toMatchObject({ valid: true, trust: 'self-signed', sessions: 1 })
    expect((await aegisctl('fsck', '--store', signed.file)).exit).toBe(3)
  })

  it('export --entries gives a part that verifies alone', async () => {
    const file = join(folder, 'part.json')
    const store = ['--session', LABEL, '--out', file, '--store', signed.file]
    expect((await aegisctl('export', '--entries', '3,7', ...store)).exit).toBe(0)
    const { exit, out } = await aegisctl('verify', '--bundle', file, '--key', KEY(), '--anchor', `file:${anchor}`)
    expect([exit, out]).toEqual([0, expect.stringContaining('valid: true, total_entries: 2')])
    expect(out).toContain('trust: anchored(file)')
    expect((await aegisctl('export', '--entries', '3,99', ...store)).exit).toBe(2)
    expect((await aegisctl('export', '--entries', 'x', ...store)).exit).toBe(2)
  })

  it('an anchor catches what was rewritten and signed again', async () => {
    const own = temporaryFolder()
    const copy = join(own, 'aegis.db')
    for (const suffix of ['', '-wal']) {
      if (existsSync(signed.file + suffix)) copyFileSync(signed.file + suffix, copy + suffix)
    }
    rewriteHistory(copy, (body) => body.replace('get_file_contents', 'get_me'))
    const database = new Database(copy)
    database.exec('DROP TRIGGER ledger_checkpoint_no_delete; DELETE FROM ledger_checkpoint')
    database.close()
    for (const key of ['log.key', 'log.vkey']) copyFileSync(join(folder, key), join(own, key))
    await (await openEvidence(own, signingIn(own))).close()
    const stolen = ['verify', '--store', join(own, 'aegis.db'), '--key', KEY(), '--session', LABEL]
    expect((await aegisctl(...stolen)).exit).toBe(0)
    const caught = await aegisctl(...stolen, '--anchor', `file:${anchor}`)
    expect(caught.out).toContain('broken_link: log (entry 0) REWRITTEN')
    expect(caught.exit).toBe(1)
    removeFolder(own)
  })
})
