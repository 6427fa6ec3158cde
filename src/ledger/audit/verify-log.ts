import { AegisError } from '../../core/errors.ts'
import { textMember } from '../../core/json.ts'
import { parseCanonical } from '../format/body.ts'
import { isHash, leafHashOfBytes } from '../format/chain.ts'
import { packRoots } from '../merkle/tree.ts'
import type { LedgerReader, LogHead, StoredEntry } from '../store.ts'
import { createFindings, type Damage, type DamageClass, type Findings } from '../verify/damage.ts'
import { reportOf, type VerifyReport } from '../verify/report.ts'
import { NOT_SIGNED, type Pins, pinned, UNSIGNED, unvouched } from '../verify/trust.ts'
import { createLogTree, type LogTree } from './log-tree.ts'
import { openSignedTree, type SignedTree } from './signed-tree.ts'
import { extentFaults, pruneRecord, type StoredLog, verifySession } from './verify-stored.ts'

export interface LogOptions {
  readonly pins: Pins | null
  readonly remembered?: string | null
  readonly fast?: boolean
  /** Called now and then with the rows looked at. */
  readonly progress?: (done: number, size: number) => void
}

/** A verdict on a whole log. `totalEntries` counts the entries of all sessions. */
export interface LogReport extends VerifyReport {
  readonly sessions: number
  /** Rows of the log that belong to no session's chain: `boot`, `manifest`, `erase`, ... */
  readonly leaves: number
  readonly checkpoints: number
}

const PROGRESS_ROWS = 10_000

/**
 * Verifies everything a store holds: every session, every leaf, all tiles and all checkpoints. One pass over the rows and one over
 * each session; memory does not grow with the log. The reader must be a snapshot.
 * @throws AegisError `cannot_decide` where there is no log
 */
export async function verifyLog(reader: LedgerReader, options: LogOptions): Promise<LogReport> {
  const { pins, remembered = null, fast = false, progress = () => {} } = options
  const log = await reader.head()
  if (log === null) throw new AegisError('cannot_decide', 'the store holds no log: its head row is missing')
  const findings = createFindings()
  const tree = await openSignedTree(reader, log, pins, remembered)
  for (const { kind, detail } of await extentFaults(reader, log)) findings.add(kind, null, null, detail)
  // All rows together are compared with the tree: what is wrong with it is found and told once, not for each session.
  const silent: SignedTree = { ...tree, faults: [], vouched: null }
  const pruned = await pruneRecord(reader, log)
  const around: StoredLog = { log, tree: silent, pins, fast, faults: [], pruned }
  const sessions = createSessions(reader, around, findings)
  const whole = await createLogTree(reader, log, pins, findings)
  let leaves = 0
  let next = log.minIndex
  for await (const page of reader.entries(log.minIndex)) {
    for (const entry of page) {
      if (entry.n !== next) findings.add('DELETED', null, next, `entries ${next} to ${entry.n - 1} are missing`)
      next = entry.n + 1
      const added = whole.add(isHash(entry.hash) ? entry.hash : leafHashOfBytes(entry.body))
      if (added !== undefined) await added
      if (entry.seq === null) {
        leaves += 1
        checkLeaf(entry, log, findings)
      } else await sessions.entry(entry)
      if (next % PROGRESS_ROWS === 0) progress(next, log.size)
    }
  }
  await whole.finish()
  await sessions.finish()
  for (const fault of tree.faults) {
    const { kind, detail, n = null } = fault
    // The others were found again, each at its place.
    const news = kind === 'ROLLBACK' || (kind === 'REWRITTEN' && !whole.rewritten) || tree.remembered.includes(fault)
    if (news) findings.add(kind, null, n, detail)
  }
  await checkReceipts(reader, findings)
  checkHead(log, whole, findings)
  const subject = { origin: log.origin, session: '', totalEntries: sessions.entries, manifestHash: '' }
  const trust = trustOf(tree, log, pins)
  const report = reportOf(subject, findings, { ...trust, undecided: sessions.undecided ?? trust.undecided })
  return { ...report, sessions: sessions.count, leaves, checkpoints: whole.checkpoints }
}

function trustOf({ vouched, size }: SignedTree, log: LogHead, pins: Pins | null) {
  const trust = vouched?.by === 'pinned' ? vouched.trust : UNSIGNED
  const undecided = vouched?.by === 'unknown' ? unvouched(vouched.signers) : null
  const tail = log.size > size ? `${log.size - size} entries are newer than the newest checkpoint` : null
  const short = vouched?.by === 'pinned' ? tail : NOT_SIGNED
  return { trust, undecided, lacking: pinned(pins, log.origin) ? short : null }
}

