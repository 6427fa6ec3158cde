import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { isObject, type Json, type JsonObject } from '../../src/core/json.ts'

/** A JSON-RPC request as the front received it. */
export interface RpcRequest extends JsonObject {
  readonly jsonrpc: '2.0'
  readonly id: string | number
  readonly method: string
}

export interface CallOptions {
  readonly command: readonly string[]
  readonly forgeUrl: string
  readonly token: string | null
  /** Milliseconds until the process is ended unheard. */
  readonly timeout: number
  readonly signal: AbortSignal
}

const HANDSHAKE = 'front-handshake'
const OUTPUT_LIMIT = 16 * 1024 * 1024

/**
 * One process for one request: start, `initialize`, the request, its answer, end. The token lives in that process only.
 * @throws Error where the process dies, is too slow or answers too much; the text holds no output of it.
 */
export function callOnce(request: RpcRequest, options: CallOptions): Promise<JsonObject> {
  const child = start(options)
  const own = request.method === 'initialize'
  const opening = own ? request : { jsonrpc: '2.0', id: HANDSHAKE, method: 'initialize', params: HELLO }
  return new Promise<JsonObject>((resolve, reject) => {
    const fail = (message: string): void => reject(new Error(message))
    const timer = setTimeout(() => fail('the GitHub server did not answer in time'), options.timeout)
    options.signal.addEventListener('abort', () => fail('the caller has gone'), { once: true })
    child.once('error', () => fail('the GitHub server cannot be started'))
    child.once('close', () => fail('the GitHub server ended before it answered'))
    child.stdin?.on('error', () => undefined)
    let size = 0
    child.stdout?.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > OUTPUT_LIMIT) fail('the GitHub server answered too much')
    })
    const say = (message: Json): void => void child.stdin?.write(`${JSON.stringify(message)}\n`)
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const message = parseMessage(line)
        if (message === null) return
        if (message['id'] === request.id) resolve(message)
        else if (message['id'] === HANDSHAKE) {
          say({ jsonrpc: '2.0', method: 'notifications/initialized' })
          say(request)
        }
      })
    }
    child.once('exit', () => clearTimeout(timer))
    say(opening)
  }).finally(() => end(child))
}

const HELLO = {
  protocolVersion: '2024-11-05',
  capabilities: {},
  clientInfo: { name: 'forge-http-front', version: '1' },
} as const

function start(options: CallOptions): ChildProcess {
  const [program = process.execPath, ...args] = options.command
  // Nothing of this process's environment goes along but what a program needs to start.
  const env = {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    AEGIS_FORGE_URL: options.forgeUrl,
    ...(options.token === null ? {} : { GITHUB_PERSONAL_ACCESS_TOKEN: options.token }),
  }
  return spawn(program, args, { env, stdio: ['pipe', 'pipe', 'ignore'] })
}

function end(child: ChildProcess): void {
  child.stdin?.end()
  child.kill('SIGTERM')
  setTimeout(() => child.kill('SIGKILL'), 2000).unref()
}

function parseMessage(line: string): JsonObject | null {
  try {
    const value: Json = JSON.parse(line)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}
