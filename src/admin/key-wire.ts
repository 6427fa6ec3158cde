import type { JsonObject } from '../core/json.ts'
import { rfc3339 } from '../core/runtime.ts'
import { type KeyRecord, keyState } from '../identity/ports.ts'

/** What every list of keys shows of one: never its secret, which was shown once. */
export function keyWire(key: KeyRecord, now: number): JsonObject {
  return {
    id: key.id,
    name: key.name,
    role: key.role,
    prefix: key.prefix,
    owner: key.owner,
    sponsor: key.sponsor,
    state: keyState(key, now),
    created_at: rfc3339(key.createdAt),
    expires_at: time(key.expiresAt),
    last_used_at: time(key.lastUsedAt),
    revoked_at: time(key.revokedAt),
  }
}

function time(at: number | null): string | null {
  return at === null ? null : rfc3339(at)
}
