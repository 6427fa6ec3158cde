import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import { AegisError } from '../../core/errors.ts'
import type { Clock } from '../../core/runtime.ts'
import { tokenFault } from '../oauth/jwt-fault.ts'
import type { KeySet } from '../oauth/key-set.ts'
import { isSubject, subjectPrincipal } from '../subject.ts'
import { sameText } from './attempt.ts'
import { type ForLog, LoginRefusal, shown } from './refusal.ts'
import type { ProviderSettings } from './settings.ts'

/** Oldest ID token taken, in seconds: it comes straight from the provider, made for this login. */
const MAX_AGE_S = 600

/** What an ID token says, once it was found good. */
export type Claims = JWTPayload & { readonly sub: string }

/**
 * OpenID Connect Core section 3.1.3.7.
 * @throws AegisError `forbidden` saying what is wrong with the token; `unavailable` where its issuer's keys are not to be had
 */
export async function verifyIdToken(
  token: string,
  nonce: string,
  settings: Expected & Pick<ProviderSettings, 'algorithms' | 'clockSkew'>,
  keys: KeySet,
  clock: Pick<Clock, 'now'>,
): Promise<Claims> {
  const { issuer, clientId, algorithms, clockSkew } = settings
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys.find, {
      issuer,
      audience: clientId,
      algorithms: [...algorithms],
      clockTolerance: clockSkew,
      maxTokenAge: MAX_AGE_S,
      currentDate: new Date(clock.now()),
      requiredClaims: ['sub', 'exp', 'iat', 'nonce'],
    })
    return demandIdToken(payload, protectedHeader.typ, nonce, settings)
  } catch (error) {
    throw error instanceof AegisError ? error : refused(tokenFault(error), whatCame(token, error, settings, clock))
  }
}

type Expected = Pick<ProviderSettings, 'issuer' | 'clientId'>

function demandIdToken(claims: JWTPayload, typ: string | undefined, nonce: string, expected: Expected): Claims {
  const refuse = (reason: string) => refused(reason, told(claims, expected))
  // RFC 8725 section 3.11: access and logout tokens are marked as such.
  if (typ !== undefined && typ.toLowerCase() !== 'jwt') throw refuse('it is a token of another type')
  if (claims['events'] !== undefined || claims['token_use'] === 'access') throw refuse('it is no ID token')
  const { azp, nonce: given, aud } = claims
  const isShared = Array.isArray(aud) && aud.length > 1
  if ((azp !== undefined || isShared) && azp !== expected.clientId) throw refuse('it was issued to another client')
  if (typeof given !== 'string' || !sameText(given, nonce)) throw refuse('it belongs to another login')
  const { sub } = claims
  if (!isSubject(sub)) throw refuse('its `sub` must be text of 1 to 1024 characters')
  return { ...claims, sub }
}

function refused(reason: string, forLog: ForLog): LoginRefusal {
  return new LoginRefusal('forbidden', `the provider's ID token is not taken: ${reason}`, forLog, {
    advice:
      'log in again; where that does not help, an administrator compares `auth.login` with what the log says of the token',
  })
}

/** What `jose` refused, for the log. */
function whatCame(token: string, error: unknown, expected: Expected, clock: Pick<Clock, 'now'>): ForLog {
  if (error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed) {
    const { claim, payload } = error
    const isTime = claim === 'exp' || claim === 'iat' || claim === 'nbf'
    return told(payload, expected, isTime ? { [claim]: shown(payload[claim]), now: secondsOf(clock) } : {})
  }
  return { issuer: expected.issuer, ...unverified(token) }
}

function told(
  claims: JWTPayload,
  { issuer, clientId }: Expected,
  times: Readonly<Record<string, string>> = {},
): ForLog {
  const { sub, iss, aud, azp } = claims
  return {
    ...(isSubject(sub) ? { principal: subjectPrincipal('oidc', issuer, sub) } : {}),
    ...{ issuer, subject: shown(sub) },
    came: { iss: shown(iss), aud: shown(aud), azp: shown(azp), ...times },
    expected: { iss: shown(issuer), aud: shown(clientId), azp: shown(clientId) },
  }
}

/** What a token says that nobody vouches for: enough to see whose it is. */
function unverified(token: string): ForLog {
  try {
    const { alg, kid } = decodeProtectedHeader(token)
    const { iss, aud } = decodeJwt(token)
    return { unverified: { alg: shown(alg), kid: shown(kid), iss: shown(iss), aud: shown(aud) } }
  } catch {
    return {}
  }
}

function secondsOf({ now }: Pick<Clock, 'now'>): string {
  return String(Math.floor(now() / 1000))
}
