import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createCookies,
  createKeyring,
  createSessions,
  type Ending,
  type KeyRecord,
  type LoginSettings,
  type ProviderSettings,
  type Sessions,
} from '../../../src/identity/index.ts'
import { personOf } from '../../../src/identity/people/person.ts'
import { openStores, type Stores } from '../../../src/store/open.ts'
import { providerSettings } from '../../support/openid.ts'
import { startPostgres } from '../../support/postgres.ts'
import { handClock, systemRandom } from '../../support/world.ts'

const HOUR = 3_600_000
const SETTINGS: LoginSettings = { idle: 8 * HOUR, lasts: 24 * HOUR, provider: null }
const cookie = createCookies('https://aegis.example.com').session
const server = await startPostgres()
afterAll(async () => server?.close())

const places = [
  {
    name: 'SQLite',
    async make() {
      const folder = mkdtempSync(join(tmpdir(), 'aegis-sessions-'))
      const stores = await openStores(join(folder, 'aegis.db'))
      const close = async () => {
        await stores.close()
        rmSync(folder, { recursive: true })
      }
      return { one: stores, two: stores, close }
    },
  },
  ...(server === null
    ? []
    : [
        {
          name: 'PostgreSQL, by two gateways',
          async make() {
            const database = await server.database()
            const [one, two] = [await openStores(database.as('app')), await openStores(database.as('app'))]
            const close = async () => {
              await Promise.all([one.close(), two.close()])
              await database.drop()
            }
            return { one, two, close }
          },
        },
      ]),
]

const headers = (setCookie: string): Headers => new Headers({ cookie: setCookie.split(';')[0] ?? '' })

