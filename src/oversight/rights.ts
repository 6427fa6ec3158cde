import type { Role } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import { hasRole } from '../identity/keyring.ts'
import type { KeyRecord } from '../identity/ports.ts'

/** @throws AegisError `forbidden` where the caller's role is below the one needed */
export function demand(who: KeyRecord, role: Role): void {
  if (hasRole(who, role)) return
  throw new AegisError('forbidden', `this needs a key with role ${role}; yours is ${who.role}`)
}

/** Whose things somebody sees: everybody's from viewer on, an agent its own. */
export function onlyOwn(who: KeyRecord): { readonly principal?: KeyRecord['id'] } {
  return hasRole(who, 'viewer') ? {} : { principal: who.id }
}
