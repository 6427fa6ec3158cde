import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { base64url, generateKeyPair } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AegisError } from '../../../src/core/errors.ts'
import { createKeyring, createResources, createTokenAuthenticator, type Keyring } from '../../../src/identity/index.ts'
import type { IssuerSettings } from '../../../src/identity/oauth/index.ts'
import { openSqlite, type Stores } from '../../../src/store/sqlite/index.ts'
import { type Issuer, type SignedAs, startIssuer } from '../../support/issuer.ts'
import { handClock, listLog, systemRandom } from '../../support/world.ts'

const BASE = 'https://aegis.example.com'
const HERE = `${BASE}/mcp/github`

let folder: string
let stores: Stores
let issuer: Issuer
let other: Issuer
let keyring: Keyring
const clock = handClock()
const log = listLog()

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'aegis-oauth-'))
  stores = await openSqlite(join(folder, 'aegis.db'))
  keyring = createKeyring({ store: stores.keys, clock, random: systemRandom })
  issuer = await startIssuer()
  other = await startIssuer({ path: '/tenant' })
  for (const one of [issuer, other]) one.world.now = () => Math.floor(clock.now() / 1000)
})
afterAll(async () => {
  await issuer.close()
  await other.close()
  await stores.close()
  rmSync(folder, { recursive: true })
})

