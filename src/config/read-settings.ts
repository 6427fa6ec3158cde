import { AegisError } from '../core/errors.ts'
import { readAnchors } from './read-anchors.ts'
import { readAuth } from './read-auth.ts'
import { readConnections } from './read-connections.ts'
import { readHold } from './read-hold.ts'
import { readLimits } from './read-limits.ts'
import { readLocalAgents } from './read-local-agents.ts'
import { readNotifications } from './read-notifications.ts'
import type { FileSettings, ForgeSettings } from './shape.ts'
import type { Surroundings } from './values.ts'
import { path } from './values.ts'
import { type Place, readYaml } from './yaml-reader.ts'

const TOP = [
  'version',
  'listen',
  'store',
  'policy',
  'upstreams',
  'credentials',
  'local_forge',
  'anchors',
  'auth',
  'limits',
  'hold',
  'notifications',
  'local_agents',
] as const
const LISTEN = ['host', 'port', 'admin_port', 'allowed_hosts'] as const
const FORGE = ['port', 'data_dir', 'repository', 'app_id', 'public_key_file'] as const
const REPOSITORY = /^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/[A-Za-z0-9._-]{1,100}$/

/**
 * Reads `aegis.yaml`.
 * @throws AegisError `config` naming every mistake at `file:line:column`; a file with any mistake does not load.
 */
export function readSettings(source: string, file: string, around: Surroundings): FileSettings {
  const { root, problems } = readYaml(source)
  const settings = problems.length === 0 ? settingsOf(root, around) : null
  if (settings !== null && problems.length === 0) return settings
  const lines = [...problems]
    .sort((a, b) => a.line - b.line || a.column - b.column)
    .map((problem) => `${file}:${problem.line}:${problem.column}: ${problem.message}`)
  const first = problems[0] ?? { line: 1, column: 1 }
  throw new AegisError('config', lines.join('\n'), {
    advice: 'Mend the file; nothing of it was applied.',
    path: `${file}:${first.line}:${first.column}`,
    data: { problems: problems.slice(0, 100) },
  })
}

function settingsOf(root: Place, around: Surroundings): FileSettings {
  const top = root.members(TOP)
  const version = top.get('version')
  if (version === undefined) root.problem('`version: 1` is missing')
  else if (version.integer(1, 1_000) !== 1) version.problem('this Aegis reads `version: 1` only')
  const policies = top.get('policy')?.texts()
  const store = top.get('store')?.text()
  return {
    ...listenOf(top.get('listen')),
    ...(store === undefined ? {} : { store }),
    ...(policies === undefined ? {} : { policies: policies.map((name) => policyName(name, around)) }),
    ...readConnections(top.get('upstreams'), top.get('credentials'), around),
    localForge: forgeOf(top.get('local_forge'), around),
    anchors: readAnchors(top.get('anchors'), around),
    auth: readAuth(top.get('auth'), around),
    limits: readLimits(top.get('limits')),
    hold: readHold(top.get('hold')),
    notifications: readNotifications(top.get('notifications'), around),
    localAgents: readLocalAgents(top.get('local_agents')),
  }
}

/** A pack by its bare name; anything that looks like a path is one. */
export function policyName(name: string, around: Pick<Surroundings, 'resolve'>): string {
  return name.includes('/') || /\.ya?ml$/i.test(name) ? around.resolve(name) : name
}

function listenOf(place: Place | undefined): Partial<FileSettings> {
  if (place === undefined) return {}
  const members = place.members(LISTEN)
  const host = members.get('host')?.text()
  const port = members.get('port')?.integer(0, 65_535)
  const adminPort = members.get('admin_port')?.integer(0, 65_535)
  const allowedHosts = members.get('allowed_hosts')?.texts()
  if (port !== undefined && port !== 0 && port === adminPort)
    place.problem('`listen.port` and `listen.admin_port` must differ')
  return {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(adminPort === undefined ? {} : { adminPort }),
    ...(allowedHosts === undefined ? {} : { allowedHosts }),
  }
}

function forgeOf(place: Place | undefined, around: Surroundings): ForgeSettings | null {
  if (place === undefined) return null
  const members = place.members(FORGE)
  const repository = members.get('repository')
  const name = repository?.text() ?? 'aegisflow/aegisflow'
  if (!REPOSITORY.test(name)) repository?.problem('`local_forge.repository` must be owner/name')
  const port = members.get('port')?.integer(1, 65_535)
  const publicKey = members.get('public_key_file')
  const publicKeyFile = publicKey && path(publicKey, around)
  const appId = members.get('app_id')
  if (port === undefined && !members.has('port')) place.problem('`local_forge.port` is missing')
  if (publicKey === undefined) place.problem('`local_forge.public_key_file` is missing: the forge checks the App by it')
  if (port === undefined || publicKeyFile === undefined) return null
  const data = members.get('data_dir')
  return {
    port,
    dataDir: (data && path(data, around)) ?? '',
    repository: name,
    appId: String(appId?.integer(1, Number.MAX_SAFE_INTEGER) ?? 1),
    publicKeyFile,
  }
}
