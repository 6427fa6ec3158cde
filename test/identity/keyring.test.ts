import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ROLES } from '../../src/core/envelope.ts'
import { AegisError } from '../../src/core/errors.ts'
import type { Principal } from '../../src/core/ids.ts'
import { createKeyring, hasRole, type Keyring, type KeyStore } from '../../src/identity/index.ts'
import { openSqlite, type Stores } from '../../src/store/sqlite/index.ts'
import { handClock, systemRandom } from '../support/world.ts'

let folder: string
let stores: Stores
let clock: ReturnType<typeof handClock>
let keyring: Keyring
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'aegis-keys-'))
  stores = await openSqlite(join(folder, 'aegis.db'))
  clock = handClock()
  keyring = createKeyring({ store: stores.keys, clock, random: systemRandom })
})
afterEach(async () => {
  await stores.close()
  rmSync(folder, { recursive: true })
})

const ALICE = { name: 'alice', owner: 'alice', role: 'reviewer' } as const

describe('a key', () => {
  it.each(ROLES)('of role %s is 256 random bits behind a readable prefix', async (role) => {
    const { record, secret } = await keyring.issue({ ...ALICE, role })
    expect(secret).toMatch(new RegExp(`^aegis_${role}_[A-Za-z0-9_-]{43}$`))
    expect(record.prefix).toBe(secret.slice(0, `aegis_${role}_`.length + 4))
    expect(await keyring.authenticate(secret)).toEqual(record)
  })

  it('shows four characters of its random part, also where that begins with a separator', async () => {
    const random = { ...systemRandom, bytes: (size: number) => new Uint8Array(size).fill(0xff) }
    const { record, secret } = await createKeyring({ store: stores.keys, clock, random }).issue(ALICE)
    expect(secret).toMatch(/^aegis_reviewer_____/)
    expect(record.prefix).toBe('aegis_reviewer_____')
  })

  it('may be chosen, and then shows at most a quarter of itself', async () => {
    const { record, secret } = await keyring.issue({ ...ALICE, secret: 'starter-key-001' })
    expect(secret).toBe('starter-key-001')
    expect(record.prefix).toBe('sta')
    expect(await keyring.authenticate('starter-key-001')).toEqual(record)
  })

  it('is kept as a hash only', async () => {
    const { secret } = await keyring.issue(ALICE)
    for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name), 'latin1')).not.toContain(secret)
  })

  it('keeps owner and sponsor through the store', async () => {
    const { record } = await keyring.issue({ ...ALICE, owner: 'agent:claude', sponsor: 'alice' })
    expect(await stores.keys.get(record.id)).toEqual(record)
    expect(record).toMatchObject({ owner: 'agent:claude', sponsor: 'alice' })
  })

  it.each([
    'short',
    'has space in it',
    'comma,comma,comma',
    'ümläute-im-key',
    `new\nline-new`,
    'x'.repeat(5000),
    '',
  ])('cannot be chosen as %j', async (secret) => {
    await expect(keyring.issue({ ...ALICE, secret })).rejects.toMatchObject({ code: 'invalid_request', path: 'secret' })
  })

  it.each([
    ['name', ''],
    ['name', 'x'.repeat(65)],
    ['name', 'al\u202eice'],
    ['owner', 'line\nbreak'],
    ['sponsor', '\u0000'],
  ])('cannot have the %s %j', async (member, text) => {
    await expect(keyring.issue({ ...ALICE, [member]: text })).rejects.toMatchObject({
      code: 'invalid_request',
      path: member,
    })
  })

  it('exists once: a secret that is taken, also by a revoked key, is refused', async () => {
    const { record } = await keyring.issue({ ...ALICE, secret: 'starter-key-001' })
    await keyring.revoke(record.id)
    await expect(keyring.issue({ ...ALICE, secret: 'starter-key-001' })).rejects.toBeInstanceOf(AegisError)
    expect(await keyring.authenticate('starter-key-001')).toBeNull()
  })
})

describe('the key of a room', () => {
  const ROOM = { id: 'room_0123456789abcdef', role: 'DEVELOPER' } as const

  it('is confined to it from the first to the last', async () => {
    const { record, secret } = await keyring.issue({ ...ALICE, role: 'agent', room: ROOM })
    expect(record.room).toEqual(ROOM)
    expect(await keyring.authenticate(secret)).toMatchObject({ role: 'agent', room: ROOM })
  })

  it.each([
    'viewer',
    'reviewer',
    'admin',
  ] as const)('is no %s key: a room confines nothing of what those may', async (role) => {
    await expect(keyring.issue({ ...ALICE, role, room: ROOM })).rejects.toMatchObject({ path: 'role' })
  })
})

