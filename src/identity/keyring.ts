import { hash, timingSafeEqual } from 'node:crypto'
import { ROLES, type Role } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import type { Principal, Sha256 } from '../core/ids.ts'
import type { Clock, Random } from '../core/runtime.ts'
import { isKeyText, KEY_TEXT_LIMIT } from './bearer.ts'
import type { KeyRecord, KeyStore } from './ports.ts'

const SECRET_BYTES = 32
const CHOSEN_MIN = 8
const NAME_LIMIT = 64
/** The longest principal, and `agent:` before it. */
const OWNER_LIMIT = 160
/** Milliseconds a found key is believed without asking the store: a revocation by another process acts within this time. */
const BELIEVED_MS = 2000
const BELIEVED_KEYS = 1000
/** Milliseconds between two notes of a key's use. */
const USE_NOTED_MS = 60_000

export interface KeyRequest {
  /** For people, 1 to 64 characters. */
  readonly name: string
  /** Same non-empty owner = same self. */
  readonly owner: string
  readonly role: Role
  /** The person on whose behalf the key acts; for an agent's key the user who runs the agent. */
  readonly sponsor?: string
  /** A chosen secret, at least 8 characters; a random one of 256 bits where absent. */
  readonly secret?: string
  /** Confines the key to a room; its role here must be `agent`. */
  readonly room?: KeyRecord['room']
}

/** A caller whose name is good because an issuer we trust says so. */
export interface Vouched {
  /** Never that of a key. */
  readonly id: Principal
  readonly name: string
  readonly sponsor: string
}

export interface Keyring {
  /**
   * Makes a key. The secret is given back here and nowhere else.
   * @throws AegisError `invalid_request` for an unusable name or secret, `conflict` where a key with this secret exists.
   */
  issue(request: KeyRequest): Promise<{ readonly record: KeyRecord; readonly secret: string }>
  /** The key behind a presented secret; null where there is none or it was revoked. */
  authenticate(presented: string): Promise<KeyRecord | null>
  /**
   * The record of an agent that has no key of ours: made at first sight, so that reviewers see it and an administrator
   * can revoke it like any key. Null where that was done. It is never more than an agent, whatever its issuer says.
   */
  vouched(caller: Vouched): Promise<KeyRecord | null>
  /** Whether a record that was given out before still stands, by the store itself. */
  inForce(record: KeyRecord): Promise<boolean>
  /** False where no such key was in force. Acts at once here, within two seconds in other processes. */
  revoke(id: Principal): Promise<boolean>
  list(): Promise<readonly KeyRecord[]>
}

export function createKeyring(parts: {
  readonly store: KeyStore
  readonly clock: Clock
  readonly random: Random
}): Keyring {
  const { store, clock, random } = parts
  const believed = new Map<Sha256, { readonly record: KeyRecord; readonly until: number }>()

  function remember(record: KeyRecord): void {
    const [oldest] = believed.keys()
    if (believed.size >= BELIEVED_KEYS && oldest !== undefined) believed.delete(oldest)
    believed.set(record.hash, { record, until: clock.elapsed() + BELIEVED_MS })
    noteUse(record)
  }

  /** Only when the record was just read from the store, so that a call whose key is believed pays nothing for it. */
  function noteUse({ id, lastUsedAt }: KeyRecord): void {
    const now = clock.now()
    if (lastUsedAt !== null && now - lastUsedAt < USE_NOTED_MS) return
    // Nothing rests on it: a store that cannot write now refuses the call's evidence by itself.
    store.used(id, now).catch(() => undefined)
  }

  return {
    async issue(request) {
      demandPrintable('name', request.name, 1)
      demandPrintable('owner', request.owner, 0)
      demandPrintable('sponsor', request.sponsor ?? '', 0)
      demandConfinable(request)
      if (request.secret !== undefined) demandChosen(request.secret)
      const secret = request.secret ?? randomSecret(request.role, random)
      const digest = secretHash(secret)
      if ((await store.byHash(digest)) !== null) {
        throw new AegisError('conflict', 'a key with this secret exists already', {
          advice: 'choose another secret, or leave it out to get a random one',
          path: 'secret',
        })
      }
      const record: KeyRecord = {
        id: `key_${Buffer.from(random.bytes(8)).toString('hex')}` as Principal,
        name: request.name,
        owner: request.owner,
        sponsor: request.sponsor ?? '',
        role: request.role,
        hash: digest,
        prefix: visiblePrefix(secret, request.secret !== undefined),
        createdAt: clock.now(),
        revokedAt: null,
        room: request.room ?? null,
        lastUsedAt: null,
      }
      await store.put(record)
      return { record, secret }
    },

    async authenticate(presented) {
      if (!isKeyText(presented)) return null
      const digest = secretHash(presented)
      const known = believed.get(digest)
      if (known !== undefined && known.until > clock.elapsed()) return known.record
      believed.delete(digest)
      const record = await store.byHash(digest)
      // Wrong keys are not remembered: a flood of them must not push out right ones, and a new key works at once.
      if (record === null || !sameHash(record.hash, digest) || record.revokedAt !== null) return null
      remember(record)
      return record
    },

    async vouched(caller) {
      // No key is hashed to this: keys hold no NUL.
      const digest = secretHash(`\0vouched\0${caller.id}`)
      const known = believed.get(digest)
      if (known !== undefined && known.until > clock.elapsed()) return known.record
      believed.delete(digest)
      const kept = await store.get(caller.id)
      if (kept !== null && kept.revokedAt !== null) return null
      const record = vouchedRecord(caller, digest, kept, clock.now())
      if (kept?.name !== record.name || kept.sponsor !== record.sponsor) await store.put(record)
      remember(record)
      return record
    },

    async inForce({ id }) {
      const kept = await store.get(id)
      return kept !== null && kept.revokedAt === null
    },

    async revoke(id) {
      const revoked = await store.revoke(id, clock.now())
      for (const [digest, { record }] of believed) if (record.id === id) believed.delete(digest)
      return revoked
    },

    list: () => store.list(),
  }
}

