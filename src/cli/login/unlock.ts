import type { Json } from '../../core/json.ts'
import type { Endpoint } from '../endpoint.ts'
import { visible } from '../output.ts'
import { describe, type ProtectedKey, unprotect } from './protected-key.ts'
import { openTerminal, type Terminal } from './terminal.ts'

/**
 * Asks for the passphrase on the terminal.
 * @param purpose what the key is wanted for: who sees the question must be able to tell that it was not they who asked
 */
export async function unlock(value: Json, purpose: string): Promise<Endpoint> {
  const terminal = openTerminal()
  try {
    return (await unlockOn(terminal, value, purpose)).endpoint
  } finally {
    terminal.close()
  }
}

export async function unlockOn(
  terminal: Terminal,
  value: Json,
  purpose: string,
): Promise<{ endpoint: Endpoint; passphrase: string; key: ProtectedKey }> {
  const key = describe(value)
  terminal.tell(`${visible(purpose)}\nIf it was not you who typed this, press Ctrl-C.\n`)
  const passphrase = await terminal.secret(`Passphrase of the key ${visible(key.name)}: `)
  const secret = await unprotect(value, passphrase)
  // The address it was protected for and no other, not even the port beside the socket: any program may listen there.
  return { endpoint: { url: key.url, socket: key.socket, key: secret }, passphrase, key }
}
