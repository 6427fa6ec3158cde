import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
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
  /** Ends the process unheard: the caller has gone, or it took too long. */
  readonly signal: AbortSignal
}

const OUTPUT_LIMIT = 16 * 1024 * 1024

/**
 * One process for one request: start, `initialize`, the request, its answer, end. The token lives in that process only.
 * @throws Error where the process dies, is stopped or answers too much; the text holds no output of it.
 */
export async function callOnce(request: RpcRequest, options: CallOptions): Promise<JsonObject> {
  options.signal.throwIfAborted()
  const child = start(options)
  try {
    return await Promise.race([converse(child.stdin, child.stdout, request), mishap(child, options.signal)])
  } finally {
    end(child)
  }
}

/** Resolves with the answer to the request; says nothing where the other side stops talking: that is `mishap`'s to see. */
function converse(input: Writable, output: Readable, request: RpcRequest): Promise<JsonObject> {
  const say = (message: Json): void => void input.write(`${JSON.stringify(message)}\n`)
  // Unguessable, so that no caller's own id can pass for it.
  const handshake = randomUUID()
  const hello = { jsonrpc: '2.0', id: handshake, method: 'initialize', params: HELLO }
  return new Promise((resolve) => {
    createInterface({ input: output }).on('line', (line) => {
      const message = parseMessage(line)
      if (message?.['id'] === handshake) {
        say({ jsonrpc: '2.0', method: 'notifications/initialized' })
        say(request)
      } else if (message?.['id'] === request.id) resolve(message)
    })
    say(request.method === 'initialize' ? request : hello)
  })
}

const HELLO = {
  protocolVersion: '2024-11-05',
  capabilities: {},
  clientInfo: { name: 'forge-http-front', version: '1' },
} as const

function mishap(child: ChildProcess, signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (message: string) => (): void => reject(new Error(message))
    child.once('error', fail('the GitHub server cannot be started'))
    child.once('close', fail('the GitHub server ended before it answered'))
    signal.addEventListener('abort', fail('the GitHub server did not answer in time'), { once: true })
    // Writing to a process that has ended is told by its end.
    child.stdin?.on('error', () => undefined)
    let size = 0
    child.stdout?.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > OUTPUT_LIMIT) fail('the GitHub server answered too much')()
    })
  })
}

function start(options: CallOptions) {
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
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  const last = setTimeout(() => child.kill('SIGKILL'), 2000)
  child.once('exit', () => clearTimeout(last))
}

function parseMessage(line: string): JsonObject | null {
  try {
    const value: Json = JSON.parse(line)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}
