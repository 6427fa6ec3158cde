import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { Config } from '../config.ts'
import type { Log } from '../core/runtime.ts'
import type { CredentialEnd, EntryDraft, PolicyChange } from '../ledger/draft.ts'
import type { ErasureRequest } from '../ledger/keeping/erasure.ts'
import type { PruneRequest } from '../ledger/keeping/retention.ts'
import type { LedgerOperations } from '../ledger/ledger.ts'
import type { StoredCheckpoint } from '../ledger/store.ts'
import { openLedgerStore } from '../store/open.ts'
import { composeEvidence, type Evidence } from './evidence.ts'
import { offer } from './rpc.ts'
import { systemClock, systemRandom } from './system.ts'

/** What the thread is started with. */
export interface ThreadSettings {
  readonly config: Config
  readonly gateway: string
}

/** What the other side knows of the log without asking. */
export interface EvidenceNews {
  readonly origin: string
  readonly size: number
  readonly closed: string | null
  readonly checkpoint: StoredCheckpoint | null
  readonly lines: readonly LogLine[]
}

interface LogLine {
  readonly level: keyof Log
  readonly fields: Record<string, unknown>
  readonly message: string
}

type Running = Evidence & { shut(): Promise<void> }

/** What the other side may ask. `open` comes first and `close` last. */
function createService(settings: ThreadSettings, log: Log) {
  let running: Running | null = null
  const evidence = (): Running => {
    if (running === null) throw new Error('the evidence is not open')
    return running
  }
  const ledger = () => evidence().ledger
  const service = {
    async open() {
      running = await open(settings, log)
    },
    append: (draft: EntryDraft) => ledger().append(draft),
    sign: () => ledger().sign(),
    export: (session: string, options?: { readonly redact?: readonly string[] }) => ledger().export(session, options),
    statement: (session: string) => ledger().statement(session),
    verify: (session: string) => ledger().verify(session),
    closeSession: (session: string) => ledger().closeSession(session),
    erase: (request: ErasureRequest) => ledger().erase(request),
    hold: (session: string, reason: string) => ledger().hold(session, reason),
    unhold: (session: string) => ledger().unhold(session),
    prune: (request: PruneRequest) => ledger().prune(request),
    credentialEnded: (end: CredentialEnd) => ledger().credentialEnded(end),
    policyChanged: (change: PolicyChange) => ledger().policyChanged(change),
    anchorStatus: () => evidence().anchorStatus(),
    anchorLag: () => evidence().anchorLag(),
    scrubbed: () => evidence().scrubbed(),
    sessionReport: (session: string) => evidence().sessionReport(session),
    rotateLogKey: () => evidence().rotateLogKey(),
    close: () => evidence().shut(),
  }
  return { service, ledger: () => running?.ledger ?? null }
}

export type EvidenceService = ReturnType<typeof createService>['service']

async function open({ config, gateway }: ThreadSettings, log: Log): Promise<Running> {
  const store = await openLedgerStore(config.store)
  try {
    const evidence = await composeEvidence(config, store.ledger, {
      ...{ clock: systemClock(), random: systemRandom(), log, gateway },
    })
    return {
      ...evidence,
      async shut() {
        await evidence.close()
        await store.close()
      },
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** How often what is new is told where nothing is asked, in milliseconds: checkpoints come by themselves. */
const NEWS_MS = 250

function main(port: MessagePort, settings: ThreadSettings): void {
  let lines: LogLine[] = []
  const line = (level: keyof Log) => (fields: Record<string, unknown>, message: string) => {
    lines.push({ level, fields: structuredClone(fields), message })
    say()
  }
  const { service, ledger } = createService(settings, { info: line('info'), warn: line('warn'), error: line('error') })
  let told = ''
  const say = offer<EvidenceNews>(port, service, () => {
    const said = lines
    lines = []
    return { ...state(ledger()), lines: said }
  })
  setInterval(() => {
    const { size, closed, checkpoint } = state(ledger())
    const now = `${size} ${closed} ${checkpoint?.size}`
    if (now !== told) say()
    told = now
  }, NEWS_MS).unref()
}

function state(ledger: LedgerOperations | null): Omit<EvidenceNews, 'lines'> {
  if (ledger === null) return { origin: '', size: 0, closed: null, checkpoint: null }
  const { size, closed } = ledger.stats()
  const newest = ledger.checkpoint()
  const checkpoint = newest === null ? null : { ...newest, root: Uint8Array.from(newest.root) }
  return { origin: ledger.origin, size, closed, checkpoint }
}

if (parentPort !== null) main(parentPort, workerData)
