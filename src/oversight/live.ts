import { setTimeout } from 'node:timers/promises'
import type { Approvals } from '../approvals/approvals.ts'
import type { Approval } from '../core/approval.ts'
import { AegisError } from '../core/errors.ts'
import { parseEnvelopeId } from '../core/ids.ts'
import { isObject, type JsonObject } from '../core/json.ts'
import type { Log } from '../core/runtime.ts'
import { hasRole, type Keyring } from '../identity/keyring.ts'
import type { Limiter } from '../identity/limiter.ts'
import type { KeyRecord } from '../identity/ports.ts'
import type { LedgerReader, StoredEntry } from '../ledger/store.ts'
import type { Tail } from '../ledger/tail.ts'
import { createLiveChannel, type Followed, type LiveChannel } from './live-channel.ts'
import { resolveSession } from './sessions.ts'

/** `voted`: a yes that does not settle it yet. `settled`: approved, denied, expired or taken back. */
export interface ApprovalEvent {
  readonly change: 'requested' | 'voted' | 'settled'
  /** As it was when the entry was read. */
  readonly approval: Approval
  readonly entry: StoredEntry
}

/** Whether who follows may go on, where that hangs on more than their key: a session that people log out of. */
export type Stays = () => Promise<boolean>

/**
 * What happens, as it happens: agents follow what is their own, viewers everything. From the moment the promise is kept nothing is
 * left out but what the follower is too slow for, and it is told of that. It ends where the signal aborts, the server
 * stops, or, by an AegisError `unauthenticated`, within two seconds of the end of the key.
 */
export interface Live {
  /** @throws AegisError `not_found` and `conflict` for a session that is none, `too_many` */
  entries(
    who: KeyRecord,
    filter: { readonly session?: string },
    signal: AbortSignal,
    stays?: Stays,
  ): Promise<AsyncIterable<Followed<StoredEntry>>>
  /** @throws AegisError `too_many` */
  approvals(who: KeyRecord, signal: AbortSignal, stays?: Stays): Promise<AsyncIterable<Followed<ApprovalEvent>>>
}

export interface LiveParts {
  readonly tail: Tail
  readonly reader: LedgerReader
  readonly approvals: Pick<Approvals, 'get'>
  readonly inForce: Keyring['inForce']
  readonly limiter: Pick<Limiter, 'open'>
  readonly log: Log
}

/** Milliseconds between two looks at whose keys are still good. */
const WATCH_MS = 1000
/** Milliseconds before the log is looked at again where it could not be read. */
const AGAIN_MS = 500

/** One who follows, whatever is made of the entries for them. */
interface Follower {
  readonly who: KeyRecord
  readonly stays: Stays | null
  readonly take: (entry: StoredEntry, event: ApprovalEvent | null) => void
  readonly end: (error?: Error) => void
}

/** However many follow, the log is read once. */
export function createLive(parts: LiveParts): Live {
  const { reader, limiter } = parts
  const followers = createFollowers(parts)

  async function follow<T>(
    who: KeyRecord,
    signal: AbortSignal,
    stays: Stays | null,
    take: (channel: LiveChannel<T>) => Follower['take'],
  ): Promise<AsyncIterable<Followed<T>>> {
    const release = limiter.open('streams', who.id)
    const stop = () => channel.end()
    const channel = createLiveChannel<T>(() => {
      signal.removeEventListener('abort', stop)
      followers.remove(follower)
      release()
    })
    const follower: Follower = { who, stays, take: take(channel), end: channel.end }
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    else await followers.add(follower).catch((error: Error) => channel.end(error))
    return channel
  }

  return {
    async entries(who, { session }, signal, stays) {
      const named = session === undefined ? null : await resolveSession(reader, session, who)
      const sees = sightOf(who)
      return follow<StoredEntry>(who, signal, stays ?? null, (channel) => (entry) => {
        if (entry.session === null || (named !== null && entry.session !== named)) return
        if (sees(entry.session)) channel.push(entry)
      })
    },

    approvals(who, signal, stays) {
      const sees = sightOf(who)
      return follow<ApprovalEvent>(who, signal, stays ?? null, (channel) => ({ session }, event) => {
        if (event !== null && session !== null && sees(session)) channel.push(event)
      })
    },
  }
}

