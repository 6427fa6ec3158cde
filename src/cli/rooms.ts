import { AegisError } from '../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { adminEndpoint, ask } from './client.ts'
import { processContext } from './context.ts'
import { type Column, jsonText, list, visible } from './output.ts'
import { formatOf, type ListOptions, rowsOf } from './rows.ts'

interface Options {
  readonly json?: boolean
}

const ROLES = ['OWNER', 'ADMIN', 'DEVELOPER'] as const

const COLUMNS: readonly Column<JsonObject>[] = [
  { title: 'REPOSITORY', value: (row) => textMember(row, 'repository') ?? '' },
  { title: 'ROOM', value: (row) => textMember(row, 'id') ?? '' },
  { title: 'MODE', value: (row) => textMember(row, 'mode') ?? '' },
  { title: 'READ/WRITE', value: permissionText },
  { title: 'MEMBERS', value: (row) => String(rows(row['members']).length) },
  { title: 'DENIED', value: (row) => ROLES.map((role) => `${role} ${deniedOf(row, role).length}`).join(', ') },
  { title: 'CHANGED', value: (row) => textMember(row, 'updated_at') ?? '' },
]

/** `/admin/v1/rooms/<room>/...`; `owner/name` is one segment of it. */
export function roomPath(room: string, rest = ''): string {
  return `/admin/v1/rooms/${encodeURIComponent(room)}${rest}`
}

export async function listRooms(options: ListOptions): Promise<void> {
  const context = processContext()
  const found = rowsOf(await ask(adminEndpoint(context), 'GET', '/admin/v1/rooms'))
  context.out(list(found, COLUMNS, formatOf(options)))
}

export async function showRoom(room: string, options: Options): Promise<void> {
  const context = processContext()
  const answer = await ask(adminEndpoint(context), 'GET', roomPath(room))
  context.out(options.json === true || !isObject(answer) ? jsonText(answer) : roomText(answer))
}

export async function createRoom(
  repository: string,
  options: Options & { owner?: string; mode?: string; id?: string },
): Promise<void> {
  const { owner, mode, id } = options
  const body = {
    repository,
    ...(owner === undefined ? {} : { owner }),
    ...(mode === undefined ? {} : { mode }),
    ...(id === undefined ? {} : { id }),
  }
  await tell(
    options,
    await post('/admin/v1/rooms', body),
    (room) => `made: ${textMember(room, 'id')}\n${roomText(room)}`,
  )
}

export async function removeRoom(room: string, options: Options): Promise<void> {
  const answer = await ask(adminEndpoint(processContext()), 'DELETE', roomPath(room))
  await tell(options, answer, (done) => `removed; keys revoked: ${String(done['keys_revoked'])}\n`)
}

export async function setMode(room: string, mode: string, options: Options): Promise<void> {
  await tell(options, await post(roomPath(room, '/mode'), { mode }), (now) => `mode: ${textMember(now, 'mode')}\n`)
}

/** What is not given stays as it is. */
export async function setPermission(
  room: string,
  options: Options & { read?: string; write?: string; none?: boolean },
): Promise<void> {
  const { read, write, none } = options
  if ((none === true) === (read !== undefined || write !== undefined)) {
    throw new AegisError('invalid_params', 'give --read and --write, or --none', {
      advice: '`aegisctl rooms permission acme/site --read allow --write hold`',
    })
  }
  const permission = none === true ? null : await merged(room, read, write)
  const { version, ...body } = permission ?? {}
  const change = { permission: permission === null ? null : body, ...(version === undefined ? {} : { version }) }
  await tell(
    options,
    await post(roomPath(room, '/permission'), change),
    (now) => `read/write: ${permissionText(now)}\n`,
  )
}

async function merged(room: string, read: string | undefined, write: string | undefined): Promise<JsonObject> {
  if (read !== undefined && write !== undefined) return { read, write }
  const now = await ask(adminEndpoint(processContext()), 'GET', roomPath(room))
  const kept = isObject(now) && isObject(now['permission']) ? now['permission'] : null
  if (kept === null || !isObject(now)) {
    throw new AegisError('invalid_params', 'the room has no permission yet: give both --read and --write')
  }
  // What it was merged with must still be so.
  const version = now['version'] ?? null
  return { ...kept, ...(read === undefined ? {} : { read }), ...(write === undefined ? {} : { write }), version }
}

const ALLOWED = { allow: true, deny: false, clear: null } as const

export async function setTool(
  verb: keyof typeof ALLOWED,
  room: string,
  tool: string,
  options: Options & { role: string },
): Promise<void> {
  const role = options.role.toUpperCase()
  const answer = await post(roomPath(room, '/tools'), { role, tool, allowed: ALLOWED[verb] })
  await tell(options, answer, (now) => `${visible(role)}\n${toolsText(now, role)}`)
}

export async function addMember(room: string, member: string, options: Options & { role: string }): Promise<void> {
  const answer = await post(roomPath(room, '/members'), { member, role: options.role.toUpperCase() })
  await tell(options, answer, membersText)
}

export async function removeMember(room: string, member: string, options: Options): Promise<void> {
  await tell(options, await post(roomPath(room, '/members'), { member, role: null }), membersText)
}

async function post(path: string, body: JsonObject): Promise<Json> {
  return ask(adminEndpoint(processContext()), 'POST', path, body)
}

async function tell(options: Options, answer: Json, text: (answer: JsonObject) => string): Promise<void> {
  const context = processContext()
  context.out(options.json === true || !isObject(answer) ? jsonText(answer) : text(answer))
}

function roomText(room: JsonObject): string {
  const line = (title: string, value: string) => `${title.padEnd(12)}${visible(value)}\n`
  return (
    line('repository', textMember(room, 'repository') ?? '') +
    line('room', textMember(room, 'id') ?? '') +
    line('mode', textMember(room, 'mode') ?? '') +
    line('read/write', permissionText(room)) +
    line('version', String(room['version'] ?? '')) +
    `members\n${membersText(room)}` +
    ROLES.map((role) => `${role}\n${toolsText(room, role)}`).join('')
  )
}

function permissionText(room: JsonObject): string {
  const { permission } = room
  if (!isObject(permission)) return "the policy's default"
  return `${textMember(permission, 'read')}/${textMember(permission, 'write')}`
}

function membersText(room: JsonObject): string {
  const members = rows(room['members'])
  if (members.length === 0) return '  nobody\n'
  return members
    .map((one) => `  ${(textMember(one, 'role') ?? '').padEnd(10)} ${visible(textMember(one, 'member') ?? '')}\n`)
    .join('')
}

function toolsText(room: JsonObject, role: string): string {
  const map = mapOf(room, role)
  const lines = Object.entries(map).map(
    ([tool, allowed]) => `  ${allowed === true ? 'allow' : 'deny '} ${visible(tool)}\n`,
  )
  return lines.length === 0 ? '  every tool, as the policy says\n' : lines.join('')
}

function deniedOf(room: JsonObject, role: string): readonly string[] {
  return Object.entries(mapOf(room, role)).flatMap(([tool, allowed]) => (allowed === false ? [tool] : []))
}

function mapOf(room: JsonObject, role: string): JsonObject {
  const { tools } = room
  const map = isObject(tools) && Object.hasOwn(tools, role) ? tools[role] : undefined
  return isObject(map) ? map : {}
}

function rows(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter((row: Json) => isObject(row)) : []
}
