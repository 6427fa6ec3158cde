import { describe, expect, it } from 'vitest'
import type { Principal, Sha256 } from '../../src/core/ids.ts'
import { createSelfCheck, isSelf, type KeyRecord } from '../../src/identity/index.ts'

const key = (id: string, owner: string, sponsor = '', revokedAt: number | null = null): KeyRecord => ({
  id: id as Principal,
  name: id,
  owner,
  sponsor,
  role: 'reviewer',
  hash: '0'.repeat(64) as Sha256,
  prefix: '',
  createdAt: 0,
  expiresAt: null,
  revokedAt,
  room: null,
  lastUsedAt: null,
})

const AGENT = key('key_agent', 'agent:claude', 'alice')
const asked = (independent: boolean, owner = AGENT.owner) => ({ principal: AGENT.id, owner, terms: { independent } })

describe('self-approval', () => {
  // Columns: reviewer, is self in a plain review, is self where independence is asked for.
  it.each([
    ['the very key that asked', AGENT, true, true],
    ['another key of the same owner', key('key_2', 'agent:claude'), true, true],
    ['the user who runs the agent', key('key_3', 'alice'), false, true],
    ['a key that acts for that user', key('key_4', 'helper', 'alice'), false, true],
    ['a key whose owner is not known', key('key_5', ''), false, true],
    ['the user who runs the agent, as a provider writes it', key('oidc:a:1', 'ALICE'), false, true],
    ['a login that says no more than its own record', key('oidc:a:2', 'oidc:a:2'), false, true],
    ['the agent’s owner in other letters', key('key_8', 'Agent:Claude'), true, true],
    ['somebody else', key('key_6', 'bob'), false, false],
    ['somebody else who sponsors their own key', key('key_7', 'bob', 'bob'), false, false],
  ])('by %s', (_, reviewer, plain, independent) => {
    expect(isSelf(reviewer, asked(false), AGENT)).toBe(plain)
    expect(isSelf(reviewer, asked(true), AGENT)).toBe(independent)
  })

  it('is not given by two owners that are both unset', () => {
    expect(isSelf(key('key_8', ''), asked(false, ''), { ...AGENT, owner: '' })).toBe(false)
  })

  it.each([
    ['whose key is gone', null],
    ['without a sponsor', key('key_agent', 'agent:claude', '')],
  ])('cannot be ruled out for a requester %s, so independence is not met', (_, requester) => {
    expect(isSelf(key('key_6', 'bob'), asked(true), requester)).toBe(true)
    expect(isSelf(key('key_6', 'bob'), asked(false), requester)).toBe(false)
  })

  it('looks at the keys as they are now', async () => {
    const bob = key('key_6', 'bob')
    const gone = key('key_9', 'carol', '', 1)
    const records = new Map([AGENT, bob, gone].map((record) => [record.id, record]))
    const check = createSelfCheck({ get: async (id) => records.get(id) ?? null }, { now: () => 10 })
    expect(await check({ principal: bob.id }, asked(true))).toBe(false)
    expect(await check({ principal: gone.id }, asked(false))).toBe(true)
    expect(await check({ principal: 'key_unknown' as Principal }, asked(false))).toBe(true)
  })
})
