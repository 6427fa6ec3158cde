import { AegisError } from '../core/errors.ts'
import { rfc3339 } from '../core/runtime.ts'
import type { EntryDraft, LedgerEntry } from './draft.ts'
import { gapLeaf } from './log-leaves.ts'
import { entryWork, type Leaf, type Scribe, type Sealed, sealBatch, type Work } from './seal.ts'
import { type CommitFailure, isLasting, type LedgerStore, StoreError, type StoreFault } from './store.ts'

const MAX_QUEUED = 4096
const MAX_BATCH = 256
const MAX_BATCH_BYTES = 1024 * 1024

export interface WriterStats {
  readonly queued: number
  readonly size: number
  /** Why nothing is written, or null. */
  readonly closed: string | null
}

/** The group commit: what is queued while one transaction runs is the next one. No timer: a lone entry never waits. */
export interface Writer {
  append(draft: EntryDraft): Promise<LedgerEntry>
  leaf(leaf: Leaf): Promise<number>
  stats(): WriterStats
  /** Nothing is written any more, until a restart has looked at the store. */
  halt(why: string): void
  /** Resolves when all that was queued is settled; later appends are refused. */
  close(): Promise<void>
}

export interface WriterParts {
  readonly store: LedgerStore
  readonly scribe: Scribe
  readonly minFreeBytes: number
  /** Entries in the log when it was opened. */
  readonly size: number
  /** Entries became durable. */
  readonly written: () => void
  /** Nothing will be written any more, and why. */
  readonly halted: (why: string) => void
}

export function createWriter(parts: WriterParts): Writer {
  const { store, scribe, minFreeBytes, written } = parts
  const queue: Work[] = []
  /** Results whose write failed: they happened, so they are written first once the store is well again. */
  let overdue: Work[] = []
  let open: ReadonlyMap<string, number> = new Map()
  let size = parts.size
  let closed: StoreFault | null = null
  let running: Promise<void> | null = null
  let ending = false
  /** Refusals that were answered and could not be written. */
  let missed: { count: number; from: number; to: number } | null = null

  function enqueue(work: Work): void {
    const refusal = refusalOf(work)
    if (refusal !== null) {
      turnAway(work, refusal)
      return
    }
    queue.push(work)
    running ??= run()
  }

  function turnAway(work: Work, refusal: AegisError): void {
    if (work.kind === 'entry' && work.draft.kind === 'block') {
      const now = scribe.clock.now()
      missed = { count: (missed?.count ?? 0) + 1, from: missed?.from ?? now, to: now }
    }
    work.fail(refusal)
  }

  function refusalOf(work: Work): AegisError | null {
    if (ending) return unavailable('the ledger is closed', ADVICE.ending)
    if (closed !== null && isLasting(closed.failure)) return refused(closed)
    const limit = isEssential(work) ? 2 * MAX_QUEUED : MAX_QUEUED
    return queue.length < limit ? null : unavailable(`${queue.length} entries wait to be written`, ADVICE.queue)
  }

  async function run(): Promise<void> {
    while (queue.length > 0) {
      // One turn of the event loop: what arrived in this turn shares the sync.
      await new Promise(setImmediate)
      await flush(takeBatch(queue))
    }
    running = null
  }

  async function flush(batch: Work[]): Promise<void> {
    try {
      if (closed !== null) await reopen(closed)
      const works = [...overdue, ...admitted(batch)]
      overdue = []
      if (works.length > 0) await commit(works)
    } catch (error) {
      refuse(batch, error)
    }
  }

  async function reopen(fault: StoreFault): Promise<void> {
    if (isLasting(fault.failure)) throw refused(fault)
    await store.probe()
    closed = null
  }

  /** Refuses what may not be written in the store's present state. @throws AegisError where nothing may */
  function admitted(batch: readonly Work[]): Work[] {
    const { fault, freeBytes } = store.health()
    if (fault !== null) {
      closed = fault
      throw refused(fault)
    }
    if (freeBytes === null || freeBytes >= minFreeBytes) return [...batch]
    const why = `only ${Math.floor(freeBytes / 1024 / 1024)} MiB are free where the evidence is kept`
    for (const work of batch) if (!isAdmittedAnyway(work)) turnAway(work, unavailable(why, ADVICE.full))
    return batch.filter(isAdmittedAnyway)
  }

  async function commit(works: Work[]): Promise<void> {
    let sealed: Sealed | null = null
    const sessions = new Set(works.flatMap((work) => sessionOf(work) ?? []))
    try {
      await store.commit({
        sessions: [...sessions],
        slots: works.map((work) => (work.kind === 'entry' ? work.draft.changes : work.changes)),
        seal: (state) => {
          sealed = sealBatch(works, state, open, rfc3339(scribe.clock.now()), lost)
          return sealed.batch
        },
      })
    } catch (error) {
      overdue.push(...works.filter(isEssential).map(silent).slice(0, MAX_QUEUED))
      refuse(works, error)
      return
    }
    settle(sealed)
  }

  function settle(sealed: Sealed | null): void {
    if (sealed === null) return
    open = sealed.open
    size = sealed.batch.log.size
    sealed.settle()
    written()
    tellMissed()
  }

  function tellMissed(): void {
    if (missed === null) return
    const { count, from, to } = missed
    missed = null
    leaf(gapLeaf(scribe, count, from, to)).catch(() => {})
  }

  function leaf(what: Leaf): Promise<number> {
    return new Promise((resolve, reject) => {
      const defaults = { session: null, entries: 0, final: false, erased: [], changes: [] }
      enqueue({ kind: 'leaf', ...defaults, ...what, bytes: what.text.length, done: resolve, fail: reject })
    })
  }

  function refuse(works: readonly Work[], error: unknown): void {
    if (closed === null || !isLasting(closed.failure)) closed = faultOf(error)
    const refusal = refused(closed, error)
    for (const work of works) turnAway(work, refusal)
  }

  return {
    append: (draft) =>
      new Promise((resolve, reject) => {
        enqueue(entryWork(draft, scribe, resolve, reject))
      }),
    leaf,
    halt: (why) => {
      closed = { failure: 'damaged', why }
      parts.halted(why)
    },
    stats: () => ({ queued: queue.length, size, closed: closed?.why ?? null }),
    async close() {
      ending = true
      await running
    },
  }
}

