import { AegisError } from '../../core/errors.ts'
import type { Clock, Log, Random } from '../../core/runtime.ts'
import type { KeyRecord, KeyStore } from '../ports.ts'
import { type Attempt, createAttempts, sameText } from './attempt.ts'
import type { Cookie } from './cookies.ts'
import { createPatience } from './patience.ts'
import { personOf } from './person.ts'
import type { LoginStore } from './ports.ts'
import { createProvider, plainCode } from './provider.ts'
import type { LoginSettings, ProviderSettings } from './settings.ts'

/** Logins that are asked after at the provider at the same time. */
const MAX_EXCHANGES = 16

/** Logging in at an OpenID provider: authorization code with PKCE. */
export interface Login {
  /** For people. */
  readonly name: string
  /** Where the browser goes, and the `Set-Cookie` that binds the answer to it. @throws AegisError `unavailable`, `config` */
  start(returnTo: string): Promise<{ readonly location: string; readonly cookie: string }>
  /**
   * Who came back. Each attempt is good for one answer, whatever becomes of it.
   * @throws AegisError `invalid_request`, `conflict`, `forbidden`, `unavailable`, `too_many`, `config`
   */
  finish(query: URLSearchParams, headers: Headers): Promise<{ readonly record: KeyRecord; readonly returnTo: string }>
}

export function createLogin(parts: {
  readonly settings: ProviderSettings
  readonly lasts: LoginSettings['lasts']
  readonly redirectUri: string
  readonly secret: () => string | null
  /** Seals attempts; the same in all gateways of a store. */
  readonly key: Uint8Array
  readonly cookie: Cookie
  readonly store: Pick<LoginStore, 'spend'>
  readonly keys: Pick<KeyStore, 'get' | 'put' | 'expire' | 'used'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}): Login {
  const { settings, cookie, store, clock } = parts
  const provider = createProvider(parts)
  const attempts = createAttempts(parts.key, clock, parts.random)
  let exchanges = 0

  /** Login CSRF: an answer counts only in the browser that was sent for it. */
  function attemptOf(headers: Headers, state: string | null): Attempt {
    const sealed = cookie.read(headers)
    const attempt = sealed === null ? null : attempts.open(sealed)
    if (attempt !== null && state !== null && sameText(state, attempt.state)) return attempt
    throw new AegisError('invalid_request', 'this login was not begun in this browser, or more than ten minutes ago', {
      advice: 'log in again',
      path: 'state',
    })
  }

  async function claimsBehind(code: string, attempt: Attempt) {
    if (exchanges >= MAX_EXCHANGES) {
      throw new AegisError('too_many', 'too many people log in at this moment', {
        advice: 'try again in a few seconds',
        data: { retry_after: 5 },
      })
    }
    exchanges += 1
    try {
      return await provider.redeem(code, attempt)
    } finally {
      exchanges -= 1
    }
  }

  return {
    name: settings.name,

    async start(returnTo) {
      const attempt = attempts.begin(returnTo)
      const seconds = (attempt.until - clock.now()) / 1000
      const location = await createPatience(settings)(provider.authorizationUrl(attempt))
      return { location, cookie: cookie.set(attempt.cookie, seconds) }
    },

    async finish(query, headers) {
      const attempt = attemptOf(headers, single(query, 'state'))
      const patience = createPatience(settings)
      await patience(provider.demandOwnAnswer(single(query, 'iss')))
      if (!(await store.spend(attempt.id, attempt.until))) {
        throw new AegisError('conflict', 'this login was used before', { advice: 'log in again' })
      }
      const error = single(query, 'error')
      if (error !== null) throw new AegisError('forbidden', `${settings.name} did not log you in: ${plainCode(error)}`)
      const code = single(query, 'code')
      if (code === null || code === '') {
        throw new AegisError('invalid_request', 'the provider gave no code', { path: 'code', advice: 'log in again' })
      }
      const claims = await patience(claimsBehind(code, attempt))
      return { record: await personOf(claims, settings, parts), returnTo: attempt.returnTo }
    },
  }
}

/** RFC 6749 section 3.1: no parameter comes twice. */
function single(query: URLSearchParams, name: string): string | null {
  const values = query.getAll(name)
  if (values.length <= 1) return values[0] ?? null
  throw new AegisError('invalid_request', `\`${name}\` comes twice`, { path: name })
}
