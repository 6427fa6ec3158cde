import { hash } from 'node:crypto'
import type { EnvelopeId, Sha256 } from '../core/ids.ts'
import { uuidv7 } from '../core/ids.ts'
import type { Clock, Log, Random } from '../core/runtime.ts'
import type { CredentialEnd, GrantRecord } from '../ledger/draft.ts'
import { askGithub, type Fetch } from './github-api.ts'
import type { PendingRevocation, RevocationStore } from './ports.ts'
import type { Seal } from './seal.ts'
import { type IssuedToken, packToken, unpackToken } from './sealed-token.ts'

/** A token is revoked when its call ends, and in any case this many milliseconds after it was asked for. */
export const TOKEN_LIFE_MS = 600_000
/** GitHub's own limit for installation tokens, which nobody can shorten: after it there is nothing left to revoke. */
const GITHUB_LIFE_MS = 3_600_000
const POLL_MS = 2000
const BATCH = 16
const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 60_000
/** Rows that are listed at most. */
const LISTED = 1000
export const GRANT_TYPE = 'github_app_installation'

/** A token with its durable row. */
export interface Held {
  readonly token: string
  readonly row: PendingRevocation
  readonly grant: GrantRecord
}

type Issuer = Omit<IssuedToken, 'token'>

/** A token that GitHub may still take, without the token. */
export interface LiveToken {
  readonly row: PendingRevocation
  /** Null where the row cannot be opened with this installation's key. */
  readonly issuer: Issuer | null
  /** Its end has begun; until then it is lent, or kept for the next read. */
  readonly ending: boolean
}

/** What a token was made for, and by whom. */
export interface Purpose {
  readonly apiUrl: string
  readonly scope: string
  readonly envelope: EnvelopeId
  readonly issuedAt: number
  readonly app: string
  readonly installation: number
}

export interface Revocations {
  /** Puts the token's row into the durable queue; resolves when it is there. Only then may the token be used. */
  hold(token: string, of: Purpose): Promise<Held>
  /** Revokes in the background; what fails stays in the queue and is tried again. Never throws. */
  end(held: Held): void
  /** Tries once, now. True where the token is gone. */
  endNow(row: PendingRevocation): Promise<boolean>
  /** What is in the queue, that of other processes included. */
  list(): Promise<readonly LiveToken[]>
  /** Begins to revoke what is due, rows of earlier processes included. */
  start(): void
  stop(): void
  /** Waits for revocations under way and tries once what is due. Never rejects. */
  drain(): Promise<void>
}

export interface RevocationParts {
  readonly store: RevocationStore
  readonly seal: Seal
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly fetch: Fetch
  /** Records the end of a token; where that fails, the row stays and is tried again. */
  readonly ended: (end: CredentialEnd) => Promise<void>
}

export function createRevocations(parts: RevocationParts): Revocations {
  const { store, seal, clock, random, log } = parts
  const settle = createSettle(parts)
  const underWay = new Map<string, Promise<void>>()
  /** Held here, and not known to be gone: a token that ended before its call is not ended, and recorded, again. */
  const out = new Set<string>()
  let timer: NodeJS.Timeout | null = null
  let passing: Promise<void> | null = null

  /** One attempt at a time for each row, whoever asks for it. */
  function begin(row: PendingRevocation): Promise<void> {
    const known = underWay.get(row.id)
    if (known !== undefined) return known
    const attempt = settle(row)
      .then((gone) => void (gone && out.delete(row.id)))
      .catch((error: Error) => log.error({ ...named(row), error: error.message }, 'revocation queue failed'))
      .finally(() => underWay.delete(row.id))
    underWay.set(row.id, attempt)
    return attempt
  }

  async function pass(): Promise<void> {
    try {
      const rows = await store.due(clock.now(), BATCH)
      await Promise.all(rows.map((row) => begin(row)))
    } catch (error) {
      log.error({ error: error instanceof Error ? error.message : String(error) }, 'revocation queue cannot be read')
    }
  }

  function passOnce(): Promise<void> {
    passing ??= pass().finally(() => {
      passing = null
    })
    return passing
  }

  const all = () => store.due(Number.MAX_SAFE_INTEGER, LISTED)

  return {
    async hold(token, { app, installation, ...of }) {
      const bound = boundTo(token, of, uuidv7(clock.now(), random))
      const { tokenSha256, deadline } = bound
      const sealed = seal.close(packToken({ token, app, installation }), bound)
      const row = { ...bound, sealed, attempts: 0, nextAttemptAt: deadline }
      const { scope, issuedAt } = of
      const grant = { type: GRANT_TYPE, scope, tokenSha256, issuedAt, expiresAt: deadline, revokedAt: null }
      await store.enqueue(row)
      out.add(row.id)
      return { token, row, grant }
    },
    end({ row }) {
      if (out.has(row.id)) void begin(row)
    },
    async endNow(row) {
      await begin(row)
      return (await all()).every(({ id }) => id !== row.id)
    },
    async list() {
      return (await all()).map((row) => {
        const ending = row.attempts > 0 || underWay.has(row.id) || clock.now() >= row.deadline
        return { row, issuer: issuerOf(seal, row), ending }
      })
    },
    start() {
      timer ??= setInterval(passOnce, POLL_MS).unref()
      void passOnce()
    },
    stop() {
      if (timer !== null) clearInterval(timer)
      timer = null
    },
    async drain() {
      await Promise.all(underWay.values())
      await passOnce()
    },
  }
}

