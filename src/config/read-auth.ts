import {
  ALGORITHMS,
  type Algorithm,
  type IssuerSettings,
  isIssuerAddress,
  isKeyAddress,
  TOKEN_TYPES,
} from '../identity/oauth/index.ts'
import type { AuthSettings } from './shape.ts'
import { duration } from './values.ts'
import type { Place } from './yaml-reader.ts'

const AUTH = ['public_url', 'oauth'] as const
const ISSUER = [
  'issuer',
  'audience',
  'jwks_uri',
  'algorithms',
  'token_type',
  'clock_skew',
  'scopes',
  'name_claim',
  'sponsor_claim',
] as const

const DEFAULT_ALGORITHMS: readonly Algorithm[] = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519']
const DEFAULT_SKEW_MS = 30_000
/** A token that expired is taken for as long as this; nobody's clock is further off. */
const MAX_SKEW_MS = 5 * 60_000
/** RFC 6749 appendix A.4. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/

/** `auth:` of `aegis.yaml`: whose access tokens are taken besides keys. */
export function readAuth(place: Place | undefined): AuthSettings {
  const members = place?.members(AUTH)
  const url = members?.get('public_url')
  const publicUrl = url?.text()
  if (url !== undefined && publicUrl !== undefined && !isIssuerAddress(publicUrl)) {
    url.problem(`\`${url.path}\` must be an https address (http on loopback only) without query`)
  }
  const issuers: IssuerSettings[] = []
  for (const item of members?.get('oauth')?.items() ?? []) {
    const settings = issuerOf(item)
    if (settings === undefined) continue
    if (issuers.some(({ issuer }) => issuer === settings.issuer)) {
      item.problem(`\`${item.path}\`: the issuer ${settings.issuer} is listed twice`)
    }
    issuers.push(settings)
  }
  return { publicUrl: publicUrl ?? null, issuers }
}

function issuerOf(item: Place): IssuerSettings | undefined {
  const members = item.members(ISSUER)
  const issuer = addressOf(item, members.get('issuer'))
  if (issuer === undefined) return undefined
  const keys = members.get('jwks_uri')
  const jwksUri = keys?.text()
  if (jwksUri !== undefined && !isKeyAddress(jwksUri, issuer)) {
    keys?.problem(`\`${keys.path}\` must be an https address (http only where the issuer itself is on loopback)`)
  }
  return {
    issuer,
    jwksUri: jwksUri ?? null,
    audiences: members.get('audience')?.texts() ?? [],
    algorithms: algorithmsOf(members.get('algorithms')),
    tokenType: members.get('token_type')?.choice(TOKEN_TYPES) ?? 'at+jwt',
    clockSkew: skewOf(members.get('clock_skew')),
    scopes: scopesOf(members.get('scopes')),
    nameClaim: members.get('name_claim')?.text() ?? 'preferred_username',
    sponsorClaim: members.get('sponsor_claim')?.text() ?? null,
  }
}

function addressOf(item: Place, place: Place | undefined): string | undefined {
  const text = place?.text()
  if (place === undefined) item.problem(`\`${item.path}.issuer\` is missing`)
  if (text === undefined || isIssuerAddress(text)) return text
  place?.problem(`\`${place.path}\` must be an https address (http on loopback only) without query`)
  return undefined
}

function algorithmsOf(place: Place | undefined): readonly Algorithm[] {
  const names = place?.texts()
  if (names === undefined) return DEFAULT_ALGORITHMS
  const known = ALGORITHMS.filter((algorithm) => names.includes(algorithm))
  if (known.length !== new Set(names).size) {
    place?.problem(
      `\`${place.path}\` must be of ${ALGORITHMS.join(', ')}: whoever can check a token must not be able to make one`,
    )
  }
  return known
}

function skewOf(place: Place | undefined): number {
  const milliseconds = (place && duration(place)) ?? DEFAULT_SKEW_MS
  if (milliseconds > MAX_SKEW_MS) place?.problem(`\`${place.path}\` must be at most 5m`)
  return Math.floor(milliseconds / 1000)
}

function scopesOf(place: Place | undefined): readonly string[] {
  const scopes = place?.texts() ?? []
  if (!scopes.every((scope) => SCOPE.test(scope))) {
    place?.problem(`\`${place.path}\` must be names of scopes: printable ASCII without spaces, quotes and backslashes`)
  }
  return scopes
}
