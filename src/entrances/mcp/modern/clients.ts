import { createHash } from 'node:crypto'
import { canonicalize } from '../../../core/canonical.ts'
import { AegisError } from '../../../core/errors.ts'
import type { Principal } from '../../../core/ids.ts'
import type { Clock, Random } from '../../../core/runtime.ts'
import type { ClientChannel } from '../../../gateway/ports.ts'
import type { Limiter } from '../../../identity/limiter.ts'
import { ModernClient } from './client.ts'

/** Milliseconds of silence after which a client's conversations with upstreams end. */
const IDLE_MS = 10 * 60_000
/** Different clients under one key: what a client says of itself is free, and each costs conversations with upstreams. */
const MAX_PER_PRINCIPAL = 100
/** Characters of what a client says of itself: it is kept as long as the client is. */
const MAX_CLAIMS = 16 * 1024

export interface Clients {
  /** @throws AegisError `too_many`, `invalid_params` */
  of(principal: Principal, upstream: string | null, client: ClientChannel['client']): ModernClient
  /** Something to say to each client that listens to this upstream. */
  tell(upstream: string, notification: { readonly method: string }): void
  /** Lets go of who has been silent too long. */
  tick(): void
  close(): Promise<void>
}

export function createClients(parts: {
  readonly clock: Clock
  readonly random: Random
  readonly release: (channelKey: string) => Promise<void>
  readonly limiter: Pick<Limiter, 'open'>
  readonly room: (principal: Principal) => boolean
}): Clients {
  const { clock, random, release, limiter, room } = parts
  const places = new WeakMap<ModernClient, () => void>()
  const byPrincipal = new Map<Principal, Map<string, ModernClient>>()

  function forget(own: Map<string, ModernClient>, name: string, client: ModernClient): Promise<void> {
    own.delete(name)
    places.get(client)?.()
    return release(client.channel.key)
  }

  /** The one that has been silent longest makes room for a new one. */
  function demandRoom(own: Map<string, ModernClient>): void {
    if (own.size < MAX_PER_PRINCIPAL) return
    const idle = [...own]
      .filter(([, client]) => !client.busy)
      .sort(([, left], [, right]) => left.lastUsed - right.lastUsed)
    const [oldest] = idle
    if (oldest === undefined) throw new AegisError('too_many', 'too many different clients of one key are at work')
    void forget(own, ...oldest)
  }

  return {
    of(principal, upstream, client) {
      const name = nameOf(upstream, client)
      const own = byPrincipal.get(principal) ?? new Map<string, ModernClient>()
      byPrincipal.set(principal, own)
      let found = own.get(name)
      if (found === undefined) {
        demandRoom(own)
        // A client that was let go comes back with a new key: what belonged to the old one is over.
        const key = Buffer.from(random.bytes(16)).toString('hex')
        const place = limiter.open('sessions', principal)
        found = new ModernClient(key, principal, client, () => room(principal))
        places.set(found, place)
        own.set(name, found)
      }
      found.lastUsed = clock.elapsed()
      return found
    },

    tell(upstream, notification) {
      for (const own of byPrincipal.values()) for (const client of own.values()) client.hear(upstream, notification)
    },

    tick() {
      const limit = clock.elapsed() - IDLE_MS
      for (const own of byPrincipal.values()) {
        for (const [name, client] of own) if (!client.busy && client.lastUsed < limit) void forget(own, name, client)
      }
    },

    async close() {
      const all = [...byPrincipal.values()].flatMap((own) =>
        [...own].map(([name, client]) => forget(own, name, client)),
      )
      await Promise.all(all)
    },
  }
}

function nameOf(upstream: string | null, client: ClientChannel['client']): string {
  const claims = canonicalize([upstream, { ...client }])
  if (claims.length <= MAX_CLAIMS) return createHash('sha256').update(claims).digest('base64')
  throw new AegisError('invalid_params', `client and capabilities are over ${MAX_CLAIMS} characters`, {
    path: 'params._meta',
  })
}
