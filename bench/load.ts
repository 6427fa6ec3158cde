/** One client, as cheap as can be, so that what is measured is the path and not the client. */
import { Pool } from 'undici'

export interface Target {
  readonly url: string
  readonly headers?: Record<string, string>
}

export interface Measured {
  readonly calls_per_s: number
  readonly p50_ms: number
  readonly p99_ms: number
}

/** With the other arguments, 600 bytes. */
const ARGUMENT = 'a'.repeat(540)
const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

export function callParams(tool: string): object {
  return { name: tool, arguments: { owner: 'acme', repo: 'app', path: 'README.md', message: ARGUMENT } }
}

/** A connected client: `call` makes one governed tools/call and throws unless it came back with a result. */
export interface Connection {
  call(): Promise<void>
  close(): Promise<void>
}

export async function connect(target: Target, connections: number, tool: string): Promise<Connection> {
  const url = new URL(target.url)
  const pool = new Pool(url.origin, { connections })
  let headers: Record<string, string> = { ...HEADERS, ...target.headers }
  let id = 0

  async function post(message: object): Promise<{ text: string; session: string | undefined; status: number }> {
    const answer = await pool.request({ path: url.pathname, method: 'POST', headers, body: JSON.stringify(message) })
    const session = answer.headers['mcp-session-id']
    return {
      text: await answer.body.text(),
      session: typeof session === 'string' ? session : undefined,
      status: answer.statusCode,
    }
  }

  const initialized = await post({
    jsonrpc: '2.0',
    id: ++id,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'bench', version: '1.0.0' } },
  })
  if (initialized.session !== undefined) headers = { ...headers, 'mcp-session-id': initialized.session }
  headers = { ...headers, 'mcp-protocol-version': '2025-06-18' }
  await post({ jsonrpc: '2.0', method: 'notifications/initialized' })

  return {
    async call() {
      const { text, status } = await post({ jsonrpc: '2.0', id: ++id, method: 'tools/call', params: callParams(tool) })
      if (status !== 200 || !text.includes('"result"'))
        throw new Error(`the call failed: ${status} ${text.slice(0, 300)}`)
    },
    close: () => pool.close(),
  }
}

/** `concurrency` callers, each calling again as soon as it has its answer, for `seconds` after a warm-up. */
export async function measure(connection: Connection, concurrency: number, seconds: number): Promise<Measured> {
  await run(connection, concurrency, Math.min(1, seconds / 2))
  const { samples, elapsed } = await run(connection, concurrency, seconds)
  const sorted = samples.sort((a, b) => a - b)
  return {
    calls_per_s: Math.round(samples.length / (elapsed / 1000)),
    p50_ms: round(quantile(sorted, 0.5)),
    p99_ms: round(quantile(sorted, 0.99)),
  }
}

async function run(connection: Connection, concurrency: number, seconds: number) {
  const samples: number[] = []
  const start = performance.now()
  const end = start + seconds * 1000
  async function caller(): Promise<void> {
    while (performance.now() < end) {
      const before = performance.now()
      await connection.call()
      samples.push(performance.now() - before)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, caller))
  return { samples, elapsed: performance.now() - start }
}

export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}

export function round(value: number, digits = 3): number {
  return Number(value.toFixed(digits))
}
