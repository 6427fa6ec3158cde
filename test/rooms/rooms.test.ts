import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRooms, type RoomCaller, type RoomChange } from '../../src/rooms/index.ts'
import { systemRandom } from '../support/world.ts'
import { ADAM, ADMIN, AGENT, callOn, OLGA, openWorld, type RoomWorld } from './world.ts'

let world: RoomWorld
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

const NOBODY: RoomCaller = { owner: '', sponsor: '', room: null }
const mode = (mode: 'observe' | 'warn' | 'enforce'): RoomChange => ({ kind: 'mode', mode })
const value = (caller = NOBODY, call = callOn('acme/site')) => {
  const fact = world.rooms.fact(call, caller)
  return fact?.known === true ? fact.value : fact
}

describe('the room of a call', () => {
  it('is no question where there are no rooms at all', () => {
    expect(world.rooms.fact(callOn('acme/site'), NOBODY)).toBeUndefined()
  })

  it('is found by its repository, whatever the case of its letters, and is none for others', async () => {
    const { id } = await world.rooms.create({ repository: 'acme/Site' }, ADMIN)
    expect(id).toMatch(/^room_[0-9a-f]{16}$/)
    expect(value(NOBODY, callOn('ACME/site'))).toMatchObject({ id, confined: false })
    expect(value(NOBODY, callOn('acme/other'))).toBeNull()
    expect(value(NOBODY, callOn(null))).toBeNull()
  })

  it('is unknown, so that a person is asked, where a call touches the repositories of two', async () => {
    await world.rooms.create({ repository: 'acme/site' }, ADMIN)
    await world.rooms.create({ repository: 'acme/api' }, ADMIN)
    expect(world.rooms.fact(callOn('acme/site', 'acme/api'), NOBODY)).toMatchObject({ known: false })
    expect(value(NOBODY, callOn('acme/site', 'ACME/SITE', null))).toMatchObject({ confined: false })
  })

  it.each([
    ['nobody in it', { owner: 'agent:claude', sponsor: 'zoe' }, 'DEVELOPER'],
    ['nobody named', { owner: '', sponsor: '' }, 'DEVELOPER'],
    ['acting for its ADMIN', { owner: 'agent:claude', sponsor: 'adam' }, 'ADMIN'],
    ['owned by its OWNER', { owner: 'olga', sponsor: '' }, 'OWNER'],
    ['owned by a DEVELOPER for an OWNER: the higher counts', { owner: 'dora', sponsor: 'olga' }, 'OWNER'],
    ['of a name that only looks the same', { owner: 'Olga', sponsor: 'olga ' }, 'DEVELOPER'],
  ])('is met by a key of %s', async (_, caller, role) => {
    await world.rooms.create({ repository: 'acme/site', owner: 'olga' }, ADMIN)
    for (const [name, rank] of [
      ['adam', 'ADMIN'],
      ['dora', 'DEVELOPER'],
    ] as const) {
      await world.rooms.change('acme/site', { kind: 'member', name, role: rank }, ADMIN, null)
    }
    expect(value({ ...caller, room: null })).toMatchObject({ role })
  })

  it('of a room key is its own, in the role of its record, wherever it calls and whoever owns it', async () => {
    const { id } = await world.rooms.create({ repository: 'acme/site', owner: 'olga' }, ADMIN)
    await world.rooms.create({ repository: 'acme/api' }, ADMIN)
    const caller = { owner: 'olga', sponsor: 'olga', room: { id, role: 'DEVELOPER' as const } }
    for (const call of [callOn('acme/site'), callOn('acme/api'), callOn('elsewhere/x'), callOn(null)]) {
      expect(value(caller, call)).toMatchObject({ id, role: 'DEVELOPER', confined: true })
    }
  })

  it('of a key that outlived its room confines it to nothing', async () => {
    const { id } = await world.rooms.create({ repository: 'acme/site' }, ADMIN)
    await world.rooms.remove(id, ADMIN)
    const fact = value({ ...NOBODY, room: { id, role: 'OWNER' } })
    expect(fact).toMatchObject({ confined: true, mode: 'enforce', repository: { owner: 'a room that is gone' } })
  })
})

