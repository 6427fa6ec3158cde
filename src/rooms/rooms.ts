import type { ActionEnvelope } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import type { Fact, RoomFact, RoomMode } from '../core/facts.ts'
import type { Clock, Log, Random } from '../core/runtime.ts'
import { demandAuthority, type Keyholder } from './authority.ts'
import { changed, type RoomChange } from './changes.ts'
import { ownRoom, type RoomCaller, type RoomIndex, roomFact } from './fact.ts'
import type { RoomStore } from './ports.ts'
import { NO_TOOLS, parseMember, parseRepository, parseRoomId, quoted, type Room, repositoryKey } from './room.ts'

export interface RoomRequest {
  /** `owner/name`. */
  readonly repository: string
  /** A slug; `room_<16 hex>` where absent. */
  readonly id?: string
  /** Its first OWNER. */
  readonly owner?: string
  /** `enforce` where absent. */
  readonly mode?: RoomMode
}

/** A key that changes rooms, as the log names it. */
export type Changer = Keyholder & { readonly id: string; readonly name: string }

/** The rooms of this gateway: read from memory on every call, changed in the store. */
export interface Rooms {
  /** What policy is told of the call's room; undefined where there are no rooms. Waits for nothing. */
  fact(envelope: Pick<ActionEnvelope, 'action'>, caller: RoomCaller): Fact<RoomFact | null> | undefined
  /** The room that a key is confined to. */
  ofKey(caller: RoomCaller): RoomFact | undefined
  /** By repository. */
  list(): readonly Room[]
  /** By id or by `owner/name`; as it is in the store. @throws AegisError `not_found` */
  find(text: string): Promise<Room>
  /** How a room is run now; null where there is none of this id. */
  mode(id: string): RoomMode | null
  /** @throws AegisError `forbidden`, `invalid_request`, `conflict` where the id or the repository has a room */
  create(request: RoomRequest, by: Changer): Promise<Room>
  /**
   * Changes a room as it is at that moment: who may is asked of the room that is changed, not of one read earlier.
   * @param version the one the change was made for; null: whichever is kept.
   * @throws AegisError `not_found`, `forbidden`, `invalid_request`, `conflict` where the room has another version by now
   */
  change(room: string, change: RoomChange, by: Changer, version: number | null): Promise<Room>
  /** Takes the room away; its keys are for the caller to revoke, and reach nothing from now on. */
  remove(room: string, by: Changer): Promise<Room>
  /** Takes over what other processes changed. */
  refresh(): Promise<void>
}

/** How often a change is made again because another one came first. */
const RETRIES = 5

export async function openRooms(parts: {
  readonly store: RoomStore
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
  readonly log: Log
}): Promise<Rooms> {
  const { store, clock, random, log } = parts
  let index = indexOf(await store.list())
  let begun = 0
  let taken = 0

  async function refresh(): Promise<void> {
    const turn = ++begun
    const rooms = await store.list()
    // What was asked earlier and answered later must not bring back a room as it was before a change.
    if (turn < taken) return
    taken = turn
    index = indexOf(rooms)
  }

  async function find(text: string): Promise<Room> {
    const id = text.includes('/') ? index.byRepository(repositoryKey(parseRepository(text)))?.id : text
    const room = id === undefined ? null : await store.get(id)
    if (room !== null) return room
    throw new AegisError('not_found', `there is no room ${quoted(text)}`, {
      path: 'room',
      advice: '`aegisctl rooms list` shows them all; `aegisctl rooms create` makes one',
    })
  }

  return {
    fact: (envelope, caller) => roomFact(index, envelope.action.acts, caller),
    ofKey: ({ room }) => (room === null ? undefined : ownRoom(index, room)),
    list: () => index.all,
    find,
    mode: (id) => index.byId(id)?.mode ?? null,
    refresh,

    async create(request, by) {
      const room = newRoom(request, random, clock.now())
      demandAuthority(by, room, { kind: 'create' })
      if (!(await store.add(room))) {
        throw new AegisError('conflict', `${quoted(request.id ?? request.repository)} has a room already`, {
          advice: '`aegisctl rooms show` tells which',
        })
      }
      await refresh()
      log.info({ ...about(room, by), mode: room.mode }, 'room created')
      return room
    },

    async change(text, change, by, version) {
      for (let round = 1; ; round++) {
        const room = await find(text)
        if (version !== null && room.version !== version) throw outdated(room, version)
        const next = { ...changed(room, change, by), version: room.version + 1, updatedAt: clock.now() }
        if (await store.replace(next)) {
          await refresh()
          log.info({ ...about(next, by), change }, 'room changed')
          return next
        }
        if (round === RETRIES) throw outdated(room, room.version)
      }
    },

    async remove(text, by) {
      const room = await find(text)
      demandAuthority(by, room, { kind: 'remove' })
      await store.remove(room.id)
      await refresh()
      log.warn(about(room, by), 'room removed')
      return room
    },
  }
}

function newRoom({ repository, id, owner, mode }: RoomRequest, random: Random, now: number): Room {
  return {
    id: id === undefined ? `room_${Buffer.from(random.bytes(8)).toString('hex')}` : parseRoomId(id),
    repository: parseRepository(repository),
    members: owner === undefined ? [] : [{ name: parseMember(owner), role: 'OWNER' }],
    tools: NO_TOOLS,
    permission: null,
    mode: mode ?? 'enforce',
    version: 1,
    createdAt: now,
    updatedAt: now,
  }
}

function outdated(room: Room, version: number): AegisError {
  return new AegisError('conflict', `the room ${room.id} was changed by somebody else`, {
    path: 'version',
    advice: `it is at version ${room.version}, not ${version}: look at it again`,
    data: { version: room.version },
  })
}

function about({ id, repository, version }: Room, by: Changer): Record<string, unknown> {
  return { room: id, repository: repositoryKey(repository), version, by: by.id, by_name: by.name }
}

function indexOf(rooms: readonly Room[]): RoomIndex & { readonly all: readonly Room[] } {
  const byId = new Map(rooms.map((room) => [room.id, room]))
  const byRepository = new Map(rooms.map((room) => [repositoryKey(room.repository), room]))
  const all = [...byRepository.keys()].sort().flatMap((key) => byRepository.get(key) ?? [])
  return { size: rooms.length, all, byId: (id) => byId.get(id), byRepository: (key) => byRepository.get(key) }
}
