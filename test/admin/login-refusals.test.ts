import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Hono } from 'hono'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AdminEnv } from '../../src/admin/door.ts'
import { loginRoutes } from '../../src/admin/login.ts'
import { composePeople } from '../../src/compose/people.ts'
import { readSecretFile } from '../../src/credentials/secret-file.ts'
import { createKeyring, DEFAULT_LOGIN, type ProviderSettings } from '../../src/identity/index.ts'
import { openSqlite, type Stores } from '../../src/store/sqlite/index.ts'
import { ALICE_THERE, CLIENT, type OpenidProvider, startOpenid, type World } from '../support/openid.ts'
import { handClock, listLog, systemRandom } from '../support/world.ts'

/** What a person reads of a refused login, and what an administrator finds in the log. */

const ADMIN = 'http://127.0.0.1:8081'

let folder: string
let secretFile: string
let stores: Stores
let provider: OpenidProvider
let usual: World
let log: ReturnType<typeof listLog>

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'aegis-refusals-'))
  secretFile = join(folder, 'oidc.secret')
  stores = await openSqlite(join(folder, 'aegis.db'))
  provider = await startOpenid()
  usual = { ...provider.world }
})
afterAll(async () => {
  await provider.close()
  await stores.close()
  rmSync(folder, { recursive: true })
})
beforeEach(() => {
  log = listLog()
  writeFileSync(secretFile, CLIENT.secret, { mode: 0o600 })
  chmodSync(secretFile, 0o600)
})
afterEach(() => {
  Object.assign(provider.world, usual)
})

function open(more: Partial<ProviderSettings> = {}): Hono<AdminEnv> {
  const around = { clock: handClock(Date.now()), random: systemRandom, log }
  const login = { ...DEFAULT_LOGIN, provider: { ...provider.settings, ...more } }
  const auth = { publicUrl: null, adminUrl: ADMIN, issuers: [], login }
  const clientSecret = () => readSecretFile(secretFile)
  const key = new Uint8Array(32)
  const people = composePeople({ auth }, { stores, keys: stores.keys, adminUrl: ADMIN, clientSecret, key, ...around })
  people.stop()
  const keyring = createKeyring({ store: stores.keys, ...around })
  const app = new Hono<AdminEnv>()
  loginRoutes({ ...people, ...around, keyring, adminUrl: ADMIN })(app)
  return app
}

const start = (app: Hono<AdminEnv>, headers: Record<string, string> = {}) =>
  app.request(`${ADMIN}/login/start?return_to=%2Fapprovals`, { headers: { host: '127.0.0.1:8081', ...headers } })

/** The whole way: there, back, and what the page says. */
async function logIn(app: Hono<AdminEnv>): Promise<{ readonly status: number; readonly text: string }> {
  const away = await start(app)
  const cookie = away.headers.get('set-cookie')?.split(';')[0] ?? ''
  const back = await fetch(away.headers.get('location') ?? '', { redirect: 'manual' })
  const page = await app.request(back.headers.get('location') ?? '', { headers: { cookie } })
  return { status: page.status, text: await page.text() }
}

/** The fields of the last line. */
const told = (): Record<string, unknown> => {
  const line = log.lines.at(-1) ?? ''
  return JSON.parse(line.slice(line.indexOf('{')))
}

