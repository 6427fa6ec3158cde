import { AegisError } from '../../core/errors.ts'
import { buildBundle } from '../bundle/bundle.ts'
import { ARCHIVE_FORMAT, type ArchiveHeader, type ArchiveLine } from '../format/archive-format.ts'
import { consistencyProof, frontierAt } from '../merkle/proofs.ts'
import { createTileReader } from '../merkle/tiles.ts'
import type { LedgerReader, LogHead, SessionHead, StoredCheckpoint } from '../store.ts'
import { type KeptRow, keepOf, TILE_ROWS } from './retention.ts'

/** What an archive of a log would hold. */
export interface ArchivePlan {
  readonly origin: string
  readonly before: string
  /** Rows `from` to `to` (exclusive) are in it whole and may be pruned afterwards; none where the two are equal. */
  readonly from: number
  readonly to: number
  readonly checkpoint: StoredCheckpoint
  /** Their bundles are in it. */
  readonly sessions: ReadonlySet<string>
  /** Open, and not written to since before `before`: to close them first would let them be archived. */
  readonly idle: readonly string[]
  /** The first row that must stay, and why; null where the whole log could go. */
  readonly stop: KeptRow | null
}

/**
 * Looks at what may be archived: closed sessions whose last entry is older than `before` (RFC 3339). The reader must be a
 * snapshot. @throws AegisError `not_found` where there is no log; `cannot_decide` where it is unsigned
 */
export async function planArchive(reader: LedgerReader, before: string): Promise<ArchivePlan> {
  const log = await reader.head()
  const checkpoint = await reader.latestCheckpoint()
  if (log === null) throw new AegisError('not_found', 'the store holds no log')
  if (checkpoint === null) {
    throw new AegisError('cannot_decide', 'this log is not signed: nothing could prove what an archive holds')
  }
  const { sessions, idle, stop } = await sortSessions(reader, log, before)
  const end = Math.min(stop?.n ?? log.size, checkpoint.size, log.replayFrom)
  const to = Math.max(log.minIndex, end - (end % TILE_ROWS))
  return { origin: log.origin, before, from: log.minIndex, to, checkpoint, sessions, idle, stop }
}

interface Sorted {
  readonly sessions: Set<string>
  readonly idle: string[]
  readonly stop: KeptRow | null
}

async function sortSessions(reader: LedgerReader, log: LogHead, before: string): Promise<Sorted> {
  const keep = await keepOf(reader)
  const seen = new Set<string>()
  const sessions = new Set<string>()
  const idle: string[] = []
  let stop: KeptRow | null = null
  for await (const page of reader.entries(log.minIndex)) {
    for (const { n, session, seq, ts } of page) {
      if (session === null || seq === null || seen.has(session)) continue
      // What begins later cannot have ended before.
      if (ts !== null && ts >= before) return { sessions, idle, stop: stop ?? { n, session, why: `of ${ts}` } }
      seen.add(session)
      const head = await reader.session(session)
      const old = head !== null && (await isOld(reader, head, before))
      if (old && head.status === 'open' && seq === 0) idle.push(session)
      // Of a session that begins in an earlier archive only rows are left.
      if (old && head.status === 'closed' && seq === 0) sessions.add(session)
      const why = keep(head, session, seq === 0) ?? (old ? null : `written to after ${before}`)
      if (why !== null) stop ??= { n, session, why }
    }
  }
  return { sessions, idle, stop }
}

async function isOld(reader: LedgerReader, { lastN }: SessionHead, before: string): Promise<boolean> {
  const last = await reader.entry(lastN)
  return last !== null && last.ts !== null && last.ts < before
}

/** The archive's lines, one JSON text each, without their line feeds. */
export async function* archiveLines(reader: LedgerReader, plan: ArchivePlan): AsyncGenerator<string> {
  yield line(await headerOf(reader, plan))
  for (const session of plan.sessions) yield line({ bundle: await buildBundle(reader, session, []) })
  let rows = 0
  for await (const page of plan.to > plan.from ? reader.entries(plan.from) : []) {
    for (const { n, session, seq, body } of page) {
      if (n >= plan.to) break
      if (session !== null && seq !== null && plan.sessions.has(session)) continue
      rows += 1
      yield line({ row: { n, body: Buffer.from(body).toString() } })
    }
    if ((page.at(-1)?.n ?? plan.to) >= plan.to) break
  }
  yield line({ end: { bundles: plan.sessions.size, rows } })
}

function line(what: ArchiveLine): string {
  return JSON.stringify(what)
}

async function headerOf(reader: LedgerReader, plan: ArchivePlan): Promise<ArchiveHeader> {
  const { origin, before, from, to, checkpoint } = plan
  const { subtree } = createTileReader(reader, checkpoint.size)
  const frontier = await frontierAt(from, subtree)
  const proof = await consistencyProof(to, checkpoint.size, subtree)
  const base64 = (hashes: readonly Uint8Array[]) => hashes.map((hash) => Buffer.from(hash).toString('base64'))
  return {
    ...{ format: ARCHIVE_FORMAT, origin, before, from, to },
    frontier: base64(frontier.roots),
    checkpoint: checkpoint.note,
    consistency: base64(proof),
  }
}