describe('a key with an end', () => {
  const DAY = 86_400_000
  const expired = { code: 'unauthenticated', message: expect.stringContaining('has expired') }

  it('is good until then, also where it is believed, and says to who has it that it has expired', async () => {
    const { record, secret } = await keyring.issue({ ...ALICE, expiresAt: clock.now() + 1_000 })
    expect(await keyring.authenticate(secret)).toEqual(record)
    clock.advance(999)
    expect(await keyring.authenticate(secret)).not.toBeNull()
    expect(await keyring.inForce(record)).toBe(true)
    clock.advance(1)
    await expect(keyring.authenticate(secret)).rejects.toMatchObject(expired)
    expect(await keyring.inForce(record)).toBe(false)
    expect(await keyring.authenticate(`${secret}x`)).toBeNull()
    await keyring.revoke(record.id)
    expect(await keyring.authenticate(secret)).toBeNull()
  })

  it('ends within seconds where another process had it expire', async () => {
    const { record, secret } = await keyring.issue(ALICE)
    await keyring.authenticate(secret)
    await stores.keys.expire(record.id, clock.now())
    expect(await keyring.inForce(record)).toBe(false)
    clock.advance(2_001)
    await expect(keyring.authenticate(secret)).rejects.toMatchObject(expired)
  })

  it.each([0, -1])('cannot end %d ms from now', async (ms) => {
    const request = { ...ALICE, expiresAt: clock.now() + ms }
    await expect(keyring.issue(request)).rejects.toMatchObject({ code: 'invalid_request', path: 'expires' })
  })

  it('is rotated: a new secret for the same name, owner, role and room, and the old one has expired', async () => {
    const room = { id: 'room_0123456789abcdef', role: 'ADMIN' } as const
    const old = await keyring.issue({ ...ALICE, owner: 'agent:a', sponsor: 'alice', role: 'agent', room })
    await keyring.authenticate(old.secret)
    const { record, secret, replaced } = await keyring.rotate(old.record.id, { overlap: 0 })
    const same = { name: 'alice', owner: 'agent:a', sponsor: 'alice', role: 'agent', room, expiresAt: null }
    expect(record).toMatchObject({ ...same, lastUsedAt: null })
    expect(record.id).not.toBe(old.record.id)
    expect(replaced).toEqual({ ...old.record, lastUsedAt: clock.now(), expiresAt: clock.now() })
    expect(await keyring.authenticate(secret)).toEqual(record)
    await expect(keyring.authenticate(old.secret)).rejects.toMatchObject(expired)
  })

  it('leaves both secrets good for the overlap, and never the old one for longer than it was', async () => {
    const old = await keyring.issue({ ...ALICE, expiresAt: clock.now() + 2 * DAY })
    const first = await keyring.rotate(old.record.id, { overlap: DAY })
    expect(first.replaced.expiresAt).toBe(clock.now() + DAY)
    clock.advance(DAY - 1)
    expect(await keyring.authenticate(old.secret)).not.toBeNull()
    const second = await keyring.rotate(old.record.id, { overlap: DAY })
    expect(second.replaced.expiresAt).toBe(clock.now() + 1)
    clock.advance(1)
    await expect(keyring.authenticate(old.secret)).rejects.toMatchObject(expired)
    expect(await keyring.authenticate(first.secret)).not.toBeNull()
  })

  it('lives as long again once rotated, unless another end is named or none', async () => {
    const old = await keyring.issue({ ...ALICE, expiresAt: clock.now() + 90 * DAY })
    clock.advance(80 * DAY)
    const end = async (more: object) => {
      return (await keyring.rotate(old.record.id, { overlap: 0, ...more })).record.expiresAt
    }
    expect(await end({})).toBe(clock.now() + 90 * DAY)
    expect(await end({ expiresAt: clock.now() + DAY })).toBe(clock.now() + DAY)
    expect(await end({ expiresAt: null })).toBeNull()
  })

  it('has no successor where it was revoked, is unknown, or came with a token', async () => {
    const { record } = await keyring.issue(ALICE)
    await keyring.revoke(record.id)
    const token = await keyring.vouched({ id: 'oauth:1:bob' as Principal, name: 'bob', sponsor: '' })
    const before = await keyring.list()
    const rotate = (id: string) => keyring.rotate(id as Principal, { overlap: 0 })
    await expect(rotate(record.id)).rejects.toMatchObject({ code: 'conflict' })
    await expect(rotate('key_unknown')).rejects.toMatchObject({ code: 'not_found' })
    await expect(rotate(token?.id ?? '')).rejects.toMatchObject({ code: 'conflict' })
    expect(await keyring.list()).toEqual(before)
  })

  it('has no successor where it is revoked during the rotation', async () => {
    const { record } = await keyring.issue(ALICE)
    const racing = createKeyring({
      clock,
      random: systemRandom,
      store: {
        ...stores.keys,
        async expire(id, at) {
          await stores.keys.revoke(id, clock.now())
          return stores.keys.expire(id, at)
        },
      },
    })
    await expect(racing.rotate(record.id, { overlap: 0 })).rejects.toMatchObject({ code: 'conflict' })
    for (const { revokedAt } of await keyring.list()) expect(revokedAt).not.toBeNull()
  })

  it('of the last administrator cannot be given one: not by rotation, and nothing is left of the attempt', async () => {
    const { record, secret } = await keyring.issue({ ...ALICE, role: 'admin' })
    const lastAdmin = { code: 'conflict', message: expect.stringContaining('the last admin key') }
    await expect(keyring.rotate(record.id, { overlap: 0, expiresAt: clock.now() + DAY })).rejects.toMatchObject(
      lastAdmin,
    )
    await expect(keyring.revoke(record.id)).rejects.toMatchObject(lastAdmin)
    expect((await keyring.list()).filter(({ revokedAt }) => revokedAt === null)).toMatchObject([{ id: record.id }])
    expect(await keyring.authenticate(secret)).not.toBeNull()
    const next = await keyring.rotate(record.id, { overlap: 0 })
    expect(await keyring.authenticate(next.secret)).toMatchObject({ role: 'admin' })
  })
})

