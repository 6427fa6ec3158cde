import type { Role } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { type Clock, type Log, rfc3339 } from '../core/runtime.ts'
import { type Keyring, noSuchKey, revokedBefore } from '../identity/keyring.ts'
import { type KeyRecord, type KeyState, keyState } from '../identity/ports.ts'
import { quoted, type Rooms, repositoryText } from '../rooms/index.ts'
import { demandKeyName } from './key-name.ts'
import { expiryOf, overlapOf } from './key-times.ts'
import { demand } from './rights.ts'

/** A key that somebody wants made. */
export interface KeyWish {
  readonly name: string
  readonly role: Role
  readonly owner?: string | undefined
  readonly sponsor?: string | undefined
  /** `90d`, a date, an RFC 3339 time, `never` (also null); never where absent. */
  readonly expires?: Json | undefined
  /** The owner is one self with who has it already. */
  readonly shareOwner?: boolean | undefined
}

/** A key as lists show it. */
export interface ShownKey {
  readonly record: KeyRecord
  readonly state: KeyState
  /** `owner/name` of its room's repository; null where it is of no room, or the room is gone. */
  readonly repository: string | null
}

export interface MadeKey extends ShownKey {
  /** Shown here and nowhere else. */
  readonly secret: string
}

/** What administrators do with keys, whichever way they come. Each throws AegisError `forbidden` for everybody else. */
export interface KeyDesk {
  /** Every key there ever was, oldest first: those of rooms and the subjects of issuers too. */
  list(by: KeyRecord): Promise<readonly ShownKey[]>
  /** @throws AegisError `invalid_request`, `conflict` */
  create(by: KeyRecord, wish: KeyWish): Promise<MadeKey>
  /** @throws AegisError `not_found`, `invalid_request`, `conflict` */
  rotate(
    by: KeyRecord,
    id: string,
    wish: { readonly overlap?: Json | undefined; readonly expires?: Json | undefined },
  ): Promise<MadeKey & { readonly replaced: ShownKey }>
  /** @throws AegisError `not_found`, `conflict` */
  revoke(by: KeyRecord, id: string): Promise<ShownKey>
}

export function createKeyDesk(parts: {
  readonly keyring: Keyring
  readonly rooms: Rooms
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}): KeyDesk {
  const { keyring, rooms, clock, log } = parts

  function shown(record: KeyRecord): ShownKey {
    const room = rooms.list().find(({ id }) => id === record.room?.id)
    const repository = room === undefined ? null : repositoryText(room.repository)
    return { record, state: keyState(record, clock.now()), repository }
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
      demand(by, 'admin')
      return (await keyring.list()).map(shown)
    },

    async create(by, wish) {
      demand(by, 'admin')
      const expiresAt = expiryOf(wish.expires, clock.now()) ?? null
      const self = selfOf(by, wish)
      if (wish.shareOwner !== true) demandUnshared(self, wish.role, await keyring.list())
      const { record, secret } = await keyring.issue({ ...self, role: wish.role, expiresAt })
      tell(by, record, { expires_at: textOf(record.expiresAt) }, 'key made')
      return { ...shown(record), secret }
    },

    async rotate(by, id, { overlap, expires }) {
      demand(by, 'admin')
      const expiresAt = expiryOf(expires, clock.now())
      const wanted = { overlap: overlapOf(overlap), ...(expiresAt === undefined ? {} : { expiresAt }) }
      const { record, secret, replaced } = await keyring.rotate((await find(id)).id, wanted)
      const ends = { replaced: replaced.id, replaced_ends_at: textOf(replaced.expiresAt) }
      tell(by, record, ends, 'key rotated')
      return { ...shown(record), secret, replaced: shown(replaced) }
    },

    async revoke(by, id) {
      demand(by, 'admin')
      const found = await find(id)
      if (!(await keyring.revoke(found.id))) throw revokedBefore(found.id)
      tell(by, found, {}, 'key revoked')
      return shown(found)
    },
  }
}

function textOf(at: number | null): string | null {
  return at === null ? null : rfc3339(at)
}

type Self = Readonly<Record<'name' | 'owner' | 'sponsor', string>>

/**
 * Whose self a key is. A person's key is the maker's own unless another owner is named, so that nobody becomes a second reviewer of
 * their own calls by leaving something out; an agent's acts for the maker.
 */
function selfOf(by: KeyRecord, { role, ...wish }: KeyWish): Self {
  const name = wish.name.trim()
  const wanted = wish.owner?.trim()
  const isAgent = role === 'agent'
  if (isAgent && wanted === undefined) demandKeyName(name)
  const owner = wanted ?? (isAgent ? `agent:${name}` : by.owner)
  const sponsor = wish.sponsor?.trim() ?? (isAgent ? by.owner : owner)
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