function door(more: Partial<IssuerSettings> = {}) {
  const issuers = [{ ...issuer.settings, ...more }, other.settings]
  const names = issuers.map((one) => one.issuer)
  const resources = createResources(BASE, names, more.scopes ?? [])
  return createTokenAuthenticator({ issuers, resources, keyring, clock, log })
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

describe('a token of a trusted issuer', () => {
  it('makes its subject an agent, whatever roles it claims', async () => {
    const token = await issuer.token({ aud: HERE, role: 'admin', roles: ['admin'], preferred_username: 'Alice' })
    const hash = createHash('sha256').update(issuer.issuer).digest('hex').slice(0, 12)
    const record = await door().authenticate(token, 'github')
    expect(record).toMatchObject({ id: `oauth:${hash}:alice`, role: 'agent', name: 'Alice', sponsor: '' })
    expect(await stores.keys.get(record.id)).toEqual({ ...record, lastUsedAt: expect.any(Number) })
  })

  it('may name the endpoint, the one of all upstreams, or an audience of the configuration', async () => {
    for (const aud of [HERE, `${BASE}/mcp`, `${BASE}/mcp/`, ['x', HERE]]) {
      expect(await door().authenticate(await issuer.token({ aud }), 'github')).toMatchObject({ role: 'agent' })
    }
    const named = door({ audiences: ['api://aegis'] })
    expect(await named.authenticate(await issuer.token({ aud: 'api://aegis' }), null)).toMatchObject({ role: 'agent' })
  })

  it('is told apart from the same subject of another issuer', async () => {
    const here = await door().authenticate(await issuer.token({ aud: HERE }), 'github')
    const there = await door().authenticate(await other.token({ aud: HERE }), 'github')
    expect(here.id).not.toBe(there.id)
  })

  it('names the person behind the agent by the claim that the configuration trusts for it', async () => {
    const token = await issuer.token({ aud: HERE, sub: 'with-sponsor', email: 'dana' })
    const record = await door({ sponsorClaim: 'email' }).authenticate(token, 'github')
    expect(record.sponsor).toBe('dana')
  })

  it('is shut out once an administrator revokes its subject', async () => {
    const token = await issuer.token({ aud: HERE, sub: 'mallory' })
    const { id } = await door().authenticate(token, 'github')
    expect(await keyring.revoke(id)).toBe(true)
    expect((await refusal(door().authenticate(token, 'github'))).message).toContain('shut out')
  })

  it('never makes a principal with a slash, and never one for two subjects', async () => {
    const seen = new Map<string, string>()
    const subject = fc.oneof(fc.string({ minLength: 1, maxLength: 90 }), fc.constantFrom('a/b', '~x', 'A', 'a', ' '))
    await fc.assert(
      fc.asyncProperty(subject, async (sub) => {
        const { id } = await door().authenticate(await issuer.token({ aud: HERE, sub }), 'github')
        expect(id).toMatch(/^oauth:[0-9a-f]{12}:[\x21-\x2e\x30-\x7e]{1,64}$/)
        expect(seen.get(id) ?? sub).toBe(sub)
        seen.set(id, sub)
      }),
      { numRuns: 60 },
    )
  })

  it('is good until it expires, and not a moment longer for having been believed', async () => {
    const authenticator = door()
    const token = await issuer.token({ aud: HERE, exp: Math.floor(clock.now() / 1000) + 5 })
    await authenticator.authenticate(token, 'github')
    clock.advance(34_000)
    await authenticator.authenticate(token, 'github')
    clock.advance(2_000)
    expect((await refusal(authenticator.authenticate(token, 'github'))).message).toContain('expired')
  })
})

describe('a token is refused', () => {
  const now = () => Math.floor(clock.now() / 1000)
  type Case = readonly [string, () => Promise<string>, RegExp]
  const signed =
    (claims: () => Record<string, unknown>, as: SignedAs = {}): (() => Promise<string>) =>
    () =>
      issuer.token({ aud: HERE, ...claims() }, as)
  const asPassword = async () => {
    const secret = new TextEncoder().encode(JSON.stringify(issuer.publicKey()))
    return issuer.token({ aud: HERE }, { alg: 'HS256', key: secret })
  }
  const unsigned = (alg: string) => async () => {
    const [, payload] = (await issuer.token({ aud: HERE })).split('.')
    return `${base64url.encode(JSON.stringify({ alg, typ: 'at+jwt' }))}.${payload}.`
  }
  const byStranger = (header: Record<string, unknown>) => async () => {
    const { privateKey } = await generateKeyPair('ES256')
    return issuer.token({ aud: HERE }, { key: privateKey, header })
  }
  const bent = async () => {
    const [head, , tail] = (await issuer.token({ aud: HERE })).split('.')
    const claims = { iss: issuer.issuer, sub: 'admin', aud: HERE, iat: now(), exp: now() + 60 }
    return `${head}.${base64url.encode(JSON.stringify(claims))}.${tail}`
  }

  it.each<Case>([
    ['with alg none', unsigned('none'), /algorithm/],
    ['with alg nOnE', unsigned('nOnE'), /algorithm/],
    ['with the public key as an HMAC secret', asPassword, /algorithm/],
    ['signed by a stranger', byStranger({}), /signature/],
    ['that brings its own key', byStranger({ jwk: { kty: 'EC' } }), /signature/],
    [
      'that says where its key is',
      byStranger({ jku: 'http://127.0.0.1:1/keys', x5u: 'http://127.0.0.1:1/c' }),
      /signature/,
    ],
    ['with claims that were changed', bent, /signature/],
    [
      'with a critical header nobody knows',
      signed(() => ({}), { header: { crit: ['b64x'], b64x: 1 }, crit: { b64x: true } }),
      /algorithm|malformed/,
    ],
    ['of another issuer', signed(() => ({ iss: 'https://elsewhere.example' })), /not trusted/],
    [
      'of a trusted issuer with the signature of another',
      signed(() => ({ iss: other.issuer })),
      /no such key|signature/,
    ],
    ['of an issuer that differs by a slash', signed(() => ({ iss: `${issuer.issuer}/` })), /not trusted/],
    ['without an issuer', signed(() => ({ iss: undefined })), /not trusted/],
    ['without an audience', signed(() => ({ aud: undefined })), /aud/],
    ['for another service', signed(() => ({ aud: 'https://files.example.com' })), /another audience/],
    ['for another upstream', signed(() => ({ aud: `${BASE}/mcp/files` })), /another audience/],
    ['for an address that only begins like ours', signed(() => ({ aud: `${HERE}-evil` })), /another audience/],
    ['whose audience is an object', signed(() => ({ aud: { 0: HERE } })), /another audience|aud|malformed/],
    ['that has expired', signed(() => ({ exp: now() - 31 })), /expired/],
    ['that never expires', signed(() => ({ exp: undefined })), /exp/],
    ['whose expiry is text', signed(() => ({ exp: '9999999999' })), /exp|malformed/],
    ['that is not valid yet', signed(() => ({ nbf: now() + 31 })), /not valid yet/],
    ['without a subject', signed(() => ({ sub: undefined })), /sub/],
    ['with half a character for a subject', signed(() => ({ sub: '\ud800' })), /sub/],
    ['with an empty subject', signed(() => ({ sub: '' })), /sub/],
    ['with a number for a subject', signed(() => ({ sub: 7 })), /sub|malformed/],
    ['of the type JWT where at+jwt is asked for', signed(() => ({}), { typ: 'JWT' }), /type is not at\+jwt/],
    ['of no type where at+jwt is asked for', signed(() => ({}), { typ: null }), /type is not at\+jwt/],
    ['that is bound to a key of its client', signed(() => ({ cnf: { jkt: 'x' } })), /bound to a key/],
    ['with an unknown key id', signed(() => ({}), { kid: 'nobody' }), /no such key/],
    ['with a path for a key id', signed(() => ({}), { kid: '../../../dev/null' }), /no such key/],
    ['with a query for a key id', signed(() => ({}), { kid: "x' UNION SELECT 'key" }), /no such key/],
  ])('%s', async (_, make, reason) => {
    const error = await refusal(door().authenticate(await make(), 'github'))
    expect(error.code).toBe('unauthenticated')
    expect(error.data).toEqual({ error: 'invalid_token' })
    expect(error.message).toMatch(reason)
  })

  it.each([
    ['an ID token', { nonce: 'n' }, {}],
    ['an ID token with a hash of its code', { c_hash: 'x' }, {}],
    ['an ID token of Cognito', { token_use: 'id' }, {}],
    ['a refresh token of Keycloak', { typ: 'Refresh' }, {}],
    ['a logout token', { events: {} }, { typ: 'logout+jwt' }],
    ['a security event', {}, { typ: 'secevent+jwt' }],
    ['a client assertion', {}, { typ: 'client-authentication+jwt' }],
  ])('that is %s, also where plain JWTs are taken', async (_, claims, as) => {
    const plain = door({ tokenType: 'jwt' })
    expect(await plain.authenticate(await issuer.token({ aud: HERE }, { typ: 'JWT' }), 'github')).toBeDefined()
    expect(await plain.authenticate(await issuer.token({ aud: HERE }, { typ: null }), 'github')).toBeDefined()
    const token = await issuer.token({ aud: HERE, ...claims }, { typ: 'JWT', ...as })
    expect((await refusal(plain.authenticate(token, 'github'))).data).toEqual({ error: 'invalid_token' })
  })

  it('at another endpoint than the one it was believed at', async () => {
    const authenticator = door()
    const token = await issuer.token({ aud: HERE })
    await authenticator.authenticate(token, 'github')
    for (const upstream of ['files', null]) {
      expect((await refusal(authenticator.authenticate(token, upstream))).message).toContain('another audience')
    }
  })

  it('without a scope that is asked for, naming all that are needed', async () => {
    const scoped = door({ scopes: ['mcp:read', 'mcp:write'] })
    const error = await refusal(scoped.authenticate(await issuer.token({ aud: HERE, scope: 'mcp:read' }), 'github'))
    expect([error.code, error.data]).toEqual([
      'forbidden',
      { error: 'insufficient_scope', scope: 'mcp:read mcp:write' },
    ])
    for (const claims of [{ scope: 'mcp:write other mcp:read' }, { scp: ['mcp:read', 'mcp:write'] }]) {
      expect(await scoped.authenticate(await issuer.token({ aud: HERE, ...claims }), 'github')).toBeDefined()
    }
  })

  it('with any one character of it changed', async () => {
    const token = await issuer.token({ aud: HERE })
    const authenticator = door()
    const at = fc.integer({ min: 0, max: token.length - 1 })
    await fc.assert(
      fc.asyncProperty(at, fc.constantFrom('A', 'z', '0', '_'), async (index, letter) => {
        fc.pre(token[index] !== letter && token[index] !== '.')
        // The last character of a part holds bits that nothing is made of: other texts, the same bytes.
        fc.pre(index !== token.length - 1 && token[index + 1] !== '.')
        const changed = token.slice(0, index) + letter + token.slice(index + 1)
        expect((await refusal(authenticator.authenticate(changed, 'github'))).code).toBe('unauthenticated')
      }),
      { numRuns: 100 },
    )
  })

  it('and the log says why, once a minute, without the token', async () => {
    const before = log.lines.length
    const authenticator = door()
    const token = await issuer.token({ aud: 'https://nowhere.example' })
    for (let count = 0; count < 50; count++) await refusal(authenticator.authenticate(token, 'github'))
    const lines = log.lines.slice(before)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('another audience')
    for (const part of token.split('.')) expect(log.lines.join()).not.toContain(part)
  })
})
