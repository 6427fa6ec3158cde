/** The limit of what can be measured: a bare node:http server that answers JSON-RPC with a 700-byte result. */
import { createServer } from 'node:http'

const RESULT = { content: [{ type: 'text', text: 'r'.repeat(640) }] }
const TOOLS = [{ name: 'echo', description: 'Echoes', inputSchema: { type: 'object' } }]
const INITIALIZED = {
  protocolVersion: '2025-06-18',
  capabilities: { tools: {} },
  serverInfo: { name: 'bare', version: '1.0.0' },
}

function answer(method: string): object {
  switch (method) {
    case 'initialize':
      return INITIALIZED
    case 'tools/list':
      return { tools: TOOLS }
    case 'tools/call':
      return RESULT
    default:
      return {}
  }
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (request.method !== 'POST') return void response.writeHead(405).end()
    const message = JSON.parse(Buffer.concat(chunks).toString()) as { id?: number; method: string }
    if (message.id === undefined) return void response.writeHead(202).end()
    const body = JSON.stringify({ jsonrpc: '2.0', id: message.id, result: answer(message.method) })
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
  })
})

server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(JSON.stringify({ port: typeof address === 'object' && address !== null ? address.port : 0 }))
})
