import type { Clock, Log, Random } from '../core/runtime.ts'
import { openRooms, type RoomStore, type Rooms } from '../rooms/index.ts'
import { isPostgres } from '../store/open.ts'

/** How soon what another gateway on the same database changed holds here too, in milliseconds. */
const REFRESH_MS = 2000

/** The rooms of this gateway, kept in step with those of others on its database. */
export interface ComposedRooms {
  readonly rooms: Rooms
  stop(): void
}

export async function composeRooms(
  setting: string,
  store: RoomStore,
  parts: { readonly clock: Clock; readonly random: Random; readonly log: Log },
): Promise<ComposedRooms> {
  const rooms = await openRooms({ store, ...parts })
  // A SQLite store has one writer, which is this one.
  if (!isPostgres(setting)) return { rooms, stop: () => undefined }
  const timer = setInterval(() => {
    rooms.refresh().catch((error: Error) => parts.log.error({ error: error.message }, 'the rooms could not be read'))
  }, REFRESH_MS)
  timer.unref()
  return { rooms, stop: () => clearInterval(timer) }
}
