import { hash } from 'node:crypto'
import { AegisError } from '../../core/errors.ts'
import { type JsonObject, textMember } from '../../core/json.ts'
import type { Clock, Log } from '../../core/runtime.ts'
import { discover, endpointOf } from '../oauth/discovery.ts'
import { postForm } from '../oauth/fetch-document.ts'
import { createKeySet } from '../oauth/key-set.ts'
import type { Attempt } from './attempt.ts'
import { type Claims, verifyIdToken } from './id-token.ts'
import { LoginRefusal, shown } from './refusal.ts'
import type { ProviderSettings } from './settings.ts'

/** Milliseconds the provider's metadata are believed. */
const FRESH_MS = 10 * 60_000
/** Milliseconds between two looks for a signing key: its tokens come from the provider itself, so that nobody can make us look. */
const LOOK_AGAIN_MS = 1_000

export interface Metadata {
  readonly authorization: string
  readonly token: string
  /** RFC 9207: its answers say who gives them. */
  readonly namesItself: boolean
  /** RFC 6749 section 2.3.1. */
  readonly takesBasic: boolean
}

/** The OpenID provider, as a client of it sees it. */
export interface Provider {
  /** Where a browser is sent to. @throws AegisError `unavailable`, `config` */
  authorizationUrl(attempt: Attempt): Promise<string>
  /** RFC 9207 section 2.4: the answer comes from this provider. @throws AegisError `forbidden`, `unavailable` */
  demandOwnAnswer(iss: string | null): Promise<void>
  /** The claims behind a code. @throws AegisError `forbidden`, `unavailable`, `config` */
  redeem(code: string, attempt: Attempt): Promise<Claims>
}

export function createProvider(parts: {
  readonly settings: ProviderSettings
  /** Ours, exactly as it is registered. */
  readonly redirectUri: string
  /** Read anew for each login, so that a new one needs no restart; null for a public client. @throws AegisError `config` */
  readonly secret: () => string | null
  readonly clock: Clock
  readonly log: Log
}): Provider {
  const { settings, redirectUri, secret, clock } = parts
  const { issuer, clientId } = settings
  const keys = createKeySet({ issuer, jwksUri: null }, { ...parts, lookAgain: LOOK_AGAIN_MS })
  let held: { readonly metadata: Metadata; readonly at: number } | null = null

  async function metadata(): Promise<Metadata> {
    if (held !== null && clock.elapsed() - held.at < FRESH_MS) return held.metadata
    const found = await discoverProvider(issuer)
    held = { metadata: found, at: clock.elapsed() }
    return found
  }

  return {
    async authorizationUrl({ state, nonce, verifier }) {
      // Better told now than to somebody who has just logged in there.
      secret()
      const url = new URL((await metadata()).authorization)
      const parameters = {
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        scope: [...new Set(['openid', ...settings.scopes])].join(' '),
        state,
        nonce,
        code_challenge: hash('sha256', verifier, 'base64url'),
        code_challenge_method: 'S256',
      }
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
      return url.href
    },

    async demandOwnAnswer(iss) {
      if (iss === issuer || (iss === null && !(await metadata()).namesItself)) return
      throw new LoginRefusal('forbidden', 'the answer came from another provider than the one you were sent to', {
        ...{ issuer, came: { iss: shown(iss ?? undefined) }, expected: { iss: shown(issuer) } },
      })
    },

    async redeem(code, { verifier, nonce }) {
      const { token, takesBasic } = await metadata()
      const form = new URLSearchParams({
        ...{ grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier },
      })
      const headers = clientAuthentication(form, clientId, secret(), takesBasic)
      const { status, document } = await postForm(token, form, headers)
      if (status !== 200) throw notRedeemed(document)
      const idToken = textMember(document, 'id_token')
      if (idToken === undefined) throw new AegisError('unavailable', 'the provider gave no ID token')
      return verifyIdToken(idToken, nonce, settings, keys, clock)
    },
  }
}

/** What the provider publishes of itself. @throws AegisError `unavailable` */
export function discoverProvider(issuer: string): Promise<Metadata> {
  return discover(issuer, (document, address) => metadataOf(document, issuer, address))
}

function metadataOf(document: JsonObject, issuer: string, address: string): Metadata {
  const methods = document['token_endpoint_auth_methods_supported']
  return {
    authorization: endpointOf(document, 'authorization_endpoint', issuer, address),
    token: endpointOf(document, 'token_endpoint', issuer, address),
    namesItself: document['authorization_response_iss_parameter_supported'] === true,
    // RFC 8414 section 2: where it is left out, Basic.
    takesBasic: !Array.isArray(methods) || methods.includes('client_secret_basic'),
  }
}

/** RFC 6749 section 2.3.1. A public client only names itself; PKCE is what binds the code to us then. */
function clientAuthentication(
  form: URLSearchParams,
  clientId: string,
  secret: string | null,
  takesBasic: boolean,
): Record<string, string> {
  if (secret !== null && takesBasic) {
    const pair = [clientId, secret].map((text) => new URLSearchParams([['', text]]).toString().slice(1)).join(':')
    return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
  }
  form.set('client_id', clientId)
  if (secret !== null) form.set('client_secret', secret)
  return {}
}

/** Codes of RFC 6749 section 5.2 are shown; what else the provider says may be anything. */
function notRedeemed(document: JsonObject): AegisError {
  const code = plainCode(textMember(document, 'error'))
  return new AegisError('forbidden', `the provider did not redeem the code: ${code}`, {
    advice:
      code === 'invalid_client'
        ? 'an administrator compares `client_id` and the client secret with the provider'
        : 'log in again',
  })
}

/** An error code as it may be shown. */
export function plainCode(text: string | undefined): string {
  return text !== undefined && /^[a-z_]{1,64}$/.test(text) ? text : 'no reason given'
}
