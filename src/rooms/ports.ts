import type { Room } from './room.ts'

/** Where rooms are kept. */
export interface RoomStore {
  list(): Promise<readonly Room[]>
  get(id: string): Promise<Room | null>
  /** False where the id or the repository has a room already. */
  add(room: Room): Promise<boolean>
  /** In place of the version before it (`room.version - 1`); false where that is not the one that is kept. */
  replace(room: Room): Promise<boolean>
  remove(id: string): Promise<boolean>
}
