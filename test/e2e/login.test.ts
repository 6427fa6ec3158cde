import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { expiringKeys } from '../../src/cli/doctor/expiring-keys.ts'
import { DEFAULT_LOGIN } from '../../src/identity/index.ts'
import { type Browser, createBrowser, type Page } from '../support/cookie-browser.ts'
import { ADMIN_KEY, AGENT_KEY, type Installation, install, secretOf } from '../support/installation.ts'
import { ALICE_THERE, CLIENT, type OpenidProvider, startOpenid, type World } from '../support/openid.ts'

const WHO = '/admin/v1/whoami'
const LOGIN = `/login/start?return_to=${encodeURIComponent(WHO)}`

let folder: string
let provider: OpenidProvider
let usual: World
let aegis: Installation
let browser: Browser

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'aegis-login-'))
  const clientSecretFile = join(folder, 'client.secret')
  writeFileSync(clientSecretFile, `${CLIENT.secret}\n`, { mode: 0o600 })
  provider = await startOpenid()
  aegis = await install({
    auth: { login: { ...DEFAULT_LOGIN, provider: { ...provider.settings, clientSecretFile } } },
    keys: { bob: { role: 'reviewer', owner: 'bob' }, carol: { role: 'reviewer', owner: 'carol' } },
  })
  provider.world.redirectUri = `${aegis.urls.admin}/login/callback`
  usual = { ...provider.world }
})
afterAll(async () => {
  await aegis.close()
  await provider.close()
  rmSync(folder, { recursive: true })
})
beforeEach(() => {
  browser = createBrowser()
})
afterEach(() => {
  Object.assign(provider.world, usual)
})

const at = (path: string): string => aegis.urls.admin + path
const bodyOf = (page: Page) => JSON.parse(page.text)
const cookieNamed = (which: Browser, part: string) => [...which.jar].find(([name]) => name.includes(part))
const sessionOf = (which: Browser): string => cookieNamed(which, 'session')?.[1].value ?? ''
const whoIs = async (which: Browser) => (await which.get(at(WHO), 'same-origin')).status

async function logInByKey(secret: string, which = browser): Promise<Page> {
  return which.post(at(`/login?return_to=${encodeURIComponent(WHO)}`), { key: secret })
}

async function csrfOf(which: Browser): Promise<string> {
  return bodyOf(await which.get(at(WHO), 'same-origin')).csrf
}

/** The address that the provider sends the browser back to, not yet gone to. */
async function answerFor(which: Browser): Promise<string> {
  const away = await which.get(at(LOGIN))
  const back = await which.get(String(away.headers['location']), 'cross-site')
  return String(back.headers['location'])
}

