import { ALGORITHMS, type Algorithm, isIssuerAddress } from '../identity/oauth/index.ts'
import { duration } from './values.ts'
import type { Place } from './yaml-reader.ts'

const DEFAULT_ALGORITHMS: readonly Algorithm[] = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519']
const DEFAULT_SKEW_MS = 30_000
/** A token that expired is taken for as long as this; nobody's clock is further off. */
const MAX_SKEW_MS = 5 * 60_000
/** RFC 6749 appendix A.4. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/

/** The address of an issuer, `issuer` of `item`. */
export function addressOf(item: Place, place: Place | undefined): string | undefined {
  const text = place?.text()
  if (place === undefined) item.problem(`\`${item.path}.issuer\` is missing`)
  if (text === undefined || isIssuerAddress(text)) return text
  place?.problem(`\`${place.path}\` must be an https address (http on loopback only) without query`)
  return undefined
}

/** Signature algorithms that are taken. */
export function algorithmsOf(place: Place | undefined): readonly Algorithm[] {
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

/** How far an issuer's clock may be off, in seconds. */
export function skewOf(place: Place | undefined): number {
  const milliseconds = (place && duration(place)) ?? DEFAULT_SKEW_MS
  if (milliseconds > MAX_SKEW_MS) place?.problem(`\`${place.path}\` must be at most 5m`)
  return Math.floor(milliseconds / 1000)
}

/** Names of scopes. */
export function scopesOf(place: Place | undefined): readonly string[] {
  const scopes = place?.texts() ?? []
  if (!scopes.every((scope) => SCOPE.test(scope))) {
    place?.problem(`\`${place.path}\` must be names of scopes: printable ASCII without spaces, quotes and backslashes`)
  }
  return scopes
}
