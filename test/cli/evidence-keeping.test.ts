import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { captured } from '../support/captured.ts'
import { ADMIN_KEY, AGENT_KEY, type Installation, install } from '../support/installation.ts'

let aegis: Installation
const before = { ...process.env }

beforeAll(async () => {
  aegis = await install()
  process.env['AEGIS_CONFIG_DIR'] = aegis.folder
  process.env['AEGIS_DATA_DIR'] = aegis.folder
  process.env['AEGIS_ADMIN_URL'] = aegis.urls.admin
  process.env['AEGIS_API_KEY'] = ADMIN_KEY
})

afterAll(async () => {
  process.env = before
  await aegis.close()
})

afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

/** The command as typed, with what it printed. The server runs all the while. */
const aegisctl = (...words: string[]) => captured(() => main('aegisctl', ['evidence', ...words]))

const store = () => ['--store', join(aegis.folder, 'aegis.db')]

/** Has the agent read `times` files; gives the numbers of the entries. */
async function reads(session: string, times = 1, parameters: object = {}): Promise<number[]> {
  for (let i = 0; i < times; i += 1) {
    const call = { protocol: 'git', tool: 'github.get_file_contents', capability: 'read', target: 'o/r', parameters }
    await aegis.post('/admin/v1/test-action', { ...call, session, agent: 'claude-code' })
  }
  const { body } = await aegis.get(`/admin/v1/logs?session=${session}&limit=1000`)
  return body.entries.map(({ n }: { n: number }) => n)
}

describe('aegisctl evidence erase', () => {
  it('deletes the value from the store and from exports, and the session still verifies', async () => {
    const [n] = await reads('erased', 1, { path: 'jane-doe-medical-record.pdf' })
    const why = ['--reason', 'personal data', '--authority', 'request 4711']
    const { exit, out } = await aegisctl('erase', '--entry', `${n}`, '--path', 'params', ...why)
    expect(out).toMatch(new RegExp(`^erased params of entry ${n}; recorded as \\d+\n`))
    expect(exit).toBe(0)
    const files = ['aegis.db', 'aegis.db-wal'].map((name) => join(aegis.folder, name)).filter(existsSync)
    expect(files.filter((file) => readFileSync(file).includes('jane-doe'))).toEqual([])
    const verified = await aegisctl('verify', '--session', 'erased', ...store())
    expect(verified.out).toContain('info: ')
    expect(verified.out).toContain('ERASED')
    expect(verified.exit).toBe(0)
    const file = join(aegis.folder, 'erased.json')
    await aegisctl('export', '--session', 'erased', '--out', file, ...store())
    expect(readFileSync(file, 'utf8')).not.toContain('jane-doe')
    expect((await aegisctl('verify', '--bundle', file)).out).toContain('ERASED')
  })

  it('is for administrators', async () => {
    const [n] = await reads('mine')
    const body = { entry: n, paths: ['params'], reason: 'I would rather not' }
    expect((await aegis.post('/admin/v1/evidence/erase', body, AGENT_KEY)).status).toBe(403)
    expect((await aegis.post('/admin/v1/evidence/hold', { session: 'mine', reason: 'x' }, AGENT_KEY)).status).toBe(403)
    expect((await aegis.post('/admin/v1/evidence/close', { session: 'mine' }, AGENT_KEY)).status).toBe(403)
    const prune = { min_index: 256, archive_sha256: 'ab'.repeat(32), root: 'ab'.repeat(32) }
    expect((await aegis.post('/admin/v1/evidence/prune', prune, AGENT_KEY)).status).toBe(403)
  })

  it.each([
    [{ entry: -1, paths: ['params'], reason: 'r' }, 'entry'],
    [{ entry: '1', paths: ['params'], reason: 'r' }, 'entry'],
    [{ entry: 1, paths: 'params', reason: 'r' }, 'paths'],
    [{ entry: 1, paths: [], reason: 'r' }, 'paths'],
    [{ entry: 1, paths: ['body'], reason: 'r' }, 'paths'],
    [{ entry: 1, paths: ['params'] }, 'reason'],
    [{ entry: 1, paths: ['params'], reason: 'r', everywhere: 1 }, 'everywhere'],
    [{ entry: 1, paths: ['params'], reason: 'r', also: 1 }, 'also'],
    [[], undefined],
  ])('refuses %j and names what to mend', async (body, path) => {
    const answer = await aegis.post('/admin/v1/evidence/erase', body, ADMIN_KEY)
    expect(answer.status).toBe(400)
    expect(answer.body.error.path).toBe(path)
  })

  it('refuses words that name no value or no entry before it asks the server', async () => {
    expect((await aegisctl('erase', '--entry', '1', '--path', 'body', '--reason', 'r')).err).toContain(
      'no value `body`',
    )
    expect((await aegisctl('erase', '--entry', 'x', '--path', 'params', '--reason', 'r')).exit).toBe(2)
  })
})

