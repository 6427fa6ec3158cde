import type { Role } from '../core/envelope.ts'
import type { RoomRole } from '../core/facts.ts'
import type { Principal, Sha256 } from '../core/ids.ts'

/** A key as it is kept: the secret itself is shown once and never stored. Times in milliseconds since the epoch. */
export interface KeyRecord {
  readonly id: Principal
  readonly name: string
  readonly owner: string
  /** The person on whose behalf the key acts (the user of its sessions), `''` where unknown. Never a self for plain reviews; counts where `independent` is asked. */
  readonly sponsor: string
  readonly role: Role
  /** SHA-256 of the secret. Keys made by us carry 256 random bits; a chosen one must have at least 8 characters. */
  readonly hash: Sha256
  /** First characters, so that people can tell keys apart. */
  readonly prefix: string
  readonly createdAt: number
  /** From then on it is good no more; null for never. */
  readonly expiresAt: number | null
  readonly revokedAt: number | null
  /** Set for a room's key, always an agent's: it reaches the repository of this room alone, in this role. Never changes. */
  readonly room: { readonly id: string; readonly role: RoomRole } | null
  /** When a caller last came with it, to the minute; null for never. */
  readonly lastUsedAt: number | null
}

/** What has become of a key. One that was revoked and has expired as well was revoked. */
export type KeyState = 'active' | 'expired' | 'revoked'

export function keyState({ revokedAt, expiresAt }: Pick<KeyRecord, 'revokedAt' | 'expiresAt'>, now: number): KeyState {
  if (revokedAt !== null) return 'revoked'
  return expiresAt === null || expiresAt > now ? 'active' : 'expired'
}

/**
 * Of the administrators' keys that do not expire one always stays: `revoke` and `expire` throw an AegisError `conflict` for the
 * last one, whichever process asks.
 */
export interface KeyStore {
  byHash(hash: Sha256): Promise<KeyRecord | null>
  get(id: Principal): Promise<KeyRecord | null>
  list(): Promise<readonly KeyRecord[]>
  put(record: KeyRecord): Promise<void>
  /** False where there is none, or it was revoked before. */
  revoke(id: Principal, at: number): Promise<boolean>
  /** Has it expire at a time. False where there is none, or it was revoked. */
  expire(id: Principal, at: number): Promise<boolean>
  used(id: Principal, at: number): Promise<void>
}
