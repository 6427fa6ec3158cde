import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CreateMessageRequestSchema, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ListedUpstream } from '../../support/list-gateway.ts'
import { headers, KEY, OTHER_KEY, openDoor } from '../../support/mcp-door.ts'

const text = (value: string) => ({ content: [{ type: 'text', text: value }] })
const stopped: string[] = []
let finish: () => void = () => undefined

const files: ListedUpstream = {
  capabilities: { tools: {}, resources: {} },
  tools: {
    echo: (call) => text(call.what.kind === 'tool' ? String(call.what.parameters['text']) : ''),
    blocked_rm: () => text('never'),
    slow: (call, signal) =>
      new Promise((resolve, reject) => {
        finish = () => resolve(text('finished'))
        signal.addEventListener('abort', () => {
          stopped.push(call.sessionLabel ?? '')
          reject(signal.reason)
        })
      }),
    async count(call) {
      const progressToken = call.meta?.['progressToken'] ?? ''
      for (const progress of [1, 2, 3]) {
        call.onNotification?.({ method: 'notifications/progress', params: { progressToken, progress } })
      }
      // The SDK drops progress that it reads together with the answer.
      await new Promise((resolve) => setTimeout(resolve, 20))
      return text('counted')
    },
    async ask(call, signal) {
      const params = { messages: [{ role: 'user', content: { type: 'text', text: 'name?' } }], maxTokens: 9 }
      return text(
        JSON.stringify(await call.channel?.request('files', { method: 'sampling/createMessage', params }, signal)),
      )
    },
  },
  answer: (method, params) =>
    method === 'resources/read'
      ? { kind: 'result', result: { contents: [{ uri: String(params?.['uri']), text: 'inside' }] } }
      : { kind: 'error', error: { code: -32601, message: `Method not found: ${method}` } },
}

const door = openDoor({ files, notes: { tools: { jot: () => text('jotted') } } }, { resumeMs: 300 })
let at: Awaited<ReturnType<typeof door.listen>>
beforeAll(async () => {
  at = await door.listen()
})
afterAll(() => at.close())

const withKey = (key = KEY, more: Record<string, string> = {}) => ({
  requestInit: { headers: { authorization: `Bearer ${key}`, ...more } },
})

async function connect(path = '/files', more: Record<string, string> = {}): Promise<Client> {
  const client = new Client({ name: 'old', version: '1' }, { capabilities: { sampling: {} } })
  await client.connect(new SSEClientTransport(new URL(at.sse + path), withKey(KEY, more)))
  return client
}

describe('a client over HTTP+SSE', () => {
  it('sees the upstream, calls its tools and reads its resources', async () => {
    const client = await connect()
    expect(client.getServerVersion()).toMatchObject({ name: 'files' })
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo')
    expect(await client.callTool({ name: 'echo', arguments: { text: 'hällo' } })).toMatchObject(text('hällo'))
    expect(await client.readResource({ uri: 'file:///a' })).toMatchObject({ contents: [{ text: 'inside' }] })
    await expect(client.callTool({ name: 'blocked_rm' })).rejects.toMatchObject({ code: -32001 })
    await client.close()
  })

  it('has the tools of all upstreams at the address without a name', async () => {
    const client = await connect('')
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('notes__jot')
    expect(await client.callTool({ name: 'notes__jot' })).toMatchObject(text('jotted'))
    await client.close()
  })

  it('hears of progress before the answer, is asked in the middle of a call, and hears what is said out of turn', async () => {
    const client = await connect()
    const heard: number[] = []
    let changed = 0
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changed++)
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      model: 'm',
      role: 'assistant',
      content: { type: 'text', text: 'Ada' },
    }))
    const counted = client.callTool({ name: 'count' }, undefined, {
      onprogress: ({ progress }) => heard.push(progress),
    })
    expect(await counted).toMatchObject(text('counted'))
    expect(heard).toEqual([1, 2, 3])
    expect(JSON.stringify(await client.callTool({ name: 'ask' }))).toContain('Ada')
    for (const channel of door.channels.values())
      channel.notify('files', { method: 'notifications/tools/list_changed' })
    await expect.poll(() => changed).toBe(1)
    await client.close()
  })

  it('runs many calls at once and gives each its own answer', async () => {
    const client = await connect()
    const calls = Array.from({ length: 50 }, (_, n) => client.callTool({ name: 'echo', arguments: { text: `${n}` } }))
    expect(await Promise.all(calls)).toMatchObject(calls.map((_, n) => text(`${n}`)))
    await client.close()
  })

  it('stops a call that it cancels', async () => {
    const client = await connect('/files', { 'x-aegis-session': 'cancels' })
    const controller = new AbortController()
    const call = client.callTool({ name: 'slow' }, undefined, { signal: controller.signal })
    setTimeout(() => controller.abort(), 50)
    await expect(call).rejects.toThrow()
    await expect.poll(() => stopped).toContain('cancels')
    await client.close()
  })

  it('takes its calls and its upstreams with it when it leaves', async () => {
    const client = await connect('/files', { 'x-aegis-session': 'leaves' })
    const call = client.callTool({ name: 'slow' }).catch(() => 'gone')
    await expect.poll(() => door.calls.at(-1)?.sessionLabel).toBe('leaves')
    const key = door.calls.at(-1)?.channel?.key
    await client.close()
    expect(await call).toBe('gone')
    await expect.poll(() => stopped, { timeout: 5_000 }).toContain('leaves')
    await expect.poll(() => door.released).toContain(key)
  })

  it('is found by one that tries Streamable HTTP first', async () => {
    const first = new Client({ name: 'tries', version: '1' })
    await expect(
      first.connect(new StreamableHTTPClientTransport(new URL(`${at.sse}/files`), withKey())),
    ).rejects.toMatchObject({ code: 405 })
    await (await connect()).close()
  })
})

