import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { adminEndpoint, agentEndpoint, ask, type Endpoint, send } from '../../src/cli/client.ts'
import type { Context } from '../../src/cli/context.ts'

function context(env: Record<string, string> = {}): Context & { folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-client-'))
  const own = { AEGIS_CONFIG_DIR: folder, AEGIS_DATA_DIR: folder, ...env }
  return { env: own, home: folder, cwd: folder, folder, out: () => {}, err: () => {} }
}

async function serving<T>(
  listener: RequestListener,
  at: 'port' | 'socket',
  use: (endpoint: Endpoint) => Promise<T>,
): Promise<T> {
  const server = createServer(listener)
  const socket = join(mkdtempSync(join(tmpdir(), 'aegis-socket-')), 's')
  await new Promise<void>((resolve) =>
    at === 'socket' ? server.listen(socket, resolve) : server.listen(0, '127.0.0.1', resolve),
  )
  const port = at === 'port' ? (server.address() as AddressInfo).port : 0
  const endpoint = { socket: at === 'socket' ? socket : null, url: `http://127.0.0.1:${port}`, key: 'key-of-test' }
  try {
    return await use(endpoint)
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

describe('where the server is', () => {
  it('comes from the client file: its socket, or its address where it names none', () => {
    const world = context()
    const file = { admin_url: 'http://127.0.0.1:9', socket: join(world.folder, 'aegis.sock'), admin_key: 'k' }
    writeFileSync(join(world.folder, 'client.json'), JSON.stringify(file))
    expect(adminEndpoint(world).socket).toBe(file.socket)
    writeFileSync(join(world.folder, 'client.json'), JSON.stringify({ ...file, socket: undefined }))
    expect(adminEndpoint(world)).toEqual({ socket: null, url: 'http://127.0.0.1:9', key: 'k' })
  })

  it('is never whoever took the port of a server that is down: no key is sent to it', async () => {
    const caught: (string | undefined)[] = []
    const catcher: RequestListener = (request, response) => {
      caught.push(request.headers.authorization)
      response.end('{"pending":[]}')
    }
    await serving(catcher, 'port', async ({ url }) => {
      const world = context()
      const socket = join(world.folder, 'aegis.sock')
      const keys = { socket, admin_url: url, url, admin_key: 'k', agent_key: 'a' }
      for (const name of ['client.json', 'agent.json']) writeFileSync(join(world.folder, name), JSON.stringify(keys))
      for (const endpoint of [adminEndpoint(world), agentEndpoint(world)]) {
        await expect(ask(endpoint, 'GET', '/admin/v1/approvals')).rejects.toMatchObject({
          code: 'upstream_unreachable',
          message: `no Aegis server answers at ${socket} (ENOENT)`,
        })
      }
    })
    expect(caught).toEqual([])
  })

  it('is never a stranger for the stored key: AEGIS_ADMIN_URL needs its own AEGIS_API_KEY', () => {
    const world = context({ AEGIS_ADMIN_URL: 'http://elsewhere.example' })
    writeFileSync(join(world.folder, 'client.json'), JSON.stringify({ admin_url: 'x', admin_key: 'stored' }))
    expect(() => adminEndpoint(world)).toThrow(/AEGIS_API_KEY is not/)
    const both = context({ AEGIS_ADMIN_URL: 'http://elsewhere.example', AEGIS_API_KEY: 'given' })
    expect(adminEndpoint(both)).toEqual({ socket: null, url: 'http://elsewhere.example', key: 'given' })
  })

  it('says what to run where there is no installation, and never quotes a broken key file', () => {
    expect(() => adminEndpoint(context())).toThrow(/cannot be read \(ENOENT\)/)
    const world = context()
    writeFileSync(join(world.folder, 'agent.json'), '{"agent_key": "secret-in-file"')
    expect(() => agentEndpoint(world)).toThrow(expect.not.stringContaining('secret-in-file'))
  })
})

describe('a request', () => {
  it.each(['port', 'socket'] as const)('carries key and body over a %s', async (at) => {
    const echo: RequestListener = (request, response) => {
      let text = ''
      request.on('data', (chunk) => (text += String(chunk)))
      request.on('end', () =>
        response.end(JSON.stringify({ key: request.headers.authorization, path: request.url, text })),
      )
    }
    const answer = await serving(echo, at, (endpoint) => ask(endpoint, 'POST', '/admin/v1/x', { a: 'ü' }))
    expect(answer).toEqual({ key: 'Bearer key-of-test', path: '/admin/v1/x', text: '{"a":"ü"}' })
  })

  it("fails with the server's own message, advice and kind", async () => {
    const refuse: RequestListener = (_, response) => {
      response.statusCode = 409
      response.end('{"error":{"code":409,"type":"conflict","message":"already denied","advice":"ask again"}}')
    }
    await serving(refuse, 'port', async (endpoint) => {
      await expect(ask(endpoint, 'POST', '/', {})).rejects.toMatchObject({
        code: 'conflict',
        message: 'already denied',
        advice: 'ask again',
      })
      expect(await send(endpoint, 'POST', '/', {})).toMatchObject({ status: 409 })
    })
  })

  it.each([
    ['answers in HTML', '<html>', /not an Aegis server/],
    ['closes in the middle', null, /no Aegis server answers/],
  ])('is an error that says so where the server %s', async (_, body, message) => {
    const listener: RequestListener = (_request, response) => {
      if (body !== null) return response.end(body)
      response.writeHead(200, { 'content-length': '100' })
      response.write('{')
      setImmediate(() => response.destroy())
      return response
    }
    await serving(listener, 'port', (endpoint) => expect(ask(endpoint, 'GET', '/')).rejects.toThrow(message))
  })

  it('names the address and the remedy where nothing listens', async () => {
    const endpoint = await serving(
      (_, response) => response.end(),
      'port',
      async (found) => found,
    )
    await expect(ask(endpoint, 'GET', '/')).rejects.toMatchObject({
      message: expect.stringContaining(endpoint.url),
      advice: expect.stringContaining('aegis serve'),
    })
  })
})
