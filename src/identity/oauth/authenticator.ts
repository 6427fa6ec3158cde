import { hash } from 'node:crypto'
import { decodeJwt } from 'jose'
import { AegisError } from '../../core/errors.ts'
import type { Clock, Log } from '../../core/runtime.ts'
import type { Keyring } from '../keyring.ts'
import { createTeller } from '../once-a-minute.ts'
import type { KeyRecord } from '../ports.ts'
import { subjectPrincipal } from '../subject.ts'
import { type AccessToken, invalidToken, verifyAccessToken } from './access-token.ts'
import { createKeySet } from './key-set.ts'
import type { Resources } from './resource.ts'
import type { IssuerSettings } from './settings.ts'

/** Milliseconds a good token is believed without checking its signature again: a withdrawn key acts within this time. */
const BELIEVED_MS = 30_000
const BELIEVED_TOKENS = 1_000
/** Three parts of base64url, the first of which begins a JSON object; the last may be empty, to be refused by name. */
const JWT = /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/

/** Takes access tokens of the configured issuers (OAuth 2.1 section 5.2, RFC 9068). */
export interface TokenAuthenticator {
  /** Whether a text could be a token for us at all: what is none is a key. */
  isToken(presented: string): boolean
  /**
   * The agent behind an access token, for one endpoint.
   * @throws AegisError `unauthenticated`, `forbidden` (RFC 6750 `insufficient_scope`), `unavailable`
   */
  authenticate(token: string, upstream: string | null): Promise<KeyRecord>
}

interface Trusted {
  readonly settings: IssuerSettings
  verify(token: string): Promise<AccessToken>
}

type Seen = { readonly token: AccessToken; readonly from: Trusted }

export function createTokenAuthenticator(parts: {
  readonly issuers: readonly IssuerSettings[]
  readonly resources: Resources
  readonly keyring: Pick<Keyring, 'vouched'>
  readonly clock: Clock
  readonly log: Log
}): TokenAuthenticator {
  const { resources, keyring, clock } = parts
  const trusted = new Map(parts.issuers.map((settings) => [settings.issuer, trust(settings, parts)]))
  const believed = new Map<string, Seen & { readonly until: number }>()
  const told = createTeller(parts.log, clock)

  async function check(token: string): Promise<Seen> {
    const digest = hash('sha256', token, 'hex')
    const known = believed.get(digest)
    if (known !== undefined && known.until > clock.elapsed()) return known
    believed.delete(digest)
    const from = trusted.get(issuerOf(token))
    if (from === undefined) throw invalidToken('its issuer is not trusted here')
    const seen = { token: await from.verify(token), from }
    const [oldest] = believed.keys()
    if (believed.size >= BELIEVED_TOKENS && oldest !== undefined) believed.delete(oldest)
    believed.set(digest, { ...seen, until: clock.elapsed() + BELIEVED_MS })
    return seen
  }

  async function admit(presented: string, upstream: string | null): Promise<KeyRecord> {
    const { token, from } = await check(presented)
    if (token.validUntil <= clock.now()) throw invalidToken('it has expired')
    const wanted = [...resources.audiences(upstream), ...from.settings.audiences]
    if (!token.audiences.some((audience) => wanted.includes(withoutSlash(audience)) || wanted.includes(audience))) {
      throw invalidToken('it was issued for another audience')
    }
    const missing = from.settings.scopes.filter((scope) => !token.scopes.has(scope))
    if (missing.length > 0) throw insufficientScope(from.settings.scopes)
    const record = await keyring.vouched({
      id: subjectPrincipal('oauth', from.settings.issuer, token.subject),
      ...token,
    })
    if (record === null) throw invalidToken('its subject was shut out here')
    return record
  }

  return {
    isToken: (presented) => JWT.test(presented),
    async authenticate(presented, upstream) {
      try {
        return await admit(presented, upstream)
      } catch (error) {
        if (error instanceof AegisError && error.code !== 'unavailable') {
          told(error.message, { reason: error.message }, 'an access token was refused')
        }
        throw error
      }
    },
  }
}

function trust(settings: IssuerSettings, parts: { readonly clock: Clock; readonly log: Log }): Trusted {
  const keys = createKeySet(settings, parts)
  return {
    settings,
    verify: (token) => verifyAccessToken(token, settings, keys, parts.clock),
  }
}

/** What the token says before anything of it is believed: it only chooses whose keys it must stand up to. */
function issuerOf(token: string): string {
  try {
    return decodeJwt(token).iss ?? ''
  } catch {
    throw invalidToken('it is malformed')
  }
}

function withoutSlash(audience: string): string {
  return audience.endsWith('/') ? audience.slice(0, -1) : audience
}

function insufficientScope(scopes: readonly string[]): AegisError {
  const needed = scopes.join(' ')
  return new AegisError('forbidden', `the access token lacks a scope; needed: ${needed}`, {
    advice: 'authorize again with these scopes',
    data: { error: 'insufficient_scope', scope: needed },
  })
}
