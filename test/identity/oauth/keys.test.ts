import type { IncomingMessage, ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AegisError } from '../../../src/core/errors.ts'
import { type AccessToken, verifyAccessToken } from '../../../src/identity/oauth/access-token.ts'
import type { IssuerSettings } from '../../../src/identity/oauth/index.ts'
import { createKeySet } from '../../../src/identity/oauth/key-set.ts'
import { type Issuer, settingsFor, startIssuer } from '../../support/issuer.ts'
import { handClock, listLog } from '../../support/world.ts'

const MINUTE = 60_000
let issuer: Issuer
let clock: ReturnType<typeof handClock>
beforeEach(async () => {
  issuer = await startIssuer({ path: '/tenant' })
  clock = handClock()
  issuer.world.now = () => Math.floor(clock.now() / 1000)
})
afterEach(() => issuer.close())

function verifier(more: Partial<IssuerSettings> = {}) {
  const settings = settingsFor(issuer.issuer, more)
  const keys = createKeySet(settings, { clock, log: listLog() })
  return (token: string): Promise<AccessToken> => verifyAccessToken(token, settings, keys, clock)
}

const fresh = () => issuer.token({ aud: 'here' })
const down = (_: IncomingMessage, response: ServerResponse) => void response.writeHead(503).end()

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'taken'
  } catch (error) {
    if (error instanceof AegisError) return error.code
    throw error
  }
}

describe('the keys of an issuer', () => {
  it('are looked up at first need, once for however many tokens wait', async () => {
    const verify = verifier()
    const tokens = await Promise.all(Array.from({ length: 50 }, fresh))
    await Promise.all(tokens.map(verify))
    expect(issuer.asked).toEqual(['/.well-known/oauth-authorization-server/tenant', '/tenant/jwks'])
  })

  it('are taken from where the configuration says, without a look-up', async () => {
    await verifier({ jwksUri: `${issuer.issuer}/jwks` })(await fresh())
    expect(issuer.asked).toEqual(['/tenant/jwks'])
  })

  it.each([
    ['/.well-known/openid-configuration/tenant', 2],
    ['/tenant/.well-known/openid-configuration', 3],
  ])('are found by OpenID Connect too, at %s', async (path, tries) => {
    issuer.world.instead = (request, response) => {
      const body = request.url === path ? issuer.world.discovery : { keys: issuer.world.keys }
      if (request.url === path || request.url === '/tenant/jwks') response.end(JSON.stringify(body))
      else response.writeHead(404).end()
    }
    await verifier()(await fresh())
    expect(issuer.asked).toHaveLength(tries + 1)
  })

  it('change: a new one is fetched when a token names it, the old one still counts while published', async () => {
    const verify = verifier()
    const old = await fresh()
    await verify(old)
    await issuer.rotate(true)
    clock.advance(MINUTE)
    await verify(await fresh())
    await verify(old)
  })

  it('change: a withdrawn one counts no longer than ten minutes', async () => {
    const verify = verifier()
    await verify(await issuer.token({ aud: 'here' }))
    const old = await issuer.token({ aud: 'here', exp: Math.floor(clock.now() / 1000) + 3600 })
    await issuer.rotate(false)
    clock.advance(11 * MINUTE)
    expect(await codeOf(verify(old))).toBe('unauthenticated')
    await verify(await fresh())
  })

  it('are not fetched again for each key that somebody made up', async () => {
    const verify = verifier()
    await verify(await fresh())
    const before = issuer.asked.length
    for (let count = 0; count < 20; count++) {
      expect(await codeOf(verify(await issuer.token({ aud: 'here' }, { kid: `made-up-${count}` })))).toBe(
        'unauthenticated',
      )
    }
    expect(issuer.asked.length).toBe(before)
    clock.advance(31_000)
    for (let count = 0; count < 20; count++) {
      await codeOf(verify(await issuer.token({ aud: 'here' }, { kid: `made-up-${count}` })))
    }
    expect(issuer.asked.length).toBe(before + 1)
  })

  it('keep working for an hour while their issuer is down, and not longer', async () => {
    const verify = verifier()
    await verify(await fresh())
    issuer.world.instead = down
    clock.advance(59 * MINUTE)
    await verify(await fresh())
    clock.advance(2 * MINUTE)
    expect(await codeOf(verify(await fresh()))).toBe('unavailable')
    issuer.world.instead = null
    clock.advance(MINUTE)
    await verify(await fresh())
  })

  it('that were never seen let nobody in, and their issuer is not asked for each token', async () => {
    issuer.world.instead = down
    const verify = verifier()
    const token = await fresh()
    for (let count = 0; count < 10; count++) expect(await codeOf(verify(token))).toBe('unavailable')
    expect(issuer.asked).toHaveLength(3)
    issuer.world.instead = null
    clock.advance(6_000)
    await verify(token)
  })
})

