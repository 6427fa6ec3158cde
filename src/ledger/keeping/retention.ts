import { AegisError } from '../../core/errors.ts'
import { logLeaf } from '../log-leaves.ts'
import { frontierAt } from '../merkle/proofs.ts'
import { createTileReader } from '../merkle/tiles.ts'
import { rootOf } from '../merkle/tree.ts'
import type { Scribe } from '../seal.ts'
import type { LedgerReader, LedgerStore, LegalHold, SessionHead, StoredCheckpoint } from '../store.ts'
import { withSnapshot } from '../with-snapshot.ts'
import type { Writer } from '../writer.ts'

/** Rows go in whole tiles: their hashes stay, so that every proof goes on working. */
export const TILE_ROWS = 256
/** Rows deleted in one transaction: the gateway must write in between. */
const STEP_ROWS = 64 * TILE_ROWS

export interface PruneRequest {
  /** Rows below it go; a multiple of 256. */
  readonly minIndex: number
  /** SHA-256 of the archive that holds them, 64 hex digits. */
  readonly archiveSha256: string
  /** Root of the log's first `minIndex` entries as the archive gives it, 64 hex digits. */
  readonly root: string
  /** The key that asks. */
  readonly by: string
}

export interface PruneReceipt {
  /** `n` of the `prune` leaf. */
  readonly n: number
  readonly minIndex: number
  readonly deleted: number
}

/** How long evidence is kept. */
export interface Retention {
  /** Keeps a session from being pruned or erased until it is lifted. @throws AegisError `not_found` */
  hold(session: string, reason: string): Promise<LegalHold>
  /** @throws AegisError `not_found` where the session is not held */
  unhold(session: string): Promise<void>
  /**
   * Records what is about to go and where it was archived, signs that, then deletes it.
   * @throws AegisError `conflict` where an open or held session has entries there, or the archive is of another log
   */
  prune(request: PruneRequest): Promise<PruneReceipt>
}

export interface RetentionParts {
  readonly store: LedgerStore
  readonly writer: Writer
  readonly scribe: Scribe
  /** A checkpoint that covers what is durable now. @throws AegisError `not_found` where the log is unsigned */
  readonly sign: () => Promise<StoredCheckpoint>
}

const MAX_REASON = 1000

export function createRetention(parts: RetentionParts): Retention {
  const { store, scribe } = parts
  const inTurn = createTurn()
  return {
    hold: (session, reason) =>
      inTurn(async () => {
        if (reason.trim() === '' || reason.length > MAX_REASON) {
          throw new AegisError('invalid_request', `a hold needs a reason of at most ${MAX_REASON} characters`)
        }
        if ((await store.session(session)) === null) throw new AegisError('not_found', `no session ${session}`)
        const hold = { session, reason, at: scribe.clock.now() }
        await store.hold(session, hold)
        return hold
      }),
    unhold: (session) =>
      inTurn(async () => {
        const held = await store.holds()
        if (held.every((hold) => hold.session !== session)) {
          throw new AegisError('not_found', `session ${session} is not under a legal hold`)
        }
        await store.hold(session, null)
      }),
    prune: (request) => inTurn(() => prune(parts, request)),
  }
}

async function prune({ store, writer, scribe, sign }: RetentionParts, request: PruneRequest): Promise<PruneReceipt> {
  const { minIndex, archiveSha256, root, by } = request
  const signed = await sign()
  const from = await withSnapshot(store, (reader) => demandPrunable(reader, minIndex, signed))
  const stored = await withSnapshot(store, (reader) => rootAt(reader, minIndex, signed.size))
  if (stored !== root) {
    throw new AegisError('conflict', `the archive's entries are not the first ${minIndex} of this log`, {
      advice: 'Make the archive again, from this store.',
    })
  }
  const n = await writer.leaf(
    logLeaf(scribe, 'prune', { archive_sha256: archiveSha256, by, min_index: minIndex, root }),
  )
  // Signed first: no crash can leave rows gone that no signed entry says were.
  await sign()
  for (let next = from; next < minIndex; ) {
    next = Math.min(minIndex, next + STEP_ROWS)
    await store.prune(next).catch((error: Error) => {
      throw undeleted(error, minIndex)
    })
    await new Promise(setImmediate)
  }
  // Whoever reads may keep old pages in the files for a while; all of it is in the archive anyway.
  await store.scour([]).catch(() => {})
  return { n, minIndex, deleted: minIndex - from }
}

