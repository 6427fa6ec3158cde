import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CountingUpstream, startCountingUpstream } from '../support/counting-upstream.ts'
import { type Served, serve } from '../support/served.ts'
import { DISARM, sqlite } from '../support/sqlite-shell.ts'

const SESSION = 'sess-2026-04-06-1422'
const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'

/** The story of the README against a server of its own, and its evidence as an auditor gets to see it. */
let upstream: CountingUpstream
let aegis: Served
const ids = { read: '', test: '', remove: '', ask: '', open: '' }

async function act(body: object): Promise<string> {
  const common = { session: SESSION, agent: 'claude-code', target: 'aegisflow/aegisflow' }
  const answer = await aegis.post('/admin/v1/test-action', { ...common, ...body })
  return answer.body.envelope_id
}

beforeAll(async () => {
  upstream = await startCountingUpstream()
  aegis = await serve({ settings: { upstreams: { github: { catalog: 'github', url: upstream.url } } } })
  const git = { protocol: 'git', tool: 'github.get_file_contents', capability: 'read' }
  const shell = { protocol: 'shell', target: '/workspace' }
  const parameters = { title: 'fix: stabilize flaky test', head: 'claude/fix-flaky-evidence-test', base: 'main' }
  const open = { ...git, tool: 'github.create_pull_request', capability: 'write', parameters }
  ids.read = await act(git)
  ids.test = await act({ ...shell, tool: 'shell.pytest', capability: 'execute' })
  ids.remove = await act({ ...shell, tool: 'shell.rm', capability: 'delete' })
  ids.ask = await act(open)
  expect(aegis.aegisctl('approve', ids.ask, '--reviewer', 'alice', '--comment', 'looks correct').status).toBe(0)
  ids.open = await act({ ...open, approval_ref: ids.ask })
})
afterAll(async () => {
  await aegis.close()
  await upstream.close()
})

const verify = (...words: string[]) => aegis.aegisctl('evidence', 'verify', ...words)

describe("the story's evidence", () => {
  const told = () => [
    `verifying session ${SESSION}...`,
    `envelope ${ids.read} allow github.get_file_contents`,
    `envelope ${ids.test} allow shell.pytest`,
    `envelope ${ids.remove} block shell.rm`,
    `envelope ${ids.ask} review github.create_pull_request`,
    `envelope ${ids.ask} approve alice (key admin)`,
    `envelope ${ids.open} allow github.create_pull_request`,
    `envelope ${ids.open} result pr/1247`,
    'valid: true, total_entries: 7, audit log integrity verified',
  ]

  it('is exactly seven entries, printed in order while the server runs, and again after it has stopped', async () => {
    expect(Object.values(ids)).toEqual(Array(5).fill(expect.stringMatching(new RegExp(`^${UUID}$`))))
    const running = verify('--session', SESSION)
    expect(running.stderr).toBe('')
    const lines = running.stdout.split('\n')
    expect(lines.slice(0, 9)).toEqual(told())
    expect(lines[9]).toMatch(/^session_manifest_hash: [0-9a-f]{64}$/)
    expect(lines.slice(10)).toEqual([
      expect.stringMatching(/^trust: self-signed \(checkpoint of \d+ entries, key \S+\+[0-9a-f]{8}\)$/),
      'approvals: 1 of 1 not separated from the agent (no proof that a person gave them)',
      '',
    ])
    expect([running.status, running.stderr]).toEqual([0, ''])
    expect(upstream.calls.map(({ name }) => name)).toEqual(['create_pull_request'])
    expect(await aegis.stop()).toBe(0)
    expect(verify('--session', SESSION)).toMatchObject({ status: 0, stdout: running.stdout })
  })

  it('is one file that verifies to the same manifest without store or server', () => {
    const exported = aegis.aegisctl('evidence', 'export', '--session', SESSION, '--out', 'evidence.json')
    expect(exported.status).toBe(0)
    const bundle = join(aegis.folder, 'evidence.json')
    const alone = mkdtempSync(join(tmpdir(), 'aegis-auditor-'))
    copyFileSync(bundle, join(alone, 'evidence.json'))
    const checked = verify('--bundle', join(alone, 'evidence.json'))
    expect(checked.stdout.split('\n').slice(0, 9)).toEqual(told())
    const hash = /session_manifest_hash: (\w{64})/.exec(exported.stdout)?.[1]
    expect(checked.stdout).toContain(`session_manifest_hash: ${hash}\n`)
    expect(verify('--session', SESSION).stdout).toContain(`session_manifest_hash: ${hash}\n`)
    expect(checked.status).toBe(0)
    const text = readFileSync(bundle, 'utf8')
    writeFileSync(join(alone, 'evidence.json'), text.replace('shell.rm', 'shell.ls'))
    const forged = verify('--bundle', join(alone, 'evidence.json'))
    expect(forged.stdout).toMatch(/^valid: false\nbroken_link: seq 2 -> 3 \(entry 4\) ALTERED_BODY$/m)
    expect(forged.status).toBe(1)
    rmSync(alone, { recursive: true })
  })
})

