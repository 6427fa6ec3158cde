import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AegisError } from '../../src/core/errors.ts'
import { isObject, type Json, type JsonObject } from '../../src/core/json.ts'
import { resolvePath } from './hosting.ts'
import { notFound, Refusal } from './problem.ts'
import { match, type Reply, type Route, type Site } from './router.ts'
import { spoil } from './spoil.ts'
import type { Stage } from './stage.ts'

const BODY_LIMIT = 32 * 1024 * 1024

export interface Listening {
  readonly port: number
  close(): Promise<void>
}

/** Answers on loopback. `site` is asked for once the port is known, for every answer holds its own address. */
export async function listen(
  port: number,
  routes: readonly Route[],
  siteAt: (port: number) => Site,
  stage: Stage,
): Promise<Listening> {
  let site: Site | null = null
  const server = createServer((request, response) => {
    if (site === null) return void response.destroy()
    const house = { site, routes }
    const { method = 'GET', url: path = '/' } = request
    const fault = stage.fault?.({ method, path }) ?? null
    void spoil(fault, () => answer(request, house)).then((reply) => {
      if (reply === null) return void response.destroy()
      const status = send(request, response, reply)
      stage.observe?.({ method, path, status })
    })
  })
  const bound = await bind(server, port)
  site = siteAt(bound)
  return {
    port: bound,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)))
        server.closeAllConnections()
      }),
  }
}

function bind(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(bindFailure(port, cause)))
    server.listen(port, '127.0.0.1', () => {
      const address: AddressInfo | string | null = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

function bindFailure(port: number, cause: NodeJS.ErrnoException): AegisError {
  const busy = cause.code === 'EADDRINUSE'
  const message = busy ? `port ${port} is in use` : `the forge cannot listen on port ${port}: ${cause.message}`
  return new AegisError('config', message, { advice: 'give another port, or 0 for any free one', cause })
}

interface House {
  readonly site: Site
  readonly routes: readonly Route[]
}

async function answer(request: IncomingMessage, house: House): Promise<Reply> {
  try {
    return await dispatch(request, house)
  } catch (error) {
    if (error instanceof Refusal) return { status: error.status, json: error.body(), headers: error.headers }
    // Who asked has gone: nobody reads the answer, and nothing is wrong here.
    if (request.destroyed) return { status: 204 }
    process.stderr.write(`forge: ${request.method} failed: ${error instanceof Error ? error.stack : String(error)}\n`)
    return { status: 500, json: { message: 'Server Error', documentation_url: 'https://docs.github.com/rest' } }
  }
}

async function dispatch(request: IncomingMessage, { site, routes }: House): Promise<Reply> {
  checkHost(request, site)
  const [rawPath = '/', rawQuery = ''] = (request.url ?? '/').split('?', 2)
  const asked = rawPath.replace(/^\/api\/v3(?=\/|$)/, '')
  // A browser or client folds dot segments away before sending; one that did not is testing the walls.
  if (/(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i.test(asked)) throw new Refusal(400, 'Bad Request')
  const caller = site.desk.authenticate(request.headers.authorization)
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET')
  const path = resolvePath(site, caller, { method, path: asked, query: rawQuery })
  for (const candidate of routes) {
    if (candidate.method !== method) continue
    const part = match(candidate, path)
    if (part === null) continue
    const body = await readBody(request)
    const accept = request.headers.accept ?? ''
    return candidate.handle({ site, caller, part, method, query: new URLSearchParams(rawQuery), body, accept })
  }
  throw notFound()
}

/** Against DNS rebinding: a page in a browser reaches this port only under a name of its own. */
function checkHost(request: IncomingMessage, site: Site): void {
  const port = new URL(site.origin).port
  const known = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]
  if (!known.includes(request.headers.host ?? '')) throw new Refusal(421, 'Misdirected Request')
  const { origin } = request.headers
  if (origin !== undefined && origin !== site.origin) throw new Refusal(403, 'Forbidden')
}

async function readBody(request: IncomingMessage): Promise<JsonObject> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > BODY_LIMIT) throw new Refusal(413, 'Payload Too Large')
    chunks.push(bytes)
  }
  if (size === 0) return {}
  const value = parseJson(Buffer.concat(chunks).toString('utf8'))
  if (!isObject(value)) throw new Refusal(400, 'Body should be a JSON object')
  return value
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    throw new Refusal(400, 'Problems parsing JSON')
  }
}

/** Writes the answer and says with which status: a client that has it already gets a 304. */
function send(request: IncomingMessage, response: ServerResponse, reply: Reply): number {
  const headOnly = request.method === 'HEAD'
  const headers = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
  if ('json' in reply) {
    const content = Buffer.from(JSON.stringify(reply.json))
    const type = 'application/json; charset=utf-8'
    const etag = reply.status === 200 && (headOnly || request.method === 'GET') ? etagOf(content) : null
    if (etag !== null && request.headers['if-none-match'] === etag) {
      response.writeHead(304, { ...headers, ...reply.headers, etag }).end()
      return 304
    }
    response.writeHead(reply.status, {
      ...headers,
      ...reply.headers,
      ...(etag === null ? {} : { etag }),
      'content-type': type,
      'content-length': content.length,
    })
    response.end(headOnly ? undefined : content)
    return reply.status
  }
  if ('content' in reply) {
    const policy = "default-src 'none'; style-src 'unsafe-inline'"
    response.writeHead(reply.status, { ...headers, 'content-type': reply.type, 'content-security-policy': policy })
    response.end(headOnly ? undefined : reply.content)
    return reply.status
  }
  response.writeHead(reply.status, headers)
  response.end()
  return reply.status
}

const etagOf = (content: Buffer): string => `W/"${createHash('sha256').update(content).digest('hex')}"`
