import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent, createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Served, serve } from '../support/served.ts'

/** Fewer for a quick look. */
const CALLS = Number(process.env['AEGIS_LOAD_CALLS'] ?? 10_000)
const IN_FLIGHT = 8
const IDLE_SESSIONS = 2_000
const MIB = 1024 * 1024

/** What the tool `big` answers: 1 MiB. */
const BIG = JSON.stringify('x'.repeat(MIB))

let upstream: Server
let served: Served
const agent = new Agent({ keepAlive: true, maxSockets: 64 })

beforeAll(async () => {
  upstream = await startUpstream()
  const { port } = upstream.address() as AddressInfo
  const policy = join(mkdtempSync(join(tmpdir(), 'aegis-load-')), 'open.yaml')
  writeFileSync(
    policy,
    'version: 1\nname: open\ndefault_decision: block\nrules:\n  - { tool: "load.*", decision: allow }\n',
  )
  served = await serve({
    settings: {
      policy,
      upstreams: { load: { catalog: 'none', url: `http://127.0.0.1:${port}/mcp` } },
    },
  })
})

afterAll(async () => {
  agent.destroy()
  await served.close()
  upstream.closeAllConnections()
  upstream.close()
})

/** Answers in plain JSON, in sessions, without a stream of its own. */
async function startUpstream(): Promise<Server> {
  let sessions = 0
  const server = createServer(async (incoming, response) => {
    if (incoming.method !== 'POST') return void response.writeHead(405).end()
    const { id, method, params } = JSON.parse(await textOf(incoming))
    if (id === undefined) return void response.writeHead(202).end()
    const headers = { 'content-type': 'application/json', 'mcp-session-id': `s${++sessions}` }
    response.writeHead(200, method === 'initialize' ? headers : { 'content-type': 'application/json' })
    response.end(`{"jsonrpc":"2.0","id":${id},"result":${resultOf(method, params?.name)}}`)
  })
  // On a machine that is busy elsewhere, five seconds pass between two calls: it must not close what is just being used.
  server.keepAliveTimeout = 120_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

function resultOf(method: string, tool: unknown): string {
  if (method === 'initialize') {
    return '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"load","version":"1"}}'
  }
  if (method === 'tools/list') {
    return '{"tools":[{"name":"big","inputSchema":{"type":"object"}},{"name":"small","inputSchema":{"type":"object"}}]}'
  }
  return `{"content":[{"type":"text","text":${tool === 'big' ? BIG : '"ok"'}}]}`
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

function send(method: 'POST' | 'GET', headers: Record<string, string>, body: object | null, via?: Agent) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    const accept = method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream'
    const common = { authorization: `Bearer ${served.agentKey}`, accept, 'content-type': 'application/json' }
    const outgoing = request(`${served.urls.mcp}/mcp/load`, {
      method,
      headers: { ...common, ...headers },
      ...(via === undefined ? {} : { agent: via }),
    })
    outgoing.once('response', resolve)
    outgoing.once('error', reject)
    outgoing.end(body === null ? undefined : JSON.stringify(body))
  })
}

async function openSession(): Promise<Record<string, string>> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'load', version: '1' } }
  const response = await send('POST', {}, { jsonrpc: '2.0', id: 0, method: 'initialize', params }, agent)
  response.resume()
  const session = { 'mcp-session-id': String(response.headers['mcp-session-id']) }
  const initialized = await send('POST', session, { jsonrpc: '2.0', method: 'notifications/initialized' }, agent)
  initialized.resume()
  return session
}

/** Reads the answer without keeping it; gives its length. A short one is kept, to be seen where it should have been long. */
async function call(session: Record<string, string>, id: number, name: string): Promise<number> {
  const params = { name, arguments: {} }
  const response = await send('POST', session, { jsonrpc: '2.0', id, method: 'tools/call', params }, agent)
  let length = 0
  let head = ''
  for await (const chunk of response) {
    if (length < 1000) head += chunk
    length += (chunk as Buffer).length
  }
  if (response.statusCode !== 200 || !head.includes('"result"')) throw new Error(`HTTP ${response.statusCode}: ${head}`)
  return length
}

/** Resident memory of the server in MiB, after a moment's rest. */
async function memory(): Promise<number> {
  await sleep(500)
  const status = readFileSync(`/proc/${served.pid}/status`, 'utf8')
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024)
}

const hasProc = process.platform === 'linux'

describe.runIf(hasProc)('the memory of a server', () => {
  it('grows by less than 150 MiB with 2,000 idle sessions, each with its stream open', async () => {
    const before = await memory()
    const streams: IncomingMessage[] = []
    for (let count = 0; count < IDLE_SESSIONS; count += 50) {
      const opened = await Promise.all(
        Array.from({ length: 50 }, async () => {
          const session = await openSession()
          await call(session, 1, 'small')
          return send('GET', session, null)
        }),
      )
      streams.push(...opened)
    }
    expect(new Set(streams.map(({ statusCode }) => statusCode))).toEqual(new Set([200]))
    const after = await memory()
    console.info(`idle sessions: ${before} MiB before, ${after} MiB with ${IDLE_SESSIONS}`)
    for (const stream of streams) stream.destroy()
    expect(after - before).toBeLessThan(150)
  })

  it('is flat over 10,000 answers of 1 MiB', { timeout: 1_800_000 }, async () => {
    const session = await openSession()
    const samples: number[] = []
    const start = performance.now()
    for (let next = 0; next < CALLS; ) {
      const until = next + CALLS / 20
      const work = async (): Promise<void> => {
        while (next < until) expect(await call(session, ++next, 'big')).toBeGreaterThan(MIB)
      }
      await Promise.all(Array.from({ length: IN_FLIGHT }, work))
      samples.push(await memory())
    }
    const seconds = (performance.now() - start) / 1000
    console.info(`${CALLS} answers of 1 MiB in ${seconds.toFixed(0)} s; MiB resident: ${samples.join(' ')}`)
    const early = Math.max(...samples.slice(0, 5))
    const late = Math.max(...samples.slice(-5))
    expect(late).toBeLessThan(early * 1.2)
  })
})
