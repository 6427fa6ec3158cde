import type { Hono } from 'hono'
import { ROLES } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { Clock } from '../core/runtime.ts'
import type { KeyDesk, ShownKey } from '../oversight/keys.ts'
import { type AdminEnv, demandRole, jsonBody } from './door.ts'
import { keyWire } from './key-wire.ts'
import { bodyOf, neededText, oneOf, optionalText } from './room-wire.ts'

export interface KeyParts {
  readonly keys: KeyDesk
  readonly clock: Pick<Clock, 'now'>
}

/** `/admin/v1/keys`: for administrators alone. */
export function keyRoutes(app: Hono<AdminEnv>, { keys, clock }: KeyParts): void {
  const wire = ({ record, repository }: ShownKey): JsonObject => {
    return { ...keyWire(record, clock.now()), room: record.room === null ? null : { ...record.room, repository } }
  }
  for (const path of ['/admin/v1/keys', '/admin/v1/keys/*']) {
    app.use(path, async (context, next) => {
      // Before a body is read, and whatever is asked for.
      demandRole(context, 'admin')
      context.header('Cache-Control', 'no-store')
      await next()
    })
  }
  app.get('/admin/v1/keys', async (context) => {
    return context.json({ keys: (await keys.list(context.get('key'))).map(wire) })
  })
  app.post('/admin/v1/keys', async (context) => {
    const body = bodyOf(await jsonBody(context), ['name', 'role', 'owner', 'sponsor', 'expires', 'share_owner'])
    const made = await keys.create(context.get('key'), {
      role: oneOf(body['role'], 'role', ROLES),
      name: neededText(body, 'name'),
      owner: optionalText(body, 'owner'),
      sponsor: optionalText(body, 'sponsor'),
      expires: body['expires'],
      shareOwner: flag(body, 'share_owner'),
    })
    return context.json({ ...wire(made), secret: made.secret }, 201)
  })
  app.post('/admin/v1/keys/:key/rotate', async (context) => {
    const { overlap, expires } = bodyOf(await jsonBody(context), ['overlap', 'expires'])
    const made = await keys.rotate(context.get('key'), context.req.param('key'), { overlap, expires })
    return context.json({ ...wire(made), secret: made.secret, replaced: wire(made.replaced) }, 201)
  })
  app.delete('/admin/v1/keys/:key', async (context) => {
    const { record } = await keys.revoke(context.get('key'), context.req.param('key'))
    return context.json({ revoked: record.id })
  })
}

function flag(body: JsonObject, member: string): boolean {
  const value = body[member] ?? false
  if (typeof value === 'boolean') return value
  throw new AegisError('invalid_request', `\`${member}\` must be true or false`, { path: member })
}
