import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import type { Principal, Sha256 } from '../../src/core/ids.ts'
import { type McpOptions, mcpRoutes } from '../../src/entrances/mcp/index.ts'
import { createLimiter, DEFAULT_LIMITS, type Limits } from '../../src/identity/limiter.ts'
import type { KeyRecord } from '../../src/identity/ports.ts'
import { type ListedUpstream, listGateway } from './list-gateway.ts'
import { handClock, listLog, systemRandom } from './world.ts'

export const KEY = 'agent-key-0001'
export const OTHER_KEY = 'agent-key-0002'

const KEYS: ReadonlyMap<string, KeyRecord> = new Map([
  [KEY, keyRecord('one')],
  [OTHER_KEY, keyRecord('two')],
])

function keyRecord(name: string): KeyRecord {
  return {
    id: `key_${name}` as Principal,
    name,
    owner: 'agent:test',
    sponsor: '',
    role: 'agent',
    hash: '0'.repeat(64) as Sha256,
    prefix: 'agent-ke',
    createdAt: 0,
    expiresAt: null,
    revokedAt: null,
    room: null,
    lastUsedAt: null,
  }
}

/** The entrance in front of a list of functions, to be called as a function (`app.request`) or over HTTP (`listen`). */
export function openDoor(
  list: Readonly<Record<string, ListedUpstream>>,
  more: Partial<McpOptions> & { readonly limits?: Partial<Limits>; readonly revoked?: ReadonlySet<string> } = {},
) {
  const parts = listGateway(list)
  const clock = handClock()
  const log = listLog()
  const entrance = mcpRoutes({
    gateway: parts.gateway,
    upstreams: parts.upstreams,
    authenticate: async (headers) => {
      const bearer = /^Bearer (.+)$/.exec(headers.get('authorization') ?? '')?.[1]
      const record = KEYS.get(bearer ?? headers.get('x-api-key') ?? '') ?? null
      return record === null || more.revoked?.has(record.id) ? null : record
    },
    challenge: ({ code }) => (code === 'unauthenticated' ? 'Bearer realm="aegis"' : null),
    inForce: async ({ id }) => more.revoked?.has(id) !== true,
    limiter: createLimiter({ limits: { ...DEFAULT_LIMITS, ...more.limits }, clock, log, refused: () => undefined }),
    hosts: ['aegis.example.com'],
    version: '1.2.3',
    log,
    clock,
    random: systemRandom,
    adminUrl: 'http://127.0.0.1:8081',
    settled: parts.settled,
    ...more,
  })
  const app = new Hono().route('/mcp', entrance.routes).route('/sse', entrance.sse)
  return { ...parts, app, clock, log, entrance, listen: (path?: string) => listen(app, entrance.close, path) }
}

async function listen(app: Hono, close: () => Promise<void>, path: string | undefined) {
  const server: Server = createServer(getRequestListener(app.fetch))
  await new Promise<void>((resolve) => {
    if (path === undefined) server.listen(0, '127.0.0.1', resolve)
    else server.listen(path, resolve)
  })
  const address = server.address() as AddressInfo | string | null
  const port = typeof address === 'object' ? address?.port : 0
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    sse: `http://127.0.0.1:${port}/sse`,
    async close() {
      server.closeAllConnections()
      await close()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Headers of a client that does everything right. */
export function headers(more: Record<string, string> = {}): Record<string, string> {
  return {
    host: '127.0.0.1:8080',
    authorization: `Bearer ${KEY}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...more,
  }
}
