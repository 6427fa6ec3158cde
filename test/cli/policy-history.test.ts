import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { captured } from '../support/captured.ts'
import { ADMIN_KEY, type Installation, install, secretOf } from '../support/installation.ts'

const policy = (decision: string) => `version: 1
name: team
default_decision: review
rules:
  - { id: tests, tool: shell.pytest, decision: ${decision}, reason: "as the team says" }
  - { tool: shell.rm, decision: block }
`

let aegis: Installation
let folder: string
let file: string
let strict: string
const before = { ...process.env }

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'aegis-history-'))
  file = join(folder, 'team.yaml')
  strict = join(folder, 'strict.yaml')
  writeFileSync(file, policy('allow'))
  writeFileSync(strict, policy('block'))
  writeFileSync(join(folder, 'broken.yaml'), policy('alow'))
  writeFileSync(join(folder, 'empty.json'), '')
  writeFileSync(join(folder, 'other.json'), '{"format":"something"}')
  aegis = await install({ policies: [file], keys: { bob: { role: 'reviewer', owner: 'bob' } } })
  for (const [tool, target] of [
    ['shell.pytest', 'tests'],
    ['shell.rm', '-rf /srv'],
    ['shell.make', 'all'],
  ] as const) {
    await aegis.post('/admin/v1/test-action', { protocol: 'shell', tool, target, session: 'cli' })
  }
})
afterAll(async () => {
  process.env = before
  await aegis.close()
  rmSync(folder, { recursive: true, force: true })
})

const ctl = (...words: string[]) => {
  process.env['AEGIS_CONFIG_DIR'] = aegis.folder
  process.env['AEGIS_DATA_DIR'] = aegis.folder
  process.env['AEGIS_ADMIN_URL'] = aegis.urls.admin
  process.env['AEGIS_API_KEY'] = ADMIN_KEY
  return captured(() => main('aegisctl', words))
}

describe('aegisctl policy history, diff and rollback', () => {
  it('lists what was in force, prints the texts of one, and goes back', async () => {
    writeFileSync(file, policy('review'))
    await expect
      .poll(async () => (await ctl('policy', 'history')).out, { timeout: 5000 })
      .toMatch(/^2 \* +\S+ +reload/m)
    const back = await ctl('policy', 'rollback', '1', '--expected', '2')
    expect([back.exit, back.out]).toEqual([0, 'version 3 is in force: what version 1 says, until the files change\n'])
    expect((await ctl('policy', 'history')).out).toMatch(
      /^3 \* +\S+ +rollback to 1 +admin \(key_\w+\) +team +[0-9a-f]{12}$/m,
    )
    expect((await ctl('policy', 'history', '2')).out).toContain('decision: review, reason: "as the team says"')
    expect((await ctl('policy', 'rollback', '1')).exit).toBe(1)
  })

  it('shows what differs between versions and files, by rule and as text', async () => {
    const { out } = await ctl('policy', 'diff', '1', strict)
    expect(out).toContain('team: changed\n  rule changed: line 5 - { id: tests, tool: shell.pytest, decision: allow')
    const spread = (reason: string) =>
      'version: 1\nname: t\ndefault_decision: review\nrules:\n  - tool: shell.ls\n    decision: block\n    reason: ' +
      reason
    writeFileSync(join(folder, 'one.yaml'), spread('one'))
    writeFileSync(join(folder, 'two.yaml'), spread('two'))
    const further = await ctl('policy', 'diff', join(folder, 'one.yaml'), join(folder, 'two.yaml'))
    expect(further.err).toBe('')
    expect(further.out).toContain('  rule changed: line 5 - tool: shell.ls\n')
    const versions = (await ctl('policy', 'diff', '1', '2')).out
    expect(versions).toContain('-  - { id: tests, tool: shell.pytest, decision: allow, reason: "as the team says" }\n+')
    expect((await ctl('policy', 'diff', '1', '1')).out).toBe('no decision changes by it\n')
    const replayed = (await ctl('policy', 'diff', '1', strict, '--replay')).out
    expect(replayed).toMatch(/^what is recorded, judged by \S+: 3 decisions: 2 stay, 1 would change/m)
  })
})