function vouchedRecord({ id, name, sponsor }: Vouched, digest: Sha256, kept: KeyRecord | null, now: number): KeyRecord {
  return {
    id,
    name: printable(name) || id.slice(-NAME_LIMIT),
    owner: `agent:${id}`.slice(0, OWNER_LIMIT),
    // Of two tokens for one subject, one may leave the claim out: that makes nobody independent of it.
    sponsor: printable(sponsor) || (kept?.sponsor ?? ''),
    role: 'agent',
    hash: digest,
    prefix: '',
    createdAt: kept?.createdAt ?? now,
    revokedAt: null,
    room: null,
    lastUsedAt: kept?.lastUsedAt ?? null,
  }
}

/** A claim as it can stand in a list or a log line. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, '').trim().slice(0, NAME_LIMIT)
}

/** Whether a key may do what `role` may: roles are ranked, each may do what every one before it may. */
export function hasRole(record: Pick<KeyRecord, 'role'>, role: Role): boolean {
  return ROLES.indexOf(record.role) >= ROLES.indexOf(role)
}

function randomSecret(role: Role, random: Random): string {
  return `aegis_${role}_${Buffer.from(random.bytes(SECRET_BYTES)).toString('base64url')}`
}

/** @throws AegisError `invalid_request` where a secret somebody chose can be no key. */
export function demandChosen(secret: string): void {
  if (secret.length >= CHOSEN_MIN && isKeyText(secret)) return
  throw new AegisError(
    'invalid_request',
    `a chosen key has ${CHOSEN_MIN} to ${KEY_TEXT_LIMIT} visible ASCII characters without commas`,
    { advice: 'leave it out to get a random one', path: 'secret' },
  )
}

/** Whoever may settle approvals or administer is confined by nothing that a room says. */
function demandConfinable({ role, room }: KeyRequest): void {
  if (room === undefined || room === null || role === 'agent') return
  throw new AegisError('invalid_request', `a key of a room is an agent's key, not one of role ${role}`, {
    path: 'role',
  })
}

const RANDOM_CHARACTERS = 43
const SHOWN = 4

/** Enough to tell keys apart: of a random secret 4 of its 43 characters, of a chosen one at most a quarter. */
function visiblePrefix(secret: string, isChosen: boolean): string {
  if (isChosen) return secret.slice(0, Math.min(4, Math.floor(secret.length / 4)))
  return secret.slice(0, SHOWN - RANDOM_CHARACTERS)
}

function demandPrintable(member: string, text: string, least: number): void {
  if (text.length >= least && text.length <= NAME_LIMIT && /^[^\p{C}]*$/u.test(text)) return
  throw new AegisError('invalid_request', `the ${member} of a key has ${least} to ${NAME_LIMIT} printable characters`, {
    path: member,
  })
}

function secretHash(secret: string): Sha256 {
  return hash('sha256', secret, 'hex') as Sha256
}

/** A store's index compares as it likes; what decides is compared without a clock to read from. */
function sameHash(a: Sha256, b: Sha256): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}