describe('aegisctl evidence hold', () => {
  it('is shown, keeps a session whole, and is lifted', async () => {
    const [n] = await reads('held')
    expect((await aegisctl('hold', '--session', 'held', '--reason', 'case 12')).out).toContain('is under a legal hold')
    expect((await aegisctl('holds')).out).toMatch(/held +\d{4}-.* case 12/)
    const erase = await aegisctl('erase', '--entry', `${n}`, '--path', 'params', '--reason', 'r')
    expect(erase.err).toContain('legal hold')
    expect(erase.exit).toBe(1)
    expect((await aegisctl('unhold', '--session', 'held')).exit).toBe(0)
    expect((await aegisctl('holds', '--json')).out).toBe('[]\n')
    expect((await aegisctl('unhold', '--session', 'held')).exit).not.toBe(0)
  })
})

describe('aegisctl evidence archive and prune', () => {
  const file = () => join(aegis.folder, 'archive.jsonl')
  const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)

  it('says why nothing can be archived, and how to change that', async () => {
    const nothing = await aegisctl('archive', '--before', '2020-01-01', '--out', file(), ...store())
    expect(nothing.err).toContain('no closed session has ended before 2020')
    const idle = await aegisctl('archive', '--before', tomorrow(), '--out', file(), ...store())
    expect(idle.err).toContain('--close-idle')
    expect(existsSync(file())).toBe(false)
    expect((await aegisctl('archive', '--before', 'soon', '--out', file(), ...store())).exit).toBe(2)
  })

  it('archives, prunes, and the archive goes on verifying, as does the log', async () => {
    await reads('bulk', 300)
    const made = await aegisctl('archive', '--before', tomorrow(), '--out', file(), '--close-idle', ...store())
    expect(made.out).toContain('are in it whole')
    const sha256 = /^sha256: ([0-9a-f]{64})$/m.exec(made.out)?.[1]
    expect(statSync(file()).mode & 0o777).toBe(0o600)

    const pruned = await aegisctl('prune', '--archive', file())
    expect(pruned.err).toBe('')
    expect(pruned.out).toContain('deleted 256 entries below 256')
    expect(pruned.out).toContain(sha256)

    const verified = await aegisctl('verify', '--bundle', file())
    expect(verified.out).toContain('session bulk: valid: true')
    expect(verified.exit).toBe(0)
    const one = join(aegis.folder, 'bulk.json')
    await aegisctl('extract', '--archive', file(), '--session', 'bulk', '--out', one)
    const alone = await aegisctl('verify', '--bundle', one)
    expect(alone.out).toContain('total_entries: 300, audit log integrity verified')
    expect(alone.exit).toBe(0)

    await aegis.restart()
    process.env['AEGIS_ADMIN_URL'] = aegis.urls.admin
    await reads('afterwards')
    const after = await aegisctl('verify', '--session', 'afterwards', ...store())
    expect(after.out).toContain('audit log integrity verified')
  })

  it('never writes over an archive, and prunes nothing by one that is damaged or by another log', async () => {
    const over = await aegisctl('archive', '--before', tomorrow(), '--out', file(), '--close-idle', ...store())
    expect(over.err).toContain('EEXIST')
    const damaged = join(aegis.folder, 'damaged.jsonl')
    writeFileSync(damaged, readFileSync(file(), 'utf8').replace('claude-code', 'claude-kode'))
    expect((await aegisctl('prune', '--archive', damaged)).err).toContain('nothing is deleted')
    const verified = await aegisctl('verify', '--bundle', damaged)
    expect(verified.exit).toBe(1)
    expect(verified.out).toContain('valid: false')
    writeFileSync(damaged, readFileSync(file(), 'utf8').slice(0, -100))
    expect((await aegisctl('prune', '--archive', damaged)).err).toContain('not a whole archive')
    expect((await aegisctl('verify', '--bundle', damaged)).exit).toBe(3)
    expect((await aegisctl('prune', '--archive', join(aegis.folder, 'none'))).exit).toBe(2)
  })
})
