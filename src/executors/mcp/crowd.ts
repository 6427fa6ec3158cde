/** The processes of one upstream that run, and how many may: a client opens one by asking, a machine ends at some thousand. */
export interface Crowd {
  /** Why no process may be started for this key, or null. `owner` is null for a client without a key of its own. */
  full(owner: string | null): string | null
  /** A process has started. What is given back is to be called once, when it is gone. */
  enter(owner: string | null): () => void
}

/** Of all places one key may take so many, so that it cannot keep the others out by opening sessions. */
const OWN_SHARE = 3 / 4

export function createCrowd(limit: number): Crowd {
  const own = Math.ceil(limit * OWN_SHARE)
  const held = new Map<string, number>()
  let size = 0
  return {
    full(owner) {
      if (size >= limit) return `${limit} of its processes run already`
      const mine = owner === null ? 0 : (held.get(owner) ?? 0)
      return mine >= own ? `${own} of its processes run for this key already` : null
    },
    enter(owner) {
      size += 1
      if (owner !== null) held.set(owner, (held.get(owner) ?? 0) + 1)
      return () => {
        size -= 1
        if (owner === null) return
        const left = (held.get(owner) ?? 1) - 1
        if (left > 0) held.set(owner, left)
        else held.delete(owner)
      }
    },
  }
}
