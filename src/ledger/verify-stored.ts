import { AegisError } from '../core/errors.ts'
import type { EntryBody } from './body.ts'
import type { DamageClass } from './damage.ts'
import type { LedgerReader, LogHead, SessionHead, StoredEntry } from './store.ts'
import { createSessionVerifier, type Ending, type PresentedManifest, type VerifyReport } from './verify.ts'

/**
 * Verifies one session where it is stored, page by page. The reader must be a snapshot.
 * @throws AegisError `not_found` where the log knows no such session
 */
export async function verifyStored(
  reader: LedgerReader,
  session: string,
  onEntry?: (entry: EntryBody, n: number) => void,
): Promise<VerifyReport> {
  const log = await reader.head()
  if (log === null) throw new AegisError('cannot_decide', 'the store holds no log: its head row is missing')
  const head = await reader.session(session)
  const manifest = await storedManifest(reader, head)
  const context = { origin: log.origin, session, payloadsComplete: true, manifestEnds: false }
  const verifier = createSessionVerifier({ ...context, manifest, ...(onEntry && { onEntry }) })
  let found = 0
  for await (const page of reader.sessionEntries(session)) {
    found += page.length
    for (const { entry, payloads } of page) verifier.entry(presented(entry), payloads)
  }
  if (head === null && found === 0) throw new AegisError('not_found', `no session ${session} in this log`)
  return verifier.finish(await endingOf(reader, head, log))
}

function presented(entry: StoredEntry) {
  return { n: entry.n, hash: entry.hash, body: entry.body, columns: entry }
}

async function storedManifest(reader: LedgerReader, head: SessionHead | null): Promise<PresentedManifest | null> {
  if (head === null || head.manifestN === null) return null
  const leaf = await reader.entry(head.manifestN)
  // A missing leaf has no hash that any text has: it is reported as forged.
  if (leaf === null) return { n: head.manifestN, hash: '', text: '' }
  return { n: leaf.n, hash: leaf.hash, text: Buffer.from(leaf.body).toString() }
}

async function endingOf(reader: LedgerReader, head: SessionHead | null, { size, minIndex }: LogHead): Promise<Ending> {
  const log: { kind: DamageClass; detail: string }[] = []
  const { count: kept, last } = await reader.extent()
  const count = kept + minIndex
  if (count < size) log.push({ kind: 'DELETED', detail: `the log had ${size} entries, it holds ${count}` })
  else if (count > size) log.push({ kind: 'INSERTED', detail: `the log had ${size} entries, it holds ${count}` })
  else if (last !== size - 1) {
    log.push({ kind: 'PROJECTION_MISMATCH', detail: `the last of ${size} entries is numbered ${last}` })
  }
  if (head === null) {
    log.push({ kind: 'PROJECTION_MISMATCH', detail: 'the row that names the last entry of the session is missing' })
    return { head: null, final: false, log }
  }
  return { head: { entries: head.nextSeq, last: head.headHash }, final: head.status === 'closed', log }
}
