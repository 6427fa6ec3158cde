import { describe, expect, it } from 'vitest'
import { headers, OTHER_KEY, openDoor } from '../../support/mcp-door.ts'

const door = openDoor({
  files: { tools: { echo: (call) => ({ content: [{ type: 'text', text: JSON.stringify(call.what) }] }) } },
})

const body = (message: unknown): string => (typeof message === 'string' ? message : JSON.stringify(message))
const post = (message: unknown, more: Record<string, string> = {}, path = '/mcp/files') =>
  door.app.request(path, { method: 'POST', headers: headers(more), body: body(message) })

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' }
const call = (params: unknown) => ({ jsonrpc: '2.0', id: 7, method: 'tools/call', params })

async function open(more: Record<string, string> = {}, version = '2025-11-25', path = '/mcp/files'): Promise<string> {
  const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: 'test', version: '1' } }
  const response = await post({ jsonrpc: '2.0', id: 0, method: 'initialize', params }, more, path)
  return response.headers.get('mcp-session-id') ?? ''
}

describe('who may enter', () => {
  it.each([
    ['a foreign Host', { host: 'evil.example' }],
    ['a loopback name with more behind it', { host: '127.0.0.1.evil.example' }],
    ['a foreign Origin', { origin: 'https://evil.example' }],
    ['the Origin of a sandboxed frame', { origin: 'null' }],
    ['an Origin that only looks like loopback', { origin: 'http://localhost@evil.example' }],
  ])('refuses %s before it looks at the key', async (_, more) => {
    const response = await post(PING, { ...more, authorization: 'Bearer wrong' })
    expect(response.status).toBe(403)
  })

  it.each([
    [{ host: 'localhost:8080' }],
    [{ host: '[::1]:8080' }],
    [{ host: 'AEGIS.example.com' }],
    [{ origin: 'http://localhost:6274' }],
    [{ origin: 'https://aegis.example.com' }],
  ])('lets %o in', async (more) => {
    expect((await post(PING, more)).status).toBe(200)
  })

  it.each([
    ['no key', { authorization: '' }],
    ['a wrong key', { authorization: 'Bearer nobody' }],
  ])('answers %s with 401 and a challenge', async (_, more) => {
    const response = await post(PING, more)
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/)
  })

  it('takes the key as X-API-Key too', async () => {
    expect((await post(PING, { authorization: '', 'x-api-key': OTHER_KEY })).status).toBe(200)
  })

  it('tells a stranger nothing about upstreams and sessions', async () => {
    const id = await open()
    const stranger = { authorization: 'Bearer wrong' }
    const answers = await Promise.all([
      post(PING, { ...stranger, 'mcp-session-id': id }),
      post(PING, { ...stranger, 'mcp-session-id': 'unknown' }),
      post(PING, stranger, '/mcp/nowhere'),
      post('not json', stranger),
    ])
    const texts = await Promise.all(answers.map((answer) => answer.text()))
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([401]))
    expect(new Set(texts).size).toBe(1)
  })

  it('answers another key for a session as if it were not there', async () => {
    const id = await open()
    const theirs = await post(PING, { 'mcp-session-id': id, authorization: `Bearer ${OTHER_KEY}` })
    const nobodys = await post(PING, { 'mcp-session-id': 'f'.repeat(32), authorization: `Bearer ${OTHER_KEY}` })
    expect([theirs.status, await theirs.text()]).toEqual([404, await nobodys.text()])
    expect((await post(PING, { 'mcp-session-id': id })).status).toBe(200)
  })

  it('keeps a session to the endpoint that opened it', async () => {
    const id = await open()
    expect((await post(PING, { 'mcp-session-id': id }, '/mcp')).status).toBe(404)
  })
})

