import { existsSync, readFileSync } from 'node:fs'
import { AegisError } from '../../core/errors.ts'
import { isObject, type Json, textMember } from '../../core/json.ts'
import { adminEndpoint, agentEndpoint, type Endpoint, send, serviceOf } from '../client.ts'
import { type Context, placesOf } from '../context.ts'
import { serviceCommand } from '../other-user.ts'
import { isHealthy } from '../server-process.ts'
import { attempt, type Check, fail, ok, warn } from './check.ts'

const NAME = 'separation'
const FURTHER = 'docs/separation.md says what else there is.'

/** What keeps an agent of whoever types this from approving itself. Said at every look, since no file mode can mend it. */
export async function separation(context: Context): Promise<Check> {
  const key = keptKey(context)
  const service = serviceOf(context)
  if (service !== null && !canReadServer(context)) return behindService(context, service.user, key)
  if (service !== null)
    return ok(NAME, `the server runs as user ${service.user}, agents of this machine as another one`)
  if (key === 'protected') {
    return warn(
      NAME,
      'the key kept here is behind a passphrase; the server and its store are still of the user that agents run as',
      `\`sudo ./install.sh --service-user aegis\` gives the server a user of its own. ${FURTHER}`,
    )
  }
  return warn(
    NAME,
    'an agent that runs as this user can read the admin key and the store: file modes do not separate it from you',
    `\`sudo ./install.sh --service-user aegis\` gives the server a user of its own. ${FURTHER}`,
  )
}

/** Seen by the user that agents run as: what they can reach of a server that another user runs. */
export async function agentSideChecks(context: Context): Promise<readonly Check[]> {
  const service = serviceOf(context)
  if (service === null) return []
  const server = await attempt('server', async () => {
    if (!(await isHealthy(service.socket))) {
      return fail(
        'server',
        `the one that user ${service.user} runs does not answer`,
        `Start it: ${serviceCommand('start')}`,
      )
    }
    const { status } = await send(agentEndpoint(context), 'GET', '/admin/v1/whoami')
    if (status === 200) return ok('server', `answers at ${service.socket}, and knows the agent key`)
    return fail('server', 'does not know the agent key', 'Run install.sh --service-user again: it hands on the key.')
  })
  return [server, await separation(context)]
}

async function behindService(context: Context, user: string, key: KeptKey): Promise<Check> {
  const apart = `the server, its store and its keys are those of user ${user}`
  if (key === 'none') return ok(NAME, `${apart}; no key that could approve is kept here`)
  if (key === 'protected') return ok(NAME, `${apart}; the key kept here is behind a passphrase`)
  const role = await roleOf(adminEndpoint(context))
  if (role === 'viewer') return ok(NAME, `${apart}; the key kept here only reads`)
  const { clientFile } = placesOf(context)
  if (role === null) {
    return warn(
      NAME,
      `${apart}; what the key in ${clientFile} may do could not be asked: the server does not say`,
      'Look again when the server answers. A key that may approve belongs behind a passphrase: aegisctl login --protect',
    )
  }
  return warn(
    NAME,
    `${apart}, but ${clientFile} holds a key that an agent could approve with`,
    'Put it behind a passphrase: aegisctl login --protect',
  )
}

type KeptKey = 'none' | 'plain' | 'protected'

function keptKey(context: Context): KeptKey {
  const { clientFile } = placesOf(context)
  if (!existsSync(clientFile)) return 'none'
  const file = parse(readFileSync(clientFile, 'utf8'), clientFile)
  if (!isObject(file)) return 'none'
  if (textMember(file, 'admin_key') !== undefined) return 'plain'
  return file['protected_key'] === undefined ? 'none' : 'protected'
}

function parse(text: string, path: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    // The cause could quote the key.
    throw new AegisError('config', `${path} cannot be read as JSON`, { advice: 'Mend it or remove it.' })
  }
}

function canReadServer(context: Context): boolean {
  return existsSync(placesOf(context).configFile)
}

/** `unknown` of a key that the server refuses; null where it did not say. */
async function roleOf(endpoint: Endpoint): Promise<string | null> {
  const { status, body } = await send(endpoint, 'GET', '/admin/v1/whoami').catch(() => ({ status: 0, body: null }))
  if (status === 401 || status === 403) return 'unknown'
  return status === 200 && isObject(body) ? (textMember(body, 'role') ?? null) : null
}
