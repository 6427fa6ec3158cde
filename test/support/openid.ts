import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import type { ProviderSettings } from '../../src/identity/index.ts'

export const CLIENT = { id: 'aegis admin:1', secret: 'a+secret/with:odd%characters' } as const

/** A real OpenID provider on loopback: discovery, authorization (whoever `world.user` is, consents), token endpoint, keys. */
export interface OpenidProvider {
  readonly issuer: string
  readonly settings: ProviderSettings
  readonly world: World
  /** What the token endpoint was asked with, in order. */
  readonly asked: { readonly form: URLSearchParams; readonly authorization: string | undefined }[]
  /** An ID token as it would sign it. */
  sign(payload: JWTPayload, header: { alg: string; kid: string; typ?: string }): Promise<string>
  /** Publishes a new key that signs from now on, and forgets the old one. */
  rotate(): Promise<void>
  publicKey(): JWK
  close(): Promise<void>
}

/** What it does; tests may change all of it. */
export interface World {
  /** Claims of who is logged in there. */
  user: Readonly<Record<string, unknown>>
  /** Where it sends browsers back to; any address where null. */
  redirectUri: string | null
  isPublicClient: boolean
  /** Claims of the ID token, over the right ones; undefined leaves one out. */
  claims: Readonly<Record<string, unknown>>
  /** Signs in place of what it should. */
  sign: ((payload: JWTPayload, header: { alg: string; kid: string }) => Promise<string>) | null
  /** Parameters of the answer to the browser, over the right ones. */
  answer: Readonly<Record<string, string | null>>
  metadata: Readonly<Record<string, unknown>>
  /** Happens after a code was given and before it is redeemed. */
  between: () => Promise<void>
}

export const ALICE_THERE = { sub: 'alice-1', name: 'Alice', email: 'alice@example.com', email_verified: true } as const

interface Granted {
  readonly query: URLSearchParams
  readonly user: World['user']
}

/** @param host as browsers know it: another site than Aegis where it is `localhost` and Aegis is 127.0.0.1. */
export async function startOpenid(host: '127.0.0.1' | 'localhost' = '127.0.0.1'): Promise<OpenidProvider> {
  let issuer = ''
  let made = 0
  let signing = await newKey()
  const granted = new Map<string, Granted>()
  const asked: OpenidProvider['asked'] = []
  const world: World = {
    ...{ user: { ...ALICE_THERE, groups: ['aegis-reviewers'] }, redirectUri: null, isPublicClient: false },
    ...{ claims: {}, sign: null, answer: {}, metadata: {}, between: async () => {} },
  }

  async function newKey(): Promise<{ kid: string; key: CryptoKey; jwk: JWK }> {
    const pair = await generateKeyPair('RS256', { extractable: true })
    made += 1
    const kid = `key-${made}`
    return { kid, key: pair.privateKey, jwk: { ...(await exportJWK(pair.publicKey)), kid, use: 'sig', alg: 'RS256' } }
  }

  function authorize(query: URLSearchParams, response: ServerResponse): void {
    const back = query.get('redirect_uri') ?? ''
    if (query.get('client_id') !== CLIENT.id || (world.redirectUri !== null && back !== world.redirectUri)) {
      response.writeHead(400).end('not registered')
      return
    }
    const isRight = query.get('response_type') === 'code' && query.get('scope')?.split(' ').includes('openid') === true
    const isBound = query.get('code_challenge_method') === 'S256' && (query.get('code_challenge') ?? '').length === 43
    const code = `code-${granted.size + 1}-${Math.floor(Math.random() * 1e9)}`
    granted.set(code, { query, user: world.user })
    const url = new URL(back)
    const good = { code, state: query.get('state'), iss: issuer }
    const right = isRight && isBound ? good : { error: 'invalid_request', state: query.get('state') }
    for (const [name, value] of Object.entries({ ...right, ...world.answer })) {
      if (value !== null) url.searchParams.set(name, value)
    }
    response.writeHead(302, { location: url.href }).end()
  }

  async function token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const form = new URLSearchParams(Buffer.concat(chunks).toString())
    const { authorization } = request.headers
    asked.push({ form, authorization })
    if (!isClient(form, authorization, world.isPublicClient)) return json(response, { error: 'invalid_client' }, 401)
    const code = form.get('code') ?? ''
    const grant = granted.get(code)
    granted.delete(code)
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    const isGood =
      grant !== undefined &&
      form.get('grant_type') === 'authorization_code' &&
      grant.query.get('redirect_uri') === form.get('redirect_uri') &&
      grant.query.get('code_challenge') === challenge
    if (!isGood) return json(response, { error: 'invalid_grant' }, 400)
    await world.between()
    json(response, { access_token: 'opaque', token_type: 'Bearer', expires_in: 60, id_token: await idToken(grant) })
  }

  async function idToken({ query, user }: Granted): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const right = { iss: issuer, aud: CLIENT.id, iat: now, exp: now + 300, nonce: query.get('nonce'), ...user }
    const payload: JWTPayload = Object.fromEntries(
      Object.entries({ ...right, ...world.claims }).filter(([, value]) => value !== undefined),
    )
    const header = { alg: 'RS256', kid: signing.kid, typ: 'JWT' }
    if (world.sign !== null) return world.sign(payload, header)
    return sign(payload, header)
  }

  function sign(payload: JWTPayload, header: { alg: string; kid: string; typ?: string }): Promise<string> {
    return new SignJWT(payload).setProtectedHeader(header).sign(signing.key)
  }

  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', issuer)
    if (pathname === '/.well-known/openid-configuration') json(response, { ...metadataOf(issuer), ...world.metadata })
    else if (pathname === '/jwks') json(response, { keys: [signing.jwk] })
    else if (pathname === '/authorize') authorize(searchParams, response)
    else if (pathname === '/token' && request.method === 'POST') void token(request, response)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  issuer = `http://${host}:${(server.address() as AddressInfo).port}`

  return {
    ...{ issuer, settings: providerSettings(issuer), world, asked, sign },
    async rotate() {
      signing = await newKey()
    },
    publicKey: () => signing.jwk,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export function providerSettings(issuer: string, more: Partial<ProviderSettings> = {}): ProviderSettings {
  return {
    ...{ issuer, name: 'Example', clientId: CLIENT.id, clientSecretFile: null, scopes: ['profile', 'email'] },
    ...{ algorithms: ['RS256', 'ES256'], clockSkew: 30, nameClaim: 'name', ownerClaim: null },
    roles: [
      { claim: ['groups'], value: 'aegis-reviewers', role: 'reviewer' },
      { claim: ['groups'], value: 'aegis-admins', role: 'admin' },
    ],
    ...more,
  }
}

function metadataOf(issuer: string) {
  return {
    ...{ issuer, jwks_uri: `${issuer}/jwks`, authorization_endpoint: `${issuer}/authorize` },
    ...{ token_endpoint: `${issuer}/token`, response_types_supported: ['code'] },
    ...{ subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256'] },
    authorization_response_iss_parameter_supported: true,
  }
}

/** RFC 6749 section 2.3.1: both parts are form-encoded before they are joined. */
function isClient(form: URLSearchParams, authorization: string | undefined, isPublic: boolean): boolean {
  if (isPublic) return authorization === undefined && form.get('client_id') === CLIENT.id && !form.has('client_secret')
  const [id, secret] = Buffer.from((authorization ?? '').replace(/^Basic /, ''), 'base64')
    .toString()
    .split(':')
  const plain = (text = '') => new URLSearchParams(`x=${text}`).get('x')
  return plain(id) === CLIENT.id && plain(secret) === CLIENT.secret
}

function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
