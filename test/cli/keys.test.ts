import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { adminEndpoint } from '../../src/cli/client.ts'
import { processContext } from '../../src/cli/context.ts'
import { expiringKeys } from '../../src/cli/doctor/expiring-keys.ts'
import { main } from '../../src/cli/main.ts'
import { captured } from '../support/captured.ts'
import { ADMIN_KEY, AGENT_KEY, type Installation, install, secretOf } from '../support/installation.ts'

let aegis: Installation
const before = { ...process.env }

beforeAll(async () => {
  aegis = await install({ keys: { rita: { role: 'reviewer', owner: 'rita' } } })
  process.env['AEGIS_CONFIG_DIR'] = aegis.folder
  process.env['AEGIS_DATA_DIR'] = aegis.folder
})
afterAll(async () => {
  process.env = before
  await aegis.close()
})
beforeEach(() => {
  process.env['AEGIS_ADMIN_URL'] = aegis.urls.admin
  process.env['AEGIS_API_KEY'] = ADMIN_KEY
})

const keys = (...words: string[]) => captured(() => main('aegisctl', ['keys', ...words]))
const whoami = (key: string) => aegis.get('/admin/v1/whoami', key)

it('makes a key whose secret stands alone on stdout, once, and lists it with its end and last use', async () => {
  const made = await keys('create', '--role', 'reviewer', '--name', 'alice', '--owner', 'alice', '--expires', '90d')
  const secret = made.out.trim()
  expect(made.out).toMatch(/^aegis_reviewer_[A-Za-z0-9_-]{43}\n$/)
  expect(made.err).toMatch(
    /^key key_[0-9a-f]{16} \(reviewer, owner alice, expires 20\S+\); its secret is shown this once/,
  )
  expect(made.err).toMatch(/or log in with it at the admin address\.\n$/)
  expect(made.err).not.toContain(secret)
  const listed = await keys('list')
  expect(listed.out).toMatch(/alice +reviewer +alice +alice +aegis_reviewer_.{4} +never +20\S+Z\n/)
  expect(listed.out).not.toContain(secret)
  await whoami(secret)
  expect((await keys('list')).out).toMatch(/alice +reviewer +alice +alice +aegis_reviewer_.{4} +20\S+Z +20\S+Z\n/)
  const [row] = JSON.parse((await keys('list', '--json')).out)
  expect(row).toMatchObject({ name: 'claude-code', role: 'agent', state: 'active', room: null })
})

it('says whose self a key is, and asks before it becomes that of somebody else’s agent', async () => {
  const helper = (await keys('create', '--role', 'agent', '--name', 'helper')).err
  expect(helper).toContain('owner agent:helper, acts for dana')
  expect(helper).not.toContain('log in')
  const again = ['create', '--role', 'agent', '--name', 'helper', '--sponsor', 'bob']
  expect(await keys(...again)).toMatchObject({ exit: 1, out: '', err: expect.stringContaining('--share-owner') })
  expect(await keys(...again, '--share-owner')).toMatchObject({ exit: 0 })
})

it('shows the keys of rooms with their repository', async () => {
  await captured(() => main('aegisctl', ['rooms', 'create', 'acme/site']))
  await captured(() => main('aegisctl', ['rooms', 'key', 'create', 'acme/site', '--role', 'ADMIN', '--name', 'ci']))
  expect((await keys('list')).out).toMatch(/ci +agent +agent:ci +dana +acme\/site ADMIN +aegis_agent_/)
})

it('rotates by name or id: the new secret on stdout, the end of the old one beside it', async () => {
  const first = (await keys('create', '--role', 'viewer', '--name', 'screen')).out.trim()
  const rotated = await keys('rotate', 'screen', '--overlap', '24h')
  expect(rotated).toMatchObject({ exit: 0, err: expect.stringMatching(/\nthe old one, key_\S+: 20\S+Z\n$/) })
  for (const secret of [first, rotated.out.trim()]) expect((await whoami(secret)).status).toBe(200)
  expect(await keys('rotate', 'screen')).toMatchObject({
    exit: 1,
    err: expect.stringContaining('2 keys have this name'),
  })
  const { principal } = (await whoami(first)).body
  expect((await keys('rotate', principal)).err).toMatch(/the old one, key_\S+: expired 20/)
  expect((await keys('rotate', 'nothing')).exit).toBe(2)
})

