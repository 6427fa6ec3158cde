import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_KEY, AGENT_KEY, type Installation, install, secretOf } from '../support/installation.ts'

let aegis: Installation
let roomKey = ''

beforeAll(async () => {
  aegis = await install({
    keys: {
      rita: { role: 'reviewer', owner: 'rita' },
      vera: { role: 'viewer', owner: 'vera' },
      adam: { role: 'admin', owner: 'adam' },
    },
  })
  await post('/admin/v1/rooms', { repository: 'acme/site', id: 'site' })
  roomKey = (await post('/admin/v1/rooms/site/keys', { name: 'claude', role: 'OWNER' })).body.secret
})
afterAll(() => aegis.close())

const KEYS = '/admin/v1/keys'
const post = (path: string, body: unknown, key = ADMIN_KEY) => aegis.post(path, body, key)
const make = async (more: object = {}) => (await post(KEYS, { role: 'reviewer', name: 'k', ...more })).body
const whoami = (key: string) => aegis.get('/admin/v1/whoami', key)
const listed = async (id: string) => {
  const { body } = await aegis.get(KEYS, ADMIN_KEY)
  return body.keys.find((key: { id: string }) => key.id === id)
}
const remove = (id: string, key = ADMIN_KEY) =>
  fetch(`${aegis.urls.admin}${KEYS}/${id}`, { method: 'DELETE', headers: { 'x-api-key': key } })
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString()

describe('keys are for administrators alone', () => {
  it.each([
    ['an agent', () => AGENT_KEY, 403],
    ['a room key of its owner', () => roomKey, 403],
    ['a viewer', () => secretOf('vera'), 403],
    ['a reviewer', () => secretOf('rita'), 403],
    ['nobody', () => 'no-such-key', 401],
  ])('and not for %s', async (_, key, status) => {
    const { id } = await make()
    expect((await aegis.get(KEYS, key())).status).toBe(status)
    expect((await post(KEYS, { role: 'agent', name: 'k' }, key())).status).toBe(status)
    expect((await post(`${KEYS}/${id}/rotate`, {}, key())).status).toBe(status)
    expect((await remove(id, key())).status).toBe(status)
    expect((await listed(id)).state).toBe('active')
  })
})

