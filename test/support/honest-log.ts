import { createHash } from 'node:crypto'
import type { EntryDraft } from '../../src/ledger/draft.ts'
import { genesis } from '../../src/ledger/format/chain.ts'
import { createOpenIntents, createTally } from '../../src/ledger/format/manifest.ts'
import { entryWork, sealBatch, type Work } from '../../src/ledger/seal.ts'
import type { LogHead, SessionHead, StoredEntry, StoredPayload } from '../../src/ledger/store.ts'
import { createSessionVerifier, type VerifyReport } from '../../src/ledger/verify/report.ts'
import { UNSIGNED } from '../../src/ledger/verify/trust.ts'
import { frozenClock, random, SESSION } from './drafts.ts'
import { ORIGIN } from './evidence-store.ts'

/** A session as a store would hold it, made by the real writer's own sealing, in memory. Its parts may be tampered with. */
export interface StoredSession {
  entries: StoredEntry[]
  payloads: StoredPayload[]
  head: SessionHead
  size: number
}

export function honestSession(
  drafts: readonly EntryDraft[],
  origin = ORIGIN,
  times: readonly string[] = [],
): StoredSession {
  const scribe = { origin, gateway: 'gw-1', clock: frozenClock(), random }
  const nothing = () => {}
  const entries: StoredEntry[] = []
  const payloads: StoredPayload[] = []
  let log: LogHead = { origin, size: 0, replayFrom: 0, frontier: new Uint8Array(), minIndex: 0 }
  let sessions = new Map<string, SessionHead>()
  drafts.forEach((draft, index) => {
    const works: Work[] = [entryWork(draft, scribe, nothing, nothing)]
    const time = times[index] ?? '2026-04-06T14:22:00.000Z'
    const { batch } = sealBatch(works, { log, sessions, held: [true] }, new Map(), time, nothing)
    entries.push(...batch.entries)
    payloads.push(...batch.payloads)
    log = batch.log
    sessions = new Map(batch.sessions.map((head) => [head.session, head]))
  })
  const [head] = sessions.values()
  if (head === undefined) throw new Error('no session')
  return { entries, payloads, head, size: log.size }
}

/** Verifies the rows as `verifyStored` does, without a store. */
export function verifyRows(stored: StoredSession, session: string = SESSION, origin = ORIGIN): VerifyReport {
  const context = { origin, session, payloadsComplete: true, manifest: null, manifestEnds: false }
  const verifier = createSessionVerifier(context)
  for (const entry of stored.entries) {
    const { n, hash, body } = entry
    const own = stored.payloads.filter((payload) => payload.n === n)
    verifier.entry({ n, hash, body, columns: entry }, own)
  }
  const { head } = stored
  const unsigned = { trust: UNSIGNED, undecided: null, lacking: null }
  return verifier.finish({ head: { entries: head.nextSeq, last: head.headHash }, final: false, log: [], ...unsigned })
}

export function leaf(body: Uint8Array): string {
  return createHash('sha256').update(Uint8Array.of(0)).update(body).digest('hex')
}

/** The entry with another body, and where asked with the hash that goes with it. */
export function rewritten(entry: StoredEntry, change: (text: string) => string, rehash = false): StoredEntry {
  const body = Buffer.from(change(Buffer.from(entry.body).toString()))
  return { ...entry, body, hash: rehash ? leaf(body) : entry.hash }
}

export function manifestOf(stored: StoredSession, final = false) {
  const tally = createTally(ORIGIN, SESSION, genesis(ORIGIN, SESSION))
  const open = createOpenIntents()
  for (const entry of stored.entries) {
    const { effect } = JSON.parse(Buffer.from(entry.body).toString())
    open.note({ kind: entry.kind, env: entry.env ?? '', effect: effect ?? null, seq: entry.seq ?? 0 })
    tally.add(entry.kind, entry.hash)
  }
  return tally.manifest(final, open.seqs())
}
