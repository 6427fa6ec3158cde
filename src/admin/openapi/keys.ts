import { role } from './components.ts'
import type { RouteGroup } from './route.ts'
import { flag, list, named, nullable, object, strict, text } from './schema.ts'

const expires = nullable(
  text('`90d`, a date, an RFC 3339 time, or `never`.', {
    examples: ['90d', '2031-01-31', '2031-01-31T12:00:00Z', 'never'],
  }),
)
const secret = text('Shown in this answer and nowhere else.')

export const keyRoutes: RouteGroup = {
  tag: 'keys',
  description: 'API keys (docs/access.md).',
  routes: [
    {
      method: 'get',
      path: '/admin/v1/keys',
      id: 'listKeys',
      summary: 'Every key there ever was, oldest first; never a secret.',
      role: 'admin',
      answers: { 200: object({ keys: list(named('Key')) }) },
    },
    {
      method: 'post',
      path: '/admin/v1/keys',
      id: 'createKey',
      summary: 'Makes a key.',
      role: 'admin',
      body: strict({
        name: text('1 to 58 printable characters.', { examples: ['ci', 'laptop of alice'] }),
        role,
        'owner?': text('One self in approvals and rooms; printable.', { examples: ['dana', 'alice'] }),
        'sponsor?': text('The person it acts for.', { examples: ['dana'] }),
        'expires?': expires,
        'share_owner?': flag,
      }),
      answers: { 201: { allOf: [named('Key'), object({ secret })] } },
      errors: [409],
    },
    {
      method: 'post',
      path: '/admin/v1/keys/{key}/rotate',
      id: 'rotateKey',
      summary: 'A new secret; the old one stays good for the overlap.',
      role: 'admin',
      body: strict({
        'overlap?': text('At most 30 days.', { examples: ['0', '90s', '30m', '24h', '7d'] }),
        'expires?': expires,
      }),
      answers: { 201: { allOf: [named('Key'), object({ secret, replaced: named('Key') })] } },
      errors: [404, 409],
    },
    {
      method: 'delete',
      path: '/admin/v1/keys/{key}',
      id: 'revokeKey',
      summary: 'Ends a key, everywhere within two seconds.',
      role: 'admin',
      answers: { 200: object({ revoked: text() }) },
      errors: [404, 409],
    },
  ],
}
