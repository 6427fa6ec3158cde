import type { Principal } from './ids.ts'

/** Whoever says yes or asks: a key or a login, and whose it is. */
export interface Voice {
  readonly principal: Principal
  /** `''` where it is not known. */
  readonly owner: string
}

/**
 * Whether two owners are one person. Providers write an address now in these letters, now in those (RFC 5321 section 2.4 has
 * hosts compared so, and all large providers the rest too): who can change the case of a name must not become two people by it.
 * What is not known is nobody's.
 */
export function isSameOwner(one: string, other: string): boolean {
  return one !== '' && folded(one) === folded(other)
}

function folded(owner: string): string {
  return owner.normalize('NFKC').toLowerCase()
}

/** Whether it is known whose voice it is: a login that says no more than its own record is known by that alone. */
export function isOwned({ principal, owner }: Voice): boolean {
  return owner !== '' && owner !== principal
}

/** The same person for all that is known: the same key or login, or the same owner. */
export function isSameVoice(one: Voice, other: Voice): boolean {
  return one.principal === other.principal || isSameOwner(one.owner, other.owner)
}

/**
 * Whether two are known to be two people: both owners are known and differ, or one provider tells them apart. A key and a login of
 * which one has no owner may be one person's.
 */
export function areTwoPeople(one: Voice, other: Voice): boolean {
  if (isSameVoice(one, other)) return false
  const [mine, theirs] = [providerOf(one), providerOf(other)]
  return (isOwned(one) && isOwned(other)) || (mine !== null && mine === theirs)
}

/** `oidc:<issuer>`; null for a key. */
function providerOf({ principal }: Voice): string | null {
  return /^oidc:[^:]+/.exec(principal)?.[0] ?? null
}