describe('a key', () => {
  it('shows its secret in one answer, which no cache keeps, and in nothing else', async () => {
    const answer = await fetch(aegis.urls.admin + KEYS, {
      method: 'POST',
      headers: { 'x-api-key': ADMIN_KEY, 'content-type': 'application/json' },
      body: JSON.stringify({ role: 'viewer', name: 'screen' }),
    })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const { secret, id, prefix } = JSON.parse(await answer.text())
    expect(secret).toMatch(/^aegis_viewer_[A-Za-z0-9_-]{43}$/)
    expect(secret.startsWith(prefix)).toBe(true)
    const list = await aegis.get(KEYS, ADMIN_KEY)
    expect(JSON.stringify(list.body)).not.toContain(secret.slice(prefix.length))
    expect(JSON.stringify(list.body)).not.toContain('hash')
    expect((await whoami(secret)).body).toMatchObject({ principal: id, name: 'screen', role: 'viewer' })
    expect((await listed(id)).last_used_at).not.toBeNull()
  })

  it('of a person is its maker’s own self unless an owner is named; that of an agent acts for its maker', async () => {
    expect(await make({ name: 'phone' })).toMatchObject({ owner: 'dana', sponsor: 'dana' })
    expect(await make({ name: 'alice', owner: 'alice' })).toMatchObject({ owner: 'alice', sponsor: 'alice' })
    expect(await make({ name: 'bot', role: 'agent' })).toMatchObject({ owner: 'agent:bot', sponsor: 'dana' })
    expect(await make({ name: 'aid', role: 'agent', sponsor: 'alice' })).toMatchObject({ sponsor: 'alice' })
  })

  it('takes the owner of an agent or a person of somebody else only where that is said', async () => {
    await make({ name: 'own', role: 'agent', sponsor: 'bob' })
    for (const body of [
      { name: 'own', role: 'agent' },
      { name: 'x', role: 'reviewer', owner: 'agent:own' },
      { name: 'x', role: 'agent', owner: 'rita' },
    ]) {
      const refused = await post(KEYS, body)
      expect(refused).toMatchObject({ status: 409, body: { error: { path: 'owner' } } })
      expect((await post(KEYS, { ...body, share_owner: true })).status).toBe(201)
    }
    expect((await post(KEYS, { name: 'own', role: 'agent', sponsor: 'bob' })).status).toBe(201)
    expect((await post(KEYS, { name: 'rita-2', role: 'viewer', owner: 'rita' })).status).toBe(201)
  })

  it.each([
    [{ role: 'owner' }, 'role'],
    [{ role: undefined }, 'role'],
    [{ name: '' }, 'name'],
    [{ name: 7 }, 'name'],
    [{ name: 'a\nb' }, 'name'],
    [{ name: 'al\u202eice' }, 'name'],
    [{ role: 'agent', name: 'x'.repeat(59) }, 'name'],
    [{ owner: '\u0000' }, 'owner'],
    [{ role: 'agent', name: 'new', sponsor: 'x'.repeat(65) }, 'sponsor'],
    [{ secret: 'chosen-secret-1' }, 'secret'],
    [{ room: 'site' }, 'room'],
    [{ share_owner: 'yes' }, 'share_owner'],
    [{ expires: '90' }, 'expires'],
    [{ expires: 90 }, 'expires'],
    [{ expires: '-1d' }, 'expires'],
    [{ expires: '0d' }, 'expires'],
    [{ expires: '999999d' }, 'expires'],
    [{ expires: '2020-01-01' }, 'expires'],
    [{ expires: '2031-02-31' }, 'expires'],
    [{ expires: '2031-01-01T25:00:00Z' }, 'expires'],
    [{ expires: '2031-01-01T12:00:00' }, 'expires'],
    [{ expires: 'tomorrow' }, 'expires'],
  ])('is not made from %j', async (more, path) => {
    const answer = await post(KEYS, { role: 'reviewer', name: 'k', ...more })
    expect(answer).toMatchObject({ status: 400, body: { error: { path } } })
  })

  it('expires after a duration, at a date or a time, or never', async () => {
    const { created_at, expires_at } = await make({ expires: '90d' })
    expect(Date.parse(expires_at) - Date.parse(created_at)).toBeCloseTo(90 * 86_400_000, -4)
    expect((await make({ expires: '2031-01-31' })).expires_at).toBe('2031-01-31T00:00:00.000Z')
    expect((await make({ expires: '2031-01-31T14:00:00+02:00' })).expires_at).toBe('2031-01-31T12:00:00.000Z')
    for (const expires of ['never', null]) expect((await make({ expires })).expires_at).toBeNull()
  })

  it('that has expired is 401 at every door, and says why to who has it', async () => {
    const { id, secret } = await make({ role: 'agent', name: 'brief', expires: inMs(400) })
    expect((await whoami(secret)).status).toBe(200)
    await expect.poll(async () => (await listed(id)).state).toBe('expired')
    expect(await whoami(secret)).toMatchObject({
      status: 401,
      body: { error: { message: expect.stringContaining('has expired, at 20') } },
    })
    const mcp = await fetch(`${aegis.urls.mcp}/mcp`, {
      method: 'POST',
      headers: {
        'x-agent-key': secret,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    })
    expect(mcp.status).toBe(401)
    expect(await mcp.text()).toContain('has expired')
    expect((await whoami(`${secret}x`)).body.error.message).toBe('a valid key is needed')
  })

  it('of a room is listed with its room, and rotated within it', async () => {
    const { body } = await whoami(roomKey)
    expect(await listed(body.principal)).toMatchObject({
      ...{ name: 'claude', role: 'agent', state: 'active' },
      room: { id: 'site', role: 'OWNER', repository: 'acme/site' },
    })
    const rotated = await post(`${KEYS}/${body.principal}/rotate`, {})
    expect(rotated.body.room).toEqual({ id: 'site', role: 'OWNER', repository: 'acme/site' })
    const { keys } = (await aegis.get('/admin/v1/rooms/site/keys', ADMIN_KEY)).body
    expect(keys.map(({ state }: { state: string }) => state)).toEqual(['expired', 'active'])
    roomKey = rotated.body.secret
  })

  it('is rotated with an overlap in which both secrets are good, or with none', async () => {
    const first = await make({ owner: 'rita', expires: '90d' })
    const second = await post(`${KEYS}/${first.id}/rotate`, { overlap: '24h' })
    expect(second).toMatchObject({
      status: 201,
      body: { name: 'k', role: 'reviewer', owner: 'rita', state: 'active', replaced: { id: first.id } },
    })
    for (const secret of [first.secret, second.body.secret]) expect((await whoami(secret)).status).toBe(200)
    expect(second.body.replaced).not.toHaveProperty('secret')
    const third = await post(`${KEYS}/${second.body.id}/rotate`, { expires: 'never' })
    expect(third.body.expires_at).toBeNull()
    expect((await whoami(second.body.secret)).body.error.message).toContain('has expired')
    expect((await whoami(third.body.secret)).body.owner).toBe('rita')
  })

  it.each([
    { overlap: '31d' },
    { overlap: 24 },
    { overlap: '-1h' },
    { expires: '2020-01-01' },
    { role: 'admin' },
  ])('is not rotated as %j says', async (body) => {
    const { id } = await make()
    expect((await post(`${KEYS}/${id}/rotate`, body)).status).toBe(400)
    expect((await listed(id)).state).toBe('active')
  })

  it('is revoked at once, and once', async () => {
    const { id, secret } = await make()
    expect((await remove(id)).status).toBe(200)
    expect((await whoami(secret)).body.error.message).toBe('a valid key is needed')
    expect((await remove(id)).status).toBe(409)
    expect((await post(`${KEYS}/${id}/rotate`, {})).status).toBe(409)
    for (const unknown of ['key_none', '__proto__', '%00']) expect((await remove(unknown)).status).toBe(404)
  })
})

it('one administrator always stays: the last key without an end is neither revoked nor made to expire', async () => {
  const id = (await whoami(ADMIN_KEY)).body.principal
  const adam = (await whoami(secretOf('adam'))).body.principal
  expect((await remove(adam)).status).toBe(200)
  await make({ role: 'admin', name: 'for a while', expires: '1d' })
  const refused = await remove(id)
  expect(refused.status).toBe(409)
  expect(await refused.text()).toContain('the last admin key that does not expire')
  expect((await post(`${KEYS}/${id}/rotate`, { expires: '90d' })).status).toBe(409)
  expect((await whoami(ADMIN_KEY)).status).toBe(200)
  const rotated = await post(`${KEYS}/${id}/rotate`, {})
  expect((await aegis.get(KEYS, rotated.body.secret)).status).toBe(200)
  expect((await whoami(ADMIN_KEY)).status).toBe(401)
})