/** A stream by hand: its events as they come, and the address to POST to. */
async function openStream(path = '/files', more: Record<string, string> = {}) {
  const cut = new AbortController()
  const response = await fetch(at.sse + path, { headers: headers(more), signal: cut.signal })
  const heard: { event: string; data: string; id: string }[] = []
  const read = async () => {
    let rest = ''
    for await (const chunk of response.body ?? []) {
      const blocks = (rest + new TextDecoder().decode(chunk)).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? ''
        heard.push({ event: field('event'), data: field('data'), id: field('id') })
      }
    }
  }
  const ended = read().catch(() => undefined)
  await expect.poll(() => heard.length).toBeGreaterThan(0)
  const endpoint = new URL(heard[0]?.data ?? '', at.sse)
  const post = (body: object | string, given: Record<string, string> = {}) =>
    fetch(endpoint, {
      method: 'POST',
      headers: headers(given),
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const hello = () =>
    post({
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
    })
  return { response, heard, ended, cut, endpoint, post, hello }
}

const ping = { jsonrpc: '2.0', id: 9, method: 'ping' }

describe('the stream', () => {
  it('begins with the address to POST to, on the same path, and answers come by it alone', async () => {
    const { response, heard, endpoint, post, hello, cut } = await openStream()
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect([heard[0]?.event, endpoint.pathname]).toEqual(['endpoint', '/sse/files'])
    const accepted = await hello()
    expect([accepted.status, await accepted.text()]).toEqual([202, 'Accepted'])
    await expect.poll(() => heard.length).toBe(2)
    expect(JSON.parse(heard[1]?.data ?? '')).toMatchObject({ id: 0, result: { protocolVersion: '2024-11-05' } })
    await post(ping)
    await expect.poll(() => heard.at(-1)?.data).toBe('{"jsonrpc":"2.0","id":9,"result":{}}')
    cut.abort()
  })

  it('that broke is taken up where it was, by the client that says what it heard last', async () => {
    const first = await openStream()
    await first.hello()
    await expect.poll(() => first.heard.length).toBe(2)
    await first.post({ jsonrpc: '2.0', id: 5, method: 'tools/call', params: { name: 'slow' } })
    first.cut.abort()
    await first.ended
    const again = await openStream('/files', { 'last-event-id': first.heard[1]?.id ?? '' })
    expect(again.endpoint.href).toBe(first.endpoint.href)
    finish()
    await expect.poll(() => again.heard.at(-1)?.data).toContain('finished')
    again.cut.abort()
  })

  it('of somebody else is neither heard nor spoken into', async () => {
    const mine = await openStream()
    await mine.hello()
    await expect.poll(() => mine.heard.length).toBe(2)
    expect((await mine.post(ping, { authorization: `Bearer ${OTHER_KEY}` })).status).toBe(404)
    const other = await openStream('/files', {
      authorization: `Bearer ${OTHER_KEY}`,
      'last-event-id': mine.heard[1]?.id ?? '',
    })
    expect(other.endpoint.href).not.toBe(mine.endpoint.href)
    const elsewhere = await openStream('/notes', { 'last-event-id': mine.heard[1]?.id ?? '' })
    expect(elsewhere.endpoint.search).not.toBe(mine.endpoint.search)
    mine.endpoint.pathname = '/sse/notes'
    expect((await mine.post(ping)).status).toBe(404)
    for (const { cut } of [mine, other, elsewhere]) cut.abort()
  })

  it('refuses what is no message, in the answer to the POST', async () => {
    const { post, hello, heard, cut } = await openStream()
    const bad: [object | string, number, Record<string, string>?][] = [
      ['{"jsonrpc":"2.0","id":1,', 400],
      ['{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', 400],
      [{ jsonrpc: '1.0', id: 1, method: 'ping' }, 400],
      [[ping, ping], 400],
      [{ jsonrpc: '2.0', id: 1, method: 'resources/list' }, 400],
      [`"${'x'.repeat(1024 * 1024)}"`, 413],
      [ping, 415, { 'content-type': 'text/plain' }],
      [ping, 403, { host: 'evil.example', origin: 'http://evil.example' }],
      [ping, 401, { authorization: 'Bearer nobody' }],
    ]
    for (const [body, status, given] of bad) {
      const answer = await post(body, given)
      expect([status, await answer.json()]).toMatchObject([answer.status, { error: {} }])
    }
    await hello()
    await expect.poll(() => heard.length).toBe(2)
    expect((await hello()).status).toBe(202)
    await expect.poll(() => heard.at(-1)?.data).toContain('initialize was said already')
    cut.abort()
  })

  it('that nobody reads does not fill the memory: what would add to it is refused', async () => {
    const wide = openDoor({ files: { tools: { wide: () => text('x'.repeat(16 * 1024 * 1024)) } } })
    const opened = await wide.app.request('/sse/files', { headers: headers() })
    const reader = opened.body?.getReader()
    const first = new TextDecoder().decode((await reader?.read())?.value)
    const address = /data: (.*)/.exec(first)?.[1] ?? ''
    const post = (id: number) =>
      wide.app.request(address, {
        method: 'POST',
        headers: headers(),
        body: JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'wide' } }),
      })
    const statuses: number[] = []
    for (let id = 1; id <= 6; id++) {
      statuses.push((await post(id)).status)
      await expect.poll(() => wide.calls.length).toBe(Math.min(id, 5))
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expect(statuses).toEqual([202, 202, 202, 202, 202, 429])
    await reader?.cancel()
    await wide.entrance.close()
  })

  it('is not opened for a key in the address, nor without one, nor for an upstream that is none', async () => {
    const status = async (path: string, more: Record<string, string> = {}) => {
      const answer = await fetch(at.sse + path, { headers: { accept: 'text/event-stream', ...more } })
      return [answer.status, await answer.text()]
    }
    const [code, advice] = await status(`/files?api_key=${KEY}`)
    expect(code).toBe(401)
    expect(advice).toContain('Authorization: Bearer')
    expect(advice).not.toContain(KEY)
    expect((await status('/files'))[0]).toBe(401)
    expect((await status('/nothing', { authorization: `Bearer ${KEY}` }))[0]).toBe(404)
  })

  it('ends when the server stops, behind the answers that were under way', async () => {
    const stopping = openDoor({ files })
    const there = await stopping.listen()
    const client = new Client({ name: 'old', version: '1' })
    await client.connect(new SSEClientTransport(new URL(`${there.sse}/files`), withKey()))
    const answer = client.callTool({ name: 'slow' })
    await expect.poll(() => stopping.calls.length).toBe(1)
    const closed = stopping.entrance.close()
    finish()
    expect(await answer).toMatchObject(text('finished'))
    await closed
    await client.close()
    await there.close()
  })
})
