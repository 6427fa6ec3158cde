import { hash } from 'node:crypto'
import type { Role } from '../core/envelope.ts'
import { AegisError } from '../core/errors.ts'
import type { Principal, Sha256 } from '../core/ids.ts'
import type { Clock, Random } from '../core/runtime.ts'
import { isKeyText, KEY_TEXT_LIMIT } from './bearer.ts'
import type { KeyRecord } from './ports.ts'

const SECRET_BYTES = 32
const CHOSEN_MIN = 8
/** Most characters of a name, an owner, a sponsor. */
export const NAME_LIMIT = 64

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
  /** From when it is good no more, in milliseconds since the epoch; never where absent or null. */
  readonly expiresAt?: number | null
}

/** A key as it was just made: what is kept of it, and the secret, which is not. */
export interface NewKey {
  readonly record: KeyRecord
  readonly secret: string
}

/** @throws AegisError `invalid_request` for an unusable name, secret or time */
export function newKey(request: KeyRequest, clock: Clock, random: Random): NewKey {
  demandPrintable('name', request.name, 1)
  demandPrintable('owner', request.owner, 0)
  demandPrintable('sponsor', request.sponsor ?? '', 0)
  demandConfinable(request)
  demandLater(request.expiresAt ?? null, clock.now())
  if (request.secret !== undefined) demandChosen(request.secret)
  const secret = request.secret ?? randomSecret(request.role, random)
  const record: KeyRecord = {
    id: `key_${Buffer.from(random.bytes(8)).toString('hex')}` as Principal,
    name: request.name,
    owner: request.owner,
    sponsor: request.sponsor ?? '',
    role: request.role,
    hash: secretHash(secret),
    prefix: visiblePrefix(secret, request.secret !== undefined),
    createdAt: clock.now(),
    expiresAt: request.expiresAt ?? null,
    revokedAt: null,
    room: request.room ?? null,
    lastUsedAt: null,
  }
  return { record, secret }
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

/** A key that was never good would be taken for one that works. */
function demandLater(expiresAt: number | null, now: number): void {
  if (expiresAt === null || expiresAt > now) return
  throw new AegisError('invalid_request', 'the time a key expires at must be in the future', { path: 'expires' })
}

export function secretHash(secret: string): Sha256 {
  return hash('sha256', secret, 'hex') as Sha256
}
