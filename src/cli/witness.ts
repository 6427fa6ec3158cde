import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { AegisError } from '../core/errors.ts'
import { readSecretFile } from '../credentials/secret-file.ts'
import { createCosigner, privateKeyPem, type Signer } from '../ledger/notes/sign.ts'
import { parseTrustPolicy, type TrustPolicy } from '../ledger/notes/trust-policy.ts'
import { isKeyName, parseVkey } from '../ledger/notes/vkey.ts'
import { type Context, processContext } from './context.ts'
import { PRIVATE, SHARED, writeWhole } from './setup/private-file.ts'
import { createWitnessServer } from './witness-server.ts'
import { openWitnessState } from './witness-state.ts'

export interface WitnessOptions {
  readonly key?: string
  readonly log?: string
  readonly listen: string
  readonly state?: string
  readonly newKey?: string
  readonly name?: string
}

/** Makes a key, or serves until it is told to stop. */
export async function witness(options: WitnessOptions, context: Context = processContext()): Promise<void> {
  if (options.newKey !== undefined) return makeKey(options.newKey, options.name, context)
  const { key, log, state } = options
  if (key === undefined || log === undefined || state === undefined) {
    throw new AegisError('invalid_params', 'a witness needs --key, --log and --state', {
      advice: 'Make a key with `aegisctl witness --new-key FILE --name NAME`.',
    })
  }
  const signer = readKey(key)
  const policy = readPolicy(log)
  const { host, port } = readAddress(options.listen)
  const kept = await openWitnessState(state)
  const server = createWitnessServer({ signer, policy, state: kept })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new AegisError('conflict', `cannot listen: ${error.message}`)))
    server.listen(port, host, resolve)
  })
  const { address, family, port: chosen } = server.address() as AddressInfo
  const shown = family === 'IPv6' ? `[${address}]` : address
  context.out(`${signer.vkey}\nwitness: listening at http://${shown}:${chosen}\n`)
  await stopped()
  await new Promise((resolve) => server.close(resolve))
  kept.close()
}

function stopped(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
  })
}

async function makeKey(file: string, name: string | undefined, context: Context): Promise<void> {
  if (name === undefined || !isKeyName(name)) {
    throw new AegisError('invalid_params', 'a key needs a --name without white space or plus', {
      advice: 'Name who runs the witness, such as witness.example/w1.',
    })
  }
  // A key that was overwritten can never sign again, and nobody would believe its successor.
  for (const path of [file, vkeyFile(file)]) {
    if (existsSync(path)) throw new AegisError('conflict', `${path} exists already`, { path })
  }
  const pem = privateKeyPem(randomBytes(32))
  const { vkey } = createCosigner(name, pem, () => 0)
  writeWhole(file, pem, PRIVATE)
  writeWhole(vkeyFile(file), `${vkey}\n`, SHARED)
  context.out(`${vkey}\n`)
}

function vkeyFile(file: string): string {
  return `${file}.vkey`
}

/** The name comes from the public line; key and line must belong together. */
function readKey(file: string): Signer {
  const line = readText(vkeyFile(file)).trim()
  const key = parseVkey(line)
  if (key === null) throw new AegisError('config', `${vkeyFile(file)} holds no public line of a key`)
  const signer = createCosigner(key.name, readSecretFile(file), () => Date.now() / 1000)
  if (signer.vkey === line) return signer
  throw new AegisError('config', `${vkeyFile(file)} is not the public line of ${file}`)
}

function readPolicy(file: string): TrustPolicy {
  const parsed = parseTrustPolicy(readText(file))
  if (parsed.ok) return parsed.policy
  const lines = parsed.problems.map(({ line, message }) => `${file}:${line}: ${message}`)
  throw new AegisError('config', lines.join('\n'), { advice: "Give the log's `log.vkey`." })
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new AegisError('config', `cannot read ${file}`, { path: file, cause })
  }
}

function readAddress(text: string): { host: string; port: number } {
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host !== undefined && port <= 65_535) return { host, port }
  throw new AegisError('invalid_params', `not an address to listen at: ${JSON.stringify(text.slice(0, 80))}`, {
    advice: 'Write host:port, such as 127.0.0.1:8095.',
  })
}
