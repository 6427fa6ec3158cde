import { createHmac, hash } from 'node:crypto'
import type { Principal, Sha256 } from '../../core/ids.ts'
import type { Clock, Random } from '../../core/runtime.ts'
import { type KeyRecord, type KeyStore, keyState } from '../ports.ts'
import { isPerson, peopleOf } from '../subject.ts'
import { mayBringCookies } from './browser.ts'
import type { Cookie } from './cookies.ts'
import type { LoginSession, LoginStore } from './ports.ts'
import type { LoginSettings } from './settings.ts'

const TOKEN_BYTES = 32
const TOKEN = /^[A-Za-z0-9_-]{43}$/
/** Milliseconds between two notes of a session's use. */
const SEEN_NOTED_MS = 60_000
/** Sessions of one principal; the oldest gives way. */
const MAX_SESSIONS = 20

/** Ends that are remembered, for their browsers to be told. */
const MAX_ENDINGS = 1_000

/** Somebody who logged in. */
export interface Visitor {
  /** Names the session in lists and logs; says nothing of its token. */
  readonly session: string
  readonly record: KeyRecord
  /** Must come with every change. */
  readonly csrf: string
}

/** A session as its owner may see it. Times in milliseconds since the epoch. */
export type SessionInfo = Omit<LoginSession, 'hash'> & { readonly id: string }

/**
 * Why a session that a browser still shows is over: nothing was asked for `idle`, `lasts` is over, its key or person may come in no
 * more, somebody ended it; `unknown` where that was too long ago, or at another gateway.
 */
export type Ending = 'idle' | 'lasted' | 'shut_out' | 'ended' | 'unknown'

/** Who is logged in, in this and every other gateway of the store. */
export interface Sessions {
  /** Who the cookie of a request speaks for; null where it speaks for nobody. Asked of the store every time: an end acts at once. */
  authenticate(headers: Headers): Promise<Visitor | null>
  /** The same without counting as use: for a stream to ask whether it may go on. */
  stands(headers: Headers): Promise<boolean>
  /** A new session, never one that the browser named; the one it came with ends. Gives `Set-Cookie`. */
  begin(record: KeyRecord, headers: Headers): Promise<string>
  /** Ends the one a request comes with. Gives `Set-Cookie`. */
  end(headers: Headers): Promise<string>
  /** Why the session of a request is over; null where it came with none. Asked after `authenticate` knew nobody. */
  ending(headers: Headers): Ending | null
  list(principal: Principal): Promise<readonly SessionInfo[]>
  /** False where this principal has no such session. */
  endOne(principal: Principal, id: string): Promise<boolean>
  endAll(principal: Principal): Promise<void>
  /** Drops what is over. Called on a timer. */
  sweep(): Promise<void>
}

