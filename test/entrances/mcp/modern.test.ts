import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../src/core/json.ts'
import { isModern } from '../../../src/entrances/mcp/modern/revision.ts'
import { parseBody } from '../../../src/entrances/mcp/rpc.ts'
import { headers, OTHER_KEY, openDoor } from '../../support/mcp-door.ts'
import { askModern, META, MODERN, type ModernRequest, modernRequest } from '../../support/modern.ts'

const text = (value: unknown) => ({ content: [{ type: 'text', text: JSON.stringify(value) }] })
const asked: { method: string; params: JsonObject | undefined }[] = []

const door = openDoor({
  files: {
    capabilities: { tools: { listChanged: true }, prompts: {}, resources: {}, logging: {}, tasks: {} },
    prompts: ['summary'],
    tools: {
      echo: (call) => text({ what: call.what, meta: call.meta, retry: call.retry }),
      blocked_rm: () => text('never'),
      review_write: () => text('written'),
      async count(call) {
        const progressToken = call.meta?.['progressToken'] ?? ''
        for (const level of ['debug', 'warning']) {
          call.onNotification?.({ method: 'notifications/message', params: { level, data: level } })
        }
        call.onNotification?.({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
        call.onNotification?.({ method: 'notifications/progress', params: { progressToken: 'not ours', progress: 2 } })
        call.onNotification?.({ method: 'notifications/tools/list_changed' })
        return text('counted')
      },
    },
    answer(method, params) {
      asked.push({ method, params })
      if (method === 'resources/read') {
        return params?.['uri'] === 'file:///gone'
          ? { kind: 'error', error: { code: -32002, message: 'Resource not found' } }
          : { kind: 'result', result: { contents: [], ttlMs: 60_000, cacheScope: 'public' } }
      }
      if (method === 'completion/complete') return { kind: 'result', result: { completion: { values: [] } } }
      return { kind: 'error', error: { code: -32601, message: `Method not found: ${method}` } }
    },
  },
  second: { tools: { echo: () => text('second') } },
})

const ask = (request: ModernRequest) => askModern(door.app, request)
const echo = (more: Partial<ModernRequest> = {}) => ask({ method: 'tools/call', params: { name: 'echo' }, ...more })

describe('which era a message is of', () => {
  const request = (params: object, method = 'tools/list') =>
    parseBody(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))).messages[0]
  it.each([
    ['a request without any sign', undefined, request({}), false],
    ['the header of an earlier revision', '2025-11-25', request({}), false],
    ['the header', MODERN, request({}), true],
    ['a header nobody knows', '2999-01-01', request({}), true],
    ['a version in `_meta`', undefined, request({ _meta: { [META.version]: MODERN } }), true],
    ['a version in `_meta` against its header', '2025-11-25', request({ _meta: { [META.version]: MODERN } }), true],
    ['the probe of a client that does not know', undefined, request({}, 'server/discover'), true],
  ])('is told by %s', (_, header, message, modern) => {
    expect(isModern(header, message)).toBe(modern)
  })
})

