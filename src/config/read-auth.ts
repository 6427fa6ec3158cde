import { type IssuerSettings, isIssuerAddress, isKeyAddress, TOKEN_TYPES } from '../identity/oauth/index.ts'
import { addressOf, algorithmsOf, scopesOf, skewOf } from './read-auth-values.ts'
import { readLogin } from './read-login.ts'
import type { AuthSettings } from './shape.ts'
import type { Surroundings } from './values.ts'
import type { Place } from './yaml-reader.ts'

const AUTH = ['public_url', 'admin_url', 'oauth', 'login'] as const
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

/** `auth:` of `aegis.yaml`: whose access tokens are taken besides keys, and where people log in. */
export function readAuth(place: Place | undefined, around: Surroundings): AuthSettings {
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
  const adminUrl = adminUrlOf(members?.get('admin_url')) ?? null
  return { publicUrl: publicUrl ?? null, adminUrl, issuers, login: readLogin(members?.get('login'), around) }
}

/** Cookies and the paths of the pages are those of a whole host. */
function adminUrlOf(place: Place | undefined): string | undefined {
  const text = place?.text()
  if (text === undefined) return undefined
  if (isIssuerAddress(text) && new URL(text).pathname === '/') return new URL(text).origin
  place?.problem(`\`${place.path}\` must be an https address (http on loopback only) without path and query`)
  return undefined
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
