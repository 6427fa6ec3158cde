import type { Hono } from 'hono'
import { ROLES, type Role } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import type { Json, JsonObject } from '../core/json.ts'
import type { Clock, Log } from '../core/runtime.ts'
import { hasRole, type Keyring, noSuchKey, revokedBefore } from '../identity/keyring.ts'
import type { KeyRecord } from '../identity/ports.ts'
import { quoted, type Rooms, repositoryText } from '../rooms/index.ts'
import { type AdminEnv, demandRole, jsonBody } from './door.ts'
import { expiryOf, keyWire, overlapOf } from './key-wire.ts'
import { demandKeyName } from './room-keys.ts'
import { bodyOf, neededText, oneOf, optionalText } from './room-wire.ts'

export interface KeyParts {
  readonly keyring: Keyring
  readonly rooms: Rooms
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}

/** What administrators do with keys, whichever way they come. Each throws AegisError `forbidden` for everybody else. */
export interface KeyDesk {
  /** Every key there ever was, oldest first: those of rooms and the subjects of issuers too. */
  list(by: KeyRecord): Promise<readonly JsonObject[]>
  /** The only answer that holds the secret. @throws AegisError `invalid_request`, `conflict` */
  create(by: KeyRecord, body: Json): Promise<JsonObject>
  /** The only answer that holds the new secret. @throws AegisError `not_found`, `invalid_request`, `conflict` */
  rotate(by: KeyRecord, id: string, body: Json): Promise<JsonObject>
  /** @throws AegisError `not_found`, `conflict` */
  revoke(by: KeyRecord, id: string): Promise<JsonObject>
}

export function createKeyDesk({ keyring, rooms, clock, log }: KeyParts): KeyDesk {
  const shown = (key: KeyRecord): JsonObject => ({ ...keyWire(key, clock.now()), room: roomOf(key) })

  function roomOf({ room }: KeyRecord): JsonObject | null {
    if (room === null) return null
    const known = rooms.list().find(({ id }) => id === room.id)
    return { ...room, repository: known === undefined ? null : repositoryText(known.repository) }
  }

  async function find(id: string): Promise<KeyRecord> {
    const found = (await keyring.list()).find((key) => key.id === id)
    if (found === undefined) throw noSuchKey(id)
    return found
  }

  const tell = (by: KeyRecord, key: KeyRecord, more: Record<string, unknown>, what: string): void =>
    log.info({ key: key.id, role: key.role, owner: key.owner, ...more, by: by.id, by_name: by.name }, what)

  return {
    async list(by) {
      demandAdmin(by)
      return (await keyring.list()).map(shown)
    },

    async create(by, body) {
      demandAdmin(by)
      const members = bodyOf(body, ['name', 'role', 'owner', 'sponsor', 'expires', 'share_owner'])
      const role = oneOf(members['role'], 'role', ROLES)
      const expiresAt = expiryOf(members['expires'], clock.now()) ?? null
      const self = selfOf(by, role, members)
      if (!flag(members, 'share_owner')) demandUnshared(self, role, await keyring.list())
      const { record, secret } = await keyring.issue({ ...self, role, expiresAt })
      tell(by, record, { expires_at: shown(record)['expires_at'] }, 'key made')
      return { ...shown(record), secret }
    },

    async rotate(by, id, body) {
      demandAdmin(by)
      const { overlap, expires } = bodyOf(body, ['overlap', 'expires'])
      const expiresAt = expiryOf(expires, clock.now())
      const wanted = { overlap: overlapOf(overlap), ...(expiresAt === undefined ? {} : { expiresAt }) }
      const { record, secret, replaced } = await keyring.rotate((await find(id)).id, wanted)
      const old = shown(replaced)
      tell(by, record, { replaced: replaced.id, replaced_ends_at: old['expires_at'] }, 'key rotated')
      return { ...shown(record), secret, replaced: old }
    },

    async revoke(by, id) {
      demandAdmin(by)
      const found = await find(id)
      if (!(await keyring.revoke(found.id))) throw revokedBefore(found.id)
      tell(by, found, {}, 'key revoked')
      return { revoked: found.id }
    },
  }
}

/** `/admin/v1/keys`: for administrators alone. */
export function keyRoutes(app: Hono<AdminEnv>, parts: KeyParts): void {
  const desk = createKeyDesk(parts)
  for (const path of ['/admin/v1/keys', '/admin/v1/keys/*']) {
    app.use(path, async (context, next) => {
      // Before a body is read, and whatever is asked for.
      demandRole(context, 'admin')
      context.header('Cache-Control', 'no-store')
      await next()
    })
  }
  app.get('/admin/v1/keys', async (context) => context.json({ keys: [...(await desk.list(context.get('key')))] }))
  app.post('/admin/v1/keys', async (context) =>
    context.json(await desk.create(context.get('key'), await jsonBody(context)), 201),
  )
  app.post('/admin/v1/keys/:key/rotate', async (context) =>
    context.json(await desk.rotate(context.get('key'), context.req.param('key'), await jsonBody(context)), 201),
  )
  app.delete('/admin/v1/keys/:key', async (context) =>
    context.json(await desk.revoke(context.get('key'), context.req.param('key'))),
  )
}

function demandAdmin(by: KeyRecord): void {
  if (hasRole(by, 'admin')) return
  throw new AegisError('forbidden', `this needs a key with role admin; yours is ${by.role}`)
}

type Self = Readonly<Record<'name' | 'owner' | 'sponsor', string>>

/**
 * Whose self a key is. A person's key is the maker's own unless another owner is named, so that nobody becomes a second reviewer of
 * their own calls by leaving something out; an agent's acts for the maker.
 */
function selfOf(by: KeyRecord, role: Role, body: JsonObject): Self {
  const name = neededText(body, 'name').trim()
  const wanted = optionalText(body, 'owner')?.trim()
  const isAgent = role === 'agent'
  if (isAgent && wanted === undefined) demandKeyName(name)
  const owner = wanted ?? (isAgent ? `agent:${name}` : by.owner)
  const sponsor = optionalText(body, 'sponsor')?.trim() ?? (isAgent ? by.owner : owner)
  return { name, owner, sponsor }
}

/**
 * An owner is one self, in approvals and among the members of rooms, also after its keys have ended: that of an agent or a person
 * goes to nobody else unless it is said to.
 */
function demandUnshared({ owner, sponsor }: Self, role: Role, keys: readonly KeyRecord[]): void {
  if (owner === '') return
  const person = personOf({ role, owner, sponsor })
  const [other, ...more] = keys.filter((key) => key.owner === owner)
  if (other === undefined || [other, ...more].some((key) => personOf(key) === person)) return
  const whom = personOf(other)
  const whose = whom === '' ? 'which acts for nobody known' : `which acts for ${quoted(whom)}`
  throw new AegisError(
    'conflict',
    `the owner ${quoted(owner)} is that of ${other.id} (${quoted(other.name)}), ${whose}`,
    {
      path: 'owner',
      advice: 'choose another name or owner, or say that both are one self: `--share-owner` (`"share_owner": true`)',
    },
  )
}

function personOf({ role, owner, sponsor }: Pick<KeyRecord, 'role' | 'owner' | 'sponsor'>): string {
  return sponsor === '' && role !== 'agent' ? owner : sponsor
}

function flag(body: JsonObject, member: string): boolean {
  const value = body[member] ?? false
  if (typeof value === 'boolean') return value
  throw new AegisError('invalid_request', `\`${member}\` must be true or false`, { path: member })
}