/** One attempt to end a token, and what becomes of its row. True where the token is gone and the row with it. */
function createSettle({ store, seal, clock, random, log, fetch, ended }: RevocationParts) {
  async function again(row: PendingRevocation, at?: number): Promise<false> {
    const attempts = row.attempts + 1
    await store.reschedule(row.id, attempts, at ?? clock.now() + backOff(attempts, random))
    return false
  }

  /** The row goes when the end is recorded: a record made twice is better than none. */
  async function finish(row: PendingRevocation, issuer: Issuer, how: CredentialEnd['how']): Promise<boolean> {
    const over = row.issuedAt + GITHUB_LIFE_MS
    const { scope, tokenSha256, envelope, issuedAt } = row
    const at = how === 'revoked' ? clock.now() : over
    try {
      await ended({ type: GRANT_TYPE, scope, tokenSha256, envelope, issuedAt, how, at, ...issuer })
    } catch (error) {
      const fault = error instanceof Error ? error.message : 'unknown reason'
      log.error({ ...named(row), fault, how }, 'the end of a token could not be recorded yet')
      if (clock.now() < over + GITHUB_LIFE_MS) return again(row)
    }
    await store.done(row.id)
    return true
  }

  /** Nobody can revoke it now: it stands, counted, until GitHub ends it. */
  async function giveUpOn(row: PendingRevocation, fault: string): Promise<boolean> {
    const over = row.issuedAt + GITHUB_LIFE_MS
    if (clock.now() >= over) return finish(row, { app: null, installation: null }, 'expired')
    log.error({ ...named(row), fault }, 'a token cannot be revoked and lives until its hour is over')
    return again(row, over)
  }

  return async (row: PendingRevocation): Promise<boolean> => {
    const opened = seal.open(row.sealed, row)
    if ('fault' in opened) return giveUpOn(row, opened.fault)
    const { token, ...issuer } = unpackToken(opened.token)
    const fault = await revoke(fetch, row.apiUrl, token)
    if (fault === null) return finish(row, issuer, 'revoked')
    if (clock.now() >= row.issuedAt + GITHUB_LIFE_MS) {
      log.warn({ ...named(row), fault }, 'token ran out before it could be revoked')
      return finish(row, issuer, 'expired')
    }
    log.warn({ ...named(row), fault, attempts: row.attempts + 1 }, 'token not yet revoked')
    return again(row)
  }
}

function boundTo(token: string, of: Omit<Purpose, 'app' | 'installation'>, id: string) {
  const tokenSha256 = hash('sha256', token, 'hex') as Sha256
  return { id, ...of, tokenSha256, deadline: of.issuedAt + TOKEN_LIFE_MS }
}

function issuerOf(seal: Seal, row: PendingRevocation): Issuer | null {
  const opened = seal.open(row.sealed, row)
  if ('fault' in opened) return null
  const { app, installation } = unpackToken(opened.token)
  return { app, installation }
}

/**
 * `DELETE /installation/token` with the token itself. Null where it is gone: 204, or 401 for one that GitHub no longer knows.
 * Else what went wrong.
 */
export async function revoke(fetch: Fetch, apiUrl: string, token: string): Promise<string | null> {
  try {
    const { status } = await askGithub(fetch, apiUrl, { method: 'DELETE', path: '/installation/token', bearer: token })
    return status === 204 || status === 401 ? null : `status ${status}`
  } catch (error) {
    return error instanceof Error ? error.message : 'unknown reason'
  }
}

/** Twice as long after each failure, up to a minute; spread, so that a fleet does not come back in step. */
function backOff(attempts: number, random: Random): number {
  const full = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 16))
  const spread = (random.bytes(1)[0] ?? 0) / 255
  return Math.round(full * (0.5 + spread / 2))
}

function named(row: PendingRevocation): Record<string, unknown> {
  return { envelope_id: row.envelope, scope: row.scope, token_sha256: row.tokenSha256 }
}
