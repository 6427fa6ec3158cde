import type { Hono } from 'hono'
import { AegisError } from '../core/errors.ts'
import type { Clock, Log } from '../core/runtime.ts'
import { hasRole, type Keyring } from '../identity/keyring.ts'
import { type KeyRecord, keyState } from '../identity/ports.ts'
import { demandAuthority, quoted, type Rooms } from '../rooms/index.ts'
import { type AdminEnv, jsonBody } from './door.ts'
import { bodyOf, neededText, optionalText, roleOf, roomKeyWire, roomWire } from './room-wire.ts'

export interface RoomKeyParts {
  readonly rooms: Rooms
  readonly keyring: Keyring
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}

/** Most keys in force in one room. */
const MOST_KEYS = 200
const NAME_LIMIT = 58

/** Keys confined to a room: made by people with a say in it, shown once, revocable, listed with their last use. */
export function roomKeyRoutes(app: Hono<AdminEnv>, { rooms, keyring, clock, log }: RoomKeyParts): void {
  const wire = (key: KeyRecord) => roomKeyWire(key, clock.now())
  const keysOf = async (id: string) => (await keyring.list()).filter((key) => key.room?.id === id)

  app.get('/admin/v1/rooms/:room/keys', async (context) => {
    const room = await rooms.find(context.req.param('room'))
    return context.json({ keys: (await keysOf(room.id)).map(wire) })
  })

  app.post('/admin/v1/rooms/:room/keys', async (context) => {
    const by = context.get('key')
    const body = bodyOf(await jsonBody(context), ['name', 'role', 'sponsor'])
    const role = roleOf(body)
    const name = neededText(body, 'name').trim()
    const room = await rooms.find(context.req.param('room'))
    demandAuthority(by, room, { kind: 'keys', role })
    demandKeyName(name)
    if ((await keysOf(room.id)).filter((key) => keyState(key, clock.now()) === 'active').length >= MOST_KEYS) {
      throw new AegisError('conflict', `the room has ${MOST_KEYS} keys`, { advice: 'revoke those that are not used' })
    }
    const sponsor = sponsorOf(by, optionalText(body, 'sponsor'))
    const { record, secret } = await keyring.issue({
      name,
      owner: `agent:${name}`,
      sponsor,
      role: 'agent',
      room: { id: room.id, role },
    })
    log.info({ room: room.id, key: record.id, role, by: by.id, by_name: by.name }, 'room key made')
    context.header('Cache-Control', 'no-store')
    return context.json({ ...wire(record), secret, room: roomWire(room) }, 201)
  })

  app.delete('/admin/v1/rooms/:room/keys/:key', async (context) => {
    const by = context.get('key')
    const room = await rooms.find(context.req.param('room'))
    const found = (await keysOf(room.id)).find(({ id }) => id === context.req.param('key'))
    if (found === undefined || found.room === null) throw noKey(context.req.param('key'))
    demandAuthority(by, room, { kind: 'keys', role: found.room.role })
    const revoked = await keyring.revoke(found.id)
    if (!revoked) throw new AegisError('conflict', `key ${found.id} was revoked before`)
    log.info({ room: room.id, key: found.id, by: by.id, by_name: by.name }, 'room key revoked')
    return context.json({ revoked: found.id })
  })
}

/**
 * The person the key acts for, who counts as its self where an independent reviewer is asked for. Only administrators name
 * somebody else: whoever could, would make themselves independent of their own agent.
 */
function sponsorOf(by: KeyRecord, wanted: string | undefined): string {
  if (wanted === undefined || wanted === by.owner) return by.owner
  if (hasRole(by, 'admin')) return wanted
  throw new AegisError('forbidden', 'only an administrator makes a key for somebody else', { path: 'sponsor' })
}

/** `agent:` and the name together are an owner. @throws AegisError `invalid_request` */
export function demandKeyName(name: string): void {
  if (name.length >= 1 && name.length <= NAME_LIMIT && /^[^\p{C}]*$/u.test(name)) return
  throw new AegisError('invalid_request', `the name of a key has 1 to ${NAME_LIMIT} printable characters`, {
    path: 'name',
  })
}

function noKey(id: string): AegisError {
  return new AegisError('not_found', `the room has no key ${quoted(id)}`, {
    path: 'key',
    advice: '`aegisctl rooms key list` shows its keys',
  })
}
