import { isObject, textMember } from '../../core/json.ts'
import type { EntryBody } from '../format/body.ts'
import { readManifest } from '../format/manifest.ts'
import { rootOf, unpackFrontier } from '../merkle/tree.ts'
import type { LedgerReader, LogHead, SessionHead, StoredEntry } from '../store.ts'
import type { PresentedManifest } from '../verify/session-verifier.ts'
import type { LogFault } from '../verify/trust.ts'
import type { SignedTree } from './signed-tree.ts'

/** A reader gives at most so many leaves of a kind: of a longer list the newest is not known. */
const MAX_LEAVES = 10_000

/** What a session's head row says beside its last entry's hash, held against the entries and manifests themselves. */
export interface HeadRow {
  /** The session's newest manifest; null where it has none, or it was pruned. */
  readonly manifest: PresentedManifest | null
  /** To be told of each entry. */
  note(entry: EntryBody, n: number): void
  /** What is wrong with the row once all entries are noted. */
  faults(): readonly LogFault[]
}

export async function readHeadRow(reader: LedgerReader, head: SessionHead | null, log: LogHead): Promise<HeadRow> {
  if (head === null) return NO_ROW
  const leaves = await reader.leaves(head.session, 'manifest')
  const known = leaves.length < MAX_LEAVES
  const found = mismatch(known ? statusFault(head, leaves, log) : null)
  let tenant: string | undefined
  let last: { readonly seq: number; readonly n: number } | null = null
  const { manifest, fault } = await namedManifest(reader, head, known ? leaves.at(-1) : undefined, log)
  return {
    manifest,
    note({ seq, whole }, n) {
      last = { seq, n }
      const actor = whole['actor']
      if (seq === 0 && isObject(actor)) tenant ??= textMember(actor, 'tenant')
    },
    faults() {
      const tenants = tenant === undefined || sameText(head.tenant, tenant) ? null : 'its tenant is not its entries’'
      // Where the row knows another end, that is what is told.
      const moved = last?.seq === head.nextSeq - 1 && last.n !== head.lastN
      const place = moved ? `it places the last entry at ${head.lastN}, where it is not` : null
      return [...found, ...mismatch(fault), ...mismatch(tenants), ...mismatch(place)]
    },
  }
}

const NO_ROW: HeadRow = {
  manifest: null,
  note: () => {},
  faults: () => [
    { kind: 'PROJECTION_MISMATCH', detail: 'the row that names the last entry of the session is missing' },
  ],
}

function mismatch(what: string | null): LogFault[] {
  return what === null ? [] : [{ kind: 'PROJECTION_MISMATCH', detail: `the session’s head row: ${what}` }]
}

/** Readers of SQLite give the bytes of text one by one. */
function sameText(stored: string, said: string): boolean {
  return stored === said || stored === Buffer.from(said).toString('latin1')
}

/** A session is closed where a final manifest counts all its entries. */
function statusFault({ status, nextSeq, lastN }: SessionHead, leaves: readonly StoredEntry[], log: LogHead) {
  const closed = leaves.some(({ body }) => {
    const claim = readManifest(Buffer.from(body).toString())
    return claim?.final === true && claim.entries === nextSeq
  })
  // The manifest that closed it may have been pruned with it.
  if (closed === (status === 'closed') || (!closed && lastN < log.minIndex)) return null
  return `it says ${status}, and the manifests do not`
}

async function namedManifest(
  reader: LedgerReader,
  { manifestN: named }: SessionHead,
  newest: StoredEntry | undefined,
  { minIndex }: LogHead,
): Promise<{ readonly manifest: PresentedManifest | null; readonly fault: string | null }> {
  if (named === null || named === newest?.n) {
    const forgotten = named === null && newest !== undefined
    const fault = forgotten ? `it names no manifest, entry ${newest.n} is one` : null
    return { manifest: newest === undefined ? null : presented(newest), fault }
  }
  if (newest === undefined && named >= 0 && named < minIndex) return { manifest: null, fault: null }
  const leaf = await reader.entry(named)
  // A missing leaf has no hash that any text has: it is reported as forged.
  if (leaf === null) return { manifest: { n: named, hash: '', text: '' }, fault: null }
  const older = newest !== undefined && leaf.kind === 'manifest' && leaf.session === newest.session
  return { manifest: presented(leaf), fault: older ? `its manifest is entry ${named}, the newest ${newest.n}` : null }
}

function presented({ n, hash, body }: StoredEntry): PresentedManifest {
  return { n, hash, text: Buffer.from(body).toString() }
}

/** Does the log's head row hold the tree of its entries? Asked where a signed tree is there to build on. */
export async function frontierFaults(tree: SignedTree | null, log: LogHead): Promise<readonly LogFault[]> {
  if (tree === null || tree.size === 0) return []
  const claimed = unpackFrontier(log.size, log.frontier)
  const root = await tree.rootAt(log.size)
  // Rows that are missing are told of as such.
  if (root === null || (claimed !== null && Buffer.from(rootOf(claimed)).equals(root))) return []
  return [{ kind: 'PROJECTION_MISMATCH', detail: 'the head row does not have the tree of the entries' }]
}
