import type { Hono } from 'hono'
import { AegisError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import { type Clock, rfc3339 } from '../core/runtime.ts'
import type { RoomDesk } from '../oversight/rooms.ts'
import type { RoomChange, RoomRequest } from '../rooms/index.ts'
import { type AdminContext, type AdminEnv, demandRole, jsonBody } from './door.ts'
import {
  bodyOf,
  modeOf,
  neededText,
  optionalText,
  permissionOf,
  reportWire,
  roleOf,
  roomKeyWire,
  roomWire,
  versionOf,
} from './room-wire.ts'

export interface RoomParts {
  readonly rooms: RoomDesk
  readonly clock: Pick<Clock, 'now'>
}

/** `/admin/v1/rooms`. A room is named by its id or, encoded, by `owner/name`. */
export function roomRoutes(app: Hono<AdminEnv>, { rooms, clock }: RoomParts): void {
  for (const path of ['/admin/v1/rooms', '/admin/v1/rooms/*']) {
    app.use(path, async (context, next) => {
      // Before a body is read.
      demandRole(context, 'viewer')
      await next()
    })
  }

  app.get('/admin/v1/rooms', (context) => context.json({ rooms: rooms.list(context.get('key')).map(roomWire) }))
  app.post('/admin/v1/rooms', async (context) => {
    const key = demandRole(context, 'admin')
    return context.json(roomWire(await rooms.create(key, await requestOf(context))), 201)
  })
  app.get('/admin/v1/rooms/:room', async (context) => {
    return context.json(roomWire(await rooms.find(context.get('key'), named(context))))
  })
  app.delete('/admin/v1/rooms/:room', async (context) => {
    const { room, revoked } = await rooms.remove(context.get('key'), named(context))
    return context.json({ removed: room.id, keys_revoked: revoked })
  })
  changeRoutes(app, rooms)
  keyRoutes(app, rooms, clock)
  app.get('/admin/v1/rooms/:room/report', async (context) => {
    const since = sinceOf(context)
    const { room, report, from, to, complete } = await rooms.report(context.get('key'), named(context), since)
    const asked = Number.isFinite(since) ? rfc3339(since) : null
    return context.json({ ...roomWire(room), since: asked, from, to, complete, ...reportWire(report) })
  })
}

function changeRoutes(app: Hono<AdminEnv>, rooms: RoomDesk): void {
  const change = (path: string, members: readonly string[], changeOf: (body: JsonObject) => RoomChange) =>
    app.post(`/admin/v1/rooms/:room/${path}`, async (context) => {
      const body = bodyOf(await jsonBody(context), [...members, 'version'])
      const room = await rooms.change(context.get('key'), named(context), changeOf(body), versionOf(body))
      return context.json(roomWire(room))
    })
  change('mode', ['mode'], (body) => ({ kind: 'mode', mode: modeOf(body) }))
  change('permission', ['permission'], (body) => ({ kind: 'permission', permission: permissionOf(body) }))
  change('members', ['member', 'role'], (body) => {
    return { kind: 'member', name: neededText(body, 'member'), role: body['role'] === null ? null : roleOf(body) }
  })
  change('tools', ['role', 'tool', 'allowed'], (body) => {
    return { kind: 'tool', role: roleOf(body), tool: neededText(body, 'tool'), allowed: allowedOf(body) }
  })
}

function keyRoutes(app: Hono<AdminEnv>, rooms: RoomDesk, clock: Pick<Clock, 'now'>): void {
  app.get('/admin/v1/rooms/:room/keys', async (context) => {
    const keys = await rooms.keys(context.get('key'), named(context))
    return context.json({ keys: keys.map((key) => roomKeyWire(key, clock.now())) })
  })
  app.post('/admin/v1/rooms/:room/keys', async (context) => {
    const body = bodyOf(await jsonBody(context), ['name', 'role', 'sponsor'])
    const wish = { role: roleOf(body), name: neededText(body, 'name'), sponsor: optionalText(body, 'sponsor') }
    const { record, secret, room } = await rooms.createKey(context.get('key'), named(context), wish)
    context.header('Cache-Control', 'no-store')
    return context.json({ ...roomKeyWire(record, clock.now()), secret, room: roomWire(room) }, 201)
  })
  app.delete('/admin/v1/rooms/:room/keys/:key', async (context) => {
    const { id } = await rooms.revokeKey(context.get('key'), named(context), context.req.param('key'))
    return context.json({ revoked: id })
  })
}

function named(context: AdminContext): string {
  return context.req.param('room') ?? ''
}

async function requestOf(context: AdminContext): Promise<RoomRequest> {
  const body = bodyOf(await jsonBody(context), ['repository', 'id', 'owner', 'mode'])
  const repository = neededText(body, 'repository')
  const [id, owner] = [optionalText(body, 'id'), optionalText(body, 'owner')]
  return {
    repository,
    ...(id === undefined ? {} : { id }),
    ...(owner === undefined ? {} : { owner }),
    ...(body['mode'] === undefined ? {} : { mode: modeOf(body) }),
  }
}

function allowedOf(body: JsonObject): boolean | null {
  const { allowed } = body
  if (typeof allowed === 'boolean' || allowed === null) return allowed
  throw new AegisError('invalid_request', '`allowed` must be true, false or null', {
    path: 'allowed',
    advice: 'null takes the tool out of the map',
  })
}

function sinceOf(context: AdminContext): number {
  const text = context.req.query('since')
  if (text === undefined) return Number.NEGATIVE_INFINITY
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return time
  throw new AegisError('invalid_request', '`since` must be an RFC 3339 time', { path: 'since' })
}
