import { type JWTPayload, jwtVerify } from 'jose'
import { AegisError } from '../../core/errors.ts'
import type { Clock } from '../../core/runtime.ts'
import { tokenFault } from '../oauth/jwt-fault.ts'
import type { KeySet } from '../oauth/key-set.ts'
import { isSubject } from '../subject.ts'
import { sameText } from './attempt.ts'
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
  settings: Pick<ProviderSettings, 'issuer' | 'clientId' | 'algorithms' | 'clockSkew'>,
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
    return demandIdToken(payload, protectedHeader.typ, nonce, clientId)
  } catch (error) {
    throw error instanceof AegisError ? error : refused(tokenFault(error))
  }
}

function demandIdToken(claims: JWTPayload, typ: string | undefined, nonce: string, clientId: string): Claims {
  // RFC 8725 section 3.11: access and logout tokens are marked as such.
  if (typ !== undefined && typ.toLowerCase() !== 'jwt') throw refused('it is a token of another type')
  if (claims['events'] !== undefined || claims['token_use'] === 'access') throw refused('it is no ID token')
  const { azp, nonce: given, aud } = claims
  const isShared = Array.isArray(aud) && aud.length > 1
  if ((azp !== undefined || isShared) && azp !== clientId) throw refused('it was issued to another client')
  if (typeof given !== 'string' || !sameText(given, nonce)) throw refused('it belongs to another login')
  const { sub } = claims
  if (!isSubject(sub)) throw refused('its `sub` must be text of 1 to 1024 characters')
  return { ...claims, sub }
}

function refused(reason: string): AegisError {
  return new AegisError('forbidden', `the provider's ID token is not taken: ${reason}`, {
    advice: 'log in again; where that does not help, an administrator compares `auth.login` with the provider',
  })
}
