import { existsSync, readFileSync } from 'node:fs'
import { AegisError } from '../../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'
import { ask, type Endpoint, send } from '../client.ts'
import { type Context, placesOf, processContext } from '../context.ts'
import { otherServerUser } from '../other-user.ts'
import { jsonText, visible } from '../output.ts'
import { makePrivateDirectory } from '../server-process.ts'
import { PRIVATE, writeWhole } from '../setup/private-file.ts'
import { describe, type ProtectedKey, protect } from './protected-key.ts'
import { openTerminal, type Terminal } from './terminal.ts'
import { unlockOn } from './unlock.ts'

export interface LoginOptions {
  readonly url?: string
  readonly key?: string
  readonly protect?: boolean
  readonly changePassphrase?: boolean
}

type Address = Pick<Endpoint, 'url' | 'socket'>

/** What the server says of a key. */
type Owner = Pick<ProtectedKey, 'principal' | 'name' | 'role'> & { readonly owner: string }

/** A secret, and the passphrase it is to be kept behind where one is known already. */
interface Found {
  readonly secret: string
  readonly passphrase?: string
}

/**
 * Keeps a key in the client file, as it is or behind a passphrase. The server is asked first whose it is: a key that is good
 * for nothing is not kept.
 */
export async function login(options: LoginOptions): Promise<void> {
  const context = processContext()
  const { clientFile } = placesOf(context)
  const file = read(clientFile)
  const at = addressFor(options.url, file, context)
  const terminal = needsTerminal(options, file) ? openTerminal() : null
  try {
    terminal?.tell(`Server: ${visible(at.socket ?? at.url)}\n`)
    const found = await secretOf(options, file, at, terminal)
    const owner = await ownerOf({ ...at, key: found.secret })
    const locked = options.protect || options.changePassphrase ? await lock(found, owner, at, terminal, options) : null
    const { next, notes } = await merged(file, at, { ...owner, secret: found.secret, locked }, otherServerUser(context))
    makePrivateDirectory(placesOf(context).configDir)
    writeWhole(clientFile, `${JSON.stringify(next, null, 2)}\n`, PRIVATE)
    for (const note of [`${clientFile}: key ${owner.name} (${owner.role})`, ...notes]) context.out(`${visible(note)}\n`)
  } finally {
    terminal?.close()
  }
}

/** Who the server takes us for, and how the key is kept. */
export async function whoami(endpoint: Endpoint, json: boolean): Promise<string> {
  const answer = await ask(endpoint, 'GET', '/admin/v1/whoami')
  if (json || !isObject(answer)) return jsonText(answer)
  return Object.entries(answer)
    .map(([name, value]) => `${name.padEnd(10)}${visible(String(value))}\n`)
    .join('')
}

function read(path: string): JsonObject {
  if (!existsSync(path)) return {}
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Json
    if (isObject(value)) return value
  } catch {
    // The cause could quote the key.
  }
  throw new AegisError('config', `${path} cannot be read as JSON`, { advice: 'Mend it or remove it.' })
}

/**
 * The address given, else that of the keys kept already, else that of this machine's server. Of a protected key it is the one
 * it was protected for: any program of the user may have changed what else stands in the file.
 */
function addressFor(url: string | undefined, file: JsonObject, context: Context): Address {
  const locked = file['protected_key']
  if (url === undefined && locked !== undefined) return describe(locked)
  const agent = read(placesOf(context).agentFile)
  const known = [file, agent].find((one) => textMember(one, 'admin_url') !== undefined) ?? {}
  const own = textMember(known, 'admin_url') ?? 'http://127.0.0.1:8081'
  const same = url === undefined || url.replace(/\/+$/, '') === own
  return { url: url?.replace(/\/+$/, '') ?? own, socket: (same ? textMember(known, 'socket') : undefined) ?? null }
}

function needsTerminal({ key, protect, changePassphrase }: LoginOptions, file: JsonObject): boolean {
  return protect === true || changePassphrase === true || (key === undefined && file['protected_key'] === undefined)
}

async function secretOf(
  options: LoginOptions,
  file: JsonObject,
  at: Address,
  terminal: Terminal | null,
): Promise<Found> {
  const { key, protect, changePassphrase } = options
  const locked = file['protected_key']
  if (key !== undefined) return { secret: await fromStdin(key) }
  if ((protect || changePassphrase) && locked !== undefined && terminal !== null) {
    const purpose = changePassphrase ? 'Change the passphrase of the key' : 'Protect the key anew'
    const { endpoint, passphrase } = await unlockOn(terminal, locked, `${purpose} for ${at.socket ?? at.url}`)
    return { secret: endpoint.key, passphrase }
  }
  const plain = textMember(file, 'admin_key')
  if (protect && plain !== undefined) return { secret: plain }
  if (changePassphrase || terminal === null) {
    throw new AegisError('invalid_params', 'say which key to keep', { advice: 'Give it on stdin: `--key -`.' })
  }
  return { secret: (await terminal.secret('Key: ')).trim() }
}

