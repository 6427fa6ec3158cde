import { AegisError } from '../../core/errors.ts'
import { coveringErasure, erasures } from '../erasures.ts'
import { type EntryBody, parseCanonical } from '../format/body.ts'
import { leafHashOfBytes } from '../format/chain.ts'
import type { LedgerReader, LogHead, SessionHead, StoredEntry } from '../store.ts'
import { createSessionVerifier, type Ending, type VerifyReport } from '../verify/report.ts'
import { type LogFault, NOT_SIGNED, type Pins, pinned, type Trust, UNSIGNED, unvouched } from '../verify/trust.ts'
import { frontierFaults, readHeadRow } from './head-row.ts'
import { openSignedTree, type SignedTree } from './signed-tree.ts'

export interface StoredOptions {
  /** Absent: signatures are not looked at. Null: no key is known, and what is signed cannot be decided. */
  readonly pins?: Pins | null
  /** The checkpoint that the gateway remembers apart from the store. */
  readonly remembered?: string | null
  /** Leaves out what is not hashed: `VerifyContext.fast`. */
  readonly fast?: boolean
  readonly onEntry?: (entry: EntryBody, n: number) => void
}

/**
 * Verifies one session where it is stored, page by page, and against the signed tree. The reader must be a snapshot.
 * @throws AegisError `not_found` where the log knows no such session
 */
export async function verifyStored(
  reader: LedgerReader,
  session: string,
  { pins, remembered = null, fast = false, onEntry }: StoredOptions = {},
): Promise<VerifyReport> {
  const log = await reader.head()
  if (log === null) throw new AegisError('cannot_decide', 'the store holds no log: its head row is missing')
  const tree = pins === undefined ? null : await openSignedTree(reader, log, pins, remembered)
  const report = {
    log,
    tree,
    pins: pins ?? null,
    fast,
    faults: [...(await extentFaults(reader, log)), ...(await frontierFaults(tree, log))],
    pruned: await pruneRecord(reader, log),
  }
  return verifySession(reader, session, { ...report, ...(onEntry && { onEntry }) })
}

export interface StoredLog {
  readonly log: LogHead
  readonly tree: SignedTree | null
  readonly pins: Pins | null
  readonly fast: boolean
  /** What is known to be wrong with the log around its sessions. */
  readonly faults: readonly LogFault[]
  /** The newest record that rows were archived and deleted; null where there is none. */
  readonly pruned: PruneRecord | null
  readonly onEntry?: (entry: EntryBody, n: number) => void
}

/** The same in a log that is open already. @throws AegisError `not_found` */
export async function verifySession(reader: LedgerReader, session: string, around: StoredLog): Promise<VerifyReport> {
  const { log, tree, fast, onEntry } = around
  const head = await reader.session(session)
  const row = await readHeadRow(reader, head, log)
  const { manifest } = row
  const erased = await erasures(reader, session)
  const cover = createCover(tree)
  if (manifest !== null && manifest.n !== null && manifest.n >= 0) await cover.leaf(manifest.n, manifest.hash)
  for (const { leaf } of erased) await cover.leaf(leaf.n, leaf.hash)
  const record = around.pruned?.leaf
  if (record !== undefined) await cover.leaf(record.n, leafHashOfBytes(record.body))
  const pruned = await prunedEntries(reader, session, head, around)
  const verifier = createSessionVerifier({
    ...{ origin: log.origin, session, payloadsComplete: true, manifestEnds: false, manifest, fast, pruned },
    erased: (n, path) => coveringErasure(erased, n, path) !== undefined,
    onEntry(entry, n) {
      row.note(entry, n)
      onEntry?.(entry, n)
    },
  })
  let found = 0
  for await (const page of reader.sessionEntries(session)) {
    found += page.length
    for (const { entry, payloads } of page) {
      const held = cover.entry(entry.n, entry.hash)
      verifier.entry(presented(entry, typeof held === 'boolean' ? held : await held), payloads)
    }
  }
  if (head === null && found === 0) throw new AegisError('not_found', `no session ${session} in this log`)
  const faults = [...around.faults, ...row.faults(), ...cover.all()]
  return verifier.finish({ ...endingOf(head), log: faults, ...trustOf(around, cover) })
}

/** How many of the session's first entries lie below what a `prune` leaf says was archived and deleted. */
async function prunedEntries(
  reader: LedgerReader,
  session: string,
  head: SessionHead | null,
  { log, pruned }: StoredLog,
): Promise<number> {
  if (pruned === null || pruned.minIndex < log.minIndex) return 0
  for await (const page of reader.sessionEntries(session)) return Math.max(0, page[0]?.entry.seq ?? 0)
  return head !== null && head.lastN < log.minIndex ? head.nextSeq : 0
}