/** Verifies each session where it begins. */
interface Sessions {
  readonly count: number
  readonly entries: number
  /** What of them this verifier does not know. */
  readonly undecided: string | null
  entry(entry: StoredEntry): Promise<void>
  finish(): Promise<void>
}

function createSessions(reader: LedgerReader, around: StoredLog, findings: Findings): Sessions {
  /** Where rows were pruned a session need not begin at 0: then each is remembered. */
  const begun = new Set<string>()
  const pruned = around.log.minIndex > 0
  let rows = 0
  let count = 0
  let entries = 0
  let undecided: string | null = null

  const unasked: StoredLog = { ...around, tree: around.tree && { ...around.tree, holds: () => true } }

  async function look(session: string): Promise<void> {
    const first = await verifySession(reader, session, unasked)
    // Only where links are broken the tree is asked of each entry: it knows which side of a link is false.
    const report = first.brokenLink === null ? first : await verifySession(reader, session, around)
    count += 1
    entries += report.totalEntries
    for (const damage of report.findings) if (!TOLD.has(damage.class)) findings.take(within(session, damage))
    if (report.undecided !== null) undecided ??= `session ${session}: ${report.undecided}`
  }

  return {
    get count() {
      return count
    },
    get entries() {
      return entries
    },
    get undecided() {
      return undecided
    },
    async entry({ seq, session }) {
      rows += 1
      if (session === null || (pruned ? begun.has(session) : seq !== 0)) return
      if (pruned) begun.add(session)
      await look(session)
    },
    async finish() {
      if (rows !== entries) {
        findings.add('INSERTED', null, null, `${rows} entries are there, ${entries} of them in the chains of sessions`)
      }
      for (const session of await reader.brokenHeads()) {
        findings.add('PROJECTION_MISMATCH', null, null, `session ${session} does not end where its head row says`)
      }
    },
  }
}

/** Of the whole log. */
const TOLD: ReadonlySet<DamageClass> = new Set(['TORN_TAIL', 'REWRITTEN'])

function within(session: string, damage: Damage): Damage {
  return { ...damage, detail: `session ${session}: ${damage.detail}` }
}

/** A leaf of the log itself: its hash, its form, and the columns beside it. */
function checkLeaf(entry: StoredEntry, { origin }: LogHead, findings: Findings): void {
  const { n, hash, body, kind, session } = entry
  if (leafHashOfBytes(body) !== hash) {
    findings.add('ALTERED_BODY', null, n, 'the body does not have the stored hash')
    return
  }
  const whole = parseCanonical(Buffer.from(body).toString())
  if (whole === null) findings.add('NON_CANONICAL', null, n, 'not canonical JSON')
  else if (textMember(whole, 'log') !== origin) findings.add('WRONG_LOG', null, n, 'belongs to another log')
  else if (textMember(whole, 'kind') !== kind || (textMember(whole, 'session') ?? null) !== session) {
    findings.add('PROJECTION_MISMATCH', null, n, 'its columns do not say what the body says')
  }
}

function checkHead(log: LogHead, whole: LogTree, findings: Findings): void {
  if (Buffer.from(packRoots(whole.frontier.roots)).equals(log.frontier)) return
  findings.add('PROJECTION_MISMATCH', null, null, 'the head row does not have the tree of the entries')
}

const RECEIPTS = 1000

/** Receipts are what others said and prove nothing here; but each is for a checkpoint that is stored. */
async function checkReceipts(reader: LedgerReader, findings: Findings): Promise<void> {
  for (let from = Number.MIN_SAFE_INTEGER; ; ) {
    const page = await reader.receipts(from, RECEIPTS)
    for (const { size, sink } of page) {
      const [checkpoint] = await reader.checkpoints(size, 1)
      if (checkpoint?.size === size) continue
      findings.add('PROJECTION_MISMATCH', null, null, `a receipt of ${sink} is for ${size} entries: no such checkpoint`)
    }
    const last = page.at(-1)?.size
    if (page.length < RECEIPTS || last === undefined) return
    // A page may end within a size; more sinks than a page holds there are not.
    from = last === page[0]?.size ? last + 1 : last
  }
}