describe('the last use of a key', () => {
  const lastUse = async () => (await keyring.list())[0]?.lastUsedAt

  it('is noted at most once a minute, and not for who guesses', async () => {
    const { secret } = await keyring.issue(ALICE)
    await keyring.authenticate(`${secret}x`)
    expect(await lastUse()).toBeNull()
    await keyring.authenticate(secret)
    const first = clock.now()
    expect(await lastUse()).toBe(first)
    clock.advance(59_000)
    await keyring.authenticate(secret)
    expect(await lastUse()).toBe(first)
    clock.advance(1_000)
    await keyring.authenticate(secret)
    expect(await lastUse()).toBe(first)
    clock.advance(2_001)
    await keyring.authenticate(secret)
    expect(await lastUse()).toBe(clock.now())
  })

  it('is never a reason to turn somebody away', async () => {
    const { secret } = await keyring.issue(ALICE)
    const used = () => Promise.reject(new Error('the disk is full'))
    const full = createKeyring({ store: { ...stores.keys, used }, clock, random: systemRandom })
    expect(await full.authenticate(secret)).not.toBeNull()
  })
})

describe('authentication', () => {
  it('knows no text but the secret itself', async () => {
    const { secret } = await keyring.issue(ALICE)
    await keyring.authenticate(secret)
    const near = fc.oneof(
      fc.string(),
      fc.nat(secret.length).map((cut) => secret.slice(0, cut) + secret.slice(cut + 1)),
      fc.constantFrom(`${secret} `, secret.toUpperCase(), `${secret},${secret}`, ''),
    )
    await fc.assert(
      fc.asyncProperty(near, async (text) => {
        fc.pre(text !== secret)
        expect(await keyring.authenticate(text)).toBeNull()
      }),
    )
  })

  it('ends at once for a key revoked here', async () => {
    const { record, secret } = await keyring.issue(ALICE)
    expect(await keyring.authenticate(secret)).not.toBeNull()
    expect(await keyring.revoke(record.id)).toBe(true)
    expect(await keyring.authenticate(secret)).toBeNull()
    expect(await keyring.revoke(record.id)).toBe(false)
  })

  it('is asked of the store where a call has waited long: a revocation elsewhere counts at once', async () => {
    const { record } = await keyring.issue(ALICE)
    expect(await keyring.inForce(record)).toBe(true)
    await stores.keys.revoke(record.id, clock.now())
    expect(await keyring.inForce(record)).toBe(false)
  })

  it('ends within seconds for a key revoked by another process', async () => {
    const { record, secret } = await keyring.issue(ALICE)
    expect(await keyring.authenticate(secret)).not.toBeNull()
    await stores.keys.revoke(record.id, clock.now())
    clock.advance(2001)
    expect(await keyring.authenticate(secret)).toBeNull()
  })

  it('asks the store once for a key in use, and remembers no wrong one', async () => {
    const { secret } = await keyring.issue(ALICE)
    let asked = 0
    const counting: KeyStore = {
      ...stores.keys,
      byHash(hash) {
        asked++
        return stores.keys.byHash(hash)
      },
    }
    const second = createKeyring({ store: counting, clock, random: systemRandom })
    for (let n = 0; n < 10; n++) await second.authenticate(secret)
    expect(asked).toBe(1)
    for (let n = 0; n < 3; n++) await second.authenticate('wrong-key-000')
    expect(asked).toBe(4)
    await keyring.issue({ ...ALICE, secret: 'wrong-key-000' })
    expect(await second.authenticate('wrong-key-000')).not.toBeNull()
  })

  it('does not believe a store that finds the wrong key', async () => {
    const { record } = await keyring.issue(ALICE)
    const confused = createKeyring({
      store: { ...stores.keys, byHash: async () => record },
      clock,
      random: systemRandom,
    })
    expect(await confused.authenticate('something-else')).toBeNull()
  })
})

it('ranks roles: each may do what every one before it may', () => {
  for (const [rank, role] of ROLES.entries()) {
    for (const [needed, other] of ROLES.entries()) expect(hasRole({ role }, other)).toBe(rank >= needed)
  }
})
