import type { Clock } from '../../core/runtime.ts'
import { NAME_LIMIT, secretHash } from '../new-key.ts'
import type { KeyRecord, KeyStore } from '../ports.ts'
import { subjectPrincipal } from '../subject.ts'
import { claimsAskedFor, nameOf, ownerOf, roleOf } from './claims.ts'
import type { Claims } from './id-token.ts'
import { LoginRefusal, shown } from './refusal.ts'
import type { ProviderSettings } from './settings.ts'

/** Who was refused, for the log. */
type Who = Readonly<Record<'principal' | 'issuer' | 'subject', string>>

type Keys = Pick<KeyStore, 'get' | 'put' | 'expire' | 'used'>

/**
 * The record of a person who just logged in: in the key table, so that revoking, self-approval and roles are one piece of code, but
 * with no secret that could be presented. It is good for as long as a session may last: what the provider said is not believed longer,
 * and no person counts as the administrator who always stays.
 * @throws AegisError `forbidden` where no rule gives a role, the owner's claim is missing, or an administrator revoked the record
 */
export async function personOf(
  claims: Claims,
  settings: ProviderSettings,
  parts: { readonly keys: Keys; readonly clock: Pick<Clock, 'now'>; readonly lasts: number },
): Promise<KeyRecord> {
  const { keys, clock, lasts } = parts
  const now = clock.now()
  const id = subjectPrincipal('oidc', settings.issuer, claims.sub)
  const kept = await keys.get(id)
  const who = { principal: id, issuer: settings.issuer, subject: shown(claims.sub) }
  if (kept !== null && kept.revokedAt !== null) throw shutOut(who)
  const role = roleOf(claims, settings.roles)
  if (role === null) {
    // What other sessions of this person still may ends with it.
    if (kept !== null) await keys.expire(id, now)
    throw withoutRole(claims, settings, who)
  }
  const owner = ownerOf(claims, settings) ?? ownerWithout(claims, settings, kept, who)
  const record: KeyRecord = {
    ...{ id, name: nameOf(claims, settings) || claims.sub.replace(/\p{C}/gu, '').slice(0, NAME_LIMIT) || id },
    ...{ owner, sponsor: owner, role },
    // No key is hashed to this: keys hold no NUL.
    ...{ hash: secretHash(`\0person\0${id}`), prefix: '', room: null },
    ...{ createdAt: kept?.createdAt ?? now, expiresAt: now + lasts, revokedAt: null, lastUsedAt: now },
  }
  await keys.put(record)
  if (!(await keys.expire(id, now + lasts))) throw shutOut(who)
  await keys.used(id, now)
  return record
}

/**
 * Without a verified address, the self that was known before: who leaves the claim out does not become somebody else than their keys
 * and their agents.
 */
function ownerWithout(claims: Claims, { ownerClaim }: ProviderSettings, kept: KeyRecord | null, who: Who): string {
  if (ownerClaim === null) return kept?.owner ?? who.principal
  throw new LoginRefusal(
    'forbidden',
    `the provider does not say who you are: no usable claim \`${ownerClaim}\``,
    { ...who, ...claimsAskedFor(claims, [{ claim: [ownerClaim] }]) },
    { advice: 'an administrator has the provider send it, or names another as `auth.login.owner_claim`' },
  )
}

function withoutRole(claims: Claims, { name, roles }: ProviderSettings, who: Who): LoginRefusal {
  return new LoginRefusal(
    'forbidden',
    `${name} knows you, but no rule gives you a role here`,
    { ...who, ...claimsAskedFor(claims, roles) },
    { advice: 'ask an administrator to add one to `auth.login.roles`; the log says what your provider sent' },
  )
}

function shutOut(who: Who): LoginRefusal {
  return new LoginRefusal('forbidden', 'an administrator has shut you out', who)
}
