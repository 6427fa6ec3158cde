import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OpenLedger, openLedger } from '../../src/ledger/ledger.ts'
import { openSqlite, type Stores } from '../../src/store/sqlite/index.ts'
import { frozenClock, random } from './drafts.ts'

export const ORIGIN = 'aegis.example/log/test'

export interface EvidenceStore {
  readonly folder: string
  readonly file: string
  readonly stores: Stores
  readonly ledger: OpenLedger
  close(): Promise<void>
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'aegis-test-'))
}

/** A real store and ledger in a temporary folder, or in the one given. */
export async function openEvidence(folder = temporaryFolder()): Promise<EvidenceStore> {
  const file = join(folder, 'aegis.db')
  const stores = await openSqlite(file)
  const options = { clock: frozenClock(), random, gateway: 'gw-1', origin: ORIGIN, minFreeBytes: 0 }
  const ledger = await openLedger({ store: stores.ledger, ...options })
  return {
    ...{ folder, file, stores, ledger },
    async close() {
      await ledger.close()
      await stores.close()
    },
  }
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
}
