import { existsSync, readFileSync } from 'node:fs'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { adminEndpoint, send } from './client.ts'
import { type Context, placesOf } from './context.ts'
import { PRIVATE, writeWhole } from './setup/private-file.ts'

/** A file of this installation that holds a key, as JSON. */
export interface KeyFile {
  readonly path: string
  readonly member: 'admin_key' | 'agent_key'
}

/** What the list of keys shows of one. */
interface ListedKey {
  readonly id: string
  readonly prefix: string
}

/**
 * The files of this installation that hold the secret of a key: whoever rotates it would otherwise lock its tools out. None for
 * the server of an address taken from the environment, to which no stored key is sent.
 */
export async function keyFilesOf(context: Context, { id, prefix }: ListedKey): Promise<readonly KeyFile[]> {
  if (context.env['AEGIS_ADMIN_URL']) return []
  const { clientFile, agentFile } = placesOf(context)
  const known: readonly KeyFile[] = [
    { path: clientFile, member: 'admin_key' },
    { path: agentFile, member: 'agent_key' },
  ]
  const found: KeyFile[] = []
  for (const file of known) {
    const key = textMember(read(file.path), file.member)
    // Asking counts as a use of that key: only of one that can be it.
    if (key === undefined || prefix === '' || !key.startsWith(prefix)) continue
    const { status, body } = await send({ ...adminEndpoint(context), key }, 'GET', '/admin/v1/whoami')
    if (status === 200 && isObject(body) && textMember(body, 'principal') === id) found.push(file)
  }
  return found
}

/** The client file where it keeps this key behind a passphrase, which nobody but its owner can renew there. */
export function protectedFileOf(context: Context, { id }: Pick<ListedKey, 'id'>): string | null {
  const { clientFile } = placesOf(context)
  const locked = read(clientFile)['protected_key']
  return isObject(locked) && textMember(locked, 'principal') === id ? clientFile : null
}

/** Does the user that agents run as have a copy of this file, which only root can renew? So with a server of a user of its own. */
export function isCopied(context: Context, { path, member }: KeyFile): boolean {
  const isService = member === 'agent_key' && textMember(read(path), 'service_user') !== undefined
  return isService && existsSync(placesOf(context).configFile)
}

/** @throws AegisError where the file cannot be written; it then is as it was */
export function saveSecret({ path, member }: KeyFile, secret: string): void {
  writeWhole(path, `${JSON.stringify({ ...read(path), [member]: secret }, null, 2)}\n`, PRIVATE)
}

/** A file that is not there or damaged holds no key: `aegis doctor` tells. */
function read(path: string): JsonObject {
  if (!existsSync(path)) return {}
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Json
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}
