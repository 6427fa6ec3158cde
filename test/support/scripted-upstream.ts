import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { UpstreamSettings } from '../../src/config.ts'
import { DEFAULT_LISTING, type Listing } from '../../src/gateway/ports.ts'

export interface ScriptedRequest {
  readonly id?: string | number
  readonly method: string
  // What reached the wire, looked into member by member.
  // biome-ignore lint/suspicious/noExplicitAny: wire JSON under test
  readonly params?: any
  readonly headers: IncomingHttpHeaders
}

/** `undefined`: the script has nothing to say to it. */
export type Script = (request: ScriptedRequest) => object | undefined

/** An upstream over HTTP that says whatever the test wants, as no SDK would let it. */
export interface ScriptedUpstream {
  readonly settings: UpstreamSettings
  /** All that reached it but for the handshake. */
  readonly heard: ScriptedRequest[]
  close(): Promise<void>
}

const GREETING = {
  legacy: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {}, resources: {}, prompts: {}, completions: {} },
    serverInfo: { name: 'scripted', version: '1' },
  },
  modern: {
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {}, resources: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } },
    ttlMs: 0,
    cacheScope: 'private',
  },
} as const

/** `script` gives what goes beside `id`, `{ result }` or `{ error }`; or `{ stream }`, the messages of a stream left open. */
export async function startScripted(
  era: 'legacy' | 'modern',
  script: Script,
  listing: Partial<Listing> = {},
): Promise<ScriptedUpstream> {
  const heard: ScriptedRequest[] = []
  const answer = (request: ScriptedRequest): object | undefined => {
    if (request.method === 'initialize' && era === 'legacy') return { result: GREETING.legacy }
    if (request.method === 'server/discover' && era === 'modern') return { result: GREETING.modern }
    if (request.method !== 'notifications/initialized') heard.push(request)
    return script(request)
  }
  const http = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (request.method !== 'POST') return void response.writeHead(405).end()
      const message = { ...JSON.parse(Buffer.concat(chunks).toString('utf8')), headers: request.headers }
      const said = answer(message)
      if (message.id === undefined) return void response.writeHead(202).end()
      if (said !== undefined && 'stream' in said) {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        for (const event of said.stream as object[]) response.write(`data: ${JSON.stringify(event)}\n\n`)
        return
      }
      const body = said ?? { error: { code: -32601, message: `no ${message.method}` } }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...body }))
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  const route = { kind: 'http', url: `http://127.0.0.1:${port}/mcp`, headers: {} } as const
  return {
    settings: {
      catalog: 'none',
      route,
      credential: null,
      onReview: 'refuse',
      timeout: 5_000,
      listing: { ...DEFAULT_LISTING, ...listing },
    },
    heard,
    async close() {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}
