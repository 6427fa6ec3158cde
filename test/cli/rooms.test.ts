import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { captured } from '../support/captured.ts'
import { ADMIN_KEY, AGENT_KEY, type Installation, install, secretOf } from '../support/installation.ts'

let aegis: Installation
const before = { ...process.env }

beforeAll(async () => {
  aegis = await install({
    keys: { olga: { role: 'reviewer', owner: 'olga' }, adam: { role: 'reviewer', owner: 'adam' } },
  })
  process.env['AEGIS_CONFIG_DIR'] = aegis.folder
  process.env['AEGIS_DATA_DIR'] = aegis.folder
  process.env['AEGIS_ADMIN_URL'] = aegis.urls.admin
})

afterAll(async () => {
  process.env = before
  await aegis.close()
})

beforeEach(() => as(ADMIN_KEY))

function as(key: string): void {
  process.env['AEGIS_API_KEY'] = key
}

const rooms = (...words: string[]) => captured(() => main('aegisctl', ['rooms', ...words]))

it('makes a room, shows it, lists it and takes it away with its keys', async () => {
  const made = await rooms('create', 'acme/site', '--owner', 'olga', '--mode', 'observe')
  expect(made).toMatchObject({ exit: 0, err: '' })
  expect(made.out).toMatch(/^made: room_[0-9a-f]{16}\nrepository +acme\/site\n/)
  expect(made.out).toContain('members\n  OWNER      olga\n')
  expect((await rooms('list')).out).toMatch(/acme\/site +room_[0-9a-f]{16} +observe +the policy's default +1 /)
  expect(JSON.parse((await rooms('show', 'ACME/site', '--json')).out)).toMatchObject({
    repository: 'acme/site',
    members: [{ member: 'olga', role: 'OWNER' }],
    version: 1,
  })
  await rooms('key', 'create', 'acme/site', '--role', 'developer', '--name', 'claude')
  expect((await rooms('remove', 'acme/site')).out).toBe('removed; keys revoked: 1\n')
  expect(await rooms('show', 'acme/site')).toMatchObject({ exit: 2, err: expect.stringContaining('rooms list') })
})

it('sets mode, permission, members and tools, and says what is not understood', async () => {
  await rooms('create', 'acme/api')
  expect((await rooms('mode', 'acme/api', 'warn')).out).toBe('mode: warn\n')
  expect(await rooms('mode', 'acme/api', 'enforced')).toMatchObject({
    exit: 2,
    err: expect.stringContaining('did you mean `enforce`?'),
  })
  expect(await rooms('permission', 'acme/api', '--read', 'allow')).toMatchObject({
    exit: 2,
    err: expect.stringContaining('give both'),
  })
  expect((await rooms('permission', 'acme/api', '--read', 'allow', '--write', 'hold')).out).toBe(
    'read/write: allow/hold\n',
  )
  expect((await rooms('permission', 'acme/api', '--write', 'deny')).out).toBe('read/write: allow/deny\n')
  expect(await rooms('permission', 'acme/api', '--read', 'deny', '--write', 'allow')).toMatchObject({ exit: 2 })
  expect((await rooms('permission', 'acme/api', '--none')).out).toBe("read/write: the policy's default\n")

  expect((await rooms('deny', 'acme/api', 'push_files', '--role', 'developer')).out).toBe(
    'DEVELOPER\n  deny  github.push_files\n',
  )
  expect((await rooms('allow', 'acme/api', 'issue_read:get_comments', '--role', 'DEVELOPER')).out).toContain(
    '  allow github.issue_read:get_comments\n',
  )
  expect((await rooms('clear', 'acme/api', 'github.push_files', '--role', 'DEVELOPER')).out).not.toContain('push_files')
  expect(await rooms('deny', 'acme/api', 'push_file', '--role', 'DEVELOPER')).toMatchObject({
    exit: 2,
    err: expect.stringContaining('did you mean `push_files`?'),
  })
  expect(await rooms('deny', 'acme/api', 'push_files', '--role', 'BOSS')).toMatchObject({ exit: 2 })

  expect((await rooms('member', 'add', 'acme/api', 'adam', '--role', 'admin')).out).toBe('  ADMIN      adam\n')
  expect(await rooms('member', 'remove', 'acme/api', 'nobody')).toMatchObject({ exit: 2 })
  expect((await rooms('member', 'remove', 'acme/api', 'adam')).out).toBe('  nobody\n')
})

it('makes keys whose secret stands alone on stdout, once, and lists them with their last use', async () => {
  await rooms('create', 'acme/web')
  const made = await rooms('key', 'create', 'acme/web', '--role', 'DEVELOPER', '--name', 'claude')
  const secret = made.out.trim()
  expect(secret).toMatch(/^aegis_agent_[A-Za-z0-9_-]{43}$/)
  expect(made.err).toContain('shown this once')
  expect(made.err).not.toContain(secret)
  const listed = await rooms('key', 'list', 'acme/web')
  expect(listed.out).toMatch(/key_[0-9a-f]{16} +claude +DEVELOPER +aegis_agent_.{4} +dana +never/)
  expect(listed.out).not.toContain(secret)

  await aegis.get('/admin/v1/whoami', secret)
  expect((await rooms('key', 'list', 'acme/web')).out).toMatch(/claude +DEVELOPER +\S+ +dana +20\d\d-/)

  expect((await rooms('key', 'revoke', 'acme/web', 'claude')).out).toMatch(/^revoked: key_/)
  expect((await aegis.get('/admin/v1/whoami', secret)).status).toBe(401)
  expect(await rooms('key', 'revoke', 'acme/web', 'claude')).toMatchObject({ exit: 2 })
  expect(await rooms('key', 'revoke', 'acme/web', 'key_0000000000000000')).toMatchObject({ exit: 2 })
})

it('lets people do what the room lets them, and agents nothing', async () => {
  await rooms('create', 'acme/docs', '--owner', 'olga')
  as(secretOf('adam'))
  expect(await rooms('member', 'add', 'acme/docs', 'adam', '--role', 'ADMIN')).toMatchObject({
    exit: 1,
    err: expect.stringContaining('this is for an OWNER of the room'),
  })
  as(secretOf('olga'))
  expect(await rooms('member', 'add', 'acme/docs', 'adam', '--role', 'ADMIN')).toMatchObject({ exit: 0 })
  for (const words of [
    ['mode', 'acme/docs', 'warn'],
    ['remove', 'acme/docs'],
  ]) {
    expect(await rooms(...words)).toMatchObject({
      exit: 1,
      err: expect.stringContaining('this is for an administrator'),
    })
  }
  as(AGENT_KEY)
  for (const words of [['list'], ['show', 'acme/docs'], ['mode', 'acme/docs', 'observe'], ['report', 'acme/docs']]) {
    expect(await rooms(...words)).toMatchObject({
      exit: 1,
      err: expect.stringContaining('needs a key with role viewer'),
    })
  }
})

it('reports what a room that only watches would have stopped', async () => {
  await rooms('create', 'acme/shop', '--mode', 'observe')
  await rooms('permission', 'acme/shop', '--read', 'deny', '--write', 'deny')
  const act = (tool: string, parameters: object) =>
    aegis.post('/admin/v1/test-action', { protocol: 'git', tool, target: 'acme/shop', parameters })
  const merge = { owner: 'acme', repo: 'shop', pull_number: 7 }
  const answer = await act('github.merge_pull_request', merge)
  expect(answer).toMatchObject({ status: 200, body: { decision: 'allow' } })
  const report = JSON.parse((await rooms('report', 'acme/shop', '--since', '1h', '--json')).out)
  const [moment] = report.moments
  expect(moment).toMatchObject({ tool: 'github.merge_pull_request', decision: 'allow' })
  expect(report.would[moment.would]).toBe(1)
  expect(report.complete).toBe(true)
  const table = (await rooms('report', 'acme/shop')).out
  expect(table).toContain('acme/shop  observe')
  expect(table).toMatch(/by tool\n {2}github\.merge_pull_request +1 /)
  const csv = (await rooms('report', 'acme/shop', '--format', 'csv')).out.split('\r\n')
  expect(csv[0]).toBe('TIME,WOULD BE,DECISION,TOOL,RISK,AGENT,SESSION,ENVELOPE')
  expect(csv).toHaveLength(3)
  expect((await rooms('report', 'acme/shop', '--since', '2099-01-01')).out).toContain('0 calls')
})
