import type { Hono } from 'hono'
import type { JsonObject } from '../../src/core/json.ts'
import { headers as doorHeaders } from './mcp-door.ts'

export const MODERN = '2026-07-28'
export const META = {
  version: 'io.modelcontextprotocol/protocolVersion',
  client: 'io.modelcontextprotocol/clientInfo',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  subscription: 'io.modelcontextprotocol/subscriptionId',
} as const

const NAMED: Readonly<Record<string, string>> = { 'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri' }

export interface ModernRequest {
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly id?: string | number
  /** Instead of what a right client sends; `undefined` leaves the key out. */
  readonly meta?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly path?: string
  readonly signal?: AbortSignal
}

export const CAPABILITIES = { sampling: {}, elicitation: { form: {}, url: {} }, roots: {} }

/** A request of the stateless era as a right client sends it, but for what the test says. */
export function modernRequest({ method, params = {}, id = 1, meta = {}, headers = {} }: ModernRequest) {
  const _meta = {
    [META.version]: MODERN,
    [META.client]: { name: 'modern', version: '1' },
    [META.capabilities]: CAPABILITIES,
    ...meta,
  }
  const named = params[NAMED[method] ?? '']
  const sent = {
    ...doorHeaders(),
    'mcp-protocol-version': MODERN,
    'mcp-method': method,
    ...(typeof named === 'string' ? { 'mcp-name': named } : {}),
    ...headers,
  }
  const kept = Object.entries(sent).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const body = JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } })
  return { headers: Object.fromEntries(kept), body }
}

/** Sends it to an app and reads the answer, whichever of its two forms it has. */
export async function askModern(app: Hono, request: ModernRequest): Promise<ModernAnswer> {
  const { headers, body } = modernRequest(request)
  const response = await app.request(request.path ?? '/mcp/files', {
    method: 'POST',
    headers,
    body,
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  })
  return readAnswer(response)
}

export interface ModernAnswer {
  readonly status: number
  readonly result?: JsonObject & {
    readonly content?: readonly { readonly text: string }[]
    readonly requestState?: string
  }
  readonly error?: { readonly code: number; readonly message: string; readonly data?: JsonObject }
  readonly id?: string | number | null
  /** What came on the stream before the answer. */
  readonly told: readonly { readonly method: string; readonly params?: JsonObject }[]
}

export async function readAnswer(response: Response): Promise<ModernAnswer> {
  const text = await response.text()
  const messages = response.headers.get('content-type')?.startsWith('text/event-stream')
    ? [...text.matchAll(/^data: (.+)$/gm)].map((match) => JSON.parse(match[1] ?? ''))
    : text === ''
      ? []
      : [JSON.parse(text)]
  const answer = messages.find((message) => 'result' in message || 'error' in message) ?? {}
  return { status: response.status, ...answer, told: messages.filter((message) => 'method' in message) }
}
