import { type ChildProcess, spawn } from 'node:child_process'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { ActionEnvelope } from '../../../src/core/envelope.ts'
import { AegisError } from '../../../src/core/errors.ts'
import type { EnvelopeId, Principal, SessionId } from '../../../src/core/ids.ts'
import type { JsonObject } from '../../../src/core/json.ts'
import type { Clock, Log } from '../../../src/core/runtime.ts'
import type { Credential } from '../../../src/credentials/ports.ts'
import { createUpstreams, type Limits, type UpstreamConfig } from '../../../src/executors/mcp/index.ts'
import type { HttpTransport } from '../../../src/executors/mcp/upstream-config.ts'
import type { AuthorizedAction, ClientChannel, ExecuteContext, Upstreams } from '../../../src/gateway/ports.ts'

const require = createRequire(import.meta.url)

export function serverFile(name: string): string {
  return require.resolve(`@modelcontextprotocol/${name}/dist/index.js`)
}

/** For what is an optional dependency. */
export function isInstalled(name: string): boolean {
  try {
    return serverFile(name) !== ''
  } catch {
    return false
  }
}

export const clock: Clock = { now: () => Date.now(), elapsed: () => performance.now() }

export interface TestLog extends Log {
  readonly lines: string[]
}

export function testLog(): TestLog {
  const lines: string[] = []
  const write = (fields: Record<string, unknown>, message: string) =>
    void lines.push(JSON.stringify({ ...fields, message }))
  return { lines, info: write, warn: write, error: write }
}

export function http(
  url: string,
  more: Partial<UpstreamConfig> & { headers?: Record<string, string>; transport?: HttpTransport } = {},
): UpstreamConfig {
  const { headers = {}, transport, ...rest } = more
  const route = { kind: 'http', url, headers, ...(transport === undefined ? {} : { transport }) } as const
  return { catalog: 'none', route, credential: null, onReview: 'refuse', timeout: null, ...rest }
}

export function stdio(
  command: readonly [string, ...string[]],
  more: Partial<UpstreamConfig> & { env?: Record<string, string>; credentialEnv?: string } = {},
): UpstreamConfig {
  const { env = {}, credentialEnv = 'GITHUB_PERSONAL_ACCESS_TOKEN', ...rest } = more
  const route = { kind: 'stdio', command, env, cwd: null, credentialEnv } as const
  return { catalog: 'none', route, credential: null, onReview: 'refuse', timeout: null, ...rest }
}

export function upstreamsOf(
  upstreams: Record<string, UpstreamConfig>,
  more: { log?: Log; limits?: Partial<Limits> } = {},
): Upstreams {
  const limits = { graceMs: 500, ...more.limits }
  return createUpstreams({ upstreams, version: '1.2.3', log: more.log ?? testLog(), clock, limits })
}

/** What the gateway hands over once it has allowed and recorded a call; only its route and its parameters matter here. */
export function action(upstream: string, tool: string, parameters: JsonObject = {}): AuthorizedAction {
  const resource = {
    target: '',
    operands: [],
    repository: null,
    branch: { kind: 'none' },
    base: null,
    paths: [],
    pull: null,
  } as const
  const act = { protocol: 'mcp', tool: `${upstream}.${tool}`, capability: 'write', resource, doubt: null } as const
  const envelope: ActionEnvelope = {
    id: '01890a5d-ac96-774b-bcce-b302099a8057' as EnvelopeId,
    receivedAt: 0,
    surface: 'mcp',
    subject: {
      principal: 'key_test' as Principal,
      owner: '',
      role: 'agent',
      agent: 'test',
      session: 'key_test/s' as SessionId,
    },
    action: { ...act, parameters, route: { upstream, tool }, acts: [act] },
    resource,
    task: null,
    justification: null,
    approvalRef: null,
  }
  return envelope as AuthorizedAction
}

export interface CallContext extends ExecuteContext {
  readonly heard: { readonly method: string; readonly params?: JsonObject }[]
}

export function context(
  channel: ClientChannel | null,
  more: { signal?: AbortSignal; meta?: JsonObject } = {},
): CallContext {
  const heard: CallContext['heard'] = []
  return {
    channel,
    signal: more.signal ?? new AbortController().signal,
    meta: more.meta ?? null,
    heard,
    onNotification: (note) => void heard.push(note),
  }
}

export function credential(token: string): Credential {
  return { reveal: () => token }
}

/** The error a promise must fail with. */
export async function failureOf(promise: Promise<unknown>): Promise<AegisError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (error instanceof AegisError) return error
  throw new Error(`expected an AegisError, got ${String(error)}`)
}

export interface HttpCall {
  readonly method: string
  readonly headers: IncomingMessage['headers']
  /** The JSON-RPC message, or null. */
  readonly message: JsonObject | null
  readonly text: string
}

export interface TestServer {
  readonly url: string
  readonly calls: HttpCall[]
  readonly server: Server
  close(): Promise<void>
}

/**
 * A small upstream over HTTP. It opens sessions as one should; `onCall` gets every POST that is a request other than
 * `initialize`, `onOther` (where given) the rest: GET, DELETE, notifications and answers.
 */
export async function httpUpstream(
  onCall: (call: HttpCall, response: ServerResponse, id: number) => void,
  more: {
    onOther?: (call: HttpCall, response: ServerResponse) => boolean
    initialize?: (response: ServerResponse, id: number) => void
    session?: () => string | null
  } = {},
): Promise<TestServer> {
  const calls: HttpCall[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString('utf8')
    const message: JsonObject | null = text === '' ? null : JSON.parse(text)
    const call = { method: request.method ?? '', headers: request.headers, message, text }
    calls.push(call)
    const id = message?.['id']
    if (request.method === 'POST' && message?.['method'] === 'initialize' && typeof id === 'number') {
      if (more.initialize !== undefined) return more.initialize(response, id)
      const session = more.session?.() ?? null
      return json(response, welcome(id), session === null ? {} : { 'mcp-session-id': session })
    }
    if (request.method === 'POST' && typeof message?.['method'] === 'string' && typeof id === 'number') {
      return onCall(call, response, id)
    }
    if (more.onOther?.(call, response)) return
    response.writeHead(request.method === 'POST' ? 202 : 405).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    calls,
    server,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function welcome(id: number): JsonObject {
  return {
    jsonrpc: '2.0',
    id,
    result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'tiny', version: '1' } },
  }
}

export function result(id: number, text: string): JsonObject {
  return { jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }] } }
}

export function json(response: ServerResponse, body: JsonObject, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

export function sse(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
}

/** `server-everything` on a free port. */
export async function everythingOverHttp(
  transport: 'streamableHttp' | 'sse' = 'streamableHttp',
): Promise<{ url: string; close(): Promise<void> }> {
  const port = await freePort()
  const child: ChildProcess = spawn(process.execPath, [serverFile('server-everything'), transport], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (chunk: Buffer) => {
      if (/listening|running/.test(chunk.toString())) resolve()
    })
    child.once('exit', (code) => reject(new Error(`server-everything ended with ${code}`)))
  })
  return {
    url: `http://127.0.0.1:${port}/${transport === 'sse' ? 'sse' : 'mcp'}`,
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
    },
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Waits until it holds; the test's own time limit ends a wait in vain. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10))
}
