import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_KEY, AGENT_KEY, type Installation, install, secretOf } from '../support/installation.ts'

const PEOPLE = {
  olga: { role: 'reviewer', owner: 'olga' },
  adam: { role: 'reviewer', owner: 'adam' },
  dora: { role: 'reviewer', owner: 'dora' },
  stranger: { role: 'reviewer', owner: 'stranger' },
  watcher: { role: 'viewer', owner: 'olga' },
  helper: { role: 'agent', owner: 'olga' },
} as const

let aegis: Installation
let roomKey = ''
const keyOf = (who: Who) =>
  who === 'administrator'
    ? ADMIN_KEY
    : who === 'agent'
      ? AGENT_KEY
      : who === 'room key'
        ? roomKey
        : secretOf(who === 'nobody' ? 'no such key' : who)

const WHO = [
  'administrator',
  ...(Object.keys(PEOPLE) as (keyof typeof PEOPLE)[]),
  'agent',
  'room key',
  'nobody',
] as const
type Who = (typeof WHO)[number]

beforeAll(async () => {
  aegis = await install({ keys: PEOPLE })
  const members = [
    ['adam', 'ADMIN'],
    ['dora', 'DEVELOPER'],
  ]
  await post('/admin/v1/rooms', { repository: 'acme/own', id: 'own', owner: 'olga' })
  await post('/admin/v1/rooms', { repository: 'acme/other', id: 'other', owner: 'somebody' })
  for (const [member, role] of members) await post('/admin/v1/rooms/own/members', { member, role })
  roomKey = (await post('/admin/v1/rooms/own/keys', { name: 'claude', role: 'OWNER' })).body.secret
})
afterAll(() => aegis.close())

const post = (path: string, body: unknown, who: Who = 'administrator') => aegis.post(path, body, keyOf(who))

/** A request as everybody is to be refused it or not; bodies change nothing that a later row rests on. */
const ROUTES: Readonly<Record<string, { path: string; body: object | null; may: readonly Who[] }>> = {
  list: { path: '', body: null, may: ['administrator', 'olga', 'adam', 'dora', 'stranger', 'watcher'] },
  show: { path: '/ROOM', body: null, may: ['administrator', 'olga', 'adam', 'dora', 'stranger', 'watcher'] },
  keys: { path: '/ROOM/keys', body: null, may: ['administrator', 'olga', 'adam', 'dora', 'stranger', 'watcher'] },
  report: { path: '/ROOM/report', body: null, may: ['administrator', 'olga', 'adam', 'dora', 'stranger', 'watcher'] },
  mode: { path: '/ROOM/mode', body: { mode: 'enforce' }, may: ['administrator'] },
  permission: { path: '/ROOM/permission', body: { permission: null }, may: ['administrator'] },
  members: { path: '/ROOM/members', body: { member: 'zoe', role: 'DEVELOPER' }, may: ['administrator', 'olga'] },
  'tools of DEVELOPER': {
    ...{ path: '/ROOM/tools', body: { role: 'DEVELOPER', tool: 'push_files', allowed: null } },
    may: ['administrator', 'olga', 'adam'],
  },
  'tools of ADMIN': {
    ...{ path: '/ROOM/tools', body: { role: 'ADMIN', tool: 'push_files', allowed: null } },
    may: ['administrator', 'olga'],
  },
  'tools of OWNER': {
    ...{ path: '/ROOM/tools', body: { role: 'OWNER', tool: 'push_files', allowed: null } },
    may: ['administrator'],
  },
  'key of DEVELOPER': {
    ...{ path: '/ROOM/keys', body: { role: 'DEVELOPER', name: 'k' } },
    may: ['administrator', 'olga', 'adam'],
  },
  'key of OWNER': { path: '/ROOM/keys', body: { role: 'OWNER', name: 'k' }, may: ['administrator', 'olga'] },
}

describe.each(Object.entries(ROUTES))('%s', (_, { path, body, may }) => {
  it.each(WHO)('is for %s as the table says, in the own room and in another', async (who) => {
    for (const room of ['own', 'other']) {
      const reads = body === null
      const at = `/admin/v1/rooms${path.replace('ROOM', room)}`
      const { status } = reads ? await aegis.get(at, keyOf(who)) : await post(at, body, who)
      const allowed = may.includes(who) && (reads || room === 'own' || who === 'administrator')
      expect([room, status < 300, status]).toEqual([room, allowed, allowed ? status : who === 'nobody' ? 401 : 403])
    }
  })
})

describe('what only administrators may', () => {
  it.each(WHO.filter((who) => who !== 'administrator'))('is nothing for %s', async (who) => {
    const refused = who === 'nobody' ? 401 : 403
    expect((await post('/admin/v1/rooms', { repository: 'acme/new' }, who)).status).toBe(refused)
    const answer = await fetch(`${aegis.urls.admin}/admin/v1/rooms/own`, {
      method: 'DELETE',
      headers: { 'x-api-key': keyOf(who) },
    })
    expect(answer.status).toBe(refused)
  })

  it('is to make a key for somebody else: who could, would become independent of their own agent', async () => {
    const body = { name: 'k', role: 'DEVELOPER', sponsor: 'dana' }
    expect(await post('/admin/v1/rooms/own/keys', body, 'olga')).toMatchObject({ status: 403 })
    expect(await post('/admin/v1/rooms/own/keys', { ...body, sponsor: 'olga' }, 'olga')).toMatchObject({ status: 201 })
    expect((await post('/admin/v1/rooms/own/keys', body)).body).toMatchObject({ sponsor: 'dana', role: 'DEVELOPER' })
  })
})

