import type { Principal } from '../core/ids.ts'

/** How many things of one kind there may be at the same time. */
export interface Room {
  /** Of one key. */
  readonly own: number
  /** Of all keys together. */
  readonly all: number
}

/** Places of one kind, such as calls under way. Remembers nothing of a key that holds none. */
export interface Places {
  readonly taken: number
  held(principal: Principal): number
  /** False where the key, or the house, is full. */
  take(principal: Principal): boolean
  /** Takes a place without asking: for what may not fail any more. */
  force(principal: Principal): void
  free(principal: Principal): void
}

/** The share of the house, over its bound, kept for keys that hold nothing: one for `all / RESERVE`. */
const RESERVE = 8

/**
 * No key holds more than `own`. When all places are taken, a key that holds none still finds one, out of a reserve of
 * an eighth: a few greedy keys together cannot lock the others out.
 */
export function createPlaces({ own, all }: Room): Places {
  const held = new Map<Principal, number>()
  let taken = 0

  function force(principal: Principal): void {
    held.set(principal, (held.get(principal) ?? 0) + 1)
    taken += 1
  }

  return {
    get taken() {
      return taken
    },
    held: (principal) => held.get(principal) ?? 0,
    force,
    take(principal) {
      const mine = held.get(principal) ?? 0
      const bound = mine === 0 ? all + Math.ceil(all / RESERVE) : all
      if (mine >= own || taken >= bound) return false
      force(principal)
      return true
    },
    free(principal) {
      const mine = held.get(principal) ?? 0
      if (mine === 0) return
      taken -= 1
      if (mine === 1) held.delete(principal)
      else held.set(principal, mine - 1)
    },
  }
}
