import { anchorStatusJson, createAnchors, createDispatcher, createProver } from '../anchors/index.ts'
import type { Config } from '../config.ts'
import type { JsonObject } from '../core/json.ts'
import { type Clock, type Log, type Random, rfc3339 } from '../core/runtime.ts'
import { readSecretFile } from '../credentials/secret-file.ts'
import { renderReport } from '../evidence-report/report.ts'
import { type LedgerOperations, openLedger } from '../ledger/ledger.ts'
import type { TrustPolicy } from '../ledger/notes/trust-policy.ts'
import type { ScrubState } from '../ledger/signing/scrubber.ts'
import type { LedgerStore, StoredCheckpoint } from '../ledger/store.ts'
import { checkpointMemory, nextLogKey, openLogKey } from '../store/files/log-key.ts'

/** How long the last checkpoint may take to reach the anchors when the server stops, in milliseconds. */
const ANCHOR_DRAIN_MS = 3000

interface Surroundings {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly gateway: string
}

/** The ledger with all that makes it hold: its key, its checkpoints, and the places they are taken to. */
export interface Evidence {
  readonly ledger: LedgerOperations
  /** As the wire gives it. */
  anchorStatus(): Promise<JsonObject[]>
  /** Seconds that the newest checkpoint waits for the slowest anchor. */
  anchorLag(): Promise<number>
  /** How far what is stored was hashed again; null where the log is unsigned. */
  scrubbed(): Promise<ScrubState | null>
  /** A session as a page for people, HTML; verified with the keys that this gateway believes. @throws AegisError `not_found` */
  sessionReport(session: string): Promise<string>
  rotateLogKey(): Promise<{ readonly checkpoint: StoredCheckpoint; readonly vkey: string }>
  close(): Promise<void>
}

/** @throws AegisError `evidence_unavailable` where the store is not what was signed; `config` where the log's key is missing */
export async function composeEvidence(config: Config, store: LedgerStore, around: Surroundings): Promise<Evidence> {
  const { clock, random, log, gateway } = around
  const { places } = config
  const anchors = createDispatcher({
    anchors: createAnchors(config.anchors, { env: process.env, readSecretFile, clock }),
    prove: createProver(store),
    ...{ store, clock, random, log },
  })
  let trusted: () => TrustPolicy | null = () => null
  const ledger = await openLedger({
    ...{ store, clock, random, gateway },
    halted: (why) => log.error({ why }, 'the evidence store is damaged: nothing is recorded, nothing is forwarded'),
    signing(origin, everSigned) {
      const key = openLogKey(places, origin, everSigned, random)
      trusted = key.trust
      return { ...key, memory: checkpointMemory(places.lastCheckpoint), signed: anchors.offer }
    },
  })
  await anchors.start()
  return {
    ledger,
    anchorStatus: async () => anchors.status().map(anchorStatusJson),
    anchorLag: async () => Math.max(0, ...anchors.status().map(({ lagSeconds }) => lagSeconds)),
    scrubbed: async () => ledger.scrubbed(),
    async sessionReport(session) {
      const policy = trusted()
      const bundle = await ledger.export(session)
      return renderReport(bundle, policy === null ? null : { policy, named: false }, rfc3339(clock.now()))
    },
    async rotateLogKey() {
      const next = nextLogKey(places, ledger.origin, random)
      const checkpoint = await ledger.rotate(next.signer)
      next.takeOver(checkpoint.size)
      log.info({ vkey: next.signer.vkey, size: checkpoint.size }, 'the log is signed by a new key')
      return { checkpoint, vkey: next.signer.vkey }
    },
    async close() {
      await ledger.close()
      await anchors.drain(ANCHOR_DRAIN_MS)
      anchors.stop()
    },
  }
}
