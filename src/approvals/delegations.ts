import type { Role } from '../core/envelope.ts'
import type { Principal } from '../core/ids.ts'
import type { Clock } from '../core/runtime.ts'
import type { Person } from './rights.ts'

/** A reviewer lets another speak in their place for a time. Times in milliseconds since the epoch. */
export interface Delegation {
  readonly id: string
  readonly from: Person
  /** Owner of the keys that may speak. */
  readonly to: string
  readonly createdAt: number
  readonly until: number
  /** Taken back before its time; null where it was not. */
  readonly endedAt: number | null
}

export interface DelegationStore {
  add(delegation: Delegation): Promise<void>
  /** Those that have not ended and whose time is not over at `now`, oldest first; of all, or to one owner. */
  active(now: number, to?: string): Promise<readonly Delegation[]>
  get(id: string): Promise<Delegation | null>
  /** False where there is none, or it had ended. */
  end(id: string, at: number): Promise<boolean>
}

/**
 * Who lets this person speak now. Not handed on: a delegation is looked for by the person's own name alone. It ends with the key
 * that gave it: `roleOf` is null for one that is over.
 */
export function createDelegators(parts: {
  readonly store: DelegationStore
  readonly clock: Pick<Clock, 'now'>
  readonly roleOf: (principal: Principal) => Promise<Role | null>
}) {
  const { store, clock, roleOf } = parts
  return async ({ owner }: Pick<Person, 'owner'>): Promise<readonly (Person & { readonly role: Role })[]> => {
    if (owner === '') return []
    const given = await store.active(clock.now(), owner)
    const people = await Promise.all(
      given.map(async ({ from }) => {
        const role = await roleOf(from.principal)
        return role === 'reviewer' || role === 'admin' ? { ...from, role } : null
      }),
    )
    return people.flatMap((person) => person ?? [])
  }
}
