import {
  type AnchoredNote,
  type AnchorFinding,
  anchoredSizes,
  checkAnchors,
  cosignedNotes,
  type FoundLog,
  parseAnchorSource,
  readAnchor,
} from '../../anchors/index.ts'
import { AegisError } from '../../core/errors.ts'
import { openSignedTree } from '../../ledger/audit/signed-tree.ts'
import type { EvidenceBundle } from '../../ledger/format/bundle-format.ts'
import type { Hash } from '../../ledger/merkle/tree.ts'
import { readCheckpoint } from '../../ledger/notes/checkpoint.ts'
import { parseNote } from '../../ledger/notes/note.ts'
import { parseTlogProof } from '../../ledger/notes/tlog-proof.ts'
import { witnessesInForce } from '../../ledger/notes/trust-policy.ts'
import type { LedgerReader } from '../../ledger/store.ts'
import { extendReport, type VerifyReport } from '../../ledger/verify/report.ts'
import type { LogFault, Pins, Trust } from '../../ledger/verify/trust.ts'
import type { Context } from '../context.ts'

/** What of a log was found: its tree, and the size that an anchor must have seen so that it covers what is verified. */
interface Found {
  readonly log: FoundLog
  readonly need: number
  /** Notes that lie with the log itself, for witnesses to count. */
  readonly cosigned: readonly AnchoredNote[]
}

/** All notes of the anchors an auditor named; null where none was named. @throws AegisError `invalid_params`, `not_found`, `cannot_decide` */
export async function readAnchors(sources: readonly string[], context: Context): Promise<AnchoredNote[] | null> {
  if (sources.length === 0) return null
  const notes: AnchoredNote[] = []
  for (const source of sources)
    for (const note of await readAnchor(parseAnchorSource(source), context.env)) notes.push(note)
  return notes
}

/** @param session null for the whole log */
export async function foundStore(
  reader: LedgerReader,
  session: string | null,
  pins: Pins,
  anchors: readonly AnchoredNote[] | null,
): Promise<Found> {
  const head = await reader.head()
  if (head === null) throw new AegisError('cannot_decide', 'the store holds no log: its head row is missing')
  const own = session === null ? null : await reader.session(session)
  const newest = (await reader.latestCheckpoint())?.size ?? 0
  const need = session === null ? newest : (own?.lastN ?? head.size - 1) + 1
  const cosigned = await cosignedIn(reader, need)
  const tree = await openSignedTree(reader, head, pins, null)
  const roots = new Map<number, Hash | null>()
  for (const size of anchoredSizes([...(anchors ?? []), ...cosigned])) {
    if (size <= head.size) roots.set(size, await tree.rootAt(size))
  }
  const rootAt = (size: number) => roots.get(size) ?? null
  return { log: { origin: head.origin, size: head.size, rootAt }, need, cosigned }
}

async function cosignedIn(reader: LedgerReader, need: number): Promise<AnchoredNote[]> {
  const receipts = await reader.receipts(need, 1000)
  const sizes = new Set(receipts.map(({ size }) => size))
  const checkpoints = []
  for (const size of sizes) checkpoints.push(...(await reader.checkpoints(size, 1)).filter((one) => one.size === size))
  return cosignedNotes(checkpoints, receipts)
}

/** Of a bundle only the root of its one checkpoint is known: what anchors hold of other sizes says nothing of it. */
export function foundBundle(bundle: EvidenceBundle): Found | null {
  const proof = parseTlogProof(bundle.proof ?? bundle.entries.at(-1)?.proof ?? '')
  const note = proof === null ? null : parseNote(proof.checkpoint)
  const checkpoint = note === null || typeof note === 'string' ? null : readCheckpoint(note.text)
  if (checkpoint === null) return null
  const { origin, size, root } = checkpoint
  const rootAt = (at: number) => (at === size ? root : null)
  // A later checkpoint of a growing log is larger: that is no rollback.
  return { log: { origin, size: Number.MAX_SAFE_INTEGER, rootAt }, need: size, cosigned: [] }
}

/** The report with what the anchors say of the log. @param anchors null where nobody asked for any */
export function withAnchors(
  report: VerifyReport,
  { log, need, cosigned }: Found,
  anchors: readonly AnchoredNote[] | null,
  pins: Pins,
): VerifyReport {
  const { findings, covered } = checkAnchors(log, [...(anchors ?? []), ...cosigned], pins.policy)
  const known = witnessesInForce(pins.policy, need)
  const sinks = [...covered].filter(([, size]) => size >= need).map(([sink]) => sink)
  const witnesses = new Set(sinks.filter((sink) => known.some(({ name }) => name === sink)))
  const places = sinks.filter((sink) => !witnesses.has(sink))
  const faults: LogFault[] = findings.map(faultOf)
  if (anchors !== null && places.length === 0 && findings.length === 0) {
    faults.push({ kind: 'UNANCHORED', detail: 'the anchors hold no checkpoint that covers all of this' })
  }
  return extendReport(report, faults, trustWith(report.trust, places, witnesses.size, known.length))
}

function trustWith(trust: Trust, anchors: readonly string[], seen: number, known: number): Trust {
  if (trust.checkpoint === null) return trust
  const witnesses = { seen: Math.max(seen, trust.witnesses.seen), known: Math.max(known, trust.witnesses.known) }
  const level = witnesses.seen > 0 ? 'witnessed' : anchors.length > 0 ? 'anchored' : trust.level
  return { ...trust, level, anchors, witnesses }
}

function faultOf({ class: kind, sink, from, detail }: AnchorFinding): LogFault {
  const told = `${sink}: ${detail}`
  if (kind === 'UNREADABLE') return { kind: 'BAD_SIGNATURE', detail: told }
  return { kind, detail: told, ...(from !== null && { n: from }) }
}
