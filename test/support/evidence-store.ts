import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LedgerOptions, type OpenLedger, openLedger } from '../../src/ledger/ledger.ts'
import { checkpointMemory, openLogKey } from '../../src/store/files/log-key.ts'
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

/** A real store and ledger in a temporary folder, or in the one given; unsigned unless told to sign. */
export async function openEvidence(
  folder = temporaryFolder(),
  signing?: NonNullable<LedgerOptions['signing']>,
): Promise<EvidenceStore> {
  const file = join(folder, 'aegis.db')
  const stores = await openSqlite(file)
  const options = { clock: frozenClock(), random, gateway: 'gw-1', origin: ORIGIN, minFreeBytes: 0 }
  const ledger = await openLedger({ store: stores.ledger, ...options, ...(signing && { signing }) }).catch(
    async (error) => {
      await stores.close()
      throw error
    },
  )
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

/** Signs with the key in the folder, as a server does. */
export function signingIn(folder: string): NonNullable<LedgerOptions['signing']> {
  const files = {
    logKey: join(folder, 'log.key'),
    logTrust: join(folder, 'log.vkey'),
    lastCheckpoint: join(folder, 'log.checkpoint'),
  }
  return (origin, everSigned) => ({
    ...openLogKey(files, origin, everSigned, random),
    memory: checkpointMemory(files.lastCheckpoint),
  })
}