describe('what is no message', () => {
  it.each([
    ['not JSON', 'nonsense', 400, -32700],
    ['an empty body', '', 400, -32700],
    ['half a message', '{"jsonrpc":"2.0","id":1,', 400, -32700],
    ['bytes behind the message', '{"jsonrpc":"2.0","id":1,"method":"ping"}x', 400, -32700],
    ['a number', '1', 400, -32600],
    ['null', 'null', 400, -32600],
    ['a duplicate key', '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', 400, undefined],
    [
      'a duplicate key inside the arguments',
      body(call({})).replace('{}', '{"name":"echo","arguments":{"a":1,"a":2}}'),
      400,
      undefined,
    ],
    ['twins `name` and `Name`', call({ name: 'echo', Name: 'other' }), 400, undefined],
    ['twins `method` and `Method`', { ...PING, Method: 'tools/call' }, 400, -32600],
    ['an unknown member', { ...PING, extra: 1 }, 400, -32600],
    ['another JSON-RPC', { ...PING, jsonrpc: '1.0' }, 400, -32600],
    ['no JSON-RPC', { id: 1, method: 'ping' }, 400, -32600],
    ['the id null', { ...PING, id: null }, 400, -32600],
    ['an id that is an object', { ...PING, id: {} }, 400, -32600],
    ['a method that is no text', { ...PING, method: 5 }, 400, -32600],
    ['params that are an array', { ...PING, params: [] }, 400, -32600],
    ['a result and an error', { jsonrpc: '2.0', id: 1, result: {}, error: { code: 1, message: '' } }, 400, -32600],
    ['neither method nor result', { jsonrpc: '2.0', id: 1 }, 400, -32600],
    ['a lone surrogate', '{"jsonrpc":"2.0","id":1,"method":"\\ud800"}', 400, undefined],
    ['65 levels', body(call({ arguments: 0 })).replace(':0', `:${'['.repeat(65)}${']'.repeat(65)}`), 400, undefined],
  ])('refuses %s and forwards nothing', async (_, message, status, code) => {
    const before = door.calls.length
    const response = await post(message)
    const answer = await response.json()
    expect(response.status).toBe(status)
    expect(answer).toMatchObject({
      jsonrpc: '2.0',
      error: { code: code ?? expect.any(Number), message: expect.any(String) },
    })
    expect(door.calls.length).toBe(before)
  })

  it('answers under the id of a message it could read that far', async () => {
    expect(await (await post({ ...PING, id: 'x', extra: 1 })).json()).toMatchObject({ id: 'x' })
  })

  it('refuses a body over 1 MiB with 413', async () => {
    const response = await post(call({ name: 'echo', arguments: { text: 'x'.repeat(1024 * 1024) } }))
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ id: null, error: { code: -32600 } })
  })

  it('takes a body just under 1 MiB', async () => {
    expect((await post(call({ name: 'echo', arguments: { text: 'x'.repeat(1024 * 1023) } }))).status).toBe(200)
  })

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
  ])('refuses a body of type %s', async (type) => {
    expect((await post(PING, { 'content-type': type })).status).toBe(415)
  })

  it('refuses a compressed body, and says so', async () => {
    const response = await post(PING, { 'content-encoding': 'gzip' })
    expect(response.status).toBe(415)
    expect(await response.text()).toContain('without Content-Encoding')
    expect((await post(PING, { 'content-encoding': 'identity' })).status).toBe(200)
  })

  it('takes a charset behind the type', async () => {
    expect((await post(PING, { 'content-type': 'application/json; charset=utf-8' })).status).toBe(200)
  })

  it('answers 406 where no answer could have a form the client takes', async () => {
    expect((await post(PING, { accept: 'text/html' })).status).toBe(406)
  })

  it.each([
    '',
    'application/json',
    'text/event-stream',
    '*/*',
    'application/*',
  ])('takes the Accept header `%s` of real clients', async (accept) => {
    expect((await post(PING, { accept: accept === '' ? 'application/json' : accept })).status).toBe(200)
  })

  it('has no other method', async () => {
    const response = await door.app.request('/mcp', { method: 'PUT', headers: headers(), body: '{}' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, POST, DELETE'])
  })

  it.each(['url', 'sse'] as const)('opens no stream for HEAD at %s, which nobody would read', async (at) => {
    const limited = openDoor({ files: { tools: {} } }, { limits: { streams: { own: 2, all: 2 } } })
    const served = await limited.listen()
    try {
      const { authorization = '' } = headers()
      for (let times = 0; times < 4; times++) {
        const response = await fetch(`${served[at]}/files`, { method: 'HEAD', headers: { authorization } })
        expect(response.status).toBe(405)
      }
      const stream = await fetch(`${served.sse}/files`, { headers: { authorization } })
      expect(stream.status).toBe(200)
      await stream.body?.cancel()
    } finally {
      await served.close()
    }
  })

  it.each([
    ['no name', {}],
    ['a name that is no text', { name: 1 }],
    ['arguments that are an array', { name: 'echo', arguments: [] }],
    ['a _meta that is text', { name: 'echo', _meta: 'x' }],
    ['a task', { name: 'echo', task: { ttl: 1 } }],
  ])('answers a tools/call with %s with invalid params', async (_, params) => {
    const before = door.calls.length
    expect(await (await post(call(params))).json()).toMatchObject({ id: 7, error: { code: -32602 } })
    expect(door.calls.length).toBe(before)
  })
})

