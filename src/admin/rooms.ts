import { setImmediate } from 'node:timers/promises'
import type { Hono } from 'hono'
import { AegisError } from '../core/errors.ts'
import { isObject, type JsonObject } from '../core/json.ts'
import { type Clock, type Log, rfc3339 } from '../core/runtime.ts'
import type { Keyring } from '../identity/keyring.ts'
import type { KeyRecord } from '../identity/ports.ts'
import type { LedgerReader } from '../ledger/store.ts'
import { createTally, demandAuthority, quoted, type Room, type RoomChange, type Rooms } from '../rooms/index.ts'
import { type AdminContext, type AdminEnv, demandRole, jsonBody } from './door.ts'
import { roomKeyRoutes } from './room-keys.ts'
import {
  bodyOf,
  modeOf,
  neededText,
  optionalText,
  permissionOf,
  reportWire,
  roleOf,
  roomWire,
  versionOf,
} from './room-wire.ts'

export interface RoomParts {
  readonly rooms: Rooms
  readonly keyring: Keyring
  readonly reader: LedgerReader
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}

/** Entries a report looks through at most, and how many at a time. */
const MOST_ENTRIES = 200_000
const PAGE = 1000

/**
 * Rooms: viewers read, people with a say in a room change it (`rooms/authority.ts`). Agents get nothing here, whoever owns them.
 * A room is named by its id or, encoded, by `owner/name`.
 */
export function roomRoutes(app: Hono<AdminEnv>, parts: RoomParts): void {
  const { rooms, keyring, reader } = parts
  app.use('/admin/v1/rooms', async (context, next) => {
    demandRole(context, 'viewer')
    await next()
  })
  app.use('/admin/v1/rooms/*', async (context, next) => {
    demandRole(context, 'viewer')
    await next()
  })

  app.get('/admin/v1/rooms', (context) => context.json({ rooms: rooms.list().map(roomWire) }))
  app.post('/admin/v1/rooms', async (context) => {
    const key = demandRole(context, 'admin')
    return context.json(roomWire(await rooms.create(await requestOf(context, keyring), key)), 201)
  })
  app.get('/admin/v1/rooms/:room', async (context) => context.json(roomWire(await rooms.find(named(context)))))
  app.delete('/admin/v1/rooms/:room', async (context) => {
    const key = context.get('key')
    const room = await rooms.find(named(context))
    demandAuthority(key, room, { kind: 'remove' })
    const removed = await rooms.remove(room.id, key)
    const keys = await keysOf(keyring, removed)
    for (const { id } of keys) await keyring.revoke(id)
    return context.json({ removed: removed.id, keys_revoked: keys.length })
  })

  const change = (path: string, members: readonly string[], changeOf: (body: JsonObject) => RoomChange) =>
    app.post(`/admin/v1/rooms/:room/${path}`, async (context) => {
      const body = bodyOf(await jsonBody(context), [...members, 'version'])
      const room = await rooms.change(named(context), changeOf(body), context.get('key'), versionOf(body))
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

  roomKeyRoutes(app, parts)
  app.get('/admin/v1/rooms/:room/report', async (context) => {
    const room = await rooms.find(named(context))
    return context.json({ ...roomWire(room), ...(await reportOf(reader, room, sinceOf(context))) })
  })
}

/** The room that the path names, by id or by `owner/name`. */
export function named(context: AdminContext): string {
  return context.req.param('room') ?? ''
}

/** The keys of a room that are in force. */
export async function keysOf(keyring: Keyring, { id }: Pick<Room, 'id'>): Promise<readonly KeyRecord[]> {
  return (await keyring.list()).filter((key) => key.room?.id === id && key.revokedAt === null)
}

async function requestOf(context: AdminContext, keyring: Keyring) {
  const body = bodyOf(await jsonBody(context), ['repository', 'id', 'owner', 'mode'])
  const repository = neededText(body, 'repository')
  const [id, owner] = [optionalText(body, 'id'), optionalText(body, 'owner')]
  // Keys of a room that was removed halfway must not come to life in another one of its name.
  if (id !== undefined && (await keysOf(keyring, { id })).length > 0) {
    throw new AegisError('conflict', `keys of an earlier room ${quoted(id)} are in force`, {
      path: 'id',
      advice: 'choose another id, or leave it out',
    })
  }
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

/** Backwards through the log, as far as is asked for or can be looked through. */
async function reportOf(reader: LedgerReader, { id }: Room, since: number): Promise<JsonObject> {
  const tally = createTally(id)
  let [seen, before, first, last]: [number, number | null, string | null, string | null] = [0, null, null, null]
  for (let over = false; !over && seen < MOST_ENTRIES; ) {
    const page = await reader.list({ limit: PAGE, ...(before === null ? {} : { before }) })
    for (const entry of page) {
      seen += 1
      before = entry.n
      if (entry.ts !== null && Date.parse(entry.ts) < since) over = true
      if (over) break
      last ??= entry.ts
      first = entry.ts ?? first
      const body = Buffer.from(entry.body)
      // Most entries are of no room, and reading a text costs a hundred times more than finding a word in it.
      const parsed: unknown = body.includes(`:${id}"`) ? JSON.parse(body.toString('utf8')) : null
      if (isEntry(parsed)) tally.add(parsed)
    }
    over ||= page.length < PAGE
    // The store may answer without ever waiting: calls of agents come in between.
    await setImmediate()
  }
  const complete = seen < MOST_ENTRIES
  const asked = Number.isFinite(since) ? rfc3339(since) : null
  return { since: asked, from: first, to: last, complete, ...reportWire(tally.report()) }
}

function isEntry(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && isObject(value as JsonObject)
}
