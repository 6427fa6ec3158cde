import { chmodSync, rmSync, statSync } from 'node:fs'
import type { IncomingMessage, Server } from 'node:http'
import { dirname } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import type { AdminContext } from './admin/door.ts'
import { ownSocketSeparation, separationOf } from './admin/separation.ts'
import type { ResolutionChannel } from './approvals/approvals.ts'
import { type Composition, compose } from './compose.ts'
import { listenUrl } from './config/listen-url.ts'
import type { LocalAgents } from './config/shape.ts'
import type { Config } from './config.ts'
import type { Separation } from './core/approval.ts'
import { AegisError } from './core/errors.ts'
import { hostCheck } from './entrances/mcp/hosts.ts'
import { METADATA_PATH } from './identity/index.ts'

/** How long calls under way may take to finish when the server is told to stop, in milliseconds. */
const DRAIN_MS = 10_000

export interface RunningServer {
  readonly urls: { readonly mcp: string; readonly admin: string; readonly socket: string }
  /** Takes no new calls, lets those under way finish, then closes the ledger. */
  close(): Promise<void>
}

/**
 * Composes and listens: MCP on one port, admin on another, both on a unix socket that only the user we run as can open, and
 * on one for agents where they run as another user of this machine.
 * @param version ours, as clients and upstreams are told it.
 * @throws AegisError `config`; or the listen error of Node (`EADDRINUSE` with its port).
 */
export async function startServer(config: Config, version: string): Promise<RunningServer> {
  const servers: Server[] = []
  const { host } = config.listen
  const agents = config.localAgents
  if (agents !== null) demandApart(agents)
  // The addresses must be known before the parts that print them exist: ports are taken first, answered later.
  const data = new Late()
  const admin = new Late()
  const socket = new Late()
  const agentSocket = new Late()
  const sockets = [config.places.socket, ...(agents === null ? [] : [agents.socket])]
  try {
    const dataPort = await listen(servers, data, { host, port: config.listen.port })
    const adminPort = await listen(servers, admin, { host, port: config.listen.adminPort })
    const urls = { mcp: listenUrl(host, dataPort), admin: listenUrl(host, adminPort), socket: config.places.socket }
    const parts = await compose(config, urls, version)
    try {
      data.become(dataPlane(parts, config))
      admin.become(adminPlane(parts, config))
      const separation = () => ownSocketSeparation(urls.socket, agents?.uid ?? null)
      socket.become(socketPlane(parts, separation))
      await listenOnSocket(servers, socket, urls.socket, OWNER_ONLY)
      agentSocket.become(socketPlane(parts, () => 'none'))
      if (agents !== null) await listenOnSocket(servers, agentSocket, agents.socket, OWNER_AND_GROUP)
    } catch (error) {
      await parts.close()
      throw error
    }
    return { urls, close: () => stop(servers, parts, sockets) }
  } catch (error) {
    for (const server of servers) server.close()
    throw error
  }
}

const OWNER_ONLY = 0o600
/** The folder hands its group on to the socket (set-group-ID): ours need not be a group that the agents' user is in. */
const OWNER_AND_GROUP = 0o660

/**
 * A door for agents that they could put one of their own in place of would collect the keys of whoever comes to it.
 * @throws AegisError `config`
 */
function demandApart({ uid, socket }: LocalAgents): void {
  const ours = process.getuid?.()
  if (ours === uid) {
    throw new AegisError('config', `the server must not run as the user agents run as (uid ${uid})`, {
      advice: 'Start it as its own user, or take `local_agents` out of aegis.yaml.',
      path: 'local_agents.uid',
    })
  }
  const folder = dirname(socket)
  const found = statSync(folder, { throwIfNoEntry: false })
  if (found?.isDirectory() && (found.uid === ours || found.uid === 0) && (found.mode & 0o022) === 0) return
  throw new AegisError('config', `${folder} must be a folder that only the server's user may write to`, {
    advice: 'Run install.sh --service-user again: it makes the folder.',
    path: 'local_agents.socket',
  })
}

type Fetch = (request: Request, env: unknown) => Response | Promise<Response>

