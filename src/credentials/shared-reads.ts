import type { Clock } from '../core/runtime.ts'
import type { Held } from './revocations.ts'

/** A token is not handed out in the last part of its life: a read that has begun should not lose it midway. */
const LEFT_MS = 60_000
const KEPT = 256

/** Read-only tokens in memory: reads of one repository with the same permissions share one while it lives. */
export interface SharedReads {
  take(key: string, mint: () => Promise<Held>): Promise<Held>
  /** Hands this one out no more: somebody ends it. */
  forget(tokenSha256: string): Promise<void>
  /** Forgets all and gives them back, to be revoked. */
  clear(): Promise<readonly Held[]>
}

export function createSharedReads(clock: Clock): SharedReads {
  const tokens = new Map<string, Promise<Held>>()

  async function fresh(token: Promise<Held>): Promise<Held | null> {
    const held = await token
    const now = clock.now()
    // A clock that was set back must not lengthen a life.
    return now >= held.grant.issuedAt && now < held.grant.expiresAt - LEFT_MS ? held : null
  }

  function begin(key: string, mint: () => Promise<Held>): Promise<Held> {
    const [oldest] = tokens.keys()
    // One that is pushed out is still revoked at its deadline, from the queue.
    if (tokens.size >= KEPT && oldest !== undefined) tokens.delete(oldest)
    const token = mint()
    tokens.set(key, token)
    token.catch(() => {
      if (tokens.get(key) === token) tokens.delete(key)
    })
    return token
  }

  return {
    async take(key, mint) {
      const known = tokens.get(key)
      if (known === undefined) return begin(key, mint)
      const held = await fresh(known)
      if (held !== null) return held
      // Several may have waited for the same stale one: the first replaces it for all.
      const current = tokens.get(key)
      return current !== undefined && current !== known ? current : begin(key, mint)
    },

    async forget(tokenSha256) {
      for (const [key, token] of [...tokens]) {
        const held = await token.catch(() => null)
        if (held?.grant.tokenSha256 === tokenSha256 && tokens.get(key) === token) tokens.delete(key)
      }
    },

    async clear() {
      const all = [...tokens.values()]
      tokens.clear()
      const settled = await Promise.allSettled(all)
      return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    },
  }
}
