import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { uuidv7 } from '../../src/core/ids.ts'
import type { Clock } from '../../src/core/runtime.ts'
import type { GithubAppConfig } from '../../src/credentials/credential-config.ts'
import { type Broker, type BrokerParts, createBroker, type GrantRequest } from '../../src/credentials/index.ts'
import type { CredentialEnd } from '../../src/ledger/draft.ts'
import { openSqlite, type Stores } from '../../src/store/sqlite/index.ts'
import { APP_ID, INSTALLATION, type TestForge, testForge } from '../forge/harness.ts'
import { listLog, systemRandom } from '../support/world.ts'

/** A broker over a real store, before a forge that checks every signature and every token. */
export interface House {
  readonly forge: TestForge
  readonly broker: Broker
  readonly stores: Stores
  readonly log: ReturnType<typeof listLog>
  readonly file: string
  /** While set, every request of the broker fails with it. */
  network: { fault: Error | null; requests: string[] }
  /** What was recorded of ended tokens; while a fault is set, recording fails with it. */
  endings: { fault: Error | null; list: CredentialEnd[] }
  /** The broker as after a restart: same file, same key unless another is given. */
  restart(more?: Partial<BrokerParts>): Promise<void>
  close(): Promise<void>
}

export const SEAL_KEY = randomBytes(32)

export async function lendingHouse(
  more: Partial<Pick<GithubAppConfig, 'installationId' | 'installations'>> = {},
): Promise<House> {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-broker-'))
  const forge = await testForge({ otherRepositories: ['other'] })
  const file = join(folder, 'app.pem')
  writeFileSync(file, forge.key.privateKeyPem, { mode: 0o600 })
  const log = listLog()
  const network: House['network'] = { fault: null, requests: [] }
  const endings: House['endings'] = { fault: null, list: [] }
  const clock: Clock = { now: forge.now, elapsed: forge.now }
  const fetchThere: typeof fetch = async (input, init) => {
    network.requests.push(`${init?.method} ${new URL(String(input)).pathname}`)
    if (network.fault !== null) throw network.fault
    return fetch(input, init)
  }
  const openParts = (stores: Stores): BrokerParts => ({
    credentials: {
      github: {
        type: 'github_app',
        appId: String(APP_ID),
        privateKeyFile: file,
        apiUrl: forge.url,
        installationId: more.installationId === undefined ? INSTALLATION : more.installationId,
        ...(more.installations && { installations: more.installations }),
      },
    },
    store: stores.revocations,
    sealKey: SEAL_KEY,
    clock,
    random: systemRandom,
    log,
    ended: async (end) => {
      if (endings.fault !== null) throw endings.fault
      endings.list.push(end)
    },
    fetch: fetchThere,
  })
  const open = () => openSqlite(join(folder, 'aegis.db'))
  let stores = await open()
  let broker = createBroker(openParts(stores))
  return {
    forge,
    log,
    network,
    endings,
    file,
    get broker() {
      return broker
    },
    get stores() {
      return stores
    },
    async restart(changed = {}) {
      broker.stop()
      await stores.close()
      stores = await open()
      broker = createBroker({ ...openParts(stores), ...changed })
    },
    async close() {
      broker.stop()
      await broker.drain()
      await stores.close()
      await forge.stop()
      rmSync(folder, { recursive: true })
    },
  }
}

export function grantRequest(more: Partial<GrantRequest> = {}): GrantRequest {
  return {
    envelope: uuidv7(Date.now(), systemRandom),
    credential: 'github',
    tool: 'github.create_pull_request',
    parameters: {},
    approved: false,
    repository: { owner: 'aegisflow', name: 'aegisflow' },
    ...more,
  }
}