/** One byte of one column of one stored entry becomes another. Numbers become other numbers. */
interface Change {
  readonly n: number
  readonly column: (typeof COLUMNS)[number]
  /** Position of the byte, modulo the length. */
  readonly at: number
  /** Not 0. */
  readonly xor: number
}

const COLUMNS = ['n', 'eid', 'session', 'seq', 'kind', 'env', 'ts', 'hash', 'prev', 'body'] as const
const ENTRIES = [2, 3, 4, 5, 6, 7, 8] as const

function apply(file: string, { n, column, at, xor }: Change): void {
  let changed = `${column} + ${100 + xor}`
  if (column !== 'n' && column !== 'seq') {
    const [[hex = ''] = []] = sqlite(file, `SELECT hex(${column}) FROM ledger_entry WHERE n = ${n};`)
    const bytes = Buffer.from(hex, 'hex')
    const place = at % bytes.length
    bytes[place] = (bytes[place] ?? 0) ^ xor
    const literal = `x'${bytes.toString('hex')}'`
    changed = column === 'body' ? literal : `CAST(${literal} AS TEXT)`
  }
  sqlite(file, `${DISARM} UPDATE ledger_entry SET ${column} = ${changed} WHERE n = ${n};`)
}

describe('after one byte of a stored entry was changed with the SQLite shell', () => {
  let copy: string
  beforeAll(async () => {
    await aegis.stop()
    copy = join(aegis.folder, 'tampered.db')
  })

  /** What `verify` says of a copy with that change in it. */
  function refuted(change: Change): void {
    rmSync(`${copy}-shm`, { force: true })
    for (const suffix of ['', '-wal']) {
      rmSync(copy + suffix, { force: true })
      if (existsSync(aegis.store + suffix)) copyFileSync(aegis.store + suffix, copy + suffix)
    }
    apply(copy, change)
    const { status, stdout } = verify('--session', SESSION, '--store', copy)
    const label = JSON.stringify(change)
    expect(stdout, label).toMatch(/^valid: false$/m)
    expect(stdout, label).toMatch(/^broken_link: seq (start|\d+) -> (\d+|head|manifest)( \(entry \d+\))? [A-Z_]+$/m)
    expect(stdout, label).not.toContain('valid: true')
    expect(status, label).toBe(1)
  }

  it.each(COLUMNS)('verify says so: %s', (column) => refuted({ n: 4, column, at: 0, xor: 1 }))

  it.each([
    ['the first byte of the first body', { n: 2, at: 0 }],
    ['the last byte of the first body', { n: 2, at: -1 }],
    ['the first byte of the last body', { n: 8, at: 0 }],
    ['the last byte of the last body', { n: 8, at: -1 }],
  ])('verify says so: %s', (_, { n, at }) => {
    const [[length = '0'] = []] = sqlite(aegis.store, `SELECT length(body) FROM ledger_entry WHERE n = ${n};`)
    refuted({ n, column: 'body', at: at + Number(length), xor: 0x20 })
  })

  it('verify says so wherever the byte is and whatever it becomes', () => {
    const change = fc.record({
      n: fc.constantFrom(...ENTRIES),
      // Most bytes are bodies; so are most of the changes.
      column: fc.oneof(fc.constant('body' as const), fc.constantFrom(...COLUMNS)),
      at: fc.nat(4000),
      xor: fc.integer({ min: 1, max: 255 }),
    })
    fc.assert(fc.property(change, refuted), { numRuns: 40, endOnFailure: true })
  }, 120_000)
})
