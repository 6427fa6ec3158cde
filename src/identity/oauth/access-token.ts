import { errors, type JWTPayload, jwtVerify, type ProtectedHeaderParameters } from 'jose'
import { AegisError } from '../../core/errors.ts'
import type { Clock } from '../../core/runtime.ts'
import { isSubject } from '../subject.ts'
import { tokenFault } from './jwt-fault.ts'
import type { KeySet } from './key-set.ts'
import type { IssuerSettings } from './settings.ts'

/** What an access token says, once its issuer's signature, type and times were found good. The token itself is not kept. */
export interface AccessToken {
  readonly subject: string
  readonly audiences: readonly string[]
  readonly scopes: ReadonlySet<string>
  readonly name: string
  /** `''` where no claim names one. */
  readonly sponsor: string
  /** Milliseconds since the epoch, our tolerance for its issuer's clock included. */
  readonly validUntil: number
}

/** Claims of ID tokens (OpenID Connect Core) and of other tokens that are no access tokens. */
const FOREIGN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events'] as const
const PLAIN_TYPES = new Set(['jwt', 'application/jwt', 'at+jwt', 'application/at+jwt'])

/** @throws AegisError `unauthenticated` saying what is wrong with the token; `unavailable` where its issuer's keys are not to be had. */
export async function verifyAccessToken(
  token: string,
  settings: IssuerSettings,
  keys: KeySet,
  clock: Clock,
): Promise<AccessToken> {
  const { issuer, algorithms, clockSkew, tokenType } = settings
  try {
    const strict = tokenType === 'at+jwt'
    const { payload, protectedHeader } = await jwtVerify(token, keys.find, {
      issuer,
      algorithms: [...algorithms],
      clockTolerance: clockSkew,
      currentDate: new Date(clock.now()),
      requiredClaims: ['sub', 'aud', 'exp', ...(strict ? ['iat'] : [])],
      ...(strict ? { typ: 'at+jwt' } : {}),
    })
    demandAccessToken(protectedHeader, payload)
    return read(payload, settings)
  } catch (error) {
    throw error instanceof AegisError ? error : invalidToken(reasonOf(error, tokenType))
  }
}

/** RFC 6750 section 3.1. The reason is for the people who set it up; it quotes nothing of the token. */
export function invalidToken(reason: string): AegisError {
  return new AegisError('unauthenticated', `the access token is not taken: ${reason}`, {
    advice: 'get a new token from the authorization server, for this resource',
    data: { error: 'invalid_token' },
  })
}

/** RFC 8725 section 3.11: what was signed for another purpose is no access token, even where its audience fits. */
function demandAccessToken({ typ }: ProtectedHeaderParameters, claims: JWTPayload): void {
  const named = typeof typ === 'string' ? typ.toLowerCase() : undefined
  if (named !== undefined && !PLAIN_TYPES.has(named)) throw invalidToken('it is a token of another type')
  const foreign = FOREIGN_CLAIMS.some((name) => claims[name] !== undefined)
  if (foreign || claims['token_use'] === 'id' || claims['typ'] === 'ID' || claims['typ'] === 'Refresh') {
    throw invalidToken('it is no access token but another one of its issuer')
  }
  // RFC 9449, RFC 8705: it is bound to a key whose proof is not asked for here, so that a thief could use it.
  if (claims['cnf'] !== undefined) throw invalidToken('it is bound to a key of its client, and not a bearer token')
}

function read(claims: JWTPayload, settings: IssuerSettings): AccessToken {
  const { sub, aud, exp } = claims
  if (!isSubject(sub)) throw invalidToken('its `sub` must be text of 1 to 1024 characters')
  if (exp === undefined) throw invalidToken('it never expires')
  const audiences = (Array.isArray(aud) ? aud : [aud]).filter((one) => typeof one === 'string')
  const { nameClaim, sponsorClaim, clockSkew } = settings
  return {
    subject: sub,
    audiences,
    scopes: new Set(scopesOf(claims)),
    name: textClaim(claims, nameClaim) || sub,
    sponsor: sponsorClaim === null ? '' : textClaim(claims, sponsorClaim),
    validUntil: (exp + clockSkew) * 1000,
  }
}

/** RFC 9068 section 2.2.3: one text. Some issuers give a list, or call it `scp`. */
function scopesOf({ scope, scp }: JWTPayload): string[] {
  const given = scope ?? scp
  if (typeof given === 'string') return given.split(' ')
  return Array.isArray(given) ? given.filter((one) => typeof one === 'string') : []
}

function textClaim(claims: JWTPayload, name: string): string {
  const value = claims[name]
  return typeof value === 'string' ? value : ''
}

function reasonOf(error: unknown, tokenType: IssuerSettings['tokenType']): string {
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'typ') {
    return `its type is not ${tokenType} (\`token_type: jwt\` takes tokens that say JWT, or nothing)`
  }
  return tokenFault(error)
}