const STDIN_MAX = 4096

/** Never from the command line, which every user of the machine can read. */
async function fromStdin(key: string): Promise<string> {
  if (key !== '-') {
    throw new AegisError('invalid_params', '--key takes `-`: the key is read from stdin', {
      advice: 'Every user of this machine can read the words of a command.',
    })
  }
  let text = ''
  for await (const chunk of process.stdin) {
    text += String(chunk)
    if (text.length > STDIN_MAX) break
  }
  const secret = text.trim()
  if (secret !== '' && secret.length <= STDIN_MAX && !/\s/.test(secret)) return secret
  throw new AegisError('invalid_params', 'stdin holds no key')
}

async function ownerOf(endpoint: Endpoint): Promise<Owner> {
  const answer = await ask(endpoint, 'GET', '/admin/v1/whoami')
  const [principal = '', name = '', role = '', owner = ''] = ['principal', 'name', 'role', 'owner'].map((member) =>
    isObject(answer) ? (textMember(answer, member) ?? '') : '',
  )
  if (role === 'agent') {
    throw new AegisError('forbidden', 'this is the key of an agent: it can settle nothing', {
      advice: 'Keep a key with role viewer, reviewer or admin.',
    })
  }
  return { principal, name, role, owner }
}

async function lock(
  { secret, passphrase }: Found,
  owner: Owner,
  at: Address,
  terminal: Terminal | null,
  { changePassphrase }: LoginOptions,
): Promise<JsonObject | null> {
  if (terminal === null) return null
  if (owner.role === 'viewer') {
    throw new AegisError('invalid_params', 'a viewer key settles nothing: there is nothing to protect', {
      advice: 'Keep it without --protect.',
    })
  }
  const chosen = changePassphrase || passphrase === undefined ? await choose(terminal) : passphrase
  const { principal, name, role } = owner
  return protect(secret, chosen, { principal, name, role, ...at })
}

async function choose(terminal: Terminal): Promise<string> {
  const first = await terminal.secret('New passphrase: ')
  if ((await terminal.secret('The same again: ')) === first) return first
  throw new AegisError('invalid_params', 'the two passphrases differ; nothing was changed')
}

/** A key that may settle approvals and stands beside a protected one in the plain would make its passphrase worthless. */
async function merged(
  file: JsonObject,
  at: Address,
  key: Owner & { readonly secret: string; readonly locked: JsonObject | null },
  serverUser: string | null,
): Promise<{ next: JsonObject; notes: readonly string[] }> {
  const { admin_key: plain, protected_key: locked, ...rest } = file
  const address = { ...rest, admin_url: at.url, socket: at.socket }
  const stays = at.url === (textMember(file, 'admin_url') ?? at.url)
  if (key.locked === null) {
    const keep = stays && key.role === 'viewer' && locked !== undefined
    const dropped = locked !== undefined && !keep ? ['the protected key was taken out of the file'] : []
    return { next: { ...address, admin_key: key.secret, ...(keep ? { protected_key: locked } : {}) }, notes: dropped }
  }
  const reads = stays && typeof plain === 'string' && plain !== key.secret && (await mayOnlyRead({ ...at, key: plain }))
  return {
    next: { ...address, ...(reads ? { admin_key: plain } : {}), protected_key: key.locked },
    notes: reads ? [] : readingKey(key, serverUser),
  }
}

/** Only administrators make keys: where another user runs the server its own is root's to use, else it may be this one. */
function readingKey({ role, owner }: Owner, serverUser: string | null): readonly string[] {
  const self = quoted(owner)
  const create = `aegisctl keys create --role viewer --name ${quoted(`${owner.slice(0, 58)}-reads`)} --owner ${self}`
  const typed =
    serverUser === null && role !== 'admin'
      ? [`  an administrator makes one: ${create}`, '  and you keep it: aegisctl login --key -']
      : [`  ${serverUser === null ? '' : 'sudo '}${create} | aegisctl login --key -`]
  return ['every command asks for the passphrase now; a key that only reads spares you that:', ...typed]
}

/** A word of a shell, whatever a server says that the owner is. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

async function mayOnlyRead(endpoint: Endpoint): Promise<boolean> {
  const { status, body } = await send(endpoint, 'GET', '/admin/v1/whoami').catch(() => ({ status: 0, body: null }))
  return status === 200 && isObject(body) && textMember(body, 'role') === 'viewer'
}