it('revokes, and keeps the last administrator', async () => {
  const secret = (await keys('create', '--role', 'viewer', '--name', 'gone')).out.trim()
  expect((await keys('revoke', 'gone')).out).toMatch(/^revoked: key_/)
  expect((await whoami(secret)).status).toBe(401)
  expect((await keys('list')).out).toMatch(/gone .* revoked 20/)
  expect(await keys('revoke', 'admin')).toMatchObject({
    exit: 1,
    err: expect.stringContaining('the last admin key that does not expire'),
  })
})

it.each([
  [['create', '--role', 'boss', '--name', 'k'], 'role'],
  [['create', '--role', 'viewer', '--name', 'k', '--expires', '31.12.2027'], '90d, 2027-01-31'],
  [['rotate', 'admin', '--overlap', '90d'], 'at most 30 days'],
  [['create', '--name', 'k'], '--role'],
])('says what is wrong with %j', async (words, message) => {
  expect(await keys(...words)).toMatchObject({ exit: 2, out: '', err: expect.stringContaining(message) })
})

it('is for administrators, and tells an expired key from an unknown one', async () => {
  process.env['AEGIS_API_KEY'] = secretOf('rita')
  expect(await keys('list')).toMatchObject({ exit: 1, err: expect.stringContaining('role admin') })
  process.env['AEGIS_API_KEY'] = ADMIN_KEY
  const old = (await keys('create', '--role', 'viewer', '--name', 'brief')).out.trim()
  await keys('rotate', 'brief')
  process.env['AEGIS_API_KEY'] = old
  expect(await keys('list')).toMatchObject({ exit: 3, err: expect.stringContaining('has expired, at 20') })
  process.env['AEGIS_API_KEY'] = 'nobody-knows-this'
  expect(await keys('list')).toMatchObject({ exit: 3, err: expect.stringContaining('does not know this key') })
})

it('the doctor warns of keys that end within two weeks and have no successor', async () => {
  const admin = { socket: null, url: aegis.urls.admin, key: ADMIN_KEY }
  expect(await expiringKeys(admin, Date.now())).toMatchObject({ state: 'ok' })
  await keys('create', '--role', 'agent', '--name', 'nightly', '--expires', '20d')
  expect(await expiringKeys(admin, Date.now())).toMatchObject({ state: 'ok' })
  const warned = await expiringKeys(admin, Date.now() + 7 * 86_400_000)
  expect(warned).toMatchObject({ state: 'warn', detail: expect.stringMatching(/^nightly \(key_\S+\) expires 20\S+Z$/) })
  await keys('rotate', 'nightly', '--overlap', '24h', '--expires', '90d')
  expect(await expiringKeys(admin, Date.now() + 7 * 86_400_000)).toMatchObject({ state: 'ok' })
  expect(await expiringKeys({ ...admin, key: secretOf('rita') }, Date.now())).toBeNull()
})

it('puts the new secret where the installation reads it, so that rotating the key one works with locks nobody out', async () => {
  const { clientFile, agentFile } = aegis.config.places
  const admin = { admin_url: aegis.urls.admin, socket: aegis.urls.socket, admin_key: ADMIN_KEY }
  writeFileSync(clientFile, JSON.stringify(admin), { mode: 0o644 })
  writeFileSync(agentFile, JSON.stringify({ url: aegis.urls.mcp, agent_key: AGENT_KEY }))
  const kept = (file: string) => JSON.parse(readFileSync(file, 'utf8'))

  // A stored key is never tried at an address of the environment.
  const elsewhere = await keys('rotate', 'claude-code', '--overlap', '1h')
  expect(elsewhere.err).not.toContain('holds the new secret')
  expect(kept(agentFile).agent_key).toBe(AGENT_KEY)

  process.env['AEGIS_ADMIN_URL'] = ''
  process.env['AEGIS_API_KEY'] = ''
  const rotated = await keys('rotate', 'admin')
  expect(rotated.err).toContain(`${clientFile} holds the new secret`)
  expect(kept(clientFile)).toEqual({ ...admin, admin_key: rotated.out.trim() })
  expect(statSync(clientFile).mode & 0o777).toBe(0o600)
  expect(adminEndpoint(processContext()).key).toBe(rotated.out.trim())
  const { principal } = (await whoami(AGENT_KEY)).body
  const agent = await keys('rotate', principal)
  expect(kept(agentFile).agent_key).toBe(agent.out.trim())
  expect((await keys('list')).exit).toBe(0)
})
