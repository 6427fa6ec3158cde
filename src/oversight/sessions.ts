import { AegisError } from '../core/errors.ts'
import { sessionId } from '../core/ids.ts'
import { hasRole } from '../identity/keyring.ts'
import type { KeyRecord } from '../identity/ports.ts'
import type { LedgerReader } from '../ledger/store.ts'

/** The full id, or a label that is unambiguous among the sessions this key may read. */
export async function resolveSession(reader: LedgerReader, text: string, key: KeyRecord): Promise<string> {
  const all = hasRole(key, 'viewer')
  const own = sessionId(key.id, text)
  if ((await reader.session(own)) !== null) return own
  if ((await reader.session(text)) !== null && (all || text.startsWith(`${key.id}/`))) return text
  // Among all of them: an agent that opens many sessions must not push another's out of sight and take its label.
  const named = all ? await reader.sessionsNamed(text) : []
  const [only, ...more] = named
  if (only !== undefined && more.length === 0) return only
  if (only === undefined) {
    throw new AegisError('not_found', `no session \`${text.slice(0, 160)}\``, {
      advice: 'list them with `aegisctl sessions`',
    })
  }
  throw new AegisError('conflict', `${named.length} sessions are called \`${text}\``, {
    advice: `name one in full: ${named.join(', ')}`,
  })
}
