import { AegisError } from '../../core/errors.ts'
import type { KeyRecord } from '../../identity/ports.ts'

/**
 * What the query of an address may say. Clients set up for other gateways put account, room, role and key there
 * (`/sse?user_id=…&room_id=…&access_token=…&role=…`): the room must be the key's own, the key must not be there, and account and
 * role are not listened to, for both come from the key's record.
 */

/** Ahead of a parameter; also `/`, which some set-up pages put between them. */
const PARAMETER = '(?:^|[?&;/])'
/** RFC 6750 section 2.3 and its relatives: what would end in logs, histories and referrers. */
const SECRET_NAME = new RegExp(
  `${PARAMETER}(?:access[_-]?token|token|(?:x[_-])?(?:api|agent)[_-]?key|key|bearer|authorization|secret|password)=`,
  'i',
)
/** A key that we made, under whatever name. */
const SECRET_VALUE = /aegis_(?:agent|viewer|reviewer|admin)_[\w-]{20,}/
const ROOM = new RegExp(`${PARAMETER}room_id=([^&;/]*)`, 'gi')

/** @throws AegisError `unauthenticated` where the address holds a key, whether or not a header does as well */
export function refuseSecrets(url: string): void {
  const query = queryOf(url)
  if (query === '') return
  if (SECRET_NAME.test(query) || SECRET_VALUE.test(query)) throw exposed()
}

/** @throws AegisError `forbidden` where the address names another room than the key's */
export function demandRoom(url: string, caller: KeyRecord): void {
  const query = queryOf(url)
  for (const [, named = ''] of query.matchAll(ROOM)) {
    if (named !== caller.room?.id) throw anotherRoom(caller)
  }
}

/** Decoded: a name that is written with `%5F` is the same name to who reads the log. */
function queryOf(url: string): string {
  const at = url.indexOf('?')
  if (at === -1) return ''
  // Byte by byte: one that is no UTF-8 must not keep the others from being read.
  return url
    .slice(at + 1)
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function exposed(): AegisError {
  return new AegisError('unauthenticated', 'a key in the address is not accepted, and counts as exposed', {
    advice:
      'revoke it and make another (`aegisctl rooms key create`): addresses end in logs. Send the new one in a header: ' +
      '`Authorization: Bearer KEY`, `X-Agent-Key: KEY` or `X-API-Key: KEY`',
  })
}

function anotherRoom({ room }: KeyRecord): AegisError {
  return new AegisError('forbidden', '`room_id` is not the room of this key', {
    path: 'room_id',
    advice:
      room === null
        ? 'this key belongs to no room: leave `room_id` out, or make a key of the room (`aegisctl rooms key create`)'
        : `leave it out, or write \`room_id=${room.id}\``,
  })
}