describe('aegisctl policy replay', () => {
  const bundle = async () => {
    const path = join(folder, 'bundle.json')
    const { body } = await aegis.get('/admin/v1/evidence/sessions/cli/export')
    writeFileSync(path, JSON.stringify(body))
    return path
  }
  const CHANGED = '3 decisions: 2 stay, 1 would change, 0 cannot be told'

  it('counts the same over the server, the store and a bundle', async () => {
    for (const against of [[], ['--against', aegis.config.store], ['--against', await bundle()]]) {
      const { exit, out } = await ctl('policy', 'replay', '--policy', strict, ...against)
      expect([exit, out.split('\n')[0]]).toEqual([0, CHANGED])
      expect(out).toMatch(/^allow +\. +\. +\. +1$/m)
      expect(out).toMatch(/shell\.pytest {2}allow -> block {2}\(\*:shell\.pytest -> \*:shell\.pytest\)/)
    }
  })

  it('ends with 1 where a decision changes and that was asked for, and with 0 where none does', async () => {
    expect((await ctl('policy', 'replay', '--policy', strict, '--fail-on-change')).exit).toBe(1)
    expect((await ctl('policy', 'replay', '--version', '1', '--fail-on-change')).exit).toBe(0)
    const { out } = await ctl('policy', 'replay', '--policy', strict, '--json')
    expect(JSON.parse(out)).toMatchObject({ decisions: 3, changed: 1, matrix: { 'allow>block': 1 } })
  })

  it.each([
    ['a ledger that is not there', () => ['--policy', strict, '--against', join(folder, 'none.db')], 'cannot be read'],
    ['a folder', () => ['--policy', strict, '--against', folder], 'EISDIR'],
    [
      'an empty file',
      () => ['--policy', strict, '--against', join(folder, 'empty.json')],
      'not a whole evidence bundle',
    ],
    [
      'another file',
      () => ['--policy', strict, '--against', join(folder, 'other.json')],
      'not a whole evidence bundle',
    ],
    ['a policy with a mistake', () => ['--policy', join(folder, 'broken.yaml')], 'unknown decision `alow`'],
    ['a policy that is not there', () => ['--policy', './none.yaml'], 'no policy file'],
    ['a version that is not there', () => ['--version', '99'], 'there is no policy version 99'],
    ['a version that is none', () => ['--version', 'last'], '--version is the number'],
    [
      'a version against a file',
      () => ['--version', '1', '--against', aegis.config.store],
      'known to the running server alone',
    ],
  ])('refuses %s, and says why', async (_, words, why) => {
    const { exit, err } = await ctl('policy', 'replay', ...words())
    expect(exit).not.toBe(0)
    expect(err).toContain(why)
  })
})

describe('aegisctl why', () => {
  it('tells in words by which rule of which version, where it stands, and what it would be now', async () => {
    const { body } = await aegis.post('/admin/v1/test-action', {
      protocol: 'shell',
      tool: 'shell.rm',
      target: '-rf /x',
    })
    const { exit, out } = await ctl('why', body.envelope_id)
    expect(exit).toBe(0)
    expect(out).toMatch(/^\S+Z {2}blocked: shell\.rm, by \*:shell\.rm of team$/m)
    expect(out).toMatch(/^ {2}policy version 3$/m)
    expect(out).toMatch(/^ {2}team\.yaml:6\n {4}- \{ tool: shell\.rm, decision: block \}$/m)
    expect(out).toMatch(/^ {2}judged again now: block: /m)
  })

  it('names who settled a review', async () => {
    const action = { protocol: 'shell', tool: 'shell.cargo', target: 'build' }
    const { body } = await aegis.post('/admin/v1/test-action', action)
    await aegis.post(`/admin/v1/approvals/${body.envelope_id}/approve`, { comment: 'fine' }, secretOf('bob'))
    const { out } = await ctl('why', body.envelope_id)
    expect(out).toMatch(/approved: shell\.cargo\n {2}by bob \(key_\w+\) over rest\n {2}comment: fine/)
    expect((await ctl('why', 'nothing')).exit).toBe(2)
  })
})

describe('aegisctl approve and delegate', () => {
  const waiting = async (target: string): Promise<string> => {
    const action = { protocol: 'shell', tool: 'shell.make', target, session: 'many' }
    return (await aegis.post('/admin/v1/test-action', action)).body.envelope_id
  }

  it('approves several at once, and ends with 1 where one could not be', async () => {
    const ids = [await waiting('one'), await waiting('two')]
    const all = await ctl('approve', ...ids, '--comment', 'seen')
    expect(all.exit).toBe(0)
    expect(JSON.parse(all.out).results).toMatchObject([{ status: 'approved' }, { status: 'approved' }])
    expect((await ctl('approve', ...ids, '--comment', 'again')).exit).toBe(1)
    expect((await ctl('approve', ...ids, '--comment', 'again', '--repeat')).exit).toBe(2)
  })

  it('lets another speak, lists it, and takes it back', async () => {
    const given = await ctl('delegate', '--to', 'bob', '--until', '2h')
    const id = /--end (del_[0-9a-f]{16})/.exec(given.out)?.[1] ?? ''
    expect(given.out).toContain('bob speaks in your place until ')
    expect((await ctl('delegations')).out).toMatch(new RegExp(`^${id} +dana +bob +`, 'm'))
    expect((await ctl('delegations', '--end', id)).out).toBe(`${id} has ended\n`)
    expect((await ctl('delegations')).out).not.toContain(id)
  })
})
