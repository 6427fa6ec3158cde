import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NO_RESOURCE } from '../../src/core/acts.ts'
import type { Act } from '../../src/core/envelope.ts'
import { openRooms, type Rooms } from '../../src/rooms/index.ts'
import { openSqlite, type Stores } from '../../src/store/sqlite/index.ts'
import { handClock, listLog, systemRandom } from '../support/world.ts'

export interface RoomWorld {
  readonly stores: Stores
  readonly rooms: Rooms
  readonly clock: ReturnType<typeof handClock>
  readonly log: ReturnType<typeof listLog>
  close(): Promise<void>
}

/** Rooms on a real store in a temporary folder. */
export async function openWorld(): Promise<RoomWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-rooms-'))
  const stores = await openSqlite(join(folder, 'aegis.db'))
  const clock = handClock()
  const log = listLog()
  const rooms = await openRooms({ store: stores.rooms, clock, random: systemRandom, log })
  return {
    ...{ stores, rooms, clock, log },
    async close() {
      await stores.close()
      rmSync(folder, { recursive: true })
    },
  }
}

const person = (id: string, role: 'agent' | 'viewer' | 'reviewer' | 'admin', owner: string) => ({
  ...{ id: `key_${id}`, name: id, role, owner, sponsor: '', room: null },
})

export const ADMIN = person('admin', 'admin', 'root')
export const OLGA = person('olga', 'reviewer', 'olga')
export const ADAM = person('adam', 'reviewer', 'adam')
export const DORA = person('dora', 'reviewer', 'dora')
export const STRANGER = person('stranger', 'reviewer', 'stranger')
/** An agent that somebody gave the owner of a room as its owner. */
export const AGENT = person('agent', 'agent', 'olga')
export const VIEWER = person('viewer', 'viewer', 'olga')

/** What a call on these repositories looks like to a room. */
export function callOn(...repositories: readonly (string | null)[]) {
  const [first, ...more] = repositories.map(actOn)
  if (first === undefined) throw new Error('a call has an act')
  const { protocol, tool, capability } = first
  const acts: readonly [Act, ...Act[]] = [first, ...more]
  return { action: { protocol, tool, capability, parameters: {}, route: null, acts } }
}

function actOn(repository: string | null): Act {
  const [owner = '', name = ''] = (repository ?? '').split('/')
  const resource = { ...NO_RESOURCE, repository: repository === null ? null : { owner, name } }
  return { protocol: 'git', tool: 'github.push_files', capability: 'write', resource, doubt: null }
}