export interface PruneRecord {
  readonly leaf: StoredEntry
  readonly minIndex: number
}

/** The leaf's place in the tree is for who looks at a session to check. */
export async function pruneRecord(reader: LedgerReader, { origin, minIndex }: LogHead): Promise<PruneRecord | null> {
  const [leaf] = minIndex === 0 ? [] : await reader.list({ kind: 'prune', limit: 1 })
  const claim = leaf === undefined ? null : parseCanonical(Buffer.from(leaf.body).toString())
  const ours = claim !== null && claim['log'] === origin && claim['kind'] === 'prune'
  const recorded = ours ? claim['min_index'] : undefined
  return leaf === undefined || typeof recorded !== 'number' ? null : { leaf, minIndex: recorded }
}

/** How much of what one looks at is in the signed tree. */
interface Cover {
  all(): readonly LogFault[]
  /** Entries that are newer than the checkpoint. */
  readonly newer: number
  /** Is it in the tree? Null where no checkpoint covers its place. */
  entry(n: number, hash: string): boolean | null | Promise<boolean>
  leaf(n: number, hash: string): Promise<void>
}

const UNSIGNED_TAIL = 'from here on no checkpoint covers the session yet'

function createCover(tree: SignedTree | null): Cover {
  const faults: LogFault[] = []
  let first: number | null = null
  let newest: number | null = null
  let newer = 0

  function judge(n: number, held: boolean): boolean {
    if (!held && first === null) {
      first = n
      faults.push({ kind: 'REWRITTEN', n, detail: `from entry ${n} on the log is not the one that was signed` })
    }
    return held
  }

  function look(n: number, hash: string): boolean | null | Promise<boolean> {
    if (tree === null || n >= tree.proven) return null
    const held = tree.holds(n, hash)
    return typeof held === 'boolean' ? judge(n, held) : held.then((answer) => judge(n, answer))
  }

  const torn = (n: number): LogFault => ({ kind: 'TORN_TAIL', n, detail: UNSIGNED_TAIL })
  return {
    // The tree finds its faults as it is read.
    all: () => [...(tree?.faults ?? []), ...faults, ...(newest === null ? [] : [torn(newest)])],
    get newer() {
      return newer
    },
    entry(n, hash) {
      if (tree !== null && tree.size > 0 && n >= tree.size) {
        newest ??= n
        newer += 1
      }
      return look(n, hash)
    },
    async leaf(n, hash) {
      await look(n, hash)
    },
  }
}

function trustOf({ tree, pins, log }: StoredLog, cover: Cover): Pick<Ending, 'trust' | 'undecided' | 'lacking'> {
  if (tree === null) return { trust: UNSIGNED, undecided: null, lacking: null }
  const { vouched } = tree
  const trust: Trust = vouched?.by === 'pinned' ? vouched.trust : UNSIGNED
  const undecided = vouched?.by === 'unknown' ? unvouched(vouched.signers) : null
  const unsigned = vouched?.by === 'pinned' ? null : NOT_SIGNED
  const tail = cover.newer === 0 ? null : `${cover.newer} entries are newer than the newest checkpoint`
  return { trust, undecided, lacking: pinned(pins, log.origin) ? (unsigned ?? tail) : null }
}

function presented(entry: StoredEntry, inTree: boolean | null) {
  return { n: entry.n, hash: entry.hash, body: entry.body, columns: entry, inTree }
}

/** Does the log hold as many rows as its head row says? */
export async function extentFaults(reader: LedgerReader, { size, minIndex }: LogHead): Promise<LogFault[]> {
  const { count: kept, last } = await reader.extent()
  const count = kept + minIndex
  if (count < size) return [{ kind: 'DELETED', detail: `the log had ${size} entries, it holds ${count}` }]
  if (count > size) return [{ kind: 'INSERTED', detail: `the log had ${size} entries, it holds ${count}` }]
  if (last === size - 1) return []
  return [{ kind: 'PROJECTION_MISMATCH', detail: `the last of ${size} entries is numbered ${last}` }]
}

function endingOf(head: SessionHead | null): Pick<Ending, 'head' | 'final'> {
  if (head === null) return { head: null, final: false }
  return { head: { entries: head.nextSeq, last: head.headHash }, final: head.status === 'closed' }
}