describe('logging in at an OpenID provider', () => {
  it('makes a person of who comes back, with the role that the rules give', async () => {
    const page = await browser.open(at(LOGIN))
    const issuer = createHash('sha256').update(provider.issuer).digest('hex').slice(0, 12)
    expect(bodyOf(page)).toEqual({
      ...{ principal: `oidc:${issuer}:alice-1`, name: 'Alice', role: 'reviewer', owner: 'alice@example.com' },
      ...{ via: 'session', csrf: expect.stringMatching(/^[\w-]{43}$/) },
    })
  })

  it('keeps the session in a cookie that no script, and no page of another site, can use', async () => {
    await browser.open(at(LOGIN))
    const [name, cookie] = cookieNamed(browser, 'session') ?? []
    expect(name).toBe(`aegis-session-${new URL(aegis.urls.admin).port}`)
    expect(cookie?.attributes).toBe('Path=/; HttpOnly; SameSite=Strict')
    expect(cookieNamed(browser, 'login')?.[1].attributes).toBe('Path=/; HttpOnly; SameSite=Lax; Max-Age=600')
  })

  it('shows the provider its secret as RFC 6749 has it, and a verifier that nobody else has', async () => {
    await browser.open(at(LOGIN))
    const { form, authorization } = provider.asked.at(-1) ?? {}
    expect(authorization).toMatch(/^Basic /)
    expect(form?.has('client_secret')).toBe(false)
    expect(form?.get('code_verifier')).toMatch(/^[\w-]{43}$/)
  })

  it('is good for one answer', async () => {
    const answer = await answerFor(browser)
    expect((await browser.get(answer, 'cross-site')).status).toBe(200)
    const again = await browser.get(answer, 'cross-site')
    expect([again.status, again.text]).toEqual([409, expect.stringContaining('This login was used before')])
  })

  it('counts only in the browser that was sent for it', async () => {
    const answer = await answerFor(browser)
    const victim = createBrowser()
    const page = await victim.get(answer, 'cross-site')
    expect([page.status, page.text]).toEqual([400, expect.stringContaining('not begun in this browser')])
    // Nor where the victim has begun one itself.
    await victim.get(at(LOGIN))
    expect((await victim.get(answer, 'cross-site')).status).toBe(400)
    expect(sessionOf(victim)).toBe('')
  })

  it('gives a new session, whatever cookie the browser had before', async () => {
    const mine = createBrowser()
    await logInByKey(secretOf('bob'), mine)
    const fixed = sessionOf(mine)
    for (const planted of [fixed, 'A'.repeat(43)]) {
      const victim = createBrowser()
      const name = `aegis-session-${new URL(aegis.urls.admin).port}`
      victim.jar.set(name, { value: planted, sameSite: 'Strict', attributes: '' })
      await victim.open(at(LOGIN))
      expect(sessionOf(victim)).not.toBe(planted)
    }
    expect(await whoIs(mine)).toBe(200)
    const victim = createBrowser()
    for (const [name, kept] of mine.jar) victim.jar.set(name, kept)
    await logInByKey(secretOf('carol'), victim)
    expect(await whoIs(victim)).toBe(200)
    // Where the browser could show the one that was planted, it has ended.
    expect(await whoIs(mine)).toBe(401)
  })

  it('goes on to where the person was, and nowhere else', async () => {
    const targets = [
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      '/%5c',
      'javascript:alert(1)',
      '/a\nb',
    ]
    for (const target of [...targets, '/login', '/login?return_to=/login', '/logout', ' /x', '']) {
      const one = createBrowser()
      const away = await one.get(at(`/login/start?return_to=${encodeURIComponent(target)}`))
      const back = await one.get(String(away.headers['location']), 'cross-site')
      const page = await one.get(String(back.headers['location']), 'cross-site')
      const url = /url=([^"]*)"/.exec(page.text)?.[1] ?? 'none'
      expect(url).toBe(target === '/%5c' ? '/%5c' : '/')
    }
  })

  it('tells what the provider answered, but not what it was told to say', async () => {
    provider.world.answer = { code: null, error: 'access_denied', error_description: '<b>call 555</b>' }
    const page = await browser.open(at(LOGIN))
    expect([page.status, page.text]).toEqual([
      403,
      expect.stringContaining('Example did not log you in: access_denied'),
    ])
    expect(page.text).not.toContain('555')
    provider.world.answer = { code: null, error: '<script>alert(1)</script>' }
    expect((await createBrowser().open(at(LOGIN))).text).toContain('no reason given')
  })
})

describe('an answer that is not right', () => {
  const answers: readonly [string, World['answer'], number, string][] = [
    ['another state', { state: 'another' }, 400, 'not begun in this browser'],
    ['no state', { state: null }, 400, 'not begun in this browser'],
    ['another issuer (RFC 9207)', { iss: 'https://evil.example' }, 403, 'another provider'],
    ['no issuer, of a provider that names itself', { iss: null }, 403, 'another provider'],
    ['no code', { code: null }, 400, 'no code'],
    ['a code that it did not give', { code: 'made-up' }, 403, 'did not redeem the code: invalid_grant'],
  ]
  it.each(answers)('is refused: %s', async (_, answer, status, said) => {
    provider.world.answer = answer
    const page = await browser.open(at(LOGIN))
    expect([page.status, page.text]).toEqual([status, expect.stringContaining(said)])
    expect(sessionOf(browser)).toBe('')
  })

  it('is refused where a parameter comes twice', async () => {
    const answer = await answerFor(browser)
    for (const twice of ['state', 'code', 'iss']) {
      const page = await browser.get(`${answer}&${twice}=x`, 'cross-site')
      expect([page.status, page.text]).toEqual([400, expect.stringContaining(`\`${twice}\` comes twice`)])
    }
  })

  it('is refused with a login cookie that we did not make', async () => {
    const answer = await answerFor(browser)
    const [name = '', kept] = cookieNamed(browser, 'login') ?? []
    const sealed = kept?.value ?? ''
    const [secret = '', until = '', returnTo = '', seal = ''] = sealed.split('.')
    const later = (Number.parseInt(until, 36) + 60_000).toString(36)
    const elsewhere = Buffer.from('/else').toString('base64url')
    const others = [
      ...[
        [secret, later, returnTo, seal],
        [secret, until, elsewhere, seal],
        [secret, until, returnTo, ''],
      ],
      ...[[secret, until, returnTo], [''], ['', '', '', seal]],
    ]
    for (const other of others) {
      const page = await browser.get(answer, 'cross-site', { cookie: `${name}=${other.join('.')}` })
      expect(page.status).toBe(400)
    }
    // Two of one name: one of them is somebody else's.
    expect((await browser.get(answer, 'cross-site', { cookie: `${name}=${sealed}; ${name}=${sealed}` })).status).toBe(
      400,
    )
    expect((await browser.get(answer, 'cross-site')).status).toBe(200)
  })
})

describe('an ID token that is not right', () => {
  const now = () => Math.floor(Date.now() / 1000)
  const tokens: readonly [string, Partial<World>, string][] = [
    ['of another issuer', { claims: { iss: 'https://evil.example' } }, '`iss` is not the one expected'],
    ['without an issuer', { claims: { iss: undefined } }, '`iss` is missing'],
    ['for another client', { claims: { aud: 'another' } }, '`aud` is not the one expected'],
    ['without an audience', { claims: { aud: undefined } }, '`aud` is missing'],
    ['shared with another client', { claims: { aud: [CLIENT.id, 'another'] } }, 'another client'],
    ['authorized to another party', { claims: { azp: 'another' } }, 'another client'],
    ['with the nonce of another login', { claims: { nonce: 'A'.repeat(43) } }, 'another login'],
    ['without a nonce', { claims: { nonce: undefined } }, '`nonce` is missing'],
    ['with a nonce that is no text', { claims: { nonce: ['x'] } }, 'another login'],
    ['that has expired', { claims: { exp: now() - 60 } }, 'it has expired'],
    ['that never expires', { claims: { exp: undefined } }, '`exp` is missing'],
    ['from the future', { claims: { iat: now() + 120 } }, 'issued in the future'],
    ['that was kept', { claims: { iat: now() - 1000 } }, 'issued too long ago'],
    ['without a time', { claims: { iat: undefined } }, '`iat` is missing'],
    ['not valid yet', { claims: { nbf: now() + 120 } }, 'not valid yet'],
    ['without a subject', { claims: { sub: undefined } }, '`sub` is missing'],
    ['with an empty subject', { claims: { sub: '' } }, '`sub` must be text'],
    ['that ends another login', { claims: { events: {} } }, 'no ID token'],
    [
      'that is an access token',
      { sign: (claims, header) => provider.sign(claims, { ...header, typ: 'at+jwt' }) },
      'another type',
    ],
    ['unsigned', { sign: async (payload) => new UnsecuredJWT(payload).encode() }, 'algorithm is not accepted'],
    ['signed with the public key as a secret', { sign: hmacByPublicKey }, 'algorithm is not accepted'],
    ['signed with the client secret', { sign: hmac(CLIENT.secret) }, 'algorithm is not accepted'],
    ['signed with a key of somebody else', { sign: signed({}) }, 'signature is wrong'],
    ['signed with a key that nobody knows', { sign: signed({ kid: 'unknown' }) }, 'no such key'],
    ['that brings its own key', { sign: signed({ jwk: {}, jku: 'https://evil.example' }) }, 'signature is wrong'],
    ['that is none', { sign: async () => 'eyJ.e30.x' }, 'malformed'],
  ]

  function signed(more: Record<string, unknown>): World['sign'] {
    return async (payload, header) => {
      const { privateKey } = await generateKeyPair('RS256')
      return new SignJWT(payload).setProtectedHeader({ ...header, ...more }).sign(privateKey)
    }
  }

  function hmac(secret: string): World['sign'] {
    return (payload, header) =>
      new SignJWT(payload).setProtectedHeader({ ...header, alg: 'HS256' }).sign(Buffer.from(secret))
  }

  async function hmacByPublicKey(payload: JWTPayload, header: { alg: string; kid: string }): Promise<string> {
    return (await hmac(JSON.stringify(provider.publicKey()))?.(payload, header)) ?? ''
  }

  it.each(tokens)('is refused: %s', async (_, world, said) => {
    Object.assign(provider.world, world)
    const page = await browser.open(at(LOGIN))
    expect([page.status, page.text]).toEqual([403, expect.stringContaining(said)])
    expect(sessionOf(browser)).toBe('')
  })

  it('is none where it may be shared, authorized to us', async () => {
    provider.world.claims = { aud: [CLIENT.id, 'another'], azp: CLIENT.id }
    expect((await browser.open(at(LOGIN))).status).toBe(200)
  })

  it('is none where its key was rotated while the person logged in', async () => {
    await browser.open(at(LOGIN))
    await new Promise((resolve) => setTimeout(resolve, 1100))
    provider.world.between = provider.rotate
    expect(bodyOf(await createBrowser().open(at(LOGIN)))).toMatchObject({ via: 'session' })
  })
})

describe('what a person becomes', () => {
  const person = (sub: string, claims: Readonly<Record<string, unknown>> = {}) => {
    provider.world.user = { ...ALICE_THERE, groups: ['aegis-reviewers'], ...claims, sub }
  }

  it('is the highest role of the rules that match', async () => {
    person('root', { groups: ['x', 'aegis-reviewers', 'aegis-admins'] })
    expect(bodyOf(await browser.open(at(LOGIN)))).toMatchObject({ role: 'admin' })
  })

  it('is nothing without a rule, whatever roles the provider names', async () => {
    for (const groups of [undefined, [], 'aegis-admins2', { value: 'aegis-admins' }, ['Aegis-Admins'], 7]) {
      person('nobody', { groups, role: 'admin', roles: ['admin'] })
      const page = await createBrowser().open(at(LOGIN))
      expect([page.status, page.text]).toEqual([403, expect.stringContaining('no rule gives you a role here')])
    }
    const { body } = await aegis.get('/admin/v1/keys', ADMIN_KEY)
    expect(body.keys.some(({ id }: { id: string }) => id.endsWith(':nobody'))).toBe(false)
  })

  it('acts on every session at once when a later login gives less, or nothing', async () => {
    person('lower', { groups: ['aegis-admins'] })
    await browser.open(at(LOGIN))
    expect((await browser.get(at('/admin/v1/keys'), 'same-origin')).status).toBe(200)
    person('lower')
    await createBrowser().open(at(LOGIN))
    expect((await browser.get(at('/admin/v1/keys'), 'same-origin')).status).toBe(403)
    person('lower', { groups: [] })
    expect((await createBrowser().open(at(LOGIN))).status).toBe(403)
    expect(await whoIs(browser)).toBe(401)
  })

  it('is nobody else by leaving the verified address out later', async () => {
    person('same')
    await browser.open(at(LOGIN))
    person('same', { email: undefined })
    expect(bodyOf(await createBrowser().open(at(LOGIN)))).toMatchObject({ owner: 'alice@example.com' })
    person('same', { email: 'bob@example.com', email_verified: false })
    expect(bodyOf(await createBrowser().open(at(LOGIN)))).toMatchObject({ owner: 'alice@example.com' })
  })

  it('is a self of its own where no address was ever verified', async () => {
    for (const claims of [
      { email_verified: 'true' },
      { email: undefined },
      { email: 'agent:claude' },
      { email: ' ' },
    ]) {
      person(`own-${JSON.stringify(claims).length}`, claims)
      const { principal, owner } = bodyOf(await createBrowser().open(at(LOGIN)))
      expect(owner).toBe(principal)
    }
  })

  it('ends when an administrator revokes it, and does not come back', async () => {
    person('gone')
    const { principal } = bodyOf(await browser.open(at(LOGIN)))
    const ended = await fetch(at(`/admin/v1/keys/${encodeURIComponent(principal)}`), {
      method: 'DELETE',
      headers: { 'x-api-key': ADMIN_KEY },
    })
    expect(ended.status).toBe(200)
    expect(await whoIs(browser)).toBe(401)
    const again = await browser.open(at(LOGIN))
    expect([again.status, again.text]).toEqual([403, expect.stringContaining('shut you out')])
  })

  it('is no key that somebody would have to rotate', async () => {
    person('daily')
    await browser.open(at(LOGIN))
    const endpoint = { socket: null, url: aegis.urls.admin, key: ADMIN_KEY }
    expect(await expiringKeys(endpoint, Date.now())).toMatchObject({ state: 'ok' })
  })

  it('never counts as the administrator who always stays', async () => {
    person('second-admin', { groups: ['aegis-admins'] })
    await browser.open(at(LOGIN))
    const { body } = await aegis.get('/admin/v1/keys', ADMIN_KEY)
    const admin = body.keys.find(({ name }: { name: string }) => name === 'admin')
    const answer = await fetch(at(`/admin/v1/keys/${admin.id}`), {
      method: 'DELETE',
      headers: { 'x-api-key': ADMIN_KEY },
    })
    expect(answer.status).toBe(409)
  })
})

describe('logging in with a key', () => {
  it('makes a session of its record', async () => {
    const page = await logInByKey(secretOf('bob'))
    expect([page.status, page.headers['location']]).toEqual([303, WHO])
    const who = bodyOf(await browser.open(at(WHO), 'same-origin'))
    expect(who).toMatchObject({ name: 'bob', role: 'reviewer', via: 'session' })
  })

  it.each([
    ['an unknown key', 'no-such-key-anywhere', 401],
    ['nothing', '', 401],
    ["an agent's key", AGENT_KEY, 403],
  ])('is refused: %s', async (_, secret, status) => {
    const page = await logInByKey(secret)
    expect(page.status).toBe(status)
    if (secret !== '') expect(page.text).not.toContain(secret)
    // The next try still leads to where the person wanted to go.
    expect(page.text).toContain(`action="/login?return_to=${encodeURIComponent(WHO)}"`)
    expect(sessionOf(browser)).toBe('')
  })

  it('cannot be done to somebody by another site', async () => {
    const form = { key: secretOf('bob') }
    const wrong = [
      { site: 'cross-site', origin: 'https://evil.example' },
      { site: 'same-site', origin: 'http://localhost:3000' },
      { site: 'same-site', origin: aegis.urls.admin },
      { site: 'same-origin', origin: 'null' },
      { site: 'same-origin', origin: null },
      { site: 'same-origin', origin: aegis.urls.mcp },
    ] as const
    for (const more of wrong) expect((await browser.post(at('/login'), form, more)).status).toBe(403)
    expect(sessionOf(browser)).toBe('')
  })

  it('takes a form and nothing else', async () => {
    const answer = await fetch(at('/login'), {
      method: 'POST',
      headers: { origin: aegis.urls.admin, 'content-type': 'application/json' },
      body: JSON.stringify({ key: secretOf('bob') }),
    })
    expect(answer.status).toBe(415)
    const long = await browser.post(at('/login'), { key: 'x'.repeat(70_000) })
    expect(long.status).toBe(413)
  })

  it('ends with the key', async () => {
    const made = await aegis.post('/admin/v1/keys', { name: 'erin', role: 'reviewer', owner: 'erin' }, ADMIN_KEY)
    await logInByKey(made.body.secret)
    expect(await whoIs(browser)).toBe(200)
    await fetch(at(`/admin/v1/keys/${made.body.id}`), { method: 'DELETE', headers: { 'x-api-key': ADMIN_KEY } })
    expect(await whoIs(browser)).toBe(401)
  })
})

describe('a session', () => {
  it('survives a restart, and is known to no other door', async () => {
    await logInByKey(secretOf('bob'))
    const cookie = `${cookieNamed(browser, 'session')?.[0]}=${sessionOf(browser)}`
    expect(await whoIs(browser)).toBe(200)
    const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
    const headers = { cookie, 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    const mcp = await fetch(`${aegis.urls.mcp}/mcp`, { method: 'POST', headers, body: JSON.stringify(list) })
    expect(mcp.status).toBe(401)
    expect(await overSocket(aegis.urls.socket, WHO, { cookie })).toBe(401)
    expect(await overSocket(aegis.urls.socket, '/login', {})).toBe(404)
    expect(await overSocket(aegis.urls.socket, WHO, { 'x-api-key': ADMIN_KEY })).toBe(200)
  })

  function overSocket(socketPath: string, path: string, headers: Record<string, string>): Promise<number> {
    return new Promise((resolve, reject) => {
      const sent = request({ socketPath, path, headers }, (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode ?? 0))
      })
      sent.on('error', reject)
      sent.end()
    })
  }

  it('gives way to a key in a header, be it right or wrong', async () => {
    await logInByKey(secretOf('bob'))
    const withKey = await browser.get(at(WHO), 'same-origin', { 'x-api-key': secretOf('carol') })
    expect(bodyOf(withKey)).toMatchObject({ name: 'carol', via: 'key' })
    expect(bodyOf(withKey)).not.toHaveProperty('csrf')
    for (const headers of [
      { 'x-api-key': 'wrong-key-entirely' },
      { authorization: 'Bearer wrong' },
      { 'x-api-key': '' },
    ]) {
      expect((await browser.get(at(WHO), 'same-origin', { ...headers })).status).toBe(401)
    }
  })

  it('is brought along by our pages, the address bar and links, not by what other pages load or embed', async () => {
    await logInByKey(secretOf('bob'))
    const cookie = `${cookieNamed(browser, 'session')?.[0]}=${sessionOf(browser)}`
    const from = async (site: 'none' | 'same-origin' | 'same-site' | 'cross-site', mode: string, dest: string) =>
      (await browser.get(at(WHO), site, { cookie, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest })).status
    expect(await from('same-origin', 'cors', 'empty')).toBe(200)
    expect(await from('none', 'navigate', 'document')).toBe(200)
    expect(await from('same-site', 'navigate', 'document')).toBe(200)
    expect(await from('same-site', 'no-cors', 'script')).toBe(401)
    expect(await from('same-site', 'navigate', 'iframe')).toBe(401)
    expect(await from('cross-site', 'cors', 'empty')).toBe(401)
  })

  it('changes nothing without its CSRF token and an origin of ours', async () => {
    await logInByKey(secretOf('bob'))
    const other = createBrowser()
    await logInByKey(secretOf('carol'), other)
    const [csrf, anothers] = [await csrfOf(browser), await csrfOf(other)]
    const path = '/admin/v1/approvals/0197a000-0000-7000-8000-000000000000/approve'
    const change = (headers: Record<string, string>, more: Parameters<Browser['post']>[2] = {}) =>
      browser.post(at(path), {}, { ...more, headers: { 'content-type': 'application/json', ...headers } })
    const refusals: readonly [Record<string, string>, Parameters<Browser['post']>[2]][] = [
      [{}, {}],
      [{ 'x-csrf-token': '' }, {}],
      [{ 'x-csrf-token': anothers }, {}],
      [{ 'x-csrf-token': csrf.slice(1) }, {}],
      [{ 'x-csrf-token': sessionOf(browser) }, {}],
      [{ 'x-csrf-token': csrf }, { origin: null }],
      [{ 'x-csrf-token': csrf }, { origin: 'http://localhost:3000' }],
      [{ 'x-csrf-token': csrf }, { site: 'none' }],
    ]
    for (const [headers, more] of refusals) expect((await change(headers, more)).status).toBe(403)
    // A page of another port of this host is same-site; its cookie is not even looked at.
    const cookie = `${cookieNamed(browser, 'session')?.[0]}=${sessionOf(browser)}`
    const embedded = { cookie, 'x-csrf-token': csrf, 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }
    expect((await change(embedded, { site: 'same-site' })).status).toBe(401)
    // Past the door: what is asked for is not there.
    expect((await change({ 'x-csrf-token': csrf })).status).toBe(400)
  })

  it('is ended by its owner, here and elsewhere', async () => {
    await logInByKey(secretOf('carol'))
    const other = createBrowser()
    await logInByKey(secretOf('carol'), other)
    const { logins } = bodyOf(await browser.get(at('/admin/v1/logins'), 'same-origin'))
    expect(logins.length).toBeGreaterThanOrEqual(2)
    const csrf = await csrfOf(browser)
    const ids = logins.map(({ id }: { id: string }) => id)
    const current = logins.filter((one: { current: boolean }) => one.current)
    expect(current).toHaveLength(1)
    const mine = current[0].id
    // With a key one is in none of them.
    const byKey = (await aegis.get('/admin/v1/logins', secretOf('carol'))).body.logins
    expect(byKey.map((one: { current: boolean }) => one.current)).toEqual(ids.map(() => false))
    for (const id of ids.filter((one: string) => one !== mine)) {
      const answer = await fetch(at(`/admin/v1/logins/${id}`), {
        method: 'DELETE',
        headers: { 'x-api-key': secretOf('carol') },
      })
      expect(answer.status).toBe(200)
    }
    expect(await whoIs(other)).toBe(401)
    const strangers = await fetch(at(`/admin/v1/logins/${mine}`), {
      method: 'DELETE',
      headers: { 'x-api-key': ADMIN_KEY },
    })
    expect(strangers.status).toBe(404)
    expect((await browser.post(at('/logout'), { csrf: 'wrong' })).status).toBe(403)
    const foreign = { site: 'cross-site', origin: 'https://evil.example' } as const
    expect((await browser.post(at('/logout'), {}, foreign)).status).toBe(403)
    expect(await whoIs(browser)).toBe(200)
    const out = await browser.post(at('/logout'), { csrf })
    expect([out.status, out.headers['location'], sessionOf(browser)]).toEqual([303, '/login', ''])
    expect(await whoIs(browser)).toBe(401)
  })

  it('resolves as a person at the dashboard', async () => {
    const action = {
      ...{ protocol: 'git', tool: 'github.create_pull_request', target: 'acme/app' },
      parameters: { title: 't', head: 'feat/x', base: 'main' },
    }
    const { body } = await aegis.post('/admin/v1/test-action', action)
    await logInByKey(secretOf('bob'))
    const headers = { 'content-type': 'application/json', 'x-csrf-token': await csrfOf(browser) }
    const sent = await fetch(at(`/admin/v1/approvals/${body.envelope_id}/approve`), {
      method: 'POST',
      headers: {
        ...headers,
        origin: aegis.urls.admin,
        cookie: `${cookieNamed(browser, 'session')?.[0]}=${sessionOf(browser)}`,
      },
      body: '{"comment":"seen"}',
    })
    expect(sent.status).toBe(200)
    const logged = await aegis.get('/admin/v1/logs?kind=approve', ADMIN_KEY)
    expect(JSON.stringify(logged.body)).toContain('"channel":"dashboard"')
  })

  it('is nobody for any cookie but its own', async () => {
    await logInByKey(secretOf('bob'))
    const name = cookieNamed(browser, 'session')?.[0] ?? ''
    const token = sessionOf(browser)
    const near = fc.constantFrom(
      token.slice(1),
      `${token}A`,
      token.toLowerCase(),
      `"${token}"`,
      `${token}=`,
      `x${token}`,
    )
    const text = fc.oneof(
      near,
      fc.string({ unit: fc.constantFrom(...'AZaz09_-.=%"') }),
      fc.stringMatching(/^[\w-]{43}$/),
    )
    await fc.assert(
      fc.asyncProperty(text, async (value) => {
        fc.pre(value !== token)
        const page = await browser.get(at(WHO), 'same-origin', { cookie: `${name}=${value}` })
        expect(page.status).toBe(401)
      }),
      { numRuns: 60 },
    )
    const hash = createHash('sha256').update(token).digest('hex')
    for (const cookie of [
      `${name}=${hash}`,
      `x${name}=${token}`,
      `${name}=${token}; ${name}=${token}`,
      `__Host-aegis-session=${token}`,
    ]) {
      expect((await browser.get(at(WHO), 'same-origin', { cookie })).status).toBe(401)
    }
  })
})

describe('a client secret that cannot be read', () => {
  it.each([
    ['is not there', null, 'cannot read'],
    ['others may read', 0o644, 'others on this machine may read it'],
  ])('is told before anything starts: it %s', async (_, mode, said) => {
    const clientSecretFile = join(folder, `wrong-${mode}`)
    if (mode !== null) writeFileSync(clientSecretFile, CLIENT.secret, { mode })
    const login = { ...DEFAULT_LOGIN, provider: { ...provider.settings, clientSecretFile } }
    await expect(install({ auth: { login } })).rejects.toThrow(said)
  })
})

describe('the login page', () => {
  it('offers the provider and a key, and quotes nothing it was given', async () => {
    const page = await browser.get(at('/login?return_to=/x%22%3E%3Cscript%3E'))
    expect(page.text).toContain('Log in with Example')
    expect(page.text).not.toContain('<script>')
    expect(page.headers['content-security-policy']).toContain("default-src 'none'")
    expect(page.headers['cache-control']).toBe('no-store')
  })

  it('says why one is here again, to the browser that had the session and to nobody else', async () => {
    const made = await aegis.post('/admin/v1/keys', { name: 'ivy', role: 'viewer', owner: 'ivy' }, ADMIN_KEY)
    await logInByKey(made.body.secret)
    await fetch(at(`/admin/v1/keys/${made.body.id}`), { method: 'DELETE', headers: { 'x-api-key': ADMIN_KEY } })
    const page = await browser.open(at('/'))
    expect(page.text).toMatch(/Your login has ended: what you logged in with is good no more\..*Log in again\./)
    expect((await createBrowser().open(at('/'))).text).not.toContain('has ended')
    const left = createBrowser()
    await logInByKey(secretOf('bob'), left)
    await left.post(at('/logout'), { csrf: await csrfOf(left) })
    expect((await left.get(at('/login'))).text).not.toContain('has ended')
  })

  it('looks again for the cookie of who came by a link from elsewhere', async () => {
    await logInByKey(secretOf('bob'))
    const page = await browser.open(at(`/login?return_to=${encodeURIComponent(WHO)}`), 'cross-site')
    expect(bodyOf(page)).toMatchObject({ name: 'bob' })
    const stranger = await createBrowser().open(at('/login'), 'cross-site')
    expect(stranger.text).toContain('Your key')
  })
})
