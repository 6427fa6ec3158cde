import type { ApprovalChange } from '../core/approval.ts'
import type { AegisError } from '../core/errors.ts'
import type { EnvelopeId, Sha256 } from '../core/ids.ts'
import { uuidv7 } from '../core/ids.ts'
import type { Clock, Random } from '../core/runtime.ts'
import { type MadeCommitment, makeCommitment } from './commitment.ts'
import type { EntryDraft, LedgerEntry } from './draft.ts'
import { type Place, prepareEntry } from './entry.ts'
import { genesis, leafHash } from './format/chain.ts'
import { appendLeaves, packRoots, unpackFrontier } from './merkle/tree.ts'
import {
  type LockedState,
  type LogHead,
  type SealedBatch,
  type SessionHead,
  type StoredEntry,
  type StoredPayload,
  StoreError,
} from './store.ts'

/** An entry waiting for its place. */
export interface EntryWork {
  readonly kind: 'entry'
  readonly draft: EntryDraft
  readonly eid: EnvelopeId
  readonly text: (place: Place) => string
  readonly committed: readonly MadeCommitment[]
  readonly bytes: number
  readonly done: (entry: LedgerEntry) => void
  readonly fail: (error: AegisError) => void
}

export type LeafKind =
  | 'boot'
  | 'manifest'
  | 'erase'
  | 'prune'
  | 'key'
  | 'gap'
  | 'credential'
  | 'policy'
  | 'checkpoint-recovery'

/** A log-level leaf waiting for its `n`. A manifest belongs to a session and holds for its first `entries` entries. */
export interface LeafWork {
  readonly kind: 'leaf'
  readonly leaf: LeafKind
  readonly session: string | null
  readonly entries: number
  readonly final: boolean
  readonly text: string
  /** Payloads that go with this leaf. */
  readonly erased: SealedBatch['erased']
  /** What approvals lose with it. */
  readonly changes: readonly ApprovalChange[]
  readonly bytes: number
  readonly done: (n: number) => void
  readonly fail: (error: AegisError) => void
}

/** A leaf of the log itself. Those about one session name it; `entries` and `final` are a manifest's. */
export type Leaf = Pick<LeafWork, 'leaf' | 'text'> &
  Partial<Pick<LeafWork, 'session' | 'entries' | 'final' | 'erased' | 'changes'>>

export type Work = EntryWork | LeafWork

/** What the writer is, for the entries it makes. */
export interface Scribe {
  readonly origin: string
  readonly gateway: string
  readonly clock: Clock
  readonly random: Random
}

/** @throws AegisError where the draft can never be an entry: such a draft is refused before it is queued */
export function entryWork(
  draft: EntryDraft,
  scribe: Scribe,
  done: EntryWork['done'],
  fail: EntryWork['fail'],
): EntryWork {
  const committed = draft.commitments.map(makeCommitment)
  const macs = Object.fromEntries(committed.map(({ path, mac }) => [path, mac]))
  const eid = uuidv7(scribe.clock.now(), scribe.random)
  const text = prepareEntry(draft, { log: scribe.origin, gateway: scribe.gateway, eid }, macs)
  const bytes = committed.reduce((sum, { value }) => sum + value.length, 1024)
  return { kind: 'entry', draft, eid, text, committed, bytes, done, fail }
}

export interface Sealed {
  readonly batch: SealedBatch
  /** Open intents (envelope to `n`) once the batch is written. */
  readonly open: ReadonlyMap<string, number>
  /** Tells each work what came of it; to be called once the batch is durable. */
  readonly settle: () => void
}

interface Draft {
  readonly sessions: Map<string, SessionHead>
  readonly touched: Set<string>
  readonly open: Map<string, number>
  readonly entries: StoredEntry[]
  readonly payloads: StoredPayload[]
  readonly erased: { readonly n: number; readonly path: string }[]
  readonly settled: (() => void)[]
  n: number
}