describe('a request of the stateless era', () => {
  it('needs no handshake and no session', async () => {
    const { status, result } = await echo()
    expect(status).toBe(200)
    expect(result).toMatchObject({ resultType: 'complete', content: [{ type: 'text' }] })
  })

  it('ignores a session id, and gives out none', async () => {
    const { headers, body } = modernRequest({ method: 'tools/list', headers: { 'mcp-session-id': 'f'.repeat(32) } })
    const response = await door.app.request('/mcp/files', { method: 'POST', headers, body })
    expect([response.status, response.headers.get('mcp-session-id')]).toEqual([200, null])
  })

  it('reaches the upstream without what only the hop to us needed to know', async () => {
    const { result } = await echo({ meta: { traceparent: 'kept', [META.logLevel]: 'info' } })
    const { meta } = JSON.parse(result?.content?.[0]?.text ?? '')
    expect(meta).toEqual({ traceparent: 'kept', [META.logLevel]: 'info' })
  })

  it('works without the name of its client', async () => {
    expect((await echo({ meta: { [META.client]: undefined } })).status).toBe(200)
  })

  it.each([
    ['no `_meta` version', { [META.version]: undefined }, -32602],
    ['a version that is no text', { [META.version]: 1 }, -32602],
    ['no capabilities', { [META.capabilities]: undefined }, -32602],
    ['capabilities that are a list', { [META.capabilities]: [] }, -32602],
    ['a client that is text', { [META.client]: 'me' }, -32602],
    ['an unknown log level', { [META.logLevel]: 'loud' }, -32602],
    ['a progress token that is an object', { progressToken: {} }, -32602],
    ['claims over 16 KiB', { [META.client]: { name: 'x'.repeat(17_000), version: '1' } }, -32602],
    ['another version than its header', { [META.version]: '2025-11-25' }, -32020],
  ])('is refused with %s, and forwarded nowhere', async (_, meta, code) => {
    const before = door.calls.length
    const { status, error, id } = await echo({ meta, id: 'mine' })
    expect([status, error?.code, id]).toEqual([400, code, 'mine'])
    expect(door.calls.length).toBe(before)
  })

  it.each([
    ['no version header', { 'mcp-protocol-version': undefined }, -32020],
    ['the version header of another revision', { 'mcp-protocol-version': '2025-11-25' }, -32020],
    ['the version header twice', { 'mcp-protocol-version': `${MODERN}, ${MODERN}` }, -32020],
    ['no Mcp-Method', { 'mcp-method': undefined }, -32020],
    ['another Mcp-Method', { 'mcp-method': 'tools/list' }, -32020],
    ['an Mcp-Method in capitals', { 'mcp-method': 'TOOLS/CALL' }, -32020],
    ['no Mcp-Name', { 'mcp-name': undefined }, -32020],
    ['another Mcp-Name', { 'mcp-name': 'blocked_rm' }, -32020],
    ['two Mcp-Names', { 'mcp-name': 'echo, echo' }, -32020],
    ['an Mcp-Name in broken Base64', { 'mcp-name': '=?base64?ZWNob?=' }, -32020],
    ['an Mcp-Name in Base64 of no UTF-8', { 'mcp-name': '=?base64?/w==?=' }, -32020],
    ['an Mcp-Name beyond ASCII', { 'mcp-name': 'ech\u00f6' }, -32020],
  ])('is refused with %s, and forwarded nowhere', async (_, sent, code) => {
    const before = door.calls.length
    const { status, error } = await echo({ headers: sent })
    expect([status, error?.code]).toEqual([400, code])
    expect(door.calls.length).toBe(before)
  })

  it.each([
    ['Base64', '=?base64?ZWNobw==?='],
    ['spaces around', '  echo '],
  ])('may name its tool in %s', async (_, name) => {
    expect((await echo({ headers: { 'mcp-name': name } })).status).toBe(200)
  })

  it('is told which revisions are spoken here', async () => {
    const version = '1999-01-01'
    const { status, error } = await echo({
      meta: { [META.version]: version },
      headers: { 'mcp-protocol-version': version },
    })
    expect(status).toBe(400)
    expect(error).toMatchObject({ code: -32022, data: { requested: version } })
    expect(error?.data?.['supported']).toContain(MODERN)
  })

  it.each([
    'initialize',
    'ping',
    'logging/setLevel',
    'resources/subscribe',
    'resources/unsubscribe',
  ])('has no method %s any more', async (method) => {
    const before = asked.length
    const { status, error } = await ask({ method })
    expect([status, error?.code]).toEqual([404, -32601])
    expect(asked.length).toBe(before)
  })

  it('tells intermediaries of a method that the upstream does not know', async () => {
    const { status, error } = await ask({ method: 'unknown/method' })
    expect([status, error?.code]).toEqual([404, -32601])
  })

  it('shares no conversation with an upstream with another key', async () => {
    const theirs = await echo({ headers: { authorization: `Bearer ${OTHER_KEY}` } })
    expect(theirs.status).toBe(200)
    expect(new Set(door.calls.slice(-2).map(({ channel }) => channel?.key)).size).toBe(2)
  })
})

describe('what is no request of this era', () => {
  const post = (body: unknown) =>
    door.app.request('/mcp/files', {
      method: 'POST',
      headers: headers({ 'mcp-protocol-version': MODERN }),
      body: JSON.stringify(body),
    })

  it.each([
    ['a batch', [{ jsonrpc: '2.0', id: 1, method: 'ping' }], 400],
    ['an answer', { jsonrpc: '2.0', id: 1, result: {} }, 400],
    ['a request without an id', { jsonrpc: '2.0', method: 'tools/call', params: { name: 'echo' } }, 400],
    ['a notification', { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }, 202],
  ])('%s is answered with its HTTP status and does nothing', async (_, body, status) => {
    const before = door.calls.length
    expect((await post(body)).status).toBe(status)
    expect(door.calls.length).toBe(before)
  })

  it.each(['GET', 'DELETE'])('there is no %s', async (method) => {
    const sent = headers({ 'mcp-protocol-version': MODERN })
    expect((await door.app.request('/mcp/files', { method, headers: sent })).status).toBe(405)
  })
})

