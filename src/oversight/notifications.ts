import { AegisError } from '../core/errors.ts'
import type { KeyRecord } from '../identity/ports.ts'
import type { NotificationStatus, Notifier } from '../notifications/index.ts'
import { demand } from './rights.ts'

/** What people see and do of the messages that leave here. */
export interface NotificationDesk {
  /** Endpoints, how far behind each is, and what was given up. For viewers. @throws AegisError `forbidden` */
  status(by: KeyRecord): Promise<NotificationStatus>
  /** Tries a dead letter again. For administrators. @throws AegisError `forbidden`, `not_found` */
  retry(by: KeyRecord, id: string): Promise<void>
}

export function createNotificationDesk(notifier: Pick<Notifier, 'status' | 'retry'>): NotificationDesk {
  return {
    async status(by) {
      demand(by, 'viewer')
      return notifier.status()
    },
    async retry(by, id) {
      demand(by, 'admin')
      if (await notifier.retry(id)) return
      throw new AegisError('not_found', `there is no dead letter ${JSON.stringify(id.slice(0, 120))}`, {
        advice: '`aegisctl notifications` shows them all',
        path: 'id',
      })
    },
  }
}
