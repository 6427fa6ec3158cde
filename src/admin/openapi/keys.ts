import { role } from './components.ts'
import type { RouteGroup } from './route.ts'
import { flag, list, named, nullable, object, strict, text } from './schema.ts'

const expires = nullable(text('`90d`, a date, an RFC 3339 time, or `never`.'))
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
        name: text(undefined, { minLength: 1, maxLength: 58 }),
        role,
        'owner?': text(undefined, { minLength: 1, maxLength: 64 }),
        'sponsor?': text(undefined, { maxLength: 64 }),
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
      body: strict({ 'overlap?': text('`0`, `30m`, `24h`, `7d`; at most 30 days.'), 'expires?': expires }),
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
