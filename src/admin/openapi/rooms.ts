import { roomMode, roomPermission, roomRole } from './components.ts'
import { query, type Route, type RouteGroup } from './route.ts'
import { flag, list, named, nullable, object, type Schema, strict, text, time, whole } from './schema.ts'

const version = nullable({ type: 'integer', minimum: 1, description: 'The version the change was made for.' })

function change(what: string, id: string, summary: string, members: Readonly<Record<string, Schema>>): Route {
  return {
    method: 'post',
    path: `/admin/v1/rooms/{room}/${what}`,
    id,
    summary,
    role: 'viewer',
    body: strict({ ...members, 'version?': version }),
    answers: { 200: named('Room') },
    errors: [404, 409],
  }
}

export const roomRoutes: RouteGroup = {
  tag: 'rooms',
  description:
    'The access scope of one repository (docs/rooms.md). Who may change one is settled by who has a say in it.',
  routes: [
    {
      method: 'get',
      path: '/admin/v1/rooms',
      id: 'listRooms',
      summary: 'By repository.',
      role: 'viewer',
      answers: { 200: object({ rooms: list(named('Room')) }) },
    },
    {
      method: 'post',
      path: '/admin/v1/rooms',
      id: 'createRoom',
      summary: 'Makes the room of a repository.',
      role: 'admin',
      body: strict({
        repository: text('`owner/name`.', {
          pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,38}/[A-Za-z0-9][A-Za-z0-9-]{0,98}$',
        }),
        'id?': text(undefined, { pattern: '^[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?$' }),
        'owner?': text('Who becomes its OWNER.', { pattern: '^[A-Za-z0-9._@-]{1,64}$' }),
        'mode?': roomMode,
      }),
      answers: { 201: named('Room') },
      errors: [409],
    },
    {
      method: 'get',
      path: '/admin/v1/rooms/{room}',
      id: 'getRoom',
      summary: 'One room.',
      role: 'viewer',
      answers: { 200: named('Room') },
      errors: [404],
    },
    {
      method: 'delete',
      path: '/admin/v1/rooms/{room}',
      id: 'removeRoom',
      summary: 'Removes a room with the keys that are confined to it.',
      role: 'viewer',
      answers: { 200: object({ removed: text(), keys_revoked: whole }) },
      errors: [404],
    },
    change('mode', 'setRoomMode', 'Watches, warns or enforces.', { mode: roomMode }),
    change('permission', 'setRoomPermission', 'What holds where no rule matches.', {
      'permission?': nullable(
        strict(
          { read: roomPermission, write: roomPermission },
          { description: '`read` is as free as `write`.', examples: [{ read: 'allow', write: 'hold' }] },
        ),
      ),
    }),
    change('members', 'setRoomMember', 'Adds, changes or (role null) removes a member.', {
      member: text(undefined, { pattern: '^[A-Za-z0-9._@-]{1,64}$' }),
      role: nullable(roomRole),
    }),
    change('tools', 'setRoomTool', 'Whether a role may use a tool; null takes it out of the map.', {
      role: roomRole,
      tool: text('Canonical `tool` or `tool:method`.', { examples: ['github.push_files', 'push_files'] }),
      allowed: nullable(flag),
    }),
    {
      method: 'get',
      path: '/admin/v1/rooms/{room}/keys',
      id: 'listRoomKeys',
      summary: 'Keys that are confined to it.',
      role: 'viewer',
      answers: { 200: object({ keys: list(named('RoomKey')) }) },
      errors: [404],
    },
    {
      method: 'post',
      path: '/admin/v1/rooms/{room}/keys',
      id: 'createRoomKey',
      summary: "An agent's key that reaches this repository alone.",
      role: 'viewer',
      body: strict({
        name: text('1 to 58 printable characters.', { examples: ['claude'] }),
        role: roomRole,
        'sponsor?': text('For administrators, where it is somebody else.'),
      }),
      answers: { 201: { allOf: [named('RoomKey'), object({ secret: text(), room: named('Room') })] } },
      errors: [404, 409],
    },
    {
      method: 'delete',
      path: '/admin/v1/rooms/{room}/keys/{key}',
      id: 'revokeRoomKey',
      summary: 'Ends one of its keys.',
      role: 'viewer',
      answers: { 200: object({ revoked: text() }) },
      errors: [404, 409],
    },
    {
      method: 'get',
      path: '/admin/v1/rooms/{room}/report',
      id: 'getRoomReport',
      summary: 'What was, or in shadow mode would have been, decided.',
      role: 'viewer',
      parameters: [query('since', 'From this time on.', time)],
      answers: { 200: named('RoomReport') },
      errors: [400, 404],
    },
  ],
}
