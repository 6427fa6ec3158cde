import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MODERN } from './modern.ts'

type Message = { id?: number; method?: string; params?: Record<string, unknown> }

/** A server of either era (`/modern`, `/legacy`) that remembers every action that reached it, and misbehaves where told to. */
export interface FuzzUpstream {
  readonly url: string
  /** The actions as they arrived: method, name and the marker `n` of their arguments. */
  readonly reached: { readonly method: string; readonly name: string; readonly n: unknown; readonly retry: boolean }[]
  close(): Promise<void>
}

const ACTIONS = new Set(['tools/call', 'resources/read', 'prompts/get'])
const TOOLS = ['echo', 'noisy', 'ask', 'fail', 'garbage', 'blocked_tool', 'review_tool']
const CAPABILITIES = { tools: { listChanged: true }, resources: { subscribe: true }, prompts: {}, logging: {} }
const INFO = { name: 'fuzzed', version: '1' }

export async function startFuzzUpstream(): Promise<FuzzUpstream> {
  const reached: FuzzUpstream['reached'] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => answer(request, response, Buffer.concat(chunks), reached))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    reached,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  raw: Buffer,
  reached: FuzzUpstream['reached'],
): void {
  if (request.method !== 'POST') empty(response, 405)
  else {
    const message: Message = JSON.parse(raw.toString())
    if (message.method === undefined) waiting.get(String(message.id))?.()
    if (message.id === undefined || message.method === undefined) empty(response, 202)
    else respond(response, { ...message, method: message.method }, request.url === '/modern', reached)
  }
}

function respond(
  response: ServerResponse,
  message: Message & { method: string },
  modern: boolean,
  reached: FuzzUpstream['reached'],
): void {
  const { method, params = {} } = message
  const args = (params['arguments'] ?? {}) as Record<string, unknown>
  const name = textOf(params['name']) ?? textOf(params['uri']) ?? ''
  const retry = params['requestState'] !== undefined
  if (ACTIONS.has(method)) reached.push({ method, name, n: args['n'] ?? params['uri'], retry })
  const body = JSON.stringify({ jsonrpc: '2.0', id: message.id, ...reply(method, params, name, modern) })
  if (method === 'subscriptions/listen') listen(response, message)
  else if (method !== 'tools/call') send(response, body)
  else if (name === 'garbage') send(response, '{"jsonrpc":"2.0","id":')
  else if (name === 'ask' && !modern) ask(response, body)
  else if (name === 'noisy') chatter(response, notes(params), body)
  else send(response, body)
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function chatter(response: ServerResponse, said: readonly object[], body: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const note of said) response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...note })}\n\n`)
  response.end(`data: ${body}\n\n`)
}

function empty(response: ServerResponse, status: number): void {
  response.writeHead(status).end()
}

function send(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(body)
}

/** Questions of the legacy era that wait for their answers, by id. */
const waiting = new Map<string, () => void>()
let questions = 0

/** Asks the client in the middle of the call, and answers once it has said something. */
function ask(response: ServerResponse, body: string): void {
  const id = `question-${++questions}`
  const params = { message: 'who?', requestedSchema: { type: 'object', properties: {} } }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id, method: 'elicitation/create', params })}\n\n`)
  waiting.set(id, () => {
    waiting.delete(id)
    response.end(`data: ${body}\n\n`)
  })
  response.on('close', () => waiting.delete(id))
}

function listen(response: ServerResponse, { id, params }: Message): void {
  const _meta = { 'io.modelcontextprotocol/subscriptionId': id }
  const notifications = params?.['notifications']
  const note = { jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { _meta, notifications } }
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`data: ${JSON.stringify(note)}\n\n`)
}

function notes(params: Record<string, unknown>): object[] {
  const meta = (params['_meta'] ?? {}) as Record<string, unknown>
  const progressToken = meta['progressToken']
  const message = { method: 'notifications/message', params: { level: 'error', data: 'noise' } }
  if (progressToken === undefined) return [message]
  return [message, { method: 'notifications/progress', params: { progressToken, progress: 1 } }]
}

function reply(method: string, params: Record<string, unknown>, name: string, modern: boolean): object {
  const done = modern ? { resultType: 'complete' } : {}
  const lasting = modern ? { ttlMs: 60_000, cacheScope: 'public' } : {}
  switch (method) {
    case modern ? 'server/discover' : 'initialize':
      return modern
        ? { result: { ...done, ...lasting, supportedVersions: [MODERN], capabilities: CAPABILITIES } }
        : { result: { protocolVersion: '2025-06-18', capabilities: CAPABILITIES, serverInfo: INFO } }
    case 'tools/list':
      return {
        result: { ...done, ...lasting, tools: TOOLS.map((tool) => ({ name: tool, inputSchema: { type: 'object' } })) },
      }
    case 'prompts/list':
      return { result: { ...done, ...lasting, prompts: [{ name: 'greet' }] } }
    case 'resources/list':
      return { result: { ...done, ...lasting, resources: [] } }
    case 'resources/read':
      return { result: { ...done, ...lasting, contents: [{ uri: name, text: name }] } }
    case 'prompts/get':
      return { result: { ...done, messages: [] } }
    case 'tools/call':
      return called(params, name, modern, done)
    default:
      return { error: { code: -32601, message: 'Method not found' } }
  }
}

function called(params: Record<string, unknown>, name: string, modern: boolean, done: object): object {
  const asks = name === 'ask' && modern && params['requestState'] === undefined
  if (name === 'fail') return { error: { code: -32000, message: 'failed' } }
  if (asks)
    return { result: { resultType: 'input_required', requestState: `theirs-${JSON.stringify(params['arguments'])}` } }
  return { result: { ...done, content: [{ type: 'text', text: JSON.stringify(params['arguments'] ?? {}) }] } }
}
