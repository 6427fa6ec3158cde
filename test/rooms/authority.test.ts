import { describe, expect, it } from 'vitest'
import { ROOM_ROLES } from '../../src/core/facts.ts'
import { demandAuthority, type Room, type RoomAct } from '../../src/rooms/index.ts'
import { ADAM, ADMIN, AGENT, DORA, OLGA, STRANGER, VIEWER } from './world.ts'

const room = (members: Room['members']): Room => ({
  ...{ id: 'room_1', repository: { owner: 'acme', name: 'site' }, members, mode: 'enforce', permission: null },
  ...{ tools: { DEVELOPER: {}, ADMIN: {}, OWNER: {} }, version: 1, createdAt: 0, updatedAt: 0 },
})
const OWN = room([
  { name: 'olga', role: 'OWNER' },
  { name: 'adam', role: 'ADMIN' },
  { name: 'dora', role: 'DEVELOPER' },
])
/** Where the same people are nobody. */
const OTHER = room([{ name: 'somebody', role: 'OWNER' }])

const ACTS: Readonly<Record<string, RoomAct>> = {
  create: { kind: 'create' },
  remove: { kind: 'remove' },
  mode: { kind: 'mode' },
  permission: { kind: 'permission' },
  members: { kind: 'members' },
  ...Object.fromEntries(ROOM_ROLES.map((role) => [`tools of ${role}`, { kind: 'tools', role } as const])),
  ...Object.fromEntries(ROOM_ROLES.map((role) => [`keys of ${role}`, { kind: 'keys', role } as const])),
}

const OF_AN_ADMIN = ['tools of DEVELOPER', 'keys of DEVELOPER']
const KEYS = ROOM_ROLES.map((role) => `keys of ${role}`)
const OF_AN_OWNER = ['members', 'tools of DEVELOPER', 'tools of ADMIN', ...KEYS]

const ROWS = [
  ['an administrator of Aegis', ADMIN, Object.keys(ACTS), Object.keys(ACTS)],
  ['a reviewer who is OWNER', OLGA, OF_AN_OWNER, []],
  ['a reviewer who is ADMIN', ADAM, OF_AN_ADMIN, []],
  ['a reviewer who is DEVELOPER', DORA, [], []],
  ['a reviewer who is no member', STRANGER, [], []],
  ['a viewer whose owner is OWNER', VIEWER, [], []],
  ['an agent whose owner is OWNER', AGENT, [], []],
  ['a reviewer who only acts for the OWNER', { ...STRANGER, sponsor: 'olga' }, [], []],
  ['a reviewer without an owner', { ...STRANGER, owner: '' }, [], []],
] as const

describe.each(ROWS)('%s', (_, key, inOwn, inOther) => {
  it.each([
    ['in the own room', OWN, inOwn],
    ['in another', OTHER, inOther],
  ] as const)('may %s what the table says, and nothing more', (_where, where, allowed) => {
    const done = Object.keys(ACTS).filter((name) => {
      const act = ACTS[name]
      try {
        if (act !== undefined) demandAuthority(key, where, act)
        return true
      } catch {
        return false
      }
    })
    expect(done.sort()).toEqual([...allowed].sort())
  })
})

it('says who may', () => {
  expect(() => demandAuthority(DORA, OWN, { kind: 'tools', role: 'ADMIN' })).toThrow(
    expect.objectContaining({
      code: 'forbidden',
      message: 'in the room of acme/site you are DEVELOPER',
      advice: 'this is for an OWNER of the room with a reviewer key, or an administrator',
    }),
  )
})

it('gives nobody a room by a member without a name', () => {
  const nameless = room([{ name: '', role: 'OWNER' }])
  expect(() => demandAuthority({ role: 'reviewer', owner: '' }, nameless, { kind: 'mode' })).toThrow('no say in it')
})
