import { readFileSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import { DEFAULT_HOLD } from './approvals/hold-budget.ts'
import { type Environment, findPlaces, type Places } from './config/places.ts'
import { policyName, readSettings } from './config/read-settings.ts'
import type {
  CredentialSettings,
  FileSettings,
  ForgeSettings,
  ListenSettings,
  UpstreamSettings,
} from './config/shape.ts'
import { AegisError } from './core/errors.ts'
import { DEFAULT_LIMITS } from './identity/limiter.ts'
import { DEFAULT_LOGIN } from './identity/people/settings.ts'
import { NO_NOTIFICATIONS } from './notifications/index.ts'

export { type Environment, findPlaces, type Places } from './config/places.ts'
export type {
  CredentialSettings,
  ForgeSettings,
  ListenSettings,
  UpstreamRoute,
  UpstreamSettings,
} from './config/shape.ts'

/** Everything the server needs to know, validated once. */
export interface Config {
  readonly places: Places
  /** The file that was read, or null where there is none yet. */
  readonly source: string | null
  readonly listen: ListenSettings
  /** Absolute path of the SQLite file. */
  readonly store: string
  /** Names of packs, or absolute paths of policy files. All judge; the strictest wins. */
  readonly policies: readonly string[]
  readonly upstreams: Readonly<Record<string, UpstreamSettings>>
  readonly credentials: Readonly<Record<string, CredentialSettings>>
  readonly localForge: ForgeSettings | null
  readonly anchors: FileSettings['anchors']
  readonly auth: FileSettings['auth']
  readonly limits: FileSettings['limits']
  readonly hold: FileSettings['hold']
  readonly notifications: FileSettings['notifications']
  readonly localAgents: FileSettings['localAgents']
}

/** What the command line may set. */
export interface Flags {
  readonly policy?: string
  readonly host?: string
  readonly port?: number
  readonly adminPort?: number
  readonly store?: string
}

export interface World {
  readonly env: Environment
  readonly home: string
  readonly flags?: Flags
  /** Folder that relative paths of flags start from. */
  readonly cwd?: string
  /** The configuration is to be served by: every `${NAME}` in it must be set. Else it is only looked at. */
  readonly serving?: boolean
}

const NOTHING: FileSettings = {
  upstreams: {},
  credentials: {},
  localForge: null,
  anchors: [],
  auth: { publicUrl: null, adminUrl: null, issuers: [], login: DEFAULT_LOGIN },
  limits: DEFAULT_LIMITS,
  hold: DEFAULT_HOLD,
  notifications: NO_NOTIFICATIONS,
  localAgents: null,
}

/**
 * Defaults < file < environment < flags.
 * @throws AegisError `config` with file, line and column where something is wrong.
 */
export function loadConfig(world: World): Config {
  const places = findPlaces(world.env, world.home)
  const text = readIfThere(places.configFile)
  const file = text === null ? NOTHING : fileSettings(text, places, world)
  const chosen = { ...file, ...fromEnvironment(world), ...fromFlags(world) }
  demandPublicUrl(file.auth, chosen.host)
  demandAdminUrl(file.auth, chosen.host)
  return {
    places,
    source: text === null ? null : places.configFile,
    listen: listen(chosen),
    store: storeFile(chosen.store, places),
    policies: chosen.policies ?? ['pr-writer'],
    upstreams: file.upstreams,
    credentials: file.credentials,
    anchors: file.anchors,
    auth: file.auth,
    limits: file.limits,
    hold: file.hold,
    notifications: file.notifications,
    localAgents: file.localAgents,
    localForge: file.localForge && {
      ...file.localForge,
      dataDir: file.localForge.dataDir || join(places.dataDir, 'forge'),
    },
  }
}

function fileSettings(text: string, places: Places, world: World): FileSettings {
  const resolvePath = (path: string) => resolve(places.configDir, path)
  const around = { env: world.env, resolve: resolvePath, lenient: !world.serving }
  return readSettings(text, places.configFile, around)
}

function listen(chosen: Partial<FileSettings>): ListenSettings {
  const port = chosen.port ?? 8080
  const adminPort = chosen.adminPort ?? 8081
  if (port === adminPort && port !== 0) {
    throw new AegisError('config', `both planes were given port ${port}`, { advice: 'Choose another --admin-port.' })
  }
  const { auth, host = '127.0.0.1', allowedHosts = [] } = chosen
  // Clients that are told this address send it as their Host.
  const told = [auth?.publicUrl, auth?.adminUrl]
    .filter((one) => typeof one === 'string')
    .map((one) => new URL(one).host)
  return { host, port, adminPort, allowedHosts: [...allowedHosts, ...told] }
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/i

/** Tokens are made out to the address that clients use, and only its owner knows it where others reach us. */
function demandPublicUrl({ issuers, publicUrl }: FileSettings['auth'], host = '127.0.0.1'): void {
  if (issuers.length === 0 || publicUrl !== null || LOOPBACK.test(host)) return
  throw new AegisError('config', `access tokens are taken on ${host}, but nobody says under which address`, {
    advice: 'Set auth.public_url to the address that clients use, such as https://aegis.example.com.',
    path: 'auth.public_url',
  })
}

/** A provider sends people back to one address and no other. */
function demandAdminUrl({ login, adminUrl }: FileSettings['auth'], host = '127.0.0.1'): void {
  if (login.provider === null || adminUrl !== null || LOOPBACK.test(host)) return
  throw new AegisError('config', `people log in on ${host}, but nobody says under which address`, {
    advice: 'Set auth.admin_url to the address that browsers use, such as https://aegis-admin.example.com.',
    path: 'auth.admin_url',
  })
}

function fromEnvironment(world: World): Partial<FileSettings> {
  const { env } = world
  const policies = env['AEGIS_POLICY']?.split(',').map((name) => name.trim())
  return {
    ...(env['AEGIS_HOST'] ? { host: env['AEGIS_HOST'] } : {}),
    ...(env['AEGIS_PORT'] ? { port: portNumber(env['AEGIS_PORT'], 'AEGIS_PORT') } : {}),
    ...(env['AEGIS_ADMIN_PORT'] ? { adminPort: portNumber(env['AEGIS_ADMIN_PORT'], 'AEGIS_ADMIN_PORT') } : {}),
    ...(env['AEGIS_STORE'] ? { store: env['AEGIS_STORE'] } : {}),
    ...(policies?.length ? { policies: policies.filter(Boolean).map((name) => policyName(name, fromCwd(world))) } : {}),
  }
}

function fromFlags(world: World): Partial<FileSettings> {
  const { policy, ...rest } = world.flags ?? {}
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  return policy === undefined ? given : { ...given, policies: [policyName(policy, fromCwd(world))] }
}

function fromCwd(world: World): { resolve(path: string): string } {
  return { resolve: (path) => resolve(world.cwd ?? world.home, path) }
}

/** @throws AegisError `config` unless the text is a port number, 0 to 65535. */
export function portNumber(text: string, name: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65_535) return port
  throw new AegisError('config', `${name} is not a port number: ${JSON.stringify(text.slice(0, 40))}`, {
    advice: 'Give a whole number from 0 to 65535.',
  })
}

function storeFile(store: string | undefined, places: Places): string {
  if (store === undefined) return join(places.dataDir, 'aegis.db')
  if (/^(sqlite|file):/.test(store)) return storeFile(store.replace(/^(sqlite|file):(\/\/)?/, ''), places)
  if (/^postgres(ql)?:\/\//i.test(store)) return store
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(store)
  if (scheme) {
    throw new AegisError('config', `no store speaks \`${scheme[1]}\``, {
      advice: 'Give the path of a SQLite file, or a postgres:// URL.',
    })
  }
  return isAbsolute(store) ? store : resolve(places.dataDir, store)
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    if (code === 'ENOENT') return null
    throw new AegisError('config', `${path} cannot be read (${code})`, {
      advice: 'Check its owner and mode.',
      cause: error,
    })
  }
}
