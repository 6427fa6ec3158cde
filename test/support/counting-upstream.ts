import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A small real MCP server over Streamable HTTP that remembers what reached it: the witness that nothing passed unrecorded. */
export interface CountingUpstream {
  readonly url: string
  /** Every tools/call as it arrived: name, arguments, and the Authorization header. */
  readonly calls: { name: string; args: unknown; authorization: string | undefined; raw: string }[]
  /** Every request whole: its address, headers and body. */
  readonly heard: string[]
  close(): Promise<void>
}

const TOOLS = ['get_file_contents', 'create_pull_request', 'delete_repository', 'merge_pull_request']

export interface CountingOptions {
  /** What happens between a call's arrival, which is counted, and its answer. */
  readonly before?: () => Promise<void>
}

export async function startCountingUpstream({ before }: CountingOptions = {}): Promise<CountingUpstream> {
  const calls: CountingUpstream['calls'] = []
  const heard: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      heard.push([request.url, ...request.rawHeaders, Buffer.concat(chunks).toString()].join('\n'))
      if (request.method !== 'POST') return void response.writeHead(405).end()
      const raw = Buffer.concat(chunks).toString()
      const message = JSON.parse(raw) as {
        id?: number
        method: string
        params?: { name?: string; arguments?: unknown }
      }
      if (message.id === undefined) return void response.writeHead(202).end()
      if (message.method === 'tools/call') {
        const { authorization } = request.headers
        calls.push({ name: message.params?.name ?? '', args: message.params?.arguments, authorization, raw })
        await before?.()
      }
      const body = JSON.stringify({ jsonrpc: '2.0', id: message.id, result: answer(message.method, calls.length) })
      response.writeHead(200, { 'content-type': 'application/json' }).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    calls,
    heard,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answer(method: string, count: number): object {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: '2025-06-18',
        capabilities: { tools: {} },
        serverInfo: { name: 'counting', version: '1' },
      }
    case 'tools/list':
      return { tools: TOOLS.map((name) => ({ name, inputSchema: { type: 'object' } })) }
    case 'tools/call':
      return {
        content: [
          {
            type: 'text',
            text: JSON.stringify({ number: 1246 + count, html_url: `http://forge/pull/${1246 + count}` }),
          },
        ],
      }
    default:
      return {}
  }
}