/** What has happened already must be written, so there is always room for it, and a second try. A start has happened too. */
function isEssential(work: Work): boolean {
  return work.kind === 'entry' ? work.draft.kind === 'result' || work.draft.kind === 'orphan' : work.leaf === 'boot'
}

/** A gateway that could not say which policy it starts with could not start. */
function isAdmittedAnyway(work: Work): boolean {
  return isEssential(work) || (work.kind === 'leaf' && work.leaf === 'policy')
}

function takeBatch(queue: Work[]): Work[] {
  let count = 0
  let bytes = 0
  for (const work of queue) {
    bytes += work.bytes
    if (count === MAX_BATCH || (count > 0 && bytes > MAX_BATCH_BYTES)) break
    count += 1
  }
  return queue.splice(0, count)
}

function sessionOf(work: Work): string | null {
  return work.kind === 'entry' ? work.draft.session : work.session
}

function silent(work: Work): Work {
  return { ...work, done: () => {}, fail: () => {} }
}

function lost(work: Work): void {
  if (work.kind === 'leaf') work.fail(new AegisError('conflict', 'the session went on meanwhile'))
  else work.fail(new AegisError('approval_spent', 'the approval this action relies on has changed meanwhile'))
}

function faultOf(error: unknown): StoreFault {
  const failure = error instanceof StoreError ? error.failure : 'fatal'
  return { failure, why: error instanceof Error ? error.message : String(error) }
}

const ADVICE: Readonly<Record<CommitFailure | 'queue' | 'ending', string>> = {
  full: 'Free some disk space; writing resumes by itself.',
  conflict: 'Another gateway wrote something else in this place; compare their checkpoints before going on.',
  busy: 'Another process holds the database; stop it, writing resumes by itself.',
  unreachable: 'Check that the database runs and answers; writing resumes by itself.',
  queue: 'Call again in a moment.',
  ending: 'Aegis is stopping; call again when it runs.',
  fatal: 'Check the disk, then restart Aegis: it recovers what was written.',
  unsettled: 'Check that the database runs and answers, then restart Aegis: it finds what was written.',
  superseded:
    'It was not heard of for too long: see what held it up (a pause, the network), then restart this gateway.',
  replaced: 'Put back the file that Aegis had opened, then restart Aegis: it compares the file with what was signed.',
  damaged:
    'See what `aegisctl evidence fsck` says. A restart goes on only from a store that continues what was signed.',
}

function refused({ failure, why }: StoreFault, cause?: unknown): AegisError {
  return unavailable(why, ADVICE[failure], cause)
}

function unavailable(why: string, advice: string, cause?: unknown): AegisError {
  return new AegisError('evidence_unavailable', `evidence cannot be recorded: ${why}`, { advice, cause })
}