/** A handler that says 503 until the real one is ready. */
class Late {
  #fetch: Fetch = () => new Response('starting\n', { status: 503, headers: { 'retry-after': '1' } })

  readonly fetch: Fetch = (request, env) => this.#fetch(request, env)

  become(app: { readonly fetch: (request: Request, env: never) => Response | Promise<Response> }): void {
    this.#fetch = (request, env) => app.fetch(request, env as never)
  }
}

function listen(servers: Server[], { fetch }: Late, at: { host: string; port: number }): Promise<number> {
  const server = adaptor(fetch)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(at.port, at.host, () => {
      servers.push(server)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : at.port)
    })
  })
}

/** Only one server holds the writer lock of a data directory, so a socket that is there already is a dead one's. */
function listenOnSocket(servers: Server[], { fetch }: Late, path: string, mode: number): Promise<void> {
  rmSync(path, { force: true })
  const server = adaptor(fetch)
  const mask = process.umask(0o777 & ~mode)
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      servers.push(server)
      chmodSync(path, mode)
      resolve()
    })
  }).finally(() => process.umask(mask))
}

function adaptor(fetch: Fetch): Server {
  const server = createAdaptorServer({ fetch: fetch as never }) as Server
  // Longer than most clients keep idle connections, so that it is not us who cut one just being used.
  server.keepAliveTimeout = 75_000
  return server
}

function dataPlane(parts: Composition, config: Config): Hono {
  const app = new Hono()
  app.use('/health', guard(config))
  app.get('/health', (context) => context.json({ status: 'ok' }))
  app.route(METADATA_PATH, parts.resourceMetadata)
  app.route('/mcp', parts.mcp)
  app.route('/sse', parts.sse)
  return app
}

function adminPlane(parts: Composition, config: Config): Hono {
  const app = new Hono()
  app.use('*', guard(config))
  probes(app, parts)
  app.route('/', parts.adminForBrowsers(tcpDoor))
  return app
}

/** Both planes, for the thin clients of this machine: `aegis mcp`, hooks and `aegisctl`. */
function socketPlane(parts: Composition, separation: () => Separation): Hono {
  const app = new Hono()
  probes(app, parts)
  app.route('/mcp', parts.mcp)
  app.route(
    '/',
    parts.admin(() => ({ channel: 'cli', separation: separation() })),
  )
  return app
}

function tcpDoor(context: AdminContext): ResolutionChannel {
  const { incoming } = context.env as { incoming?: IncomingMessage }
  return {
    channel: context.get('via') === 'session' ? 'dashboard' : 'rest',
    separation: separationOf(incoming?.socket.remoteAddress),
  }
}

function probes(app: Hono, parts: Composition): void {
  app.get('/health', (context) => context.json({ status: 'ok' }))
  app.get('/ready', async (context) => {
    const why = await parts.unready()
    return why === null ? context.json({ ready: true }) : context.json({ ready: false, reason: why }, 503)
  })
  app.get('/metrics', async () => {
    const { contentType, body } = await parts.metrics.render()
    return new Response(body, { headers: { 'content-type': contentType } })
  })
}

/** A page of another origin, or a name that only resolves to us, gets nothing (DNS rebinding). */
function guard(config: Config) {
  const known = hostCheck(config.listen.allowedHosts)
  return async (context: { req: { header(name: string): string | undefined } }, next: () => Promise<void>) => {
    if (known(context.req.header('host') ?? null, context.req.header('origin') ?? null)) return next()
    return new Response('{"error":{"code":403,"type":"forbidden","message":"unknown Host or Origin"}}', {
      status: 403,
      headers: { 'content-type': 'application/json' },
    })
  }
}

async function stop(servers: readonly Server[], parts: Composition, sockets: readonly string[]): Promise<void> {
  const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)))
  parts.drain()
  // A connection that a drained stream held becomes idle only now and then: look again until all have gone.
  const idle = setInterval(() => {
    for (const server of servers) server.closeIdleConnections()
  }, 50)
  const late = setTimeout(() => {
    for (const server of servers) server.closeAllConnections()
  }, DRAIN_MS)
  await Promise.all(closed)
  clearInterval(idle)
  clearTimeout(late)
  await parts.close()
  for (const socket of sockets) rmSync(socket, { force: true })
}