/** Gives `n`, `seq` and `prev` to the works that held; pure but for the time it is given. */
export function sealBatch(
  works: readonly Work[],
  state: LockedState,
  open: ReadonlyMap<string, number>,
  ts: string,
  lost: (work: Work) => void,
): Sealed {
  const draft: Draft = {
    sessions: new Map(state.sessions),
    touched: new Set(),
    open: new Map(open),
    ...{ entries: [], payloads: [], erased: [], settled: [] },
    n: state.log.size,
  }
  works.forEach((work, index) => {
    if (state.held[index] !== true) draft.settled.push(() => lost(work))
    else if (work.kind === 'entry') placeEntry(work, draft, state.log.origin, ts)
    else placeLeaf(work, draft, lost)
  })
  const replayFrom = Math.min(draft.n, ...draft.open.values())
  const frontier = grow(state.log, draft.entries)
  const sessions = [...draft.touched].flatMap((session) => draft.sessions.get(session) ?? [])
  return {
    batch: {
      log: { ...state.log, size: draft.n, replayFrom, frontier },
      ...{ sessions, entries: draft.entries, payloads: draft.payloads, erased: draft.erased },
    },
    open: draft.open,
    settle: () => {
      for (const tell of draft.settled) tell()
    },
  }
}

/** @throws StoreError `fatal` where the head row does not hold what a log of its size has */
function grow(head: LogHead, entries: readonly StoredEntry[]): Uint8Array {
  const frontier = unpackFrontier(head.size, head.frontier)
  if (frontier === null) {
    throw new StoreError('damaged', `the head row does not have the tree of its ${head.size} entries`, undefined)
  }
  const leaves = entries.map((entry) => Buffer.from(entry.hash, 'hex'))
  return packRoots(appendLeaves(frontier, leaves).roots)
}

function placeEntry(work: EntryWork, batch: Draft, origin: string, ts: string): void {
  const { kind, session, env, actor, effect } = work.draft
  const head = batch.sessions.get(session) ?? newSession(origin, session, actor.tenant)
  const place: Place = { seq: head.nextSeq, prev: head.headHash, ts }
  const text = work.text(place)
  const hash = leafHash(text)
  const n = batch.n++
  const { seq, prev } = place
  batch.entries.push({ n, eid: work.eid, session, seq, kind, env, ts, hash, prev, body: Buffer.from(text) })
  for (const { path, salt, value } of work.committed) batch.payloads.push({ n, path, salt, value })
  // A late entry opens a closed session again.
  batch.sessions.set(session, { ...head, nextSeq: seq + 1, headHash: hash, status: 'open', lastN: n })
  batch.touched.add(session)
  if (kind === 'result' || kind === 'orphan') batch.open.delete(env)
  else if (effect === 'forward') batch.open.set(env, n)
  batch.settled.push(() => work.done({ n, session, seq, kind, env, eid: work.eid, ts, hash }))
}

function newSession(origin: string, session: string, tenant: string): SessionHead {
  const headHash: Sha256 = genesis(origin, session)
  return { session, tenant, nextSeq: 0, headHash, status: 'open', manifestN: null, lastN: 0 }
}

function placeLeaf(work: LeafWork, batch: Draft, lost: (work: Work) => void): void {
  const head = work.session === null ? undefined : batch.sessions.get(work.session)
  // The session grew meanwhile: a final manifest would be wrong, any other only old.
  if (work.final && head?.nextSeq !== work.entries) {
    batch.settled.push(() => lost(work))
    return
  }
  const n = batch.n++
  batch.entries.push({
    ...{ n, eid: null, session: work.session, seq: null, kind: work.leaf, env: null, ts: null, prev: null },
    hash: leafHash(work.text),
    body: Buffer.from(work.text),
  })
  batch.erased.push(...work.erased)
  if (head !== undefined && work.leaf === 'manifest') {
    batch.sessions.set(head.session, { ...head, manifestN: n, status: work.final ? 'closed' : head.status })
    batch.touched.add(head.session)
  }
  batch.settled.push(() => work.done(n))
}
