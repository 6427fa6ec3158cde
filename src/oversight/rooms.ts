import { AegisError } from '../core/errors.ts'
import type { RoomRole } from '../core/facts.ts'
import type { Clock, Log } from '../core/runtime.ts'
import { hasRole, type Keyring } from '../identity/keyring.ts'
import { type KeyRecord, keyState } from '../identity/ports.ts'
import type { LedgerReader } from '../ledger/store.ts'
import { demandAuthority, quoted, type Room, type RoomChange, type RoomRequest, type Rooms } from '../rooms/index.ts'
import { demandKeyName } from './key-name.ts'
import { demand } from './rights.ts'
import { type ReportOfRoom, reportOfRoom } from './room-report.ts'

export interface RoomKeyWish {
  readonly name: string
  readonly role: RoomRole
  readonly sponsor?: string | undefined
}

/**
 * Rooms: viewers read, people with a say in a room change it (`rooms/authority.ts`). Agents get nothing here, whoever owns them.
 * A room is named by its id or by `owner/name`. Each throws AegisError `forbidden`, and `not_found` where it names a room.
 */
export interface RoomDesk {
  /** By repository. */
  list(who: KeyRecord): readonly Room[]
  find(who: KeyRecord, room: string): Promise<Room>
  /** For administrators. @throws AegisError `invalid_request`, `conflict` */
  create(who: KeyRecord, request: RoomRequest): Promise<Room>
  /** @param version the one the change was made for; null: whichever is kept. @throws AegisError `invalid_request`, `conflict` */
  change(who: KeyRecord, room: string, change: RoomChange, version: number | null): Promise<Room>
  /** With the keys that are confined to it. */
  remove(who: KeyRecord, room: string): Promise<{ readonly room: Room; readonly revoked: number }>
  /** What was, or in shadow mode would have been, decided; `since` in milliseconds since the epoch, or -Infinity. */
  report(who: KeyRecord, room: string, since: number): Promise<ReportOfRoom & { readonly room: Room }>
  keys(who: KeyRecord, room: string): Promise<readonly KeyRecord[]>
  /** The only answer that holds the secret. @throws AegisError `invalid_request`, `conflict` */
  createKey(
    who: KeyRecord,
    room: string,
    wish: RoomKeyWish,
  ): Promise<{ readonly record: KeyRecord; readonly secret: string; readonly room: Room }>
  /** @throws AegisError `conflict` */
  revokeKey(who: KeyRecord, room: string, key: string): Promise<KeyRecord>
}

/** Most keys in force in one room. */
const MOST_KEYS = 200

interface Parts {
  readonly rooms: Rooms
  readonly keyring: Keyring
  readonly reader: LedgerReader
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}

export function createRoomDesk(parts: Parts): RoomDesk {
  const { rooms, keyring, reader } = parts
  const find = (who: KeyRecord, room: string) => {
    demand(who, 'viewer')
    return rooms.find(room)
  }

  return {
    find,
    list(who) {
      demand(who, 'viewer')
      return rooms.list()
    },

    async create(who, request) {
      demand(who, 'admin')
      const { id } = request
      // Keys of a room that was removed halfway must not come to life in another one of its name.
      if (id !== undefined && (await unrevoked(keyring, { id })).length > 0) {
        throw new AegisError('conflict', `keys of an earlier room ${quoted(id)} are in force`, {
          path: 'id',
          advice: 'choose another id, or leave it out',
        })
      }
      return rooms.create(request, who)
    },

    async change(who, room, change, version) {
      demand(who, 'viewer')
      return rooms.change(room, change, who, version)
    },

    async remove(who, named) {
      const room = await find(who, named)
      demandAuthority(who, room, { kind: 'remove' })
      const removed = await rooms.remove(room.id, who)
      const keys = await unrevoked(keyring, removed)
      for (const { id } of keys) await keyring.revoke(id)
      return { room: removed, revoked: keys.length }
    },

    async report(who, named, since) {
      const room = await find(who, named)
      return { room, ...(await reportOfRoom(reader, room, since)) }
    },

    ...keyActs(parts, find),
  }
}

/** Keys confined to a room: made by people with a say in it, shown once, revocable, listed with their last use. */
function keyActs(
  { keyring, clock, log }: Parts,
  find: RoomDesk['find'],
): Pick<RoomDesk, 'keys' | 'createKey' | 'revokeKey'> {
  const keysOf = async (id: string) => (await keyring.list()).filter((key) => key.room?.id === id)

  return {
    keys: async (who, room) => keysOf((await find(who, room)).id),

    async createKey(who, named, { role, ...wish }) {
      const name = wish.name.trim()
      const room = await find(who, named)
      demandAuthority(who, room, { kind: 'keys', role })
      demandKeyName(name)
      if ((await keysOf(room.id)).filter((key) => keyState(key, clock.now()) === 'active').length >= MOST_KEYS) {
        throw new AegisError('conflict', `the room has ${MOST_KEYS} keys`, { advice: 'revoke those that are not used' })
      }
      const { record, secret } = await keyring.issue({
        name,
        owner: `agent:${name}`,
        sponsor: sponsorOf(who, wish.sponsor),
        role: 'agent',
        room: { id: room.id, role },
      })
      log.info({ room: room.id, key: record.id, role, by: who.id, by_name: who.name }, 'room key made')
      return { record, secret, room }
    },

    async revokeKey(who, named, id) {
      const room = await find(who, named)
      const found = (await keysOf(room.id)).find((key) => key.id === id)
      if (found === undefined || found.room === null) throw noKey(id)
      demandAuthority(who, room, { kind: 'keys', role: found.room.role })
      const revoked = await keyring.revoke(found.id)
      if (!revoked) throw new AegisError('conflict', `key ${found.id} was revoked before`)
      log.info({ room: room.id, key: found.id, by: who.id, by_name: who.name }, 'room key revoked')
      return found
    },
  }
}

async function unrevoked(keyring: Keyring, { id }: Pick<Room, 'id'>): Promise<readonly KeyRecord[]> {
  return (await keyring.list()).filter((key) => key.room?.id === id && key.revokedAt === null)
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

function noKey(id: string): AegisError {
  return new AegisError('not_found', `the room has no key ${quoted(id)}`, {
    path: 'key',
    advice: '`aegisctl rooms key list` shows its keys',
  })
}
