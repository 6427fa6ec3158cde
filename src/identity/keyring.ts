import { timingSafeEqual } from 'node:crypto'
import { ROLES, type Role } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import type { Principal, Sha256 } from '../core/ids.ts'
import { type Clock, type Random, rfc3339 } from '../core/runtime.ts'
import { isKeyText } from './bearer.ts'
import { type KeyRequest, NAME_LIMIT, type NewKey, newKey, secretHash } from './new-key.ts'
import { type KeyRecord, type KeyStore, keyState } from './ports.ts'

/** The longest principal, and `agent:` before it. */
const OWNER_LIMIT = 160
/** Milliseconds a found key is believed without asking the store: what another process does to it acts within this time. */
const BELIEVED_MS = 2000
const BELIEVED_KEYS = 1000
/** Milliseconds between two notes of a key's use. */
const USE_NOTED_MS = 60_000

/** A caller whose name is good because an issuer we trust says so. */
export interface Vouched {
  /** Never that of a key. */
  readonly id: Principal
  readonly name: string
  readonly sponsor: string
}

export interface Rotation {
  /** How long the old secret stays good, in milliseconds. */
  readonly overlap: number
  /** As in `KeyRequest`; where absent the new key lives as long as the old one was made to. */
  readonly expiresAt?: number | null
}

export interface Keyring {
  /**
   * Makes a key. The secret is given back here and nowhere else.
   * @throws AegisError `invalid_request` for an unusable name, secret or time, `conflict` where a key with this secret exists.
   */
  issue(request: KeyRequest): Promise<NewKey>
  /**
   * A new secret for the same name, owner, role and room; the old one stays good for the overlap, and then has expired.
   * @throws AegisError `not_found`, `invalid_request`, `conflict` where it was revoked, has no secret of ours, or is the last
   * administrator's key that does not expire and the new one would
   */
  rotate(id: Principal, request: Rotation): Promise<NewKey & { readonly replaced: KeyRecord }>
  /**
   * The key behind a presented secret; null where there is none or it was revoked.
   * @throws AegisError `unauthenticated` where it has expired: only who has the secret learns that
   */
  authenticate(presented: string): Promise<KeyRecord | null>
  /**
   * The record of an agent that has no key of ours: made at first sight, so that reviewers see it and an administrator
   * can revoke it like any key. Null where that was done. It is never more than an agent, whatever its issuer says.
   */
  vouched(caller: Vouched): Promise<KeyRecord | null>
  /** Whether a record that was given out before still stands, by the store itself. */
  inForce(record: KeyRecord): Promise<boolean>
  /**
   * False where no such key was in force. Acts at once here, within two seconds in other processes.
   * @throws AegisError `conflict` for the last administrator's key that does not expire
   */
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

  function forget(id: Principal): void {
    for (const [digest, { record }] of believed) if (record.id === id) believed.delete(digest)
  }

  async function issue(request: KeyRequest): Promise<NewKey> {
    const made = newKey(request, clock, random)
    if ((await store.byHash(made.record.hash)) !== null) {
      throw new AegisError('conflict', 'a key with this secret exists already', {
        advice: 'choose another secret, or leave it out to get a random one',
        path: 'secret',
      })
    }
    await store.put(made.record)
    return made
  }

  return {
    issue,

    async rotate(id, { overlap, expiresAt }) {
      const now = clock.now()
      const old = demandRotatable(await store.get(id), id)
      const { name, owner, sponsor, role, room } = old
      const until = expiresAt === undefined ? renewed(old, now) : expiresAt
      const made = await issue({ name, owner, sponsor, role, room, expiresAt: until })
      const undo = () => store.revoke(made.record.id, now).catch(() => false)
      const ends = Math.min(old.expiresAt ?? Number.POSITIVE_INFINITY, now + overlap)
      const ended = await store.expire(id, ends).catch(async (error: unknown) => {
        await undo()
        throw error
      })
      // What was revoked meanwhile stays without a successor, unless that is the only administrator's key left.
      if (!ended && (await undo())) throw revokedBefore(id)
      forget(id)
      return { ...made, replaced: { ...old, expiresAt: ends } }
    },

    async authenticate(presented) {
      if (!isKeyText(presented)) return null
      const digest = secretHash(presented)
      const known = believed.get(digest)
      if (known !== undefined && known.until > clock.elapsed()) return demandUnexpired(known.record, clock.now())
      believed.delete(digest)
      const record = await store.byHash(digest)
      // Wrong keys are not remembered: a flood of them must not push out right ones, and a new key works at once.
      if (record === null || !sameHash(record.hash, digest) || record.revokedAt !== null) return null
      demandUnexpired(record, clock.now())
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
      return kept !== null && keyState(kept, clock.now()) === 'active'
    },

    async revoke(id) {
      const revoked = await store.revoke(id, clock.now())
      forget(id)
      return revoked
    },

    list: () => store.list(),
  }
}

function demandUnexpired(record: KeyRecord, now: number): KeyRecord {
  if (record.expiresAt === null || record.expiresAt > now) return record
  throw new AegisError('unauthenticated', `the key has expired, at ${rfc3339(record.expiresAt)}`, {
    advice: `an administrator gives you a new one: \`aegisctl keys rotate ${record.id}\``,
    // RFC 6750 section 3.1.
    data: { error: 'invalid_token' },
  })
}

/** An expired key may be rotated: its holder is who they were. */
function demandRotatable(record: KeyRecord | null, id: Principal): KeyRecord {
  if (record === null) throw noSuchKey(id)
  if (record.revokedAt !== null) throw revokedBefore(id)
  if (record.prefix !== '') return record
  throw new AegisError('conflict', `${id} comes with tokens of an issuer: there is no secret to rotate`)
}

/** As long as it was made to live, from now. */
function renewed({ expiresAt, createdAt }: KeyRecord, now: number): number | null {
  return expiresAt === null ? null : now + (expiresAt - createdAt)
}

export function noSuchKey(id: string): AegisError {
  return new AegisError('not_found', `there is no key ${JSON.stringify(id.slice(0, 80))}`, {
    path: 'key',
    advice: '`aegisctl keys list` shows them all',
  })
}

export function revokedBefore(id: Principal): AegisError {
  return new AegisError('conflict', `key ${id} was revoked before`, { path: 'key' })
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
    expiresAt: null,
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

/** A store's index compares as it likes; what decides is compared without a clock to read from. */
function sameHash(a: Sha256, b: Sha256): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}
