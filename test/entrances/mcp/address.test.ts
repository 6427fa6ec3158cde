import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Principal, Sha256 } from '../../../src/core/ids.ts'
import { demandRoom, refuseSecrets } from '../../../src/entrances/mcp/address.ts'
import type { KeyRecord } from '../../../src/identity/index.ts'
import { headers, KEY, openDoor } from '../../support/mcp-door.ts'

const BASE = 'http://127.0.0.1:8080'
const SECRET = 'aegis_agent_0123456789abcdefghijABCDEFGHIJ0123456789abc'

function key(room: KeyRecord['room']): KeyRecord {
  return {
    ...{ id: 'key_1' as Principal, name: 'one', owner: '', sponsor: '', role: 'agent', hash: '0'.repeat(64) as Sha256 },
    ...{ prefix: '', createdAt: 0, revokedAt: null, room, lastUsedAt: null, expiresAt: null },
  }
}
const ROOM = { id: 'room_0123456789abcdef', role: 'DEVELOPER' } as const

describe('a key in an address', () => {
  it.each([
    `/sse?user_id=u1&room_id=${ROOM.id}&access_token=some-token-1&role=OWNER`,
    `/sse?user_id=u1/room_id=${ROOM.id}/access_token=some-token-1/role=OWNER`,
    '/mcp?api_key=some-token-1',
    '/mcp?x_api_key=some-token-1',
    '/mcp?agent_key=some-token-1',
    '/mcp?x_agent_key=some-token-1',
    '/mcp?X-Agent-Key=some-token-1',
    '/mcp?apikey=some-token-1',
    '/mcp?access%5Ftoken=some-token-1',
    '/mcp?a=b;token=some-token-1',
    `/mcp?q=${SECRET}`,
    `/mcp?%ff&q=${SECRET}`,
    '/mcp?%ff&access%5ftoken=some-token-1',
  ])('is refused and called exposed: %s', async (address) => {
    const door = openDoor({})
    const method = address.startsWith('/sse') ? 'GET' : 'POST'
    const body = method === 'POST' ? { body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }) } : {}
    // A good header does not make it good: the address is written down all the same.
    const answer = await door.app.request(address, { method, headers: headers(), ...body })
    const text = await answer.text()
    expect(answer.status).toBe(401)
    expect(text).toContain('exposed')
    expect(text).toContain('X-Agent-Key: KEY')
    for (const said of [text, ...door.log.lines]) {
      expect(said).not.toContain('some-token-1')
      expect(said).not.toContain(SECRET)
    }
    await door.entrance.close()
  })

  it.each([
    '/sse',
    '/sse?user_id=u1&role=OWNER',
    '/sse?session_id=0123',
    '/mcp?monkey=banana',
    '/mcp?tokens=3',
    '/mcp?',
  ])('is looked for in no more than it: %s', (address) => {
    expect(() => refuseSecrets(BASE + address)).not.toThrow()
  })

  it('is found wherever one of ours stands', () => {
    fc.assert(
      fc.property(fc.webQueryParameters(), fc.webQueryParameters(), (before, after) => {
        expect(() => refuseSecrets(`${BASE}/mcp?${before}${SECRET}${after}`)).toThrow()
      }),
    )
  })
})

describe('a room in an address', () => {
  it.each([
    ['none', key(ROOM), '/sse'],
    ['that of the key', key(ROOM), `/sse?room_id=${ROOM.id}`],
    ['that of the key, twice', key(ROOM), `/sse?room_id=${ROOM.id}&room_id=${ROOM.id}`],
    ['none, for a key of none', key(null), '/mcp?user_id=u1&role=OWNER'],
  ])('may be %s', (_, caller, address) => {
    expect(() => demandRoom(BASE + address, caller)).not.toThrow()
  })

  it.each([
    ['another one', key(ROOM), '/sse?room_id=room_ffffffffffffffff'],
    ['two', key(ROOM), `/sse?room_id=${ROOM.id}&room_id=other`],
    ['empty', key(ROOM), '/sse?room_id='],
    ['that of a key of none', key(null), `/sse?room_id=${ROOM.id}`],
    ['hidden in another parameter', key(ROOM), '/sse?user_id=u1/room_id=other'],
    ['written otherwise', key(ROOM), '/sse?ROOM%5FID=other'],
  ])('is refused where it is %s', (_, caller, address) => {
    expect(() => demandRoom(BASE + address, caller)).toThrow(
      expect.objectContaining({ code: 'forbidden', path: 'room_id' }),
    )
  })

  it('says nothing about who has no key', async () => {
    const door = openDoor({})
    const answer = await door.app.request('/sse?room_id=x', {
      headers: headers({ authorization: 'Bearer wrong-key-1' }),
    })
    expect(answer.status).toBe(401)
    const known = await door.app.request('/sse?room_id=x&role=OWNER&user_id=u1', { headers: headers() })
    expect(known.status).toBe(403)
    expect(await known.text()).not.toContain(KEY)
    await door.entrance.close()
  })
})
