import { isObject, type JsonObject, textMember } from '../../core/json.ts'
import { type Endpoint, refusal, send } from '../client.ts'
import { rowsOf } from '../rows.ts'
import { type Check, ok, warn } from './check.ts'

const SOON_MS = 14 * 86_400_000

/** Keys that end within two weeks and have no successor. Null where the key that asks may not see others. */
export async function expiringKeys(endpoint: Endpoint, now: number): Promise<Check | null> {
  const answer = await send(endpoint, 'GET', '/admin/v1/keys')
  if (answer.status === 403) return null
  if (answer.status !== 200 || !isObject(answer.body)) throw refusal(answer)
  // What has no secret (people who log in, subjects of issuers) ends and comes back by itself.
  const keys = rowsOf(answer.body).filter(
    (key) => textMember(key, 'state') === 'active' && textMember(key, 'prefix') !== '',
  )
  const soon = keys.filter((key) => endOf(key) < now + SOON_MS && !keys.some((other) => succeeds(other, key)))
  if (soon.length === 0) return ok('keys', `${keys.length} in force, none expires within 14 days`)
  const lines = soon.map(
    (key) => `${textMember(key, 'name')} (${textMember(key, 'id')}) expires ${textMember(key, 'expires_at')}`,
  )
  return warn('keys', lines.join('\n'), 'Run `aegisctl keys rotate <key> --overlap 24h`, and hand on the new secret.')
}

function endOf(key: JsonObject): number {
  const at = textMember(key, 'expires_at')
  return at === undefined ? Number.POSITIVE_INFINITY : Date.parse(at)
}

/** Whether a key is what rotating the other one gave. */
function succeeds(later: JsonObject, key: JsonObject): boolean {
  const same = ['name', 'owner', 'role'].every((member) => textMember(later, member) === textMember(key, member))
  return same && endOf(later) > endOf(key)
}
