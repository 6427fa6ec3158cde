import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { AegisError } from '../../../src/core/errors.ts'
import { createCookies, createLogin, type Login, type ProviderSettings } from '../../../src/identity/index.ts'
import { openSqlite, type Stores } from '../../../src/store/sqlite/index.ts'
import { CLIENT, type OpenidProvider, startOpenid, type World } from '../../support/openid.ts'
import { handClock, listLog, systemRandom } from '../../support/world.ts'

const ADMIN = 'https://aegis-admin.example.com'
const KEY = new Uint8Array(32).fill(7)

let folder: string
let stores: Stores
let provider: OpenidProvider
let usual: World
const log = listLog()
const cookie = createCookies(ADMIN).attempt

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'aegis-login-'))
  stores = await openSqlite(join(folder, 'aegis.db'))
  provider = await startOpenid()
  usual = { ...provider.world }
})
afterAll(async () => {
  await provider.close()
  await stores.close()
  rmSync(folder, { recursive: true })
})
afterEach(() => {
  Object.assign(provider.world, usual)
})

function open(more: Partial<ProviderSettings> = {}, around: { secret?: string | null; key?: Uint8Array } = {}) {
  const clock = handClock(Date.now())
  const { secret = CLIENT.secret, key = KEY } = around
  const login = createLogin({
    ...{ settings: { ...provider.settings, ...more }, lasts: 3_600_000, redirectUri: `${ADMIN}/login/callback` },
    ...{ secret: () => secret, key, cookie, store: stores.logins, keys: stores.keys, clock, random: systemRandom, log },
  })
  return { login, clock }
}

/** The query that the browser comes back with, and the cookie it has. */
async function away(login: Login): Promise<{ query: URLSearchParams; headers: Headers; location: URL }> {
  const { location, cookie: set } = await login.start('/approvals')
  const answer = await fetch(location, { redirect: 'manual' })
  const back = new URL(answer.headers.get('location') ?? '')
  return {
    query: back.searchParams,
    headers: new Headers({ cookie: set.split(';')[0] ?? '' }),
    location: new URL(location),
  }
}

async function refusal(work: Promise<unknown>): Promise<AegisError> {
  try {
    await work
  } catch (error) {
    if (error instanceof AegisError) return error
    throw error
  }
  throw new Error('it was taken')
}

const finish = async (login: Login) => {
  const { query, headers } = await away(login)
  return login.finish(query, headers)
}

