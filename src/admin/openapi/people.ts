import { role } from './components.ts'
import type { RouteGroup } from './route.ts'
import { flag, list, nullable, object, oneOf, text, time, whole } from './schema.ts'

export const peopleRoutes: RouteGroup = {
  tag: 'people',
  description: 'Who calls, where people are logged in, and what is told to them.',
  routes: [
    {
      method: 'get',
      path: '/admin/v1/whoami',
      id: 'whoami',
      summary: 'Who calls, as the server knows it.',
      role: 'agent',
      answers: {
        200: object({
          principal: text(),
          name: text(),
          role,
          owner: text(),
          via: oneOf('key', 'session'),
          'csrf?': text('For changes by cookie.'),
        }),
      },
    },
    {
      method: 'get',
      path: '/admin/v1/logins',
      id: 'listLogins',
      summary: 'Where you are logged in.',
      role: 'agent',
      answers: {
        200: object({
          logins: list(object({ id: text(), since: time, last_seen: time, ends: time, current: flag })),
        }),
      },
    },
    {
      method: 'delete',
      path: '/admin/v1/logins/{id}',
      id: 'endLogin',
      summary: 'Ends one of your logins.',
      role: 'agent',
      answers: { 200: object({ ended: text() }) },
      errors: [404],
    },
    {
      method: 'get',
      path: '/admin/v1/notifications',
      id: 'getNotifications',
      summary: 'How messages to people fare.',
      role: 'viewer',
      answers: {
        200: object({
          delivered_by: nullable(text()),
          lag_entries: whole,
          endpoints: list(
            object({
              name: text(),
              kind: text(),
              place: text(),
              events: list(text()),
              waiting: whole,
              dead: whole,
              lag_seconds: whole,
              last_error: nullable(object({ error: text(), at: time })),
              last_delivered: nullable(time),
            }),
          ),
          dead: list(
            object({
              id: text(),
              endpoint: text(),
              event: text(),
              n: whole,
              attempts: whole,
              error: text(),
              failed_at: time,
            }),
          ),
        }),
      },
    },
    {
      method: 'post',
      path: '/admin/v1/notifications/{id}/retry',
      id: 'retryNotification',
      summary: 'Another try for one that was given up.',
      role: 'admin',
      answers: { 200: object({ retried: text() }) },
      errors: [404],
    },
  ],
}
