/** The bare upstream again, over stdio: one JSON-RPC message a line. */
import { createInterface } from 'node:readline'

const RESULT = { content: [{ type: 'text', text: 'r'.repeat(640) }] }
const INITIALIZED = {
  protocolVersion: '2025-06-18',
  capabilities: { tools: {} },
  serverInfo: { name: 'bare', version: '1.0.0' },
}
const TOOLS = ['echo', 'get_file_contents'].map((name) => ({
  name,
  description: 'Bare',
  inputSchema: { type: 'object' },
}))

const RESULTS: Record<string, object> = {
  initialize: INITIALIZED,
  'tools/list': { tools: TOOLS },
  'tools/call': RESULT,
  ping: {},
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method } = JSON.parse(line) as { id?: number | string; method: string }
  if (id === undefined) continue
  const result = RESULTS[method]
  const answer = result === undefined ? { error: { code: -32601, message: 'no such method' } } : { result }
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...answer })}\n`)
}