describe('the log tells of a refused login', () => {
  it('who it was, what the claims held that the rules look at, and what the rules want', async () => {
    provider.world.user = { ...ALICE_THERE, groups: ['dev', 'ops'], salary: 'not looked at' }
    const { status, text } = await logIn(open())
    expect([status, text]).toEqual([403, expect.stringContaining('no rule gives you a role here')])
    expect(told()).toMatchObject({
      ...{ principal: expect.stringMatching(/^oidc:[0-9a-f]{12}:alice-1$/), issuer: provider.issuer },
      ...{ subject: '"alice-1"', came: { groups: '["dev","ops"]' } },
      wanted: { groups: '["aegis-reviewers","aegis-admins"]' },
    })
    // The page says none of it, and the log nothing of other claims.
    expect(text).not.toMatch(/alice-1|aegis-reviewers|&quot;dev/)
    expect(log.lines.join()).not.toContain('not looked at')
  })

  it('that a claim is missing, or an address not verified', async () => {
    provider.world.user = { ...ALICE_THERE, email_verified: false }
    const roles = [{ claim: ['email'], value: 'alice@example.com', role: 'admin' as const }]
    await logIn(open({ roles: [...roles, { claim: ['realm', 'roles'], value: 'x', role: 'viewer' }] }))
    expect(told()).toMatchObject({
      came: { email: '"alice@example.com"', email_verified: 'false', 'realm > roles': 'missing' },
    })
  })

  it('of what came no more than fits, nothing hidden, and no token', async () => {
    const groups = ['eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln', '\u202ereversed', 'x'.repeat(5000)]
    provider.world.user = { ...ALICE_THERE, groups }
    await logIn(open())
    const { came } = told() as { came: { groups: string } }
    expect(came.groups).toMatch(/^\["\[token\]","U\+202Ereversed","xxx/)
    expect(came.groups.length).toBeLessThan(500)
  })

  it('the claim that stands for the owner', async () => {
    provider.world.user = { ...ALICE_THERE, groups: ['aegis-admins'], employee: 17 }
    await logIn(open({ ownerClaim: 'employee' }))
    expect(told()).toMatchObject({ subject: '"alice-1"', came: { employee: '17' } })
  })

  it.each<[string, World['claims'], Record<string, string>]>([
    ['the audience', { aud: 'another' }, { aud: '"another"' }],
    ['one that is missing', { aud: undefined }, { aud: 'missing' }],
    ['the authorized party', { azp: 'another' }, { azp: '"another"' }],
    ['the issuer', { iss: 'https://evil.example' }, { iss: '"https://evil.example"' }],
    ['a time', { exp: 7 }, { exp: '7', now: expect.stringMatching(/^\d{10}$/) }],
  ])('%s that came, beside the one expected', async (_, claims, came) => {
    provider.world.claims = claims
    await logIn(open())
    expect(told()).toMatchObject({
      ...{ principal: expect.stringMatching(/:alice-1$/), came },
      expected: { aud: `"${CLIENT.id}"`, azp: `"${CLIENT.id}"`, iss: `"${provider.issuer}"` },
    })
    expect(log.lines.join()).not.toContain('nonce')
  })

  it('whose a token is that no known key signed, as it says itself', async () => {
    provider.world.sign = (claims, header) =>
      provider.sign({ ...claims, iss: 'https://other.example' }, { ...header, kid: 'theirs' })
    await logIn(open())
    expect(told()).toMatchObject({ unverified: { alg: '"RS256"', kid: '"theirs"', iss: '"https://other.example"' } })
  })

  it('which provider an answer named', async () => {
    provider.world.answer = { iss: 'https://evil.example' }
    await logIn(open())
    expect(told()).toMatchObject({ came: { iss: '"https://evil.example"' }, expected: { iss: `"${provider.issuer}"` } })
  })

  it('for each person, even where another was refused for the same a moment ago', async () => {
    const app = open()
    for (const sub of ['one', 'two', 'two']) {
      provider.world.user = { sub }
      await logIn(app)
    }
    expect(log.lines.map((line) => /"subject":"\\"(\w+)/.exec(line)?.[1])).toEqual(['one', 'two'])
  })

  it('never with a token, a code, a nonce or a secret', async () => {
    provider.world.claims = { aud: 'another' }
    await logIn(open())
    const { form } = provider.asked.at(-1) ?? {}
    for (const secret of [form?.get('code'), form?.get('code_verifier'), CLIENT.secret, 'eyJ']) {
      expect(log.lines.join()).not.toContain(secret)
    }
  })
})

describe('a login that is not set up right', () => {
  it.each([
    ['is gone', () => rmSync(secretFile), 'it is not there'],
    ['may be read by others', () => chmodSync(secretFile, 0o644), 'others on this machine may read it'],
  ])('is said as such, before anybody is sent to the provider: its secret %s', async (_, spoil, reason) => {
    const app = open()
    spoil()
    const page = await start(app)
    const text = await page.text()
    expect([page.status, text]).toEqual([503, expect.stringContaining('The login is not set up right here')])
    expect(text).toContain('an administrator finds the reason in the log')
    expect(text).not.toContain(folder)
    expect(told()).toMatchObject({ error: expect.stringContaining(reason), advice: expect.stringContaining('600') })
  })
})

describe('a provider that cannot be used', () => {
  async function instead(listener: RequestListener): Promise<{ readonly url: string; close(): void }> {
    const server = createServer(listener)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const close = () => {
      server.close()
      server.closeAllConnections()
    }
    return { url, close }
  }

  it('is told to people by its name, and to the log with every address and the mend', async () => {
    const page = await start(open({ issuer: `${provider.issuer}/` }))
    const text = await page.text()
    expect([page.status, text]).toEqual([503, expect.stringContaining('Example cannot be used at this moment.')])
    expect(text).toContain('log in with a key')
    expect(text).not.toContain('http')
    expect(told()).toMatchObject({
      reason: expect.stringContaining(`speaks for another issuer: ${provider.issuer}, not ${provider.issuer}/`),
      mend: expect.stringContaining(`write \`issuer: ${provider.issuer}\` in aegis.yaml`),
    })
  })

  // Five seconds in all, which the limits of these cases leave room for.
  it('is waited for only once, however many of its addresses hang', { timeout: 9_000 }, async () => {
    const hanging = await instead(() => undefined)
    try {
      expect((await start(open({ issuer: `${hanging.url}/tenant` }))).status).toBe(503)
      expect(told()).toMatchObject({ reason: expect.stringMatching(/(?:timeout.*){3}/) })
    } finally {
      hanging.close()
    }
  })

  it('is waited for only once by who comes back from it', { timeout: 9_000 }, async () => {
    const slow = await instead((request, response) => void (request.url === '/token' && response.flushHeaders()))
    try {
      provider.world.metadata = { token_endpoint: `${slow.url}/token` }
      const { status, text } = await logIn(open())
      expect([status, text]).toEqual([503, expect.stringContaining('Example cannot be used at this moment.')])
      expect(told()).toMatchObject({ reason: 'no answer within 5 s' })
    } finally {
      slow.close()
    }
  })

  it('is found at its second address, though the first one hangs', { timeout: 9_000 }, async () => {
    const half = await instead((request, response) => {
      if (request.url !== '/.well-known/openid-configuration') return
      const at = (path: string) => `${half.url}${path}`
      response.end(
        JSON.stringify({
          issuer: half.url,
          authorization_endpoint: at('/a'),
          token_endpoint: at('/t'),
          jwks_uri: at('/k'),
        }),
      )
    })
    try {
      const page = await start(open({ issuer: half.url }))
      expect([page.status, page.headers.get('location')]).toEqual([303, expect.stringContaining(`${half.url}/a?`)])
    } finally {
      half.close()
    }
  })

  it('keeps the letters of its name where a sentence begins with it', async () => {
    const page = await start(open({ issuer: 'http://127.0.0.1:1', name: 'login.example.com' }))
    expect(await page.text()).toContain('login.example.com cannot be used')
  })
})

describe('a login by another name of this machine', () => {
  it.each([
    'localhost:8081',
    'LOCALHOST',
    '[::1]:8081',
    '127.0.0.2:8081',
  ])('begins where providers send browsers back to: %s', async (host) => {
    const page = await start(open(), { host })
    expect([page.status, page.headers.get('location')]).toEqual([
      303,
      `${ADMIN}/login/start?moved=1&return_to=%2Fapprovals`,
    ])
    expect(page.headers.get('set-cookie')).toBeNull()
  })

  it.each([
    '127.0.0.1:8081',
    '127.0.0.1:9999',
    'evil.example',
    'localhost.evil.example',
    '@',
    '',
  ])('is not sent elsewhere: %s', async (host) => {
    const location = (await start(open(), { host })).headers.get('location') ?? ''
    expect(location.startsWith(`${provider.issuer}/authorize?`)).toBe(true)
  })

  it('is sent there once, and goes on to a path of ours alone', async () => {
    const app = open()
    const headers = { host: 'localhost:8081' }
    const again = await app.request(`${ADMIN}/login/start?moved=1`, { headers })
    expect(again.headers.get('location')).toContain(`${provider.issuer}/authorize?`)
    const away = await app.request(`${ADMIN}/login/start?return_to=https://evil.example`, { headers })
    expect(away.headers.get('location')).toBe(`${ADMIN}/login/start?moved=1&return_to=%2F`)
  })
})
