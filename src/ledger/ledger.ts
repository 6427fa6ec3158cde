import { AegisError } from '../core/errors.ts'
import { verifyStored } from './audit/verify-stored.ts'
import { buildBundle, type EvidenceBundle } from './bundle/bundle.ts'
import { type Envelope, signStatement } from './bundle/statement.ts'
import type { CredentialEnd, Ledger, PolicyChange } from './draft.ts'
import { isLogName } from './format/chain.ts'
import { createEraser, type Eraser } from './keeping/erasure.ts'
import { type Loss, lossLeaf } from './keeping/loss.ts'
import { closeAbandoned, replay, tidyAfterOthers } from './keeping/recovery.ts'
import { createRetention, type Retention } from './keeping/retention.ts'
import { bootLeaf, credentialLeaf, keyLeaf, policyLeaf } from './log-leaves.ts'
import type { Signer } from './notes/sign.ts'
import type { TrustPolicy } from './notes/trust-policy.ts'
import type { Scribe } from './seal.ts'
import { sessionManifest } from './session-manifest.ts'
import { type Checkpointer, type CheckpointerParts, openCheckpointer } from './signing/checkpointer.ts'
import { createScrubber, type Scrubber, type ScrubState } from './signing/scrubber.ts'
import type { LedgerReader, LedgerStore, StoredCheckpoint } from './store.ts'
import type { VerifyReport } from './verify/report.ts'
import { withSnapshot } from './with-snapshot.ts'
import { createWriter, type Writer, type WriterStats } from './writer.ts'

/** How a log is signed. */
export interface Signing extends Pick<CheckpointerParts, 'signer' | 'known' | 'memory'> {
  /** A new checkpoint is durable. */
  readonly signed?: CheckpointerParts['signed']
  /** Whose signatures count when the ledger is verified. Absent: signatures are not looked at. */
  readonly trust?: () => TrustPolicy | null
}

export interface LedgerOptions extends Omit<Scribe, 'origin'> {
  readonly store: LedgerStore
  /** Called once the log's name is known, with whether it was ever signed. Absent: the log stays unsigned. */
  readonly signing?: (origin: string, everSigned: boolean) => Signing
  /** Name of a log made now; an existing log keeps its name. Default `aegis/<16 hex>`. */
  readonly origin?: string
  /** The store is not what was signed: an alarm. */
  readonly halted?: (why: string) => void
  /** A loss that somebody accepted: recorded before all else. */
  readonly accepted?: { readonly loss: Loss; readonly reason: string }
  /** Bytes of free space below which only results are written. Default 64 MiB. */
  readonly minFreeBytes?: number
}

/** What may be asked of an open log. */
export interface LedgerOperations extends Ledger, Eraser, Retention {
  readonly origin: string
  stats(): WriterStats
  /** The newest signed checkpoint; null where the log is unsigned. */
  checkpoint(): StoredCheckpoint | null
  /** Signs what is durable now. @throws AegisError `not_found` where the log is unsigned, `evidence_unavailable` */
  sign(): Promise<StoredCheckpoint>
  /** Appends a manifest leaf where the newest one is not up to date, and gathers what an auditor needs. @throws AegisError `not_found` */
  export(session: string, options?: { readonly redact?: readonly string[] }): Promise<EvidenceBundle>
  /** An in-toto statement about the session, in an envelope signed with the log's key. @throws AegisError `not_found` */
  statement(session: string): Promise<Envelope>
  /** @throws AegisError `not_found` */
  verify(session: string): Promise<VerifyReport>
  /** Appends the final manifest. A later entry opens the session again and its next manifest supersedes. @throws AegisError `not_found` */
  closeSession(session: string): Promise<void>
  /** Records that a credential is gone, as a leaf of the log itself. @throws AegisError `evidence_unavailable` */
  credentialEnded(end: CredentialEnd): Promise<void>
  /** Records that another policy is in force, as a leaf of the log itself; gives its `n`. @throws AegisError `evidence_unavailable` */
  policyChanged(change: PolicyChange): Promise<number>
}

/** The one writer of a log. */
export interface OpenLedger extends LedgerOperations {
  /** Intents that a crash had left without a result, closed as `orphan` when the ledger was opened. */
  readonly recovered: { readonly orphans: number }
  /** Hands the signing over to another key, with a `key` leaf and a checkpoint signed by both. @throws AegisError `not_found`, `evidence_unavailable` */
  rotate(next: Signer): Promise<StoredCheckpoint>
  /** How far the stored bodies were hashed again; null where the log is unsigned. */
  scrubbed(): ScrubState | null
  /** Writes what is queued, takes nothing more. The store stays open: its owner closes it. */
  close(): Promise<void>
}

const MIN_FREE_BYTES = 64 * 1024 * 1024

/**
 * Opens the log: recovers what a crash left, marks the start, then writes.
 * @throws AegisError `evidence_unavailable` where the stored log is shorter than, or other than, its head rows say
 */
