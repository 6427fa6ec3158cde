import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type CryptoKey,
  exportJWK,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  SignJWT,
} from 'jose'
import type { IssuerSettings } from '../../src/identity/oauth/index.ts'

export interface SignedAs {
  readonly alg?: string
  readonly kid?: string | null
  readonly typ?: string | null
  /** Further members of the header. */
  readonly header?: Readonly<Record<string, unknown>>
  /** Critical members of the header that this issuer knows. */
  readonly crit?: Readonly<Record<string, boolean>>
  /** Signs with this instead of the issuer's own key. */
  readonly key?: CryptoKey | Uint8Array
}

/** A real authorization server on loopback: discovery, keys, and a token endpoint for `client_credentials`. */
export interface Issuer {
  readonly issuer: string
  readonly settings: IssuerSettings
  /** Paths asked for, in order. */
  readonly asked: string[]
  /** What it publishes; tests may change all of it. */
  readonly world: {
    keys: JWK[]
    discovery: Record<string, unknown>
    /** Answers in its place. Null: as it should. */
    instead: ((request: IncomingMessage, response: ServerResponse) => void) | null
    /** `at` in seconds, for `iat`, `nbf` and `exp` of tokens. */
    now: () => number
  }
  /** An access token as RFC 9068 has it, but for what is given. `undefined` leaves a claim out. */
  token(claims?: Readonly<Record<string, unknown>>, as?: SignedAs): Promise<string>
  /** Publishes a new key, which signs from now on, beside or instead of the old ones. */
  rotate(keepOld: boolean): Promise<void>
  publicKey(): JWK
  close(): Promise<void>
}

export async function startIssuer(options: { readonly path?: string; readonly port?: number } = {}): Promise<Issuer> {
  const path = options.path ?? ''
  let pair = await generateKeyPair('ES256', { extractable: true })
  let kid = 'key-1'
  const asked: string[] = []
  const world: Issuer['world'] = {
    keys: [await published(pair, kid)],
    discovery: {},
    instead: null,
    now: () => Math.floor(Date.now() / 1000),
  }
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    if (world.instead !== null) world.instead(request, response)
    else if (request.url === `${path}/jwks`) json(response, { keys: world.keys })
    else if (request.url === `/.well-known/oauth-authorization-server${path}`) json(response, world.discovery)
    else if (request.url === `${path}/token`) void grant(request, response)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer = origin + path
  world.discovery = {
    issuer,
    jwks_uri: `${issuer}/jwks`,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['client_secret_basic'],
  }

  async function token(claims: Readonly<Record<string, unknown>> = {}, as: SignedAs = {}): Promise<string> {
    const now = world.now()
    const usual = { iss: issuer, sub: 'alice', client_id: 'agent', jti: 'one', iat: now, exp: now + 300 }
    const payload = Object.entries({ ...usual, ...claims }).filter(([, value]) => value !== undefined)
    const { alg = 'ES256', typ = 'at+jwt' } = as
    const header = { alg, kid, typ, ...as.header, ...(as.kid === undefined ? {} : { kid: as.kid }) }
    const members = Object.entries(header).filter(([, value]) => value !== null)
    return new SignJWT(Object.fromEntries(payload) as JWTPayload)
      .setProtectedHeader(Object.fromEntries(members) as { alg: string })
      .sign(as.key ?? pair.privateKey, { crit: as.crit ?? {} })
  }

  async function grant(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const form = new URLSearchParams(Buffer.concat(chunks).toString())
    const scope = form.get('scope') ?? ''
    const access_token = await token({ aud: form.get('resource') ?? 'nobody', scope })
    json(response, { access_token, token_type: 'Bearer', expires_in: 300, scope })
  }

  return {
    issuer,
    settings: settingsFor(issuer),
    asked,
    world,
    token,
    async rotate(keepOld) {
      pair = await generateKeyPair('ES256', { extractable: true })
      kid = `key-${world.keys.length + 1}-${asked.length}`
      world.keys = [...(keepOld ? world.keys : []), await published(pair, kid)]
    },
    publicKey: () => world.keys.at(-1) ?? {},
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export function settingsFor(issuer: string, more: Partial<IssuerSettings> = {}): IssuerSettings {
  return {
    issuer,
    audiences: [],
    jwksUri: null,
    algorithms: ['RS256', 'ES256'],
    tokenType: 'at+jwt',
    clockSkew: 30,
    scopes: [],
    nameClaim: 'preferred_username',
    sponsorClaim: null,
    ...more,
  }
}

async function published({ publicKey }: GenerateKeyPairResult, kid: string): Promise<JWK> {
  return { ...(await exportJWK(publicKey)), kid, use: 'sig', alg: 'ES256' }
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
