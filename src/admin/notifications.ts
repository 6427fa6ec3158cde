import { rfc3339 } from '../core/runtime.ts'
import type { NotificationStatus } from '../notifications/index.ts'
import type { NotificationDesk } from '../oversight/notifications.ts'
import type { Wire } from './door.ts'
import type { AdminWing } from './rest.ts'

/** How the messages to people fare, and another try for those that were given up. */
export function notificationRoutes(notifications: NotificationDesk): AdminWing {
  return (app) => {
    app.get('/admin/v1/notifications', async (context) => {
      return context.json(statusWire(await notifications.status(context.get('key'))))
    })
    app.post('/admin/v1/notifications/:id/retry', async (context) => {
      const id = context.req.param('id')
      await notifications.retry(context.get('key'), id)
      return context.json({ retried: id })
    })
  }
}

function statusWire({ holder, lagEntries, endpoints, dead }: NotificationStatus): Wire {
  return {
    delivered_by: holder,
    lag_entries: lagEntries,
    endpoints: endpoints.map((one) => ({
      ...{ name: one.name, kind: one.kind, place: one.place, events: [...one.events] },
      ...{ waiting: one.waiting, dead: one.dead, lag_seconds: Math.round(one.lagSeconds) },
      last_error: one.lastError === null ? null : { error: one.lastError.error, at: rfc3339(one.lastError.at) },
      last_delivered: one.lastDelivered === null ? null : rfc3339(one.lastDelivered),
    })),
    dead: dead.map((one) => ({
      ...{ id: one.id, endpoint: one.endpoint, event: one.event, n: one.n, attempts: one.attempts, error: one.error },
      failed_at: rfc3339(one.failedAt),
    })),
  }
}