describe.each(places)('a session kept in $name', ({ make }) => {
  let place: { one: Stores; two: Stores; close(): Promise<void> }
  let clock: ReturnType<typeof handClock>
  let bob: KeyRecord
  const sessionsOf = (stores: Stores, settings = SETTINGS) =>
    createSessions({ store: stores.logins, keys: stores.keys, cookie, settings, clock, random: systemRandom })
  const keyringOf = (stores: Stores) => createKeyring({ store: stores.keys, clock, random: systemRandom })

  beforeEach(async () => {
    clock = handClock()
    place = await make()
    bob = (await keyringOf(place.one).issue({ name: 'bob', owner: 'bob', role: 'reviewer' })).record
  })
  afterEach(() => place.close())

  const begin = async (record = bob) => headers(await sessionsOf(place.one).begin(record, new Headers()))

  it('is known to every gateway of the store, with the same CSRF token', async () => {
    const held = await begin()
    const [here, there] = [
      await sessionsOf(place.one).authenticate(held),
      await sessionsOf(place.two).authenticate(held),
    ]
    expect(here).toEqual(there)
    expect(there?.record.id).toBe(bob.id)
    expect(await sessionsOf(place.two).stands(held)).toBe(true)
  })

  it('ends in every gateway at once: by leaving, or with the key behind it', async () => {
    const [left, revoked] = [await begin(), await begin()]
    expect(await sessionsOf(place.two).end(left)).toContain('Max-Age=0')
    expect(await sessionsOf(place.one).authenticate(left)).toBeNull()
    await keyringOf(place.two).revoke(bob.id)
    expect(await sessionsOf(place.one).authenticate(revoked)).toBeNull()
  })

  it('ends with a key that expires, and does not come back', async () => {
    const { record } = await keyringOf(place.one).issue({
      ...{ name: 'eve', owner: 'eve', role: 'viewer', expiresAt: clock.now() + HOUR },
    })
    const held = await begin(record)
    clock.advance(HOUR)
    expect(await sessionsOf(place.one).authenticate(held)).toBeNull()
    expect(await place.one.logins.of(record.id)).toEqual([])
  })

  it('ends when nobody used it for a while, and whatever happens when its time is over', async () => {
    const held = await begin()
    for (let hour = 0; hour < 23; hour += 7) {
      clock.advance(7 * HOUR)
      const visitor = await sessionsOf(place.one).authenticate(held)
      expect(visitor === null).toBe(hour + 7 >= 24)
      await expect.poll(async () => (await place.one.logins.of(bob.id))[0]?.seenAt ?? clock.now()).toBe(clock.now())
    }
    const idle = await begin()
    clock.advance(8 * HOUR - 1)
    expect(await sessionsOf(place.two).stands(idle)).toBe(true)
    clock.advance(1)
    expect(await sessionsOf(place.two).authenticate(idle)).toBeNull()
  })

  it('is not kept alive by asking whether it stands', async () => {
    const held = await begin()
    clock.advance(7 * HOUR)
    expect(await sessionsOf(place.one).stands(held)).toBe(true)
    clock.advance(HOUR)
    expect(await sessionsOf(place.one).stands(held)).toBe(false)
  })

  it('is one of at most twenty: the oldest gives way', async () => {
    const first = await begin()
    for (let more = 0; more < 20; more++) {
      clock.advance(1)
      await begin()
    }
    expect(await sessionsOf(place.one).authenticate(first)).toBeNull()
    expect(await sessionsOf(place.one).list(bob.id)).toHaveLength(20)
  })

  it('is ended by its own principal alone, and swept when it is over', async () => {
    const held = await begin()
    const sessions = sessionsOf(place.two)
    const [info] = await sessions.list(bob.id)
    const { record: eve } = await keyringOf(place.one).issue({ name: 'eve', owner: 'eve', role: 'admin' })
    expect(await sessions.endOne(eve.id, info?.id ?? '')).toBe(false)
    expect(await sessions.endOne(bob.id, info?.id ?? '')).toBe(true)
    expect(await sessions.stands(held)).toBe(false)
    await begin()
    clock.advance(9 * HOUR)
    await sessions.sweep()
    expect(await place.one.logins.of(bob.id)).toEqual([])
  })

  it('of a person ends when their provider is configured no more, or another is', async () => {
    const provider = providerSettings('https://login.example.com')
    const claims = { sub: 'alice', groups: ['aegis-reviewers'] }
    const alice = await personOf(claims, provider, { keys: place.one.keys, clock, lasts: SETTINGS.lasts })
    const held = headers(await sessionsOf(place.one, { ...SETTINGS, provider }).begin(alice, new Headers()))
    const under = (other: LoginSettings['provider']) =>
      sessionsOf(place.two, { ...SETTINGS, provider: other }).stands(held)
    expect(await under(provider)).toBe(true)
    expect(await under(providerSettings('https://other.example.com'))).toBe(false)
    const again = await begin(alice)
    expect(await sessionsOf(place.one).authenticate(again)).toBeNull()
  })

  it('ends with the rules it began by: nobody keeps a role that they take away', async () => {
    const provider = providerSettings('https://login.example.com')
    const under = (more: Partial<ProviderSettings>) =>
      sessionsOf(place.two, { ...SETTINGS, provider: { ...provider, ...more } })
    const claims = { sub: 'alice', groups: ['aegis-admins'] }
    const alice = await personOf(claims, provider, { keys: place.one.keys, clock, lasts: SETTINGS.lasts })
    const held = headers(await under({}).begin(alice, new Headers()))
    expect(await under({ name: 'Another name', scopes: ['openid'] }).stands(held)).toBe(true)
    const fewer = { roles: provider.roles.filter(({ role }) => role !== 'admin') }
    for (const more of [fewer, { ownerClaim: 'sub' }]) {
      expect([await under(more).authenticate(held), under(more).ending(held)]).toEqual([null, 'unknown'])
    }
  })

  it('never makes anybody of an agent', async () => {
    const { record } = await keyringOf(place.one).issue({ name: 'agent', owner: 'agent:x', role: 'agent' })
    expect(await sessionsOf(place.one).authenticate(await begin(record))).toBeNull()
  })

  it.each<[string, Ending, (held: Headers, sessions: Sessions) => unknown]>([
    ['nothing was asked for too long', 'idle', () => clock.advance(8 * HOUR)],
    ['its time was over', 'lasted', () => clock.advance(24 * HOUR)],
    ['its key was revoked', 'shut_out', () => keyringOf(place.two).revoke(bob.id)],
    ['its owner ended it', 'ended', async (_, one) => one.endOne(bob.id, (await one.list(bob.id))[0]?.id ?? '')],
    ['another gateway ended it', 'unknown', (held) => sessionsOf(place.two).end(held)],
  ])('tells the browser that still shows it why it is over: %s', async (_, why, end) => {
    const sessions = sessionsOf(place.one)
    const held = headers(await sessions.begin(bob, new Headers()))
    await end(held, sessions)
    expect([await sessions.authenticate(held), sessions.ending(held)]).toEqual([null, why])
    // Who shows another cookie learns nothing of anybody's; who shows none is new here.
    const made = new Headers({ cookie: `${cookie.name}=${'A'.repeat(43)}` })
    const cookies = [made, new Headers({ cookie: `${cookie.name}=x` }), new Headers()]
    expect(cookies.map((one) => sessions.ending(one))).toEqual(['unknown', null, null])
  })

  it('keeps nothing that could be shown as a cookie', async () => {
    const held = await begin()
    const token = (held.get('cookie') ?? '').split('=')[1] ?? 'none'
    const visitor = await sessionsOf(place.one).authenticate(held)
    const kept = JSON.stringify([await place.one.logins.of(bob.id), await sessionsOf(place.one).list(bob.id), visitor])
    expect(kept).not.toContain(token)
  })

  it('speaks for nobody by any other cookie text', async () => {
    const token = ((await begin()).get('cookie') ?? '').split('=')[1] ?? ''
    const sessions = sessionsOf(place.one)
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[\w-]{43}$/), fc.constantFrom(token.slice(1), `${token}=`))
    await fc.assert(
      fc.asyncProperty(text, async (value) => {
        fc.pre(value.trim() !== token)
        const bytes = [...`${cookie.name}=${value}`].every((char) => char.charCodeAt(0) < 256 && !/[\r\n\0]/.test(char))
        fc.pre(bytes)
        expect(await sessions.authenticate(new Headers({ cookie: `${cookie.name}=${value}` }))).toBeNull()
      }),
      { numRuns: 50 },
    )
  })
})

describe('cookies', () => {
  it('are bound to the host and to TLS behind https', () => {
    const { session, attempt } = createCookies('https://aegis.example.com')
    expect(session.set('x')).toBe('__Host-aegis-session=x; Path=/; HttpOnly; SameSite=Strict; Secure')
    expect(attempt.set('x', 600)).toBe('__Host-aegis-login=x; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=600')
  })

  it('are told apart by port on one machine, where browsers do not', () => {
    const names = ['http://127.0.0.1:8081', 'http://127.0.0.1:9081'].map((url) => createCookies(url).session.name)
    expect(names).toEqual(['aegis-session-8081', 'aegis-session-9081'])
  })
})