/** The leaf is there and signed: whoever may delete can do so now, or prune is asked for again. */
function undeleted(cause: Error, minIndex: number): AegisError {
  return new AegisError('conflict', `pruning is recorded, but the store did not delete: ${cause.message}`, {
    advice: `Ask again; on PostgreSQL a role with led_retention runs \`SELECT aegis.prune(${minIndex})\`.`,
    cause,
  })
}

/** The first row that is still there. @throws AegisError where anything below `minIndex` must stay */
async function demandPrunable(reader: LedgerReader, minIndex: number, signed: StoredCheckpoint): Promise<number> {
  const log = await reader.head()
  if (log === null) throw new AegisError('not_found', 'the store holds no log')
  if (!Number.isSafeInteger(minIndex) || minIndex % TILE_ROWS !== 0) {
    throw new AegisError('invalid_request', `rows are pruned by ${TILE_ROWS}`, { path: 'min_index' })
  }
  if (minIndex <= log.minIndex) throw new AegisError('conflict', `everything below ${minIndex} is pruned already`)
  if (minIndex > signed.size) throw new AegisError('conflict', `only ${signed.size} entries are signed`)
  if (minIndex > log.replayFrom) {
    throw new AegisError('conflict', `the action of entry ${log.replayFrom} has no result yet`)
  }
  const blocked = await firstKept(reader, log.minIndex, minIndex, await keepOf(reader))
  if (blocked === null) return log.minIndex
  throw new AegisError('conflict', `entry ${blocked.n} must stay: session ${blocked.session} is ${blocked.why}`, {
    advice: 'Make the archive again: it then ends before this session.',
  })
}

export interface KeptRow {
  readonly n: number
  readonly session: string
  readonly why: string
}

/** Why a session must stay, or null where it may go. `whole`: its first entry is still in the log. */
export type Keep = (head: SessionHead | null, session: string, whole: boolean) => string | null

/**
 * Open and held sessions stay, and whatever has lost its head row. A session that begins in an earlier archive can never be
 * closed again, so that it would keep everything after it: what it has written since may go.
 */
export async function keepOf(reader: LedgerReader): Promise<Keep> {
  const held = new Set((await reader.holds()).map(({ session }) => session))
  return (head, session, whole) => {
    if (held.has(session)) return 'under a legal hold'
    if (head === null) return 'without its head row'
    return whole && head.status === 'open' ? 'open' : null
  }
}

/** The first row from `from` to `to` (exclusive) of a session that must stay. */
export async function firstKept(reader: LedgerReader, from: number, to: number, keep: Keep): Promise<KeptRow | null> {
  const free = new Set<string>()
  for await (const page of reader.entries(from)) {
    for (const { n, session, seq } of page) {
      if (n >= to) return null
      if (session === null || seq === null || free.has(session)) continue
      const why = keep(await reader.session(session), session, seq === 0)
      if (why !== null) return { n, session, why }
      free.add(session)
    }
    await new Promise(setImmediate)
  }
  return null
}

async function rootAt(reader: LedgerReader, minIndex: number, size: number): Promise<string> {
  const frontier = await frontierAt(minIndex, createTileReader(reader, size).subtree)
  return Buffer.from(rootOf(frontier)).toString('hex')
}

/** One after another: a hold that is set while rows are being deleted would come too late unseen. */
function createTurn() {
  let last: Promise<unknown> = Promise.resolve()
  return <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work, work)
    last = mine.catch(() => {})
    return mine
  }
}
