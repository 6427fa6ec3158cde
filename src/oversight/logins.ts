import { AegisError } from '../core/errors.ts'
import type { SessionInfo, Sessions } from '../identity/index.ts'
import type { KeyRecord } from '../identity/ports.ts'

/** Where somebody is logged in: each sees and ends their own. What ends others' is revoking their key or record. */
export interface LoginDesk {
  list(by: KeyRecord): Promise<readonly SessionInfo[]>
  /** @throws AegisError `not_found` */
  end(by: KeyRecord, id: string): Promise<void>
}

export function createLoginDesk(sessions: Sessions): LoginDesk {
  return {
    list: (by) => sessions.list(by.id),
    async end(by, id) {
      if (await sessions.endOne(by.id, id)) return
      throw new AegisError('not_found', `you have no login ${JSON.stringify(id.slice(0, 64))}`)
    },
  }
}
