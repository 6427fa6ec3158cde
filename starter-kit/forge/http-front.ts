import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isObject, type Json, type JsonObject } from '../../src/core/json.ts'
import { callOnce, type RpcRequest } from './front-call.ts'
import { serverGithubCommand } from './server-github.ts'

export interface FrontOptions {
  readonly forgeUrl: string
  /** 0 (the default) takes any free port. */
  readonly port?: number
  /** Milliseconds one call may take; 60,000 where nothing is said. */
  readonly timeout?: number
}

export interface Front {
  /** `http://127.0.0.1:PORT/mcp` */
  readonly url: string
  close(): Promise<void>
}

const BODY_LIMIT = 4 * 1024 * 1024
const MOST_AT_ONCE = 16

type Call = (request: RpcRequest, token: string | null, gone: AbortSignal) => Promise<JsonObject>

/**
 * Streamable HTTP in front of `server-github`, which speaks stdio only. Stateless: each POST starts the server anew with the
 * caller's bearer token, asks once, and ends it, so a token lives exactly as long as the call it was lent for.
 */
export async function startFront(options: FrontOptions): Promise<Front> {
  const call = boundedCall(options)
  const server = createServer((request, response) => {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    void answer(request, portOf(server), (message, token) => call(message, token, gone.signal)).then(
      ({ status, json }) => send(response, status, json),
      () => response.destroy(),
    )
  })
  const port = await bind(server, options.port ?? 0)
  return { url: `http://127.0.0.1:${port}/mcp`, close: () => stop(server) }
}

/** A call in a process of its own, at most so many at once, each with an end in time. */
function boundedCall({ forgeUrl, timeout = 60_000 }: FrontOptions): Call {
  const command = serverGithubCommand()
  let running = 0
  return async (request, token, gone) => {
    if (running >= MOST_AT_ONCE) return rpcError(request.id, -32000, 'too many calls at once, try again')
    running += 1
    try {
      const signal = AbortSignal.any([gone, AbortSignal.timeout(timeout)])
      return await callOnce(request, { command, forgeUrl, token, signal })
    } catch (error) {
      return rpcError(request.id, -32000, error instanceof Error ? error.message : 'the GitHub server failed')
    } finally {
      running -= 1
    }
  }
}

interface Answer {
  readonly status: number
  readonly json: JsonObject | null
}

async function answer(
  request: IncomingMessage,
  port: number,
  call: (message: RpcRequest, token: string | null) => Promise<JsonObject>,
): Promise<Answer> {
  const refused = refusal(request, port)
  if (refused !== null) return { status: refused, json: null }
  const text = await readBody(request)
  if (text === null) return { status: 413, json: null }
  const message = parseMessage(text)
  if (message === null) return { status: 400, json: rpcError(null, -32700, 'not a JSON-RPC message') }
  if (!('id' in message)) return { status: 202, json: null }
  if (!isRequest(message)) return { status: 400, json: rpcError(null, -32600, 'not a JSON-RPC request') }
  return { status: 200, json: await call(message, bearer(request)) }
}

/** The status to refuse with before the body is read, or null. Host and Origin guard against pages in a browser. */
function refusal(request: IncomingMessage, port: number): number | null {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]
  if (!hosts.includes(request.headers.host ?? '')) return 421
  if (request.headers.origin !== undefined) return 403
  if (request.url?.split('?')[0] !== '/mcp') return 404
  if (request.method !== 'POST') return 405
  return /^application\/json(?:;|$)/i.test(request.headers['content-type'] ?? '') ? null : 415
}

function bearer(request: IncomingMessage): string | null {
  return /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? null
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > BODY_LIMIT) return null
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseMessage(text: string): JsonObject | null {
  try {
    const value: Json = JSON.parse(text)
    return isObject(value) && value['jsonrpc'] === '2.0' ? value : null
  } catch {
    return null
  }
}

function isRequest(message: JsonObject): message is RpcRequest {
  const { id, method } = message
  return (typeof id === 'string' || typeof id === 'number') && typeof method === 'string'
}

function rpcError(id: string | number | null, code: number, message: string): JsonObject {
  return { jsonrpc: '2.0', id, error: { code, message } }
}

function send(response: ServerResponse, status: number, json: JsonObject | null): void {
  const allow = status === 405 ? { allow: 'POST' } : {}
  if (json === null) return void response.writeHead(status, allow).end()
  response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(JSON.stringify(json))
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function bind(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(portOf(server)))
  })
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)))
    server.closeAllConnections()
  })
}