describe('sessions', () => {
  it('lets a client without one call and list tools, and nothing else', async () => {
    expect(await (await post(call({ name: 'echo' }))).json()).toMatchObject({ id: 7, result: {} })
    const list = await post({ jsonrpc: '2.0', id: 2, method: 'tools/list' })
    expect(await list.json()).toMatchObject({ result: { tools: [{ name: 'echo' }] } })
    expect((await post({ jsonrpc: '2.0', id: 3, method: 'resources/list' })).status).toBe(400)
    expect((await post({ jsonrpc: '2.0', method: 'notifications/initialized' })).status).toBe(400)
  })

  it('passes on notifications of MCP, and no request that came without an id', async () => {
    const session = { 'mcp-session-id': await open() }
    for (const method of ['tools/call', 'initialize', 'resources/read', 'notifications/roots/list_changed']) {
      const message = { jsonrpc: '2.0', method, params: { name: 'echo', arguments: {} } }
      expect((await post(message, session)).status).toBe(202)
    }
    expect(door.notified).toEqual([{ upstream: 'files', method: 'notifications/roots/list_changed' }])
  })

  it('answers 404 once a session has been deleted, and lets its upstreams go', async () => {
    const id = await open()
    const before = door.released.length
    const end = () => door.app.request('/mcp/files', { method: 'DELETE', headers: headers({ 'mcp-session-id': id }) })
    expect((await end()).status).toBe(204)
    expect((await end()).status).toBe(404)
    expect((await post(PING, { 'mcp-session-id': id })).status).toBe(404)
    expect(door.released.length).toBe(before + 1)
  })

  it('answers an unknown upstream with the names of the known', async () => {
    const response = await post(PING, {}, '/mcp/nowhere')
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { code: -32003, message: expect.stringContaining('files') } })
  })

  it("names the chain after the client's label, else after the session, never after the session id", async () => {
    const id = await open()
    await post(call({ name: 'echo' }), { 'mcp-session-id': id })
    await post(call({ name: 'echo' }), { 'mcp-session-id': id, 'x-aegis-session': 'night-run' })
    await post(call({ name: 'echo' }))
    const labels = door.calls.slice(-3).map(({ sessionLabel }) => sessionLabel)
    expect(labels).toEqual([expect.stringMatching(/^sess-2026-04-06-1422-[0-9a-f]{6}$/), 'night-run', null])
    expect(door.calls.at(-3)?.agent).toBe('test')
  })

  it('refuses a label that is none', async () => {
    expect((await post(call({ name: 'echo' }), { 'x-aegis-session': '../other' })).status).toBe(400)
  })
})

describe('revisions', () => {
  it.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('speaks %s', async (version) => {
    const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: 'test', version: '1' } }
    const response = await post({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
    expect(await response.json()).toMatchObject({ result: { protocolVersion: version, serverInfo: { name: 'files' } } })
  })

  it('answers a wish for another revision with its newest', async () => {
    const params = { protocolVersion: '1999-01-01', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
    const response = await post({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
    expect(await response.json()).toMatchObject({ result: { protocolVersion: '2025-11-25' } })
  })

  it.each(['2023-01-01', '2026-07-29', 'x'])('refuses the header %s and lists what it speaks', async (version) => {
    const response = await post(PING, { 'mcp-protocol-version': version })
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      jsonrpc: '2.0',
      id: 1,
      error: {
        code: -32022,
        message: expect.any(String),
        data: { supported: ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'], requested: version },
      },
    })
  })

  it('has batches in 2025-03-26 alone, and judges each element', async () => {
    const batch = [
      call({ name: 'echo' }),
      { ...PING, id: 8 },
      { ...PING, id: 9, extra: 1 },
      { ...call({ name: 'echo' }), id: 10 },
    ]
    const before = door.calls.length
    const response = await post(batch, { 'mcp-session-id': await open({}, '2025-03-26') })
    expect(await response.json()).toMatchObject([{ id: 7, result: {} }, { id: 8 }, { id: 9, error: {} }, { id: 10 }])
    expect(door.calls.length).toBe(before + 2)
    for (const version of ['2024-11-05', '2025-06-18', '2025-11-25']) {
      expect((await post(batch, { 'mcp-session-id': await open({}, version) })).status).toBe(400)
    }
  })

  it.each([
    ['an empty batch', []],
    ['a batch of a hundred and one', Array.from({ length: 101 }, () => PING)],
  ])('refuses %s', async (_, batch) => {
    expect((await post(batch, { 'mcp-session-id': await open({}, '2025-03-26') })).status).toBe(400)
  })
})
