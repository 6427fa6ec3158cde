import { ROLES } from '../../core/envelope.ts'
import { NAME_LIMIT } from '../new-key.ts'
import type { Claims } from './id-token.ts'
import { type ForLog, shown } from './refusal.ts'
import type { PersonRole, ProviderSettings, RoleRule } from './settings.ts'

/** The highest role that a rule gives; null where none does. */
export function roleOf(claims: Claims, rules: readonly RoleRule[]): PersonRole | null {
  const given = rules.filter((rule) => says(claims, rule)).map(({ role }) => role)
  return given.sort((a, b) => ROLES.indexOf(b) - ROLES.indexOf(a))[0] ?? null
}

function says(claims: Claims, { claim, value }: RoleRule): boolean {
  // Anybody may write anybody's address into an account; only who reads its mail is asked to confirm it.
  if (claim[0] === 'email' && claims['email_verified'] !== true) return false
  const found = claimAt(claims, claim)
  return found === value || (Array.isArray(found) && found.includes(value))
}

function claimAt(claims: Claims, claim: readonly string[]): unknown {
  return claim.reduce<unknown>(memberOf, claims)
}

/** What was looked for in which claims, and what they held, for the log. Of other claims nothing is told. */
export function claimsAskedFor(
  claims: Claims,
  rules: readonly (Pick<RoleRule, 'claim'> & Partial<Pick<RoleRule, 'value'>>)[],
): ForLog {
  const came: Record<string, string> = {}
  const wanted: Record<string, string> = {}
  for (const { claim, value } of rules) {
    const name = claim.join(' > ')
    came[name] = shown(claimAt(claims, claim))
    if (claim[0] === 'email') came['email_verified'] = shown(claims['email_verified'])
    if (value === undefined) continue
    const others = rules.filter((rule) => rule.claim.join(' > ') === name).map((rule) => rule.value)
    wanted[name] = shown(others)
  }
  return Object.keys(wanted).length === 0 ? { came } : { came, wanted }
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.getOwnPropertyDescriptor(value, name)?.value
}

/**
 * The person's self, as the owners of keys are written; null where the claim is missing, is not verified, or could not be an owner.
 * No claim makes a person an agent's self.
 */
export function ownerOf(claims: Claims, { ownerClaim }: Pick<ProviderSettings, 'ownerClaim'>): string | null {
  const name = ownerClaim ?? 'email'
  if (name === 'email' && claims['email_verified'] !== true) return null
  const owner = memberOf(claims, name)
  if (typeof owner !== 'string' || owner.length > NAME_LIMIT || !/^[^\p{C}]+$/u.test(owner)) return null
  return owner.trim() !== owner || owner.startsWith('agent:') ? null : owner
}

/** A name for people; '' where the claim holds none. */
export function nameOf(claims: Claims, { nameClaim }: Pick<ProviderSettings, 'nameClaim'>): string {
  const name = memberOf(claims, nameClaim)
  return typeof name === 'string' ? name.replace(/\p{C}/gu, '').trim().slice(0, NAME_LIMIT) : ''
}
