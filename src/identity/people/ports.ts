import type { Principal, Sha256 } from '../../core/ids.ts'

/** A person who has logged in, as it is kept. Times in milliseconds since the epoch. */
export interface LoginSession {
  /** SHA-256 of the token in the cookie, which is kept nowhere. */
  readonly hash: Sha256
  /** The key, or the record of a person, that everything is done as. */
  readonly principal: Principal
  readonly createdAt: number
  /** The last request, to the minute. */
  readonly seenAt: number
  readonly endsAt: number
}

/** Where sessions are kept, for all gateways of one store. */
export interface LoginStore {
  get(hash: Sha256): Promise<LoginSession | null>
  put(session: LoginSession): Promise<void>
  seen(hash: Sha256, at: number): Promise<void>
  /** False where there is none. */
  remove(hash: Sha256): Promise<boolean>
  /** Those of one principal, oldest first. */
  of(principal: Principal): Promise<readonly LoginSession[]>
  /** Marks a login attempt as used up; false where it was before. Remembered until `until`. */
  spend(attempt: Sha256, until: number): Promise<boolean>
  /** Drops sessions that ended before `now` or were last seen before `idleSince`, and used attempts whose time is over. */
  sweep(now: number, idleSince: number): Promise<void>
}