/** A session's id begins with its principal, which holds no slash of its own after it. */
function sightOf(who: KeyRecord): (session: string) => boolean {
  return hasRole(who, 'viewer') ? () => true : (session) => session.startsWith(`${who.id}/`)
}

function createFollowers({ tail, approvals, inForce, log }: LiveParts) {
  const all = new Set<Follower>()
  let run: { readonly stop: AbortController; readonly begun: Promise<void> } | null = null

  /** The log's entries to everybody, until nobody is left or the log is closed. */
  async function pump(from: number, stop: AbortController): Promise<void> {
    let at = from
    while (!stop.signal.aborted) {
      try {
        for await (const batch of tail.follow(at, stop.signal)) {
          for (const entry of batch) {
            const event = await approvalEvent(approvals, entry)
            for (const { take } of [...all]) take(entry, event)
            at = entry.n + 1
          }
        }
        // Stopped from here, or the log is closed for good.
        if (!stop.signal.aborted) for (const { end } of [...all]) end()
        return
      } catch (error) {
        log.warn({ error: error instanceof Error ? error.message : String(error) }, 'the log could not be followed')
        await setTimeout(AGAIN_MS)
      }
    }
  }

  /** Whoever cannot be vouched for is told no more. However many follow with one key, it is asked for once. */
  async function watch(): Promise<void> {
    const byKey = new Map<string, Promise<boolean>>()
    await Promise.all(
      [...all].map(async ({ who, stays, end }) => {
        const good = stays?.() ?? byKey.get(who.id) ?? inForce(who)
        if (stays === null) byKey.set(who.id, good)
        if (!(await good.catch(() => false))) end(ended())
      }),
    )
  }

  function begin(): { stop: AbortController; begun: Promise<void> } {
    const stop = new AbortController()
    const begun = tail.next().then((from) => {
      const timer = setInterval(() => void watch(), WATCH_MS)
      timer.unref()
      stop.signal.addEventListener('abort', () => clearInterval(timer))
      if (stop.signal.aborted) clearInterval(timer)
      void pump(from, stop).finally(() => clearInterval(timer))
    })
    return { stop, begun }
  }

  function remove(follower: Follower): void {
    all.delete(follower)
    if (all.size > 0) return
    run?.stop.abort()
    run = null
  }

  return {
    remove,
    async add(follower: Follower): Promise<void> {
      all.add(follower)
      run ??= begin()
      await run.begun
    },
  }
}

const CHANGES: Readonly<Record<string, true>> = { review: true, approve: true, deny: true, expire: true }

/** Null for other entries, and for a call that was made again while its review waits. */
async function approvalEvent(approvals: LiveParts['approvals'], entry: StoredEntry): Promise<ApprovalEvent | null> {
  const id = entry.env !== null && entry.kind in CHANGES ? parseEnvelopeId(entry.env) : null
  const approval = id === null ? null : await approvals.get(id)
  if (approval === null) return null
  if (entry.kind === 'review') return { change: 'requested', approval, entry }
  const settles = entry.kind !== 'approve' || speakerOf(entry) === approval.resolution?.reviewer.principal
  return { change: settles ? 'settled' : 'voted', approval, entry }
}

function speakerOf({ body }: StoredEntry): string | null {
  const parsed: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
  const reviewer = isObject(parsed as JsonObject) ? (parsed as JsonObject)['reviewer'] : undefined
  const principal = isObject(reviewer) ? reviewer['principal'] : undefined
  return typeof principal === 'string' ? principal : null
}

function ended(): AegisError {
  return new AegisError('unauthenticated', 'the key is good no more', {
    advice: 'come back with one that is in force',
  })
}