export async function openLedger(options: LedgerOptions): Promise<OpenLedger> {
  const { store } = options
  const head = await store.initialize(newOrigin(options))
  const scribe: Scribe = { ...options, origin: head.origin }
  let signing: Checkpointer | null = null
  const writer = createWriter({
    ...{ store, scribe, size: head.size, minFreeBytes: options.minFreeBytes ?? MIN_FREE_BYTES },
    written: () => signing?.soon(),
    halted: options.halted ?? (() => {}),
  })
  const how = options.signing?.(head.origin, (await store.latestCheckpoint()) !== null)
  if (how !== undefined) {
    signing = await openCheckpointer({ store, origin: head.origin, halt: writer.halt, signed: () => {}, ...how })
  }
  await store.fleet?.join(scribe.gateway)
  if (options.accepted !== undefined) {
    await writer.leaf(lossLeaf(scribe, options.accepted.loss, options.accepted.reason))
  }
  // Orphans first, so that a crash in between leaves them open; then the start is marked.
  const orphans = await closeAbandoned(writer, store.fleet, await replay(store))
  await writer.leaf(bootLeaf(scribe, writer.stats().size, store.settings))
  const tidying = tidyEvery(store, writer)
  const scrubber = signing && openScrubber(options, signing, writer)
  const demandSigning = () => {
    if (signing !== null) return signing
    throw new AegisError('not_found', 'this log is not signed')
  }
  return {
    origin: head.origin,
    recovered: { orphans },
    append: writer.append,
    stats: writer.stats,
    checkpoint: () => signing?.latest() ?? null,
    sign: async () => demandSigning().sign(),
    ...createEraser(store, writer, scribe, async () => signing?.sign()),
    ...createRetention({ store, writer, scribe, sign: async () => demandSigning().sign() }),
    rotate: async (next) => demandSigning().rotate(next, () => writer.leaf(keyLeaf(scribe, next.vkey))),
    scrubbed: () => scrubber?.state ?? null,
    verify: (session) => verifySigned(store, signing, how?.trust, session),
    export: (session, { redact = [] } = {}) => exportSession(store, writer, signing, session, redact),
    statement: async (session) => {
      const { attest } = demandSigning()
      return signStatement(await exportSession(store, writer, signing, session, []), attest)
    },
    closeSession: (session) => closeSession(store, writer, session),
    credentialEnded: async (end) => void (await writer.leaf(credentialLeaf(scribe, end))),
    policyChanged: (change) => writer.leaf(policyLeaf(scribe, change)),
    async close() {
      clearInterval(tidying)
      scrubber?.stop()
      await writer.close()
      signing?.stop()
      // A store that is damaged or full was told of before; its last entries are signed at the next start.
      await signing?.sign().catch(() => {})
    },
  }
}

/** How often gateways that died are looked for, in milliseconds. */
const TIDY_MS = 10_000

function tidyEvery(store: LedgerStore, writer: Writer): NodeJS.Timeout | undefined {
  const { fleet } = store
  if (fleet === null) return undefined
  // Who cannot be reached now is looked for again; nothing is lost by it.
  return setInterval(() => void tidyAfterOthers(writer, store, fleet).catch(() => {}), TIDY_MS).unref()
}

function openScrubber({ store, clock }: LedgerOptions, signing: Checkpointer, writer: Writer): Scrubber {
  const signed = () => signing.latest()?.size ?? 0
  const scrubber = createScrubber({ store, signed, elapsed: clock.elapsed, halt: writer.halt })
  scrubber.start()
  return scrubber
}

function newOrigin({ origin, random }: LedgerOptions): string {
  if (origin === undefined) return `aegis/${Buffer.from(random.bytes(8)).toString('hex')}`
  if (isLogName(origin) && !origin.includes('+')) return origin
  throw new AegisError('config', 'a log origin is 1 to 300 printable ASCII characters without spaces and plus signs')
}

async function verifySigned(
  store: LedgerStore,
  signing: Checkpointer | null,
  trust: Signing['trust'],
  session: string,
): Promise<VerifyReport> {
  // What cannot be signed is damaged: the verdict says how.
  await signing?.sign().catch(() => {})
  const policy = trust?.() ?? null
  const remembered = signing?.latest()?.note ?? null
  const options = policy === null ? {} : { pins: { policy, named: false }, remembered }
  return withSnapshot(store, (reader) => verifyStored(reader, session, options))
}

async function exportSession(
  store: LedgerStore,
  writer: Writer,
  signing: Checkpointer | null,
  session: string,
  redact: readonly string[],
) {
  await withSnapshot(store, async (reader) => {
    const head = await reader.session(session)
    await writeManifest(reader, writer, session, head?.status === 'closed')
  })
  await signing?.sign()
  return withSnapshot(store, (reader) => buildBundle(reader, session, redact))
}

/** Entries may be appended between reading and writing; then the final manifest is refused and made again. */
const CLOSE_ATTEMPTS = 5

async function closeSession(store: LedgerStore, writer: Writer, session: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await withSnapshot(store, (reader) => writeManifest(reader, writer, session, true))
      return
    } catch (error) {
      if (!(error instanceof AegisError) || error.code !== 'conflict' || attempt === CLOSE_ATTEMPTS) throw error
    }
  }
}

async function writeManifest(reader: LedgerReader, writer: Writer, session: string, final: boolean): Promise<void> {
  const manifest = await sessionManifest(reader, session, final)
  if (manifest === null) throw new AegisError('not_found', `no session ${session} in this log`)
  if (manifest.storedN !== null) return
  await writer.leaf({ leaf: 'manifest', session, entries: manifest.entries, final, text: manifest.text })
}