describe('a change', () => {
  it('holds for the next call', async () => {
    await world.rooms.create({ repository: 'acme/site', mode: 'observe' }, ADMIN)
    expect(value()).toMatchObject({ mode: 'observe' })
    await world.rooms.change('acme/site', mode('enforce'), ADMIN, null)
    expect(value()).toMatchObject({ mode: 'enforce' })
    await world.rooms.remove('acme/site', ADMIN)
    expect(world.rooms.fact(callOn('acme/site'), NOBODY)).toBeUndefined()
  })

  it('by another gateway holds after the next look, never before an older look is done', async () => {
    const other = await openRooms({
      store: world.stores.rooms,
      clock: world.clock,
      random: systemRandom,
      log: world.log,
    })
    await other.create({ repository: 'acme/site', mode: 'warn' }, ADMIN)
    expect(value()).toBeUndefined()
    await world.rooms.refresh()
    expect(value()).toMatchObject({ mode: 'warn' })
  })

  it('made for a version that is gone is a conflict, and one of two made at once is', async () => {
    await world.rooms.create({ repository: 'acme/site' }, ADMIN)
    const both = await Promise.allSettled(
      (['observe', 'warn'] as const).map((one) => world.rooms.change('acme/site', mode(one), ADMIN, 1)),
    )
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    await expect(world.rooms.change('acme/site', mode('warn'), ADMIN, 1)).rejects.toMatchObject({
      code: 'conflict',
      path: 'version',
    })
  })

  it('of another thing at the same time is lost by nobody', async () => {
    await world.rooms.create({ repository: 'acme/site' }, ADMIN)
    const names = ['a', 'b', 'c', 'd']
    await Promise.all(
      names.map((name) => world.rooms.change('acme/site', { kind: 'member', name, role: 'ADMIN' }, ADMIN, null)),
    )
    expect((await world.rooms.find('acme/site')).members.map(({ name }) => name)).toEqual(names)
  })

  it('is not made by who lost the right to it a moment ago', async () => {
    await world.rooms.create({ repository: 'acme/site', owner: 'olga' }, ADMIN)
    await world.rooms.change('acme/site', { kind: 'member', name: 'adam', role: 'OWNER' }, OLGA, null)
    await world.rooms.change('acme/site', { kind: 'member', name: 'olga', role: 'DEVELOPER' }, ADAM, null)
    await expect(world.rooms.change('acme/site', mode('observe'), OLGA, null)).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  it('is told in the log, with who made it', async () => {
    await world.rooms.create({ repository: 'acme/site' }, ADMIN)
    await world.rooms.change('acme/site', mode('warn'), ADMIN, null)
    await world.rooms.remove('acme/site', ADMIN)
    expect(world.log.lines.map((line) => line.split(' {')[0])).toEqual([
      'info room created',
      'info room changed',
      'warn room removed',
    ])
    for (const line of world.log.lines) expect(line).toContain('"by":"key_admin"')
  })
})

describe('a room', () => {
  it('is one a repository and one an id', async () => {
    await world.rooms.create({ repository: 'acme/site', id: 'site' }, ADMIN)
    for (const request of [{ repository: 'Acme/SITE' }, { repository: 'acme/other', id: 'site' }]) {
      await expect(world.rooms.create(request, ADMIN)).rejects.toMatchObject({ code: 'conflict' })
    }
    expect((await world.rooms.find('site')).id).toBe((await world.rooms.find('ACME/site')).id)
  })

  it.each([
    'acme',
    'acme/site/more',
    'acme/site.git',
    '/site',
    'acme/',
    'acme/..',
    '-acme/site',
    'ac me/site',
    'acme/si\u202ete',
    'аcme/site',
    `acme/${'x'.repeat(101)}`,
    '__proto__/..',
  ])('is not made for %j', async (repository) => {
    await expect(world.rooms.create({ repository }, ADMIN)).rejects.toMatchObject({
      code: 'invalid_request',
      path: 'repository',
    })
  })

  it.each(['', 'Room', '../x', 'a/b', `${'x'.repeat(65)}`, '-a', 'a-'])('has no id like %j', async (id) => {
    await expect(world.rooms.create({ repository: 'acme/site', id }, ADMIN)).rejects.toMatchObject({ path: 'id' })
  })

  it.each(['', ' ', ' olga', 'ol\nga', 'ol\u202ega', 'x'.repeat(161)])('has no member called %j', async (name) => {
    await world.rooms.create({ repository: 'acme/site' }, ADMIN)
    const add: RoomChange = { kind: 'member', name, role: 'ADMIN' }
    await expect(world.rooms.change('acme/site', add, ADMIN, null)).rejects.toMatchObject({ path: 'member' })
  })

  it.each(['__proto__', 'constructor', "o'olga; --", '人'])('may have a member called %j', async (name) => {
    await world.rooms.create({ repository: 'acme/site', owner: name }, ADMIN)
    expect(value({ owner: name, sponsor: '', room: null })).toMatchObject({ role: 'OWNER' })
    expect(value({ owner: 'valueOf', sponsor: 'toString', room: null })).toMatchObject({ role: 'DEVELOPER' })
  })

  it('is found by no half of its name', async () => {
    await world.rooms.create({ repository: 'acme/site' }, ADMIN)
    for (const text of ['acme', 'site', '', '__proto__', 'acme/sit', 'acme/site/']) {
      await expect(world.rooms.find(text)).rejects.toMatchObject({ path: expect.stringMatching(/room|repository/) })
    }
  })

  it('keeps its last OWNER from everybody but an administrator', async () => {
    await world.rooms.create({ repository: 'acme/site', owner: 'olga' }, ADMIN)
    for (const role of ['ADMIN', null] as const) {
      const change: RoomChange = { kind: 'member', name: 'olga', role }
      await expect(world.rooms.change('acme/site', change, OLGA, null)).rejects.toMatchObject({ code: 'conflict' })
    }
    await world.rooms.change('acme/site', { kind: 'member', name: 'olga', role: null }, ADMIN, null)
    expect((await world.rooms.find('acme/site')).members).toEqual([])
  })

  it('is made by administrators alone', async () => {
    for (const key of [OLGA, AGENT]) {
      await expect(world.rooms.create({ repository: 'acme/x', owner: 'olga' }, key)).rejects.toMatchObject({
        code: 'forbidden',
      })
    }
  })
})
