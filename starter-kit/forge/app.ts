import { createHash, createPublicKey, type KeyObject, randomBytes, verify } from 'node:crypto'
import { AegisError } from '../../src/core/errors.ts'
import { isObject, type Json, type JsonObject } from '../../src/core/json.ts'
import type { People } from './people.ts'
import { covers, PERMISSION_NAMES, type Permissions } from './permissions.ts'
import { Refusal } from './problem.ts'
import type { StateFile, TokenRecord } from './state.ts'

export interface AppConfig {
  readonly appId: number
  readonly publicKeyPem: string
  /** Login of the App's account is `<slug>[bot]`. */
  readonly slug: string
  readonly installationId: number
  readonly grants: Permissions
}

/** Who asks: nobody, the App itself (by its signed JWT), or one of its installation's tokens. */
export type Caller =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'app' }
  | { readonly kind: 'token'; readonly token: TokenRecord }

export interface TokenRequest {
  readonly repositories: readonly string[] | null
  readonly permissions: Permissions | null
}

export interface Minted {
  readonly token: string
  readonly record: TokenRecord
}

/** The App's side of GitHub: judges JWTs, mints, recognises and revokes installation tokens. */
export interface AppDesk {
  readonly config: AppConfig
  authenticate(authorization: string | undefined): Caller
  mint(request: TokenRequest): Promise<Minted>
  revoke(token: TokenRecord): Promise<void>
}

// docs.github.com: installation tokens "expire after 1 hour"; JWTs are valid for at most 10 minutes.
const TOKEN_LIFE = 3_600_000
const JWT_LIFE_SECONDS = 600
const CLOCK_DRIFT_SECONDS = 60

/** @throws AegisError `config` where the public key is not an RSA key in PEM. */
export function openAppDesk(config: AppConfig, people: People, state: StateFile, now: () => number): AppDesk {
  const key = rsaKey(config.publicKeyPem)
  // Every App may read metadata; it cannot be withheld.
  const grants: Permissions = { ...config.grants, metadata: 'read' }
  return {
    config: { ...config, grants },
    authenticate(authorization) {
      const secret = /^(?:bearer|token) +(\S+)$/i.exec(authorization?.trim() ?? '')?.[1]
      if (authorization === undefined) return { kind: 'nobody' }
      if (secret === undefined) throw new Refusal(401, 'Bad credentials')
      const person = people.recognise(secret)
      if (person !== null) return { kind: 'token', token: person }
      if (!secret.startsWith('ghs_')) {
        checkAppJwt(secret, key, config.appId, now())
        return { kind: 'app' }
      }
      const hash = tokenHash(secret)
      const token = state.current().tokens.find((known) => known.hash === hash)
      if (token === undefined || token.expiresAt <= now()) throw new Refusal(401, 'Bad credentials')
      return { kind: 'token', token }
    },
    async mint(request) {
      const permissions: Permissions = { ...(request.permissions ?? grants), metadata: 'read' }
      if (!covers(grants, permissions)) {
        throw new Refusal(422, 'The permissions requested are not granted to this installation.')
      }
      const token = `ghs_${randomText(36)}`
      const expiresAt = Math.ceil(now() / 1000) * 1000 + TOKEN_LIFE
      const record = { hash: tokenHash(token), expiresAt, permissions, repositories: request.repositories }
      await state.change((draft) => {
        draft.tokens = [...draft.tokens.filter((known) => known.expiresAt > now()), record]
      })
      return { token, record }
    },
    revoke: (token) =>
      state.change((draft) => {
        draft.tokens = draft.tokens.filter((known) => known.hash !== token.hash)
      }),
  }
}

/** Permissions asked for in a mint request's body. @throws Refusal 422 on an unknown name or level. */
export function parsePermissions(value: Json): Permissions {
  if (!isObject(value)) throw new Refusal(422, 'Invalid request.\n\n"permissions" must be an object.')
  const permissions: Record<string, 'read' | 'write'> = {}
  for (const [name, level] of Object.entries(value)) {
    if (!PERMISSION_NAMES.has(name) || (level !== 'read' && level !== 'write')) {
      throw new Refusal(422, 'The permissions requested are not granted to this installation.')
    }
    permissions[name] = level
  }
  return permissions
}

function rsaKey(pem: string): KeyObject {
  try {
    const key = createPublicKey(pem)
    if (key.asymmetricKeyType === 'rsa') return key
  } catch (cause) {
    throw new AegisError('config', "the App's public key cannot be read", { advice: 'give an RSA key in PEM', cause })
  }
  throw new AegisError('config', "the App's public key is not an RSA key", { advice: 'make one of 2048 bits or more' })
}

/** RFC 7519 with GitHub's rules: RS256 only, `exp` at most ten minutes ahead, `iat` not ahead of the clock by more than a minute. */
function checkAppJwt(jwt: string, key: KeyObject, appId: number, now: number): void {
  const [head, body, signature, ...rest] = jwt.split('.')
  const undecodable = new Refusal(401, 'A JSON web token could not be decoded')
  if (head === undefined || body === undefined || signature === undefined || rest.length > 0) {
    throw new Refusal(401, 'Bad credentials')
  }
  const header = decodePart(head)
  const claims = decodePart(body)
  // Only the App's algorithm, whatever the header proposes: no `none`, no HMAC with the public key as secret.
  if (header?.['alg'] !== 'RS256' || claims === null) throw undecodable
  const signed = Buffer.from(`${head}.${body}`)
  if (!verify('RSA-SHA256', signed, key, Buffer.from(signature, 'base64url'))) throw undecodable
  checkClaims(claims, appId, now / 1000)
}

function checkClaims(claims: JsonObject, appId: number, seconds: number): void {
  const { exp, iat, iss } = claims
  if (typeof iat !== 'number' || iat > seconds + CLOCK_DRIFT_SECONDS) {
    throw new Refusal(
      401,
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    )
  }
  if (typeof exp !== 'number' || exp <= seconds) {
    throw new Refusal(
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    )
  }
  if (exp > seconds + JWT_LIFE_SECONDS) {
    throw new Refusal(401, "'Expiration time' claim ('exp') is too far in the future")
  }
  if (String(iss) !== String(appId)) throw new Refusal(404, 'Integration not found')
}

function decodePart(part: string): JsonObject | null {
  try {
    const value: Json = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

const tokenHash = (token: string): string => createHash('sha256').update(token).digest('hex')

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

function randomText(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length)) if (byte < 248) text += LETTERS.charAt(byte % 62)
  }
  return text.slice(0, length)
}
