import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEFAULT_HOLD } from '../../src/approvals/hold-budget.ts'
import { packageVersion } from '../../src/cli/installation.ts'
import type { Config, CredentialSettings, UpstreamSettings } from '../../src/config.ts'
import type { Role } from '../../src/core/envelope.ts'
import { createKeyring, DEFAULT_LIMITS, DEFAULT_LOGIN } from '../../src/identity/index.ts'
import { NO_NOTIFICATIONS } from '../../src/notifications/index.ts'
import { type RunningServer, startServer } from '../../src/server.ts'
import { openStores } from '../../src/store/open.ts'

export interface Answer {
  readonly status: number
  // Tests look into answers member by member; each expectation states what it relies on.
  // biome-ignore lint/suspicious/noExplicitAny: wire JSON under test
  readonly body: any
}

/** A whole installation in a temporary folder: real store, real server, real sockets. */
export interface Installation {
  readonly config: Config
  readonly folder: string
  readonly agentKey: string
  readonly adminKey: string
  readonly urls: RunningServer['urls']
  /** A request to the admin port with a key (the agent's unless another is given). */
  get(path: string, key?: string): Promise<Answer>
  post(path: string, body: unknown, key?: string, headers?: Record<string, string>): Promise<Answer>
  restart(): Promise<void>
  stop(): Promise<void>
  close(): Promise<void>
}

export interface InstallOptions {
  readonly policies?: readonly string[]
  readonly upstreams?: Readonly<Record<string, UpstreamSettings>>
  readonly credentials?: Readonly<Record<string, CredentialSettings>>
  readonly anchors?: Config['anchors']
  readonly auth?: Partial<Config['auth']>
  readonly limits?: Partial<Config['limits']>
  readonly hold?: Config['hold']
  readonly localAgents?: Config['localAgents']
  readonly notifications?: Partial<Config['notifications']>
  /** Further keys by name. */
  readonly keys?: Readonly<Record<string, { role: Role; owner: string }>>
}

export const AGENT_KEY = 'agent-key-for-tests'
export const ADMIN_KEY = 'admin-key-for-tests'

/** The secret of a further key made with `keys`. */
export function secretOf(name: string): string {
  return `secret-of-${name}`
}

export async function install(options: InstallOptions = {}): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-test-'))
  const config = configIn(folder, options)
  writeFileSync(config.places.installationKey, randomBytes(32).toString('hex'), { mode: 0o600 })
  await makeKeys(config, options)
  let server: RunningServer | null = await startServer(config, packageVersion())
  const running = (): RunningServer => {
    if (server === null) throw new Error('the server is stopped')
    return server
  }

  async function request(
    method: string,
    path: string,
    key: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) {
    const answer = await fetch(running().urls.admin + path, {
      method,
      headers: { 'x-api-key': key, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text }
  }

  async function stop(): Promise<void> {
    await server?.close()
    server = null
  }

  return {
    config,
    folder,
    agentKey: AGENT_KEY,
    adminKey: ADMIN_KEY,
    get urls() {
      return running().urls
    },
    get: (path, key = AGENT_KEY) => request('GET', path, key),
    post: (path, body, key = AGENT_KEY, headers = {}) => request('POST', path, key, body, headers),
    stop,
    async restart() {
      await stop()
      server = await startServer(config, packageVersion())
    },
    async close() {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function configIn(folder: string, options: InstallOptions): Config {
  return {
    places: {
      configDir: folder,
      dataDir: folder,
      configFile: join(folder, 'aegis.yaml'),
      installationKey: join(folder, 'installation.key'),
      logKey: join(folder, 'log.key'),
      logTrust: join(folder, 'log.vkey'),
      lastCheckpoint: join(folder, 'log.checkpoint'),
      clientFile: join(folder, 'client.json'),
      agentFile: join(folder, 'agent.json'),
      socket: join(folder, 's'),
      pidFile: join(folder, 'aegis.pid'),
      logFile: join(folder, 'aegis.log'),
    },
    source: null,
    listen: { host: '127.0.0.1', port: 0, adminPort: 0, allowedHosts: [] },
    store: join(folder, 'aegis.db'),
    policies: options.policies ?? ['pr-writer'],
    upstreams: options.upstreams ?? {},
    credentials: options.credentials ?? {},
    localForge: null,
    anchors: options.anchors ?? [],
    auth: { publicUrl: null, adminUrl: null, issuers: [], login: DEFAULT_LOGIN, ...options.auth },
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    hold: options.hold ?? DEFAULT_HOLD,
    localAgents: options.localAgents ?? null,
    notifications: { ...NO_NOTIFICATIONS, ...options.notifications },
  }
}

async function makeKeys(config: Config, options: InstallOptions): Promise<void> {
  const stores = await openStores(config.store)
  const clock = { now: () => Date.now(), elapsed: () => performance.now() }
  const keyring = createKeyring({ store: stores.keys, clock, random: { bytes: (count) => randomBytes(count) } })
  await keyring.issue({ name: 'claude-code', owner: 'agent:claude', sponsor: 'dana', role: 'agent', secret: AGENT_KEY })
  await keyring.issue({ name: 'admin', owner: 'dana', sponsor: 'dana', role: 'admin', secret: ADMIN_KEY })
  for (const [name, { role, owner }] of Object.entries(options.keys ?? {})) {
    await keyring.issue({ name, owner, sponsor: owner, role, secret: secretOf(name) })
  }
  await stores.close()
}
