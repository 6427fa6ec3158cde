import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { Config } from '../../config.ts'
import { AegisError } from '../../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'
import { isHealthy } from '../server-process.ts'
import { PRIVATE, writeWhole } from './private-file.ts'

export interface KeyChoices {
  /** The agent key wanted; random where absent and none exists yet. */
  readonly apiKey?: string
  /** Names the agent key and its owner. */
  readonly agent?: string
  /** Whose the admin key is, and whom the agent acts for; the user who runs this where absent. */
  readonly owner?: string
  /** The agent key there is was known to somebody who may use it no longer. */
  readonly renewAgent?: boolean
}

export interface Keys {
  readonly agentKey: string
  readonly made: readonly string[]
}

/**
 * Makes the agent and the admin key where they are missing, and writes the two files that name them.
 * The secrets stand in these files only; the store keeps hashes.
 */
export async function ensureKeys(config: Config, choices: KeyChoices): Promise<Keys> {
  const { places } = config
  const agent = stored(places.agentFile, 'agent_key')
  const client = fileOf(places.clientFile)
  const admin = textMember(client, 'admin_key') ?? null
  // A person who put their key behind a passphrase wants none in the plain beside it.
  const isProtected = client['protected_key'] !== undefined
  const kept = existsSync(config.store) && agent !== null && (admin !== null || isProtected)
  const same = renewed(choices, agent) === agent && (choices.apiKey === undefined || choices.apiKey === agent)
  const keys: Issued =
    kept && same ? { agent, made: [] } : await issue(config, choices, agent, isProtected ? null : { key: admin })
  const { host, port, adminPort } = config.listen
  const at = (number: number) => `http://${host.includes(':') ? `[${host}]` : host}:${number}`
  const { localAgents } = config
  write(places.agentFile, {
    ...{ url: at(port), admin_url: at(adminPort), socket: localAgents?.socket ?? places.socket, agent_key: keys.agent },
    ...(localAgents === null ? {} : { service_user: systemUser() }),
  })
  const own = keys.admin === undefined ? {} : { admin_key: keys.admin }
  write(places.clientFile, { ...client, admin_url: at(adminPort), socket: places.socket, ...own })
  return { agentKey: keys.agent, made: keys.made }
}

/**
 * Before anything is written: can this become the agent key? The store has one writer, so not under a running server.
 * @throws AegisError `invalid_request`, `conflict`
 */
export async function checkApiKey(apiKey: string | undefined, places: Config['places']): Promise<void> {
  if (apiKey === undefined || apiKey === stored(places.agentFile, 'agent_key')) return
  const { demandChosen } = await import('../../identity/index.ts')
  demandChosen(apiKey)
  if (!(await isHealthy(places.socket))) return
  throw new AegisError('conflict', 'the agent key cannot be changed while the server runs; nothing was changed', {
    advice: 'Run `aegis stop`, then this again.',
  })
}

interface Issued {
  readonly agent: string
  /** Absent where the file keeps what it has. */
  readonly admin?: string
  readonly made: readonly string[]
}

/** @param client the admin key kept so far; null where none is to be kept */
async function issue(
  config: Config,
  choices: KeyChoices,
  oldAgent: string | null,
  client: { readonly key: string | null } | null,
): Promise<Issued> {
  const { openStores } = await import('../../store/open.ts')
  const { createKeyring } = await import('../../identity/index.ts')
  const { systemClock, systemRandom } = await import('../../compose/system.ts')
  const stores = await openStores(config.store)
  try {
    const keyring = createKeyring({ store: stores.keys, clock: systemClock(), random: systemRandom() })
    const user = choices.owner ?? systemUser()
    const name = choices.agent ?? 'agent'
    const made: string[] = []
    const one = async (role: 'agent' | 'admin', known: string | null, wanted: string | undefined) => {
      const secret = wanted ?? known
      const record = secret === null ? null : await keyring.authenticate(secret)
      if (secret !== null && record?.role === role) return secret
      if (record !== null) throw taken(record.role)
      const owner = role === 'agent' ? `agent:${name}` : user
      const chosen = secret === null ? {} : { secret }
      const key = { name: role === 'agent' ? name : 'admin', owner, sponsor: user, role }
      made.push(role)
      return (await keyring.issue({ ...key, ...chosen })).secret
    }
    const agent = await one('agent', renewed(choices, oldAgent), choices.apiKey)
    const admin = client === null ? {} : { admin: await one('admin', client.key, undefined) }
    const replaced = oldAgent === null || oldAgent === agent ? null : await keyring.authenticate(oldAgent).catch(over)
    if (replaced !== null) await keyring.revoke(replaced.id)
    return { agent, ...admin, made }
  } finally {
    await stores.close()
  }
}

/** The agent key that may stay. @throws AegisError `invalid_params` where the one to be ended is asked for again */
function renewed({ renewAgent, apiKey }: KeyChoices, agent: string | null): string | null {
  if (renewAgent !== true) return agent
  if (agent === null || apiKey !== agent) return null
  throw new AegisError('invalid_params', 'the agent key given is the one that is to be ended', {
    advice: 'Choose another --api-key, or leave it out.',
  })
}

/** A key that has expired needs no revoking. */
function over(error: unknown): null {
  if (error instanceof AegisError && error.code === 'unauthenticated') return null
  throw error
}

function taken(role: string): AegisError {
  return new AegisError('conflict', `the key given already exists, as a key with role ${role}`, {
    advice: 'Choose another --api-key.',
  })
}

/** The person a self-approval is measured against. */
function systemUser(): string {
  try {
    return userInfo().username
  } catch {
    // A uid without an entry in the user database, as in some containers.
    return `uid-${process.getuid?.() ?? 'unknown'}`
  }
}

function stored(path: string, member: string): string | null {
  return textMember(fileOf(path), member) ?? null
}

function fileOf(path: string): JsonObject {
  if (!existsSync(path)) return {}
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Json
    return isObject(value) ? value : {}
  } catch {
    // The cause could quote the key.
    throw new AegisError('config', `${path} cannot be read as JSON`, {
      advice: 'Remove it and run `aegis init` again.',
    })
  }
}

function write(path: string, value: JsonObject): void {
  writeWhole(path, `${JSON.stringify(value, null, 2)}\n`, PRIVATE)
}