describe('a login', () => {
  it('asks the provider for what a code flow with PKCE needs, and for nothing twice', async () => {
    const { location } = await away(open({ scopes: ['openid', 'groups'] }).login)
    const asked = Object.fromEntries(location.searchParams)
    expect(asked).toEqual({
      ...{ response_type: 'code', client_id: CLIENT.id, redirect_uri: `${ADMIN}/login/callback` },
      ...{ scope: 'openid groups', code_challenge_method: 'S256' },
      ...{ state: expect.stringMatching(/^[\w-]{43}$/), nonce: expect.stringMatching(/^[\w-]{43}$/) },
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    })
    expect(new Set([asked['state'], asked['nonce'], asked['code_challenge']]).size).toBe(3)
  })

  it('gives the browser nothing that a verifier or a nonce could be made of', async () => {
    const { query, headers, location } = await away(open().login)
    await open().login.finish(query, headers)
    const verifier = provider.asked.at(-1)?.form.get('code_verifier') ?? 'none'
    const held = `${headers.get('cookie')} ${location.href}`
    expect(held).not.toContain(verifier)
  })

  it('may begin at one gateway and end at another of the same installation, never at one of another', async () => {
    const one = await away(open().login)
    expect(await open().login.finish(one.query, one.headers)).toMatchObject({ returnTo: '/approvals' })
    const two = await away(open().login)
    const stranger = open({}, { key: new Uint8Array(32) }).login
    expect(await refusal(stranger.finish(two.query, two.headers))).toMatchObject({ code: 'invalid_request' })
  })

  it('is over after ten minutes', async () => {
    const { login, clock } = open()
    const { query, headers } = await away(login)
    clock.advance(600_000)
    expect(await refusal(login.finish(query, headers))).toMatchObject({ code: 'invalid_request' })
  })

  it('makes a record that lasts as long as a session may', async () => {
    const { login, clock } = open()
    const { record } = await finish(login)
    const kept = await stores.keys.get(record.id)
    expect(kept).toEqual({ ...record, expiresAt: clock.now() + 3_600_000 })
    expect(await stores.keys.byHash(record.hash)).toMatchObject({ id: record.id, prefix: '' })
  })

  it('is answered once, even by two at the same moment', async () => {
    const { login } = open()
    const { query, headers } = await away(login)
    const both = await Promise.allSettled([login.finish(query, headers), login.finish(query, headers)])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  it('refuses whom the claim of the configuration does not name', async () => {
    const error = await refusal(finish(open({ ownerClaim: 'employee' }).login))
    expect(error).toMatchObject({ code: 'forbidden', message: expect.stringContaining('no usable claim `employee`') })
  })
})

describe('the client', () => {
  it('sends its secret in the form where the provider takes no Basic', async () => {
    provider.world.metadata = { token_endpoint_auth_methods_supported: ['client_secret_post'] }
    await refusal(finish(open().login))
    const { form, authorization } = provider.asked.at(-1) ?? {}
    expect([authorization, form?.get('client_id'), form?.get('client_secret')]).toEqual([
      undefined,
      CLIENT.id,
      CLIENT.secret,
    ])
  })

  it('has none where it is public', async () => {
    provider.world.isPublicClient = true
    expect(await finish(open({}, { secret: null }).login)).toMatchObject({ record: { role: 'reviewer' } })
  })

  it('is told where its secret is wrong, without it', async () => {
    const error = await refusal(finish(open({}, { secret: 'not-the-secret' }).login))
    expect(error.message).toBe('the provider did not redeem the code: invalid_client')
    expect(error.advice).toContain('client secret')
    expect(log.lines.join('\n')).not.toContain('not-the-secret')
  })
})

describe('a provider that cannot be used', () => {
  it.each<[string, World['metadata']]>([
    ['names no authorization endpoint', { authorization_endpoint: undefined }],
    ['names a token endpoint without TLS elsewhere', { token_endpoint: 'http://evil.example/token' }],
    ['names a script', { authorization_endpoint: 'javascript:alert(1)' }],
    ['has credentials in an address', { token_endpoint: 'https://a:b@login.example.com/token' }],
    ['speaks for another', { issuer: 'https://evil.example' }],
  ])('is not asked anything: it %s', async (_, metadata) => {
    provider.world.metadata = metadata
    expect(await refusal(open().login.start('/'))).toMatchObject({ code: 'unavailable' })
  })

  const answers: readonly [string, number, Record<string, string>, string][] = [
    ['sends us elsewhere', 307, { location: 'http://127.0.0.1:1/' }, ''],
    ['has no ID token', 200, {}, '{"access_token":"x"}'],
    ['gives one that is no text', 200, {}, '{"id_token":7}'],
    ['answers with a page', 200, {}, '<html>'],
    ['says a thing twice', 200, {}, '{"id_token":"a","id_token":"b"}'],
    ['never ends', 200, {}, `{"id_token":"${'x'.repeat(300_000)}"}`],
    ['is down', 500, {}, ''],
  ]
  it.each(answers)('logs nobody in: its token endpoint %s', async (_, status, headers, body) => {
    const server = createServer((_request, response) => void response.writeHead(status, headers).end(body))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      provider.world.metadata = { token_endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
      expect(await refusal(finish(open().login))).toMatchObject({ code: 'unavailable' })
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })
})