describe('keys are not taken', () => {
  const redirect = (_: IncomingMessage, response: ServerResponse) =>
    void response.writeHead(302, { location: 'http://127.0.0.1:1/jwks' }).end()
  const flood = (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200)
    response.end(' '.repeat(300_000))
  }
  const text = (body: string) => (_: IncomingMessage, response: ServerResponse) => void response.end(body)

  it.each([
    ['a redirect', redirect],
    ['more than 256 KiB', flood],
    ['HTML', text('<html>')],
    ['a list', text('[]')],
    ['no list of keys', text('{"keys":{}}')],
    ['twice the same member', text('{"keys":[],"keys":[]}')],
    ['too many of them', text(JSON.stringify({ keys: Array.from({ length: 101 }, () => ({ kty: 'EC' })) }))],
    ['nothing, and hangs up', (request: IncomingMessage) => void request.socket.destroy()],
  ])('where the issuer sends %s', async (_, instead) => {
    issuer.world.instead = instead
    expect(await codeOf(verifier({ jwksUri: `${issuer.issuer}/jwks` })(await fresh()))).toBe('unavailable')
  })

  it.each([
    ['speaks for another issuer', () => ({ issuer: 'https://honest.example' })],
    ['speaks for an issuer that differs by a slash', () => ({ issuer: `${issuer.issuer}/` })],
    ['names no keys', () => ({ jwks_uri: undefined })],
    ['names keys in a file', () => ({ jwks_uri: 'file:///etc/passwd' })],
    ['names keys on an unprotected host', () => ({ jwks_uri: 'http://192.0.2.7/jwks' })],
    ['puts a password into the address', () => ({ jwks_uri: 'https://me:secret@keys.example/jwks' })],
  ])('where its document %s', async (_, change) => {
    issuer.world.discovery = { ...issuer.world.discovery, ...change() }
    expect(await codeOf(verifier()(await fresh()))).toBe('unavailable')
    expect(issuer.asked).not.toContain('/tenant/jwks')
  })

  it('where they are secrets: symmetric ones, and private ones that somebody published', async () => {
    const secret = new TextEncoder().encode('a secret of thirty-two characters')
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const leaked: JWK = { ...(await exportJWK(privateKey)), kid: 'leaked', alg: 'ES256' }
    const shared: JWK = { kty: 'oct', k: Buffer.from(secret).toString('base64url'), kid: 'shared', alg: 'HS256' }
    issuer.world.keys.push(leaked, shared)
    const verify = verifier()
    const claims = { aud: 'here' }
    expect(await codeOf(verify(await issuer.token(claims, { kid: 'leaked', key: privateKey })))).toBe('unauthenticated')
    expect(await codeOf(verify(await issuer.token(claims, { kid: 'shared', alg: 'HS256', key: secret })))).toBe(
      'unauthenticated',
    )
    await verify(await fresh())
  })

  it('where they are for encryption, for another algorithm, or too small', async () => {
    const [first] = issuer.world.keys
    const { privateKey, publicKey } = await generateKeyPair('RS256', { modulusLength: 2048 })
    const rsa = { ...(await exportJWK(publicKey)), kid: 'rsa' }
    issuer.world.keys = [
      { ...first, kid: 'enc', use: 'enc' },
      { ...rsa, alg: 'PS256' },
    ]
    const verify = verifier()
    expect(await codeOf(verify(await issuer.token({ aud: 'here' }, { kid: 'enc' })))).toBe('unauthenticated')
    expect(
      await codeOf(verify(await issuer.token({ aud: 'here' }, { kid: 'rsa', alg: 'RS256', key: privateKey }))),
    ).toBe('unauthenticated')
  })

  it('where a token names none and several would do', async () => {
    const keys = issuer.world.keys
    issuer.world.keys = [...keys, ...keys].map(({ kid: _, ...rest }) => rest)
    expect(await codeOf(verifier()(await issuer.token({ aud: 'here' }, { kid: null })))).toBe('unauthenticated')
  })

  it('where a token says they are elsewhere: nobody asks there', async () => {
    const elsewhere = await startIssuer()
    const token = await issuer.token(
      { aud: 'here' },
      { header: { jku: `${elsewhere.issuer}/jwks`, x5u: `${elsewhere.issuer}/x` }, kid: `${elsewhere.issuer}/jwks` },
    )
    expect(await codeOf(verifier()(token))).toBe('unauthenticated')
    expect(elsewhere.asked).toEqual([])
    await elsewhere.close()
  })
})