describe('server/discover', () => {
  it('shows one upstream as it is, but for what we do not pass on', async () => {
    const { result } = await ask({ method: 'server/discover' })
    expect(result).toEqual({
      resultType: 'complete',
      supportedVersions: [MODERN, '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'],
      capabilities: { tools: { listChanged: true }, prompts: {}, resources: {}, logging: {} },
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'files', version: '1' } },
      ttlMs: 0,
      cacheScope: 'private',
    })
  })

  it('shows the merged endpoint as a server of its own', async () => {
    const { result } = await ask({ method: 'server/discover', path: '/mcp' })
    expect(result).toMatchObject({
      capabilities: { tools: {}, prompts: {} },
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'aegis', version: '1.2.3' } },
    })
  })
})

describe('answers', () => {
  it.each([
    ['tools/list', {}],
    ['prompts/list', {}],
    ['resources/read', { uri: 'file:///a' }],
  ])('of %s are kept by nobody', async (method, params) => {
    expect((await ask({ method, params })).result).toMatchObject({ ttlMs: 0, cacheScope: 'private' })
  })

  it('of other methods have nothing to do with caches', async () => {
    const { result } = await ask({ method: 'completion/complete' })
    expect(result).toEqual({ resultType: 'complete', completion: { values: [] } })
  })

  it('have no code that this revision retired', async () => {
    const { error } = await ask({ method: 'resources/read', params: { uri: 'file:///gone' } })
    expect(error).toEqual({ code: -32602, message: 'Resource not found' })
  })

  it('of a blocked call are results that say why and what to do instead', async () => {
    const { status, result } = await ask({ method: 'tools/call', params: { name: 'blocked_rm' } })
    expect([status, result]).toMatchObject([
      200,
      {
        resultType: 'complete',
        isError: true,
        content: [{ text: expect.stringContaining('blocked by pr-writer policy: not on this list. Try: call echo') }],
        structuredContent: { suggested_alternative: 'call echo' },
      },
    ])
  })

  it('of a call that waits for a person are results that say how to come back', async () => {
    const params = { name: 'review_write', arguments: { to: 'once' } }
    expect((await ask({ method: 'tools/call', params })).result).toMatchObject({
      isError: true,
      structuredContent: { retry: 'unchanged' },
    })
    door.approve()
    expect((await ask({ method: 'tools/call', params })).result).toEqual({ resultType: 'complete', ...text('written') })
  })

  it('work on the merged endpoint too', async () => {
    const { result } = await ask({ method: 'tools/list', path: '/mcp' })
    expect(JSON.stringify(result)).toContain('second__echo')
    const call = await ask({ method: 'tools/call', params: { name: 'second__echo' }, path: '/mcp' })
    expect(call.result).toEqual({ resultType: 'complete', ...text('second') })
  })
})

describe('before the answer', () => {
  const count = (meta: Record<string, unknown>) => ask({ method: 'tools/call', params: { name: 'count' }, meta })

  it('nothing is told to a client that asked for nothing', async () => {
    expect((await count({})).told).toEqual([])
  })

  it('progress comes under the token of this very request', async () => {
    expect((await count({ progressToken: 7 })).told).toEqual([
      { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 7, progress: 1 } },
    ])
  })

  it('two clients may use one token: upstreams are given another for each request', async () => {
    await echo({ meta: { progressToken: 1 } })
    await echo({ meta: { progressToken: 1 } })
    const tokens = door.calls.slice(-2).map(({ meta }) => meta?.['progressToken'])
    expect(new Set(tokens).size).toBe(2)
  })

  it.each([
    ['debug', ['debug', 'warning']],
    ['notice', ['warning']],
    ['error', []],
  ])('log messages come from the level %s on', async (level, expected) => {
    const { told } = await count({ [META.logLevel]: level })
    expect(told.map(({ params }) => params?.['data'])).toEqual(expected)
  })

  it('upstreams of earlier revisions are told the level that somebody asked for', async () => {
    await count({ [META.logLevel]: 'debug' })
    expect(asked).toContainEqual({ method: 'logging/setLevel', params: { level: 'debug' } })
  })
})