describe('a key of a room', () => {
  it('is revoked by who could have made it, and is not found in another room', async () => {
    const { body } = await post('/admin/v1/rooms/own/keys', { role: 'ADMIN', name: 'k' })
    const revoke = async (room: string, who: Who) => {
      const url = `${aegis.urls.admin}/admin/v1/rooms/${room}/keys/${body.id}`
      return (await fetch(url, { method: 'DELETE', headers: { 'x-api-key': keyOf(who) } })).status
    }
    expect(await revoke('other', 'administrator')).toBe(404)
    expect(await revoke('own', 'adam')).toBe(403)
    expect((await aegis.get('/admin/v1/whoami', body.secret)).status).toBe(200)
    expect(await revoke('own', 'olga')).toBe(200)
    expect((await aegis.get('/admin/v1/whoami', body.secret)).status).toBe(401)
    expect(await revoke('own', 'olga')).toBe(409)
  })

  it('shows its secret where it is made and nowhere else', async () => {
    const { body } = await post('/admin/v1/rooms/own/keys', { role: 'DEVELOPER', name: 'k' })
    const { body: list } = await aegis.get('/admin/v1/rooms/own/keys', ADMIN_KEY)
    expect(JSON.stringify(list)).not.toContain(body.secret)
    expect(JSON.stringify(list)).not.toContain('hash')
  })
})

describe('a body', () => {
  it.each([
    ['mode', { mode: 'Enforce' }, 'mode'],
    ['mode', { mode: ['enforce'] }, 'mode'],
    ['mode', {}, 'mode'],
    ['mode', { mode: 'warn', shadow: true }, 'shadow'],
    ['mode', [], undefined],
    ['mode', { mode: 'warn', version: '1' }, 'version'],
    ['permission', { permission: { read: 'allow' } }, 'permission.write'],
    ['permission', { permission: { read: 'hold', write: 'allow' } }, 'permission'],
    ['permission', { permission: 'TF' }, undefined],
    ['members', { member: 'zoe' }, 'role'],
    ['members', { member: 'zoe', role: 'developer' }, 'role'],
    ['members', { member: 'zo\u202ee', role: 'ADMIN' }, 'member'],
    ['members', { member: { toString: 'zoe' }, role: 'ADMIN' }, 'member'],
    ['members', '{"member":"a","member":"b","role":"ADMIN"}', undefined],
    ['tools', { role: 'DEVELOPER', tool: 'push_files' }, 'allowed'],
    ['tools', { role: 'DEVELOPER', tool: 'push_files', allowed: 'false' }, 'allowed'],
    ['tools', { role: '__proto__', tool: 'push_files', allowed: false }, 'role'],
    ['tools', { role: 'DEVELOPER', tool: '__proto__', allowed: false }, 'tool'],
    ['keys', { role: 'DEVELOPER', name: '' }, 'name'],
    ['keys', { role: 'DEVELOPER', name: 'x'.repeat(59) }, 'name'],
    ['keys', { role: 'DEVELOPER', name: 'a\nb' }, 'name'],
    ['keys', { role: 'DEVELOPER', name: 'k', owner: 'somebody' }, 'owner'],
    ['keys', { role: 'DEVELOPER', name: 'k', secret: 'chosen-secret-1' }, 'secret'],
  ])('for %s that is %j is refused, naming the member', async (route, body, path) => {
    const answer = await post(`/admin/v1/rooms/own/${route}`, body)
    expect(answer.status).toBe(400)
    expect(answer.body.error.path).toBe(path)
  })

  it('may name the version it is for: one that is gone is a conflict', async () => {
    const { body } = await aegis.get('/admin/v1/rooms/acme%2FOwn', ADMIN_KEY)
    const both = await Promise.all(
      ['warn', 'observe'].map((mode) => post('/admin/v1/rooms/own/mode', { mode, version: body.version })),
    )
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409])
    await post('/admin/v1/rooms/own/mode', { mode: 'enforce' })
  })

  it.each([
    'nothing',
    'acme%2Fnothing',
    '..%2F..',
    '__proto__',
    '%00',
    'own%2F',
  ])('for the room %s finds none', async (room) => {
    const { status } = await post(`/admin/v1/rooms/${room}/mode`, { mode: 'warn' })
    expect([400, 404]).toContain(status)
  })
})

it('gives no room an id whose keys are still in force', async () => {
  await post('/admin/v1/rooms', { repository: 'acme/gone', id: 'gone' })
  const { body } = await post('/admin/v1/rooms/gone/keys', { role: 'OWNER', name: 'k' })
  const del = { method: 'DELETE', headers: { 'x-api-key': ADMIN_KEY } }
  await fetch(`${aegis.urls.admin}/admin/v1/rooms/acme%2Fgone`, del)
  expect((await aegis.get('/admin/v1/whoami', body.secret)).status).toBe(401)
  expect((await post('/admin/v1/rooms', { repository: 'acme/gone', id: 'gone' })).status).toBe(201)
  expect((await post('/admin/v1/rooms', { repository: 'acme/own2', id: 'own' })).status).toBe(409)
})
