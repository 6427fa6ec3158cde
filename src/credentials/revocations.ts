import { hash } from 'node:crypto'
import type { EnvelopeId, Sha256 } from '../core/ids.ts'
import { uuidv7 } from '../core/ids.ts'
import type { Clock, Log, Random } from '../core/runtime.ts'
import type { GrantRecord } from '../ledger/draft.ts'
import { askGithub, type Fetch } from './github-api.ts'
import type { PendingRevocation, RevocationStore } from './ports.ts'
import type { Seal } from './seal.ts'

/** A token is revoked when its call ends, and in any case this many milliseconds after it was asked for. */
export const TOKEN_LIFE_MS = 600_000
/** GitHub's own limit for installation tokens, which nobody can shorten: after it there is nothing left to revoke. */
const GITHUB_LIFE_MS = 3_600_000
const POLL_MS = 2000
const BATCH = 16
const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 60_000

/** A token with its durable row. */
export interface Held {
  readonly token: string
  readonly row: PendingRevocation
  readonly grant: GrantRecord
}

export interface Revocations {
  /** Puts the token's row into the durable queue; resolves when it is there. Only then may the token be used. */
  hold(token: string, of: { apiUrl: string; scope: string; envelope: EnvelopeId; issuedAt: number }): Promise<Held>
  /** Revokes in the background; what fails stays in the queue and is tried again. Never throws. */
  end(held: Held): void
  /** Begins to revoke what is due, rows of earlier processes included. */
  start(): void
  stop(): void
  /** Waits for revocations under way and tries once what is due. Never rejects. */
  drain(): Promise<void>
}

export function createRevocations(parts: {
  readonly store: RevocationStore
  readonly seal: Seal
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly fetch: Fetch
}): Revocations {
  const { store, seal, clock, random, log, fetch } = parts
  const underWay = new Map<string, Promise<void>>()
  let timer: NodeJS.Timeout | null = null
  let passing: Promise<void> | null = null

  /** One attempt at a time for each row, whoever asks for it. */
  function begin(row: PendingRevocation, token: string | null): Promise<void> {
    const known = underWay.get(row.id)
    if (known !== undefined) return known
    const attempt = settle(row, token)
      .catch((error: Error) => log.error({ ...named(row), error: error.message }, 'revocation queue failed'))
      .finally(() => underWay.delete(row.id))
    underWay.set(row.id, attempt)
    return attempt
  }

  async function settle(row: PendingRevocation, known: string | null): Promise<void> {
    const opened = known === null ? seal.open(row.sealed, row) : { token: known }
    if ('fault' in opened) return giveUpOn(row, opened.fault)
    const fault = await revoke(fetch, row.apiUrl, opened.token)
    if (fault === null) return store.done(row.id)
    if (clock.now() >= row.issuedAt + GITHUB_LIFE_MS) {
      log.warn({ ...named(row), fault }, 'token ran out before it could be revoked')
      return store.done(row.id)
    }
    const attempts = row.attempts + 1
    log.warn({ ...named(row), fault, attempts }, 'token not yet revoked')
    return store.reschedule(row.id, attempts, clock.now() + backOff(attempts, random))
  }

  /** Nobody can revoke it now: it stands, counted, until GitHub ends it. */
  async function giveUpOn(row: PendingRevocation, fault: string): Promise<void> {
    const over = row.issuedAt + GITHUB_LIFE_MS
    if (clock.now() >= over) return store.done(row.id)
    log.error({ ...named(row), fault }, 'a token cannot be revoked and lives until its hour is over')
    return store.reschedule(row.id, row.attempts + 1, over)
  }

  async function pass(): Promise<void> {
    try {
      const rows = await store.due(clock.now(), BATCH)
      await Promise.all(rows.map((row) => begin(row, null)))
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

  return {
    async hold(token, { apiUrl, scope, envelope, issuedAt }) {
      const id: string = uuidv7(clock.now(), random)
      const tokenSha256 = hash('sha256', token, 'hex') as Sha256
      const deadline = issuedAt + TOKEN_LIFE_MS
      const bound = { id, apiUrl, tokenSha256, scope, envelope, issuedAt, deadline }
      const row = { ...bound, sealed: seal.close(token, bound), attempts: 0, nextAttemptAt: deadline }
      const type = 'github_app_installation'
      const grant = { type, scope, tokenSha256, issuedAt, expiresAt: deadline, revokedAt: null }
      await store.enqueue(row)
      return { token, row, grant }
    },
    end: ({ row, token }) => void begin(row, token),
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
