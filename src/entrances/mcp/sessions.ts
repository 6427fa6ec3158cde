import { AegisError } from '../../core/errors.ts'
import type { Principal } from '../../core/ids.ts'
import { type Clock, type Random, rfc3339 } from '../../core/runtime.ts'
import type { ClientChannel } from '../../gateway/ports.ts'
import type { Limiter } from '../../identity/limiter.ts'
import { createReplay, createShelf, RESUME_MS } from './replay.ts'
import { Session, type SessionStart } from './session.ts'
import { ASSUMED, hasEmptyEvents } from './versions.ts'

/** Milliseconds of silence after which a session is closed and its conversations with upstreams end. */
const IDLE_MS = 30 * 60_000

export interface Sessions {
  /** @throws AegisError `too_many` */
  create(start: Omit<SessionStart, 'id' | 'channelKey' | 'label' | 'replay'>, label: string | null): Session
  /** The session of this id, key and endpoint; null for any other combination, so nobody learns of others' sessions. */
  find(id: string, principal: Principal, upstream: string | null): Session | null
  /** The conversation of a key's calls that name no session: upstreams cannot ask such a client anything. */
  sessionless(principal: Principal): ClientChannel
  remove(session: Session): Promise<void>
  /** Something to say to each client that has talked to this upstream. */
  tell(upstream: string, notification: { readonly method: string }): void
  /** Closes what has been idle too long; keeps the others' streams alive. */
  tick(): void
  /** Ends all streams; the calls under way go on. */
  hush(): void
  close(): Promise<void>
}

export function createSessions(parts: {
  readonly clock: Clock
  readonly random: Random
  readonly version: string
  /** A client that never ends its sessions must not fill the memory. */
  readonly limiter: Pick<Limiter, 'open'>
  /** A client has gone: upstreams let go of it. */
  readonly release: (channelKey: string) => Promise<void>
  /** Milliseconds a broken stream waits for its client. */
  readonly resumeMs?: number
}): Sessions {
  const { clock, random, version, limiter, release } = parts
  const shelf = createShelf()
  let resumeMs = parts.resumeMs ?? RESUME_MS
  const patience = (): number => resumeMs
  const sessions = new Map<string, Session>()
  const places = new WeakMap<Session, () => void>()
  const shared = new Map<Principal, { channel: ClientChannel; lastUsed: number }>()
  const token = (): string => Buffer.from(random.bytes(16)).toString('hex')

  async function remove(session: Session): Promise<void> {
    if (!sessions.delete(session.id)) return
    places.get(session)?.()
    session.close()
    await release(session.channel.key)
  }

  function closeIdle(): void {
    const limit = clock.elapsed() - IDLE_MS
    for (const session of sessions.values()) if (!session.busy && session.lastUsed < limit) void remove(session)
    for (const [principal, { channel, lastUsed }] of shared) {
      if (lastUsed >= limit) continue
      shared.delete(principal)
      void release(channel.key)
    }
  }

  return {
    remove,

    create(start, label) {
      const place = limiter.open('sessions', start.principal)
      const id = token()
      const primes = hasEmptyEvents(start.client.protocolVersion)
      const session = new Session({
        ...start,
        id,
        channelKey: token(),
        label: label ?? sessionLabel(clock, random),
        replay: createReplay({ prefix: '', primes, shelf, patience }),
      })
      session.lastUsed = clock.elapsed()
      sessions.set(id, session)
      places.set(session, place)
      return session
    },

    find(id, principal, upstream) {
      const session = sessions.get(id)
      if (session === undefined || session.principal !== principal || session.upstream !== upstream) return null
      session.lastUsed = clock.elapsed()
      return session
    },

    sessionless(principal) {
      const known = shared.get(principal)
      const channel = known?.channel ?? deafChannel(token(), version)
      shared.set(principal, { channel, lastUsed: clock.elapsed() })
      return channel
    },

    tell(upstream, notification) {
      for (const session of sessions.values()) {
        if (session.upstream === upstream || session.touched.has(upstream))
          session.channel.notify(upstream, notification)
      }
    },

    tick() {
      closeIdle()
      for (const session of sessions.values()) session.beat()
    },

    hush() {
      // The server is stopping: nobody could come back.
      resumeMs = 0
      for (const session of sessions.values()) session.hush()
    },

    async close() {
      const channels = [...shared.values()].map(({ channel }) => release(channel.key))
      shared.clear()
      await Promise.allSettled([...channels, ...[...sessions.values()].map(remove)])
    },
  }
}

/** `sess-2026-04-06-1422-3f9a0c`, UTC. Not the session id, which is a secret of its client. */
function sessionLabel(clock: Clock, random: Random): string {
  const time = rfc3339(clock.now())
  const tail = Buffer.from(random.bytes(3)).toString('hex')
  return `sess-${time.slice(0, 10)}-${time.slice(11, 13)}${time.slice(14, 16)}-${tail}`
}

function deafChannel(key: string, version: string): ClientChannel {
  return {
    key,
    client: { capabilities: {}, info: { name: 'aegis', version }, protocolVersion: ASSUMED },
    notify: () => undefined,
    request: async () => {
      throw new AegisError('upstream_unreachable', 'this client opened no session, so it cannot be asked')
    },
  }
}
