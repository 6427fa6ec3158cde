/** Signature algorithms of RFC 7518, 8037 and 9864 with a public key. `none` and HMACs are not among them, whatever a token says. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const
export type Algorithm = (typeof ALGORITHMS)[number]

/** `at+jwt`: access tokens as RFC 9068 has them. `jwt`: of issuers that mark theirs as `JWT` or not at all. */
export const TOKEN_TYPES = ['at+jwt', 'jwt'] as const
export type TokenType = (typeof TOKEN_TYPES)[number]

/** An authorization server whose access tokens are taken. */
export interface IssuerSettings {
  /** Its identifier, compared as it is written (RFC 8414 section 2, RFC 9207). */
  readonly issuer: string
  /** Audiences taken besides the resource's own address (RFC 8707). */
  readonly audiences: readonly string[]
  /** Where its keys are; null: looked up (RFC 8414, OpenID Connect Discovery). */
  readonly jwksUri: string | null
  readonly algorithms: readonly Algorithm[]
  readonly tokenType: TokenType
  /** Seconds its clock may differ from ours. */
  readonly clockSkew: number
  /** Scopes a token must have, all of them. */
  readonly scopes: readonly string[]
  /** Claim with the name that people are shown; the subject where it is absent. */
  readonly nameClaim: string
  /** Claim naming the person on whose behalf the agent acts, as reviewers' keys name them; null: nobody knows. */
  readonly sponsorClaim: string | null
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i

/** Whether a host, as `URL` writes it, is this machine by its loopback interface. */
export function isLoopbackName(hostname: string): boolean {
  return LOOPBACK.test(hostname)
}

/** An https address, or http on this machine, without credentials, query or fragment (RFC 8414 section 2). */
export function isIssuerAddress(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || url.username !== '' || url.password !== '' || /[?#\s]/.test(text)) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname))
}

/** Where keys may be fetched from: as an issuer's address, but with a query if need be; http only where the issuer itself is. */
export function isKeyAddress(text: string, issuer: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || url.username !== '' || url.password !== '') return false
  if (url.protocol === 'https:') return true
  return url.protocol === 'http:' && LOOPBACK.test(url.hostname) && issuer.startsWith('http:')
}