export function createSessions(parts: {
  readonly store: LoginStore
  readonly keys: Pick<KeyStore, 'get' | 'used'>
  readonly cookie: Cookie
  readonly settings: LoginSettings
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
}): Sessions {
  const { store, keys, cookie, settings, clock, random } = parts
  const { provider } = settings
  const endings = createEndings()
  const rules = rulesOf(provider)

  /** A session stands under the rules it began by: under others it is found no more, and nobody keeps a role that they took away. */
  const hashOf = (token: string): Sha256 => hash('sha256', `${token}${rules}`, 'hex') as Sha256

  function tokenIn(headers: Headers): string | null {
    const token = mayBringCookies(headers) ? cookie.read(headers) : null
    return token !== null && TOKEN.test(token) ? token : null
  }

  async function find(token: string) {
    const session = await store.get(hashOf(token))
    if (session === null) return null
    const now = clock.now()
    const over = overBy(session, now)
    const record = over === null ? await keys.get(session.principal) : null
    if (record !== null && keyState(record, now) === 'active' && mayLogIn(record)) return { session, record }
    await end(session.hash, over ?? 'shut_out')
    return null
  }

  function end(hash: Sha256, why: Ending): Promise<boolean> {
    endings.note(hash, why)
    return store.remove(hash)
  }

  /** Whoever came from a provider that is configured no more has nobody left who vouches for them. */
  function mayLogIn({ id, role }: KeyRecord): boolean {
    return role !== 'agent' && (!isPerson(id) || (provider !== null && id.startsWith(peopleOf(provider.issuer))))
  }

  function overBy({ endsAt, seenAt }: LoginSession, now: number): Ending | null {
    if (endsAt <= now) return 'lasted'
    return seenAt + settings.idle <= now ? 'idle' : null
  }

  function note({ hash, seenAt, principal }: LoginSession): void {
    const now = clock.now()
    if (now - seenAt < SEEN_NOTED_MS) return
    // Where it cannot be noted, the session ends earlier than it might.
    store.seen(hash, now).catch(() => undefined)
    keys.used(principal, now).catch(() => undefined)
  }

  async function drop(sessions: readonly LoginSession[]): Promise<void> {
    for (const { hash } of sessions) await end(hash, 'ended')
  }

  return {
    async authenticate(headers) {
      const token = tokenIn(headers)
      const found = token === null ? null : await find(token)
      if (token === null || found === null) return null
      note(found.session)
      return { session: idOf(found.session), record: found.record, csrf: csrfOf(token) }
    },

    async stands(headers) {
      const token = tokenIn(headers)
      return token !== null && (await find(token)) !== null
    },

    async begin(record, headers) {
      const before = cookie.read(headers)
      if (before !== null) await store.remove(hashOf(before))
      const others = await store.of(record.id)
      await drop(others.slice(0, Math.max(0, others.length - MAX_SESSIONS + 1)))
      const token = Buffer.from(random.bytes(TOKEN_BYTES)).toString('base64url')
      const now = clock.now()
      const endsAt = now + settings.lasts
      await store.put({ hash: hashOf(token), principal: record.id, createdAt: now, seenAt: now, endsAt })
      return cookie.set(token)
    },

    async end(headers) {
      const token = cookie.read(headers)
      if (token !== null) await store.remove(hashOf(token))
      return cookie.clear()
    },

    ending(headers) {
      const token = tokenIn(headers)
      return token === null ? null : endings.of(hashOf(token))
    },

    async list(principal) {
      const now = clock.now()
      const live = (await store.of(principal)).filter((session) => overBy(session, now) === null)
      return live.map(({ hash, ...session }) => ({ id: idOf({ hash }), ...session }))
    },

    async endOne(principal, id) {
      const found = (await store.of(principal)).find((session) => idOf(session) === id)
      return found !== undefined && (await end(found.hash, 'ended'))
    },

    endAll: async (principal) => drop(await store.of(principal)),

    sweep() {
      const now = clock.now()
      return store.sweep(now, now - settings.idle)
    },
  }
}

/** Sessions that ended here, by what only their browsers know the original of. */
function createEndings() {
  const known = new Map<Sha256, Ending>()
  return {
    note(hash: Sha256, why: Ending): void {
      known.set(hash, why)
      const [oldest] = known.keys()
      if (known.size > MAX_ENDINGS && oldest !== undefined) known.delete(oldest)
    },
    of: (hash: Sha256): Ending => known.get(hash) ?? 'unknown',
  }
}

/** What makes which people out of what a provider says; '' where there is none. */
function rulesOf(provider: LoginSettings['provider']): string {
  return provider === null ? '' : `\0${JSON.stringify([provider.issuer, provider.ownerClaim, provider.roles])}`
}

function idOf({ hash }: Pick<LoginSession, 'hash'>): string {
  return hash.slice(0, 16)
}

/** Bound to the session, and no way back from it to the cookie: a page may hold it. */
function csrfOf(token: string): string {
  return createHmac('sha256', token).update('aegis/csrf').digest('base64url')
}
