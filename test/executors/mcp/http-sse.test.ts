import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../src/core/json.ts'
import { testChannel } from '../../support/client-channel.ts'
import { action, context, credential, failureOf, http, result, until, upstreamsOf, welcome } from './support.ts'

const ended: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

interface Posted {
  readonly method: unknown
  readonly headers: IncomingMessage['headers']
  readonly url: string
}

interface OldServer {
  readonly url: string
  readonly posts: Posted[]
  readonly gets: IncomingMessage['headers'][]
  /** The open streams, by session. */
  readonly streams: Map<string, ServerResponse>
}

interface OldServerOptions {
  /** The `endpoint` event's data; null: none is sent. */
  readonly endpoint?: (session: string, port: number) => string | null
  /** Status of a POST to the address of the stream. */
  readonly refusal?: number
  /** A POST that is a request; false: answered as usual. */
  readonly onCall?: (stream: ServerResponse, response: ServerResponse, id: number) => boolean
  /** What the stream begins with. */
  readonly prologue?: string
}

const event = (message: JsonObject) => `event: message\ndata: ${JSON.stringify(message)}\n\n`

/** HTTP+SSE as servers of 2024 speak it. */
async function oldServer(options: OldServerOptions = {}): Promise<OldServer> {
  const posts: Posted[] = []
  const gets: OldServer['gets'] = []
  const streams = new Map<string, ServerResponse>()
  let sessions = 0
  const server = createServer(async (request, response) => {
    const url = request.url ?? ''
    if (request.method === 'GET') {
      const session = `s${++sessions}`
      gets.push(request.headers)
      streams.set(session, response)
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const endpoint = (options.endpoint ?? ((name) => `/messages?session=${name}`))(session, port)
      response.write(`: hi\n\n${options.prologue ?? ''}`)
      if (endpoint !== null) response.write(`event: endpoint\ndata: ${endpoint}\n\n`)
      return
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const message: JsonObject = JSON.parse(Buffer.concat(chunks).toString())
    posts.push({ method: message['method'], headers: request.headers, url })
    if (url === '/sse') return void response.writeHead(options.refusal ?? 404).end('Cannot POST /sse')
    const stream = streams.get(new URL(url, 'http://x').searchParams.get('session') ?? '')
    if (stream === undefined) return void response.writeHead(404).end('no such session')
    const { id } = message
    if (message['method'] === 'initialize' && typeof id === 'number') stream.write(event(welcome(id)))
    else if (typeof id === 'number' && message['method'] !== undefined) {
      if (options.onCall?.(stream, response, id)) return
      stream.write(event(result(id, 'done')))
    }
    response.writeHead(202).end('Accepted')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  ended.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${port}/sse`, posts, gets, streams }
}

function caller(server: OldServer, more: Parameters<typeof http>[1] = {}) {
  const upstreams = upstreamsOf({ old: http(server.url, { connectTimeout: 500, ...more }) })
  ended.push(() => upstreams.close())
  const channel = testChannel()
  const call = (token?: string, given = context(channel)) =>
    upstreams.execute(action('old', 'run'), token === undefined ? null : credential(token), given)
  return { upstreams, channel, call }
}

const DONE = { kind: 'result', result: { content: [{ type: 'text', text: 'done' }] } }
const methods = (server: OldServer) => server.posts.filter(({ url }) => url !== '/sse').map(({ method }) => method)

describe('an upstream over HTTP+SSE', () => {
  it('is found where a POST is refused, and by the next client at once', async () => {
    const server = await oldServer()
    const { upstreams, call } = caller(server)
    expect(await call()).toEqual(DONE)
    const other = testChannel()
    expect(await upstreams.execute(action('old', 'run'), null, context(other))).toEqual(DONE)
    expect(server.posts.filter(({ url }) => url === '/sse')).toHaveLength(1)
    expect(methods(server)).toEqual([
      ...['initialize', 'notifications/initialized', 'tools/call'],
      ...['initialize', 'notifications/initialized', 'tools/call'],
    ])
  })

  it('is found for a client of the stateless revision too', async () => {
    const { upstreams } = caller(await oldServer())
    const modern = testChannel({ protocolVersion: '2026-07-28' })
    expect(await upstreams.execute(action('old', 'run'), null, context(modern))).toMatchObject(DONE)
  })

  it.each([400, 404, 405, 406])('is looked for behind HTTP %i', async (refusal) => {
    expect(await caller(await oldServer({ refusal })).call()).toEqual(DONE)
  })

  it.each([401, 403, 429, 500])('is not looked for behind HTTP %i, which means something else', async (refusal) => {
    const server = await oldServer({ refusal })
    const error = await failureOf(caller(server).call())
    expect(error.message).toContain(String(refusal))
    expect(error.data).toEqual({ upstream: 'old', sent: false })
    expect(server.gets).toEqual([])
  })

  it('is spoken to at once where the configuration says so, and never where it says otherwise', async () => {
    const server = await oldServer()
    expect(await caller(server, { transport: 'sse' }).call()).toEqual(DONE)
    expect(server.posts.some(({ url }) => url === '/sse')).toBe(false)
    const { message } = await failureOf(caller(server, { transport: 'http' }).call())
    expect(message).toContain('404')
    expect(server.gets).toHaveLength(1)
  })

  it('gets no message where it names an endpoint on another host, nor the credential with it', async () => {
    const foreign = await oldServer()
    const server = await oldServer({ endpoint: () => foreign.url.replace('/sse', '/messages?session=s1') })
    const error = await failureOf(caller(server, { transport: 'sse' }).call('ghs_secret_0123456789'))
    expect(error.message).toContain('another host')
    expect(error.data).toMatchObject({ sent: false })
    expect([...server.posts, ...foreign.posts]).toEqual([])
  })

  it('that names no endpoint in time is given up, and nothing was sent', async () => {
    const server = await oldServer({ endpoint: () => null })
    const error = await failureOf(caller(server, { transport: 'sse', connectTimeout: 100 }).call())
    expect(error.message).toContain('named no endpoint')
    expect(error.data).toMatchObject({ sent: false })
  })

  it('that asks before it names one breaks nothing', async () => {
    const ping = event({ jsonrpc: '2.0', id: 1, method: 'ping' })
    const server = await oldServer({ endpoint: () => null, prologue: ping.repeat(1000) })
    await failureOf(caller(server, { transport: 'sse', connectTimeout: 100 }).call())
    const good = await oldServer({ prologue: ping })
    expect(await caller(good, { transport: 'sse' }).call()).toEqual(DONE)
  })

  it('whose stream breaks before the answer has perhaps done it; the next call opens another', async () => {
    let breaks = true
    const server = await oldServer({
      onCall(stream) {
        if (!breaks) return false
        breaks = false
        stream.destroy()
        return true
      },
    })
    const { call } = caller(server, { transport: 'sse' })
    const error = await failureOf(call())
    expect(error.data).toEqual({ upstream: 'old', sent: true })
    expect(await call()).toEqual(DONE)
    expect(server.gets).toHaveLength(2)
    expect(methods(server).filter((method) => method === 'tools/call')).toHaveLength(2)
  })

  it('that does not know its stream any more is asked once more on a new one, and only once', async () => {
    const server = await oldServer()
    const { call } = caller(server, { transport: 'sse' })
    await call()
    server.streams.delete('s1')
    expect(await call()).toEqual(DONE)
    const forgetful = await oldServer({
      onCall(_, response) {
        response.writeHead(404).end()
        return true
      },
    })
    const { data } = await failureOf(caller(forgetful, { transport: 'sse' }).call())
    expect(data).toEqual({ upstream: 'old', sent: true })
    expect(methods(forgetful).filter((method) => method === 'tools/call')).toHaveLength(2)
  })

  it('that answers a POST with an error fails that call alone', async () => {
    let first = true
    const server = await oldServer({
      onCall(_, response) {
        if (!first) return false
        first = false
        response.writeHead(500).end()
        return true
      },
    })
    const { call } = caller(server, { transport: 'sse' })
    expect((await failureOf(call())).message).toContain('HTTP 500')
    expect(await call()).toEqual(DONE)
    expect(server.gets).toHaveLength(1)
  })

  it('carries a lent credential in headers alone, for one call, and does not give it back', async () => {
    const token = 'ghs_0123456789abcdefghij'
    const server = await oldServer({
      onCall(stream, response, id) {
        stream.write(event(result(id, `your token is ${token}`)))
        response.writeHead(202).end()
        return true
      },
    })
    const { call } = caller(server, { transport: 'sse', headers: { authorization: 'Bearer ours' } })
    const answer = await call(token)
    expect(JSON.stringify(answer)).toContain('[credential]')
    expect(JSON.stringify(answer)).not.toContain(token)
    const carried = [...server.gets, ...server.posts.map(({ headers }) => headers)]
    expect(new Set(carried.map(({ authorization }) => authorization))).toEqual(new Set([`Bearer ${token}`]))
    await call()
    expect(server.posts.at(-1)?.headers.authorization).toBe('Bearer ours')
  })

  it('hears that a call was cancelled, under the id it knows', async () => {
    const server = await oldServer({ onCall: (_, response) => Boolean(response.writeHead(202).end()) })
    const { call, channel } = caller(server, { transport: 'sse' })
    const abort = new AbortController()
    const running = failureOf(call(undefined, context(channel, { signal: abort.signal })))
    await until(() => methods(server).includes('tools/call'))
    abort.abort()
    expect((await running).data).toMatchObject({ cancelled: true, sent: true })
    await until(() => methods(server).includes('notifications/cancelled'))
  })

  it('loses its stream when the client has gone', async () => {
    const server = await oldServer()
    const { upstreams, channel, call } = caller(server, { transport: 'sse' })
    await call()
    const closed = new Promise((resolve) => server.streams.get('s1')?.once('close', resolve))
    await upstreams.release(channel.key)
    await closed
  })
})
