import type { Clock, Random } from '../core/runtime.ts'
import type { EvidenceBundle } from './bundle.ts'
import type { Ledger } from './draft.ts'
import type { LedgerStore } from './store.ts'
import type { VerifyReport } from './verify.ts'

export interface LedgerOptions {
  readonly store: LedgerStore
  readonly clock: Clock
  readonly random: Random
  /** This gateway's name in `gw`. */
  readonly gateway: string
  /** Name of the log; made at first open (`aegis/<16 hex>`) where not given. */
  readonly origin?: string
  /** Below this many free bytes only results are written. */
  readonly minFreeBytes?: number
}

export interface OpenLedger extends Ledger {
  readonly origin: string
  readonly recovered: { readonly orphans: number }
  stats(): { readonly queued: number; readonly size: number; readonly closed: string | null }
  export(session: string, options?: { readonly redact?: readonly string[] }): Promise<EvidenceBundle>
  verify(session: string): Promise<VerifyReport>
  closeSession(session: string): Promise<void>
  close(): Promise<void>
}

export declare function openLedger(options: LedgerOptions): Promise<OpenLedger>
