import { request } from 'node:http'
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CreateMessageRequestSchema,
  LoggingMessageNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ListedUpstream } from '../../support/list-gateway.ts'
import { KEY, openDoor } from '../../support/mcp-door.ts'
import { refusal } from '../../support/refusal.ts'

const text = (value: string) => ({ content: [{ type: 'text', text: value }] })
const stopped: string[] = []

const files: ListedUpstream = {
  capabilities: { tools: {}, prompts: {}, resources: {}, logging: {} },
  prompts: ['summary'],
  tools: {
    echo: (call) => text(call.what.kind === 'tool' ? String(call.what.parameters['text']) : ''),
    blocked_rm: () => text('never'),
    review_write: () => text('written'),
    slow: (call, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          stopped.push(call.agent ?? '')
          reject(signal.reason)
        })
      }),
    async count(call) {
      const progressToken = call.meta?.['progressToken'] ?? ''
      for (const progress of [1, 2, 3]) {
        call.onNotification?.({ method: 'notifications/progress', params: { progressToken, progress } })
        call.onNotification?.({ method: 'notifications/message', params: { level: 'info', data: `step ${progress}` } })
      }
      return text('counted')
    },
    async ask(call, signal) {
      const params = { messages: [{ role: 'user', content: { type: 'text', text: 'name?' } }], maxTokens: 9 }
      const outcome = await call.channel?.request('files', { method: 'sampling/createMessage', params }, signal)
      return text(JSON.stringify(outcome))
    },
  },
  answer: (method, params) =>
    method === 'resources/read'
      ? { kind: 'result', result: { contents: [{ uri: String(params?.['uri']), text: 'inside' }] } }
      : { kind: 'error', error: { code: -32601, message: `Method not found: ${method}` } },
}

const held: ListedUpstream = { onReview: 'hold', tools: { review_write: () => text('written after all') } }
const door = openDoor({ files, held }, { hold: { default: 2000, clients: {} } })
let at: Awaited<ReturnType<typeof door.listen>>
beforeAll(async () => {
  at = await door.listen()
})
afterAll(() => at.close())

const withKey = { requestInit: { headers: { authorization: `Bearer ${KEY}` } } }

async function v1(path = '/files') {
  const client = new ClientV1(
    { name: 'v1', version: '1' },
    { capabilities: { sampling: {}, roots: { listChanged: true } } },
  )
  await client.connect(new HttpV1(new URL(at.url + path), withKey))
  return client
}

async function v2(mode: 'auto' | 'legacy', path = '/files') {
  const client = new ClientV2({ name: mode, version: '1' }, { versionNegotiation: { mode } })
  await client.connect(new HttpV2(new URL(at.url + path), withKey))
  return client
}

describe.each([
  ['SDK v1', () => v1()],
  ['SDK v2, legacy', () => v2('legacy')],
  ['SDK v2, which probes for the stateless era first', () => v2('auto')],
])('a client with %s', (name, connect) => {
  const code = (legacy: number) => (name.includes('stateless') ? null : legacy)

  it('sees the upstream, calls its tools and reads its resources', async () => {
    const client = await connect()
    expect(client.getServerVersion()).toMatchObject({ name: 'files' })
    expect(client.getServerCapabilities()).toMatchObject({ prompts: {}, resources: {} })
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo')
    expect(await client.callTool({ name: 'echo', arguments: { text: 'hällo' } })).toMatchObject(text('hällo'))
    expect(await client.readResource({ uri: 'file:///a' })).toMatchObject({ contents: [{ text: 'inside' }] })
    await client.close()
  })

  it('reads in the refusal itself why a call is blocked and what to do instead', async () => {
    const client = await connect()
    expect(await refusal(client.callTool({ name: 'blocked_rm' }))).toMatchObject({
      code: code(-32001),
      message: expect.stringContaining('blocked by pr-writer policy: not on this list. Try: call echo'),
      data: { suggested_alternative: 'call echo' },
    })
    await client.close()
  })

  it('is told at once of a call that waits, and gets it by making it again after the approval', async () => {
    const client = await connect()
    const call = { name: 'review_write', arguments: { to: crypto.randomUUID() } }
    expect(await refusal(client.callTool(call))).toMatchObject({ code: code(-32002), data: { retry: 'unchanged' } })
    door.approve()
    expect(await client.callTool(call)).toMatchObject(text('written'))
    await client.close()
  })

  it('hears of progress before the answer', async () => {
    const client = await connect()
    const heard: number[] = []
    const onprogress = ({ progress }: { progress: number }) => heard.push(progress)
    const params = { name: 'count' }
    const result =
      client instanceof ClientV1
        ? client.callTool(params, undefined, { onprogress })
        : client.callTool(params, { onprogress })
    expect(await result).toMatchObject(text('counted'))
    expect(heard).toEqual([1, 2, 3])
    await client.close()
  })
})

it('stops a call that its client cancels', async () => {
  const client = await v1()
  const controller = new AbortController()
  const call = client.callTool({ name: 'slow' }, undefined, { signal: controller.signal })
  setTimeout(() => controller.abort(), 50)
  await expect(call).rejects.toThrow()
  await expect.poll(() => stopped).toContain('v1')
  await client.close()
})

it('stops the calls of a client whose connection breaks', async () => {
  const controller = new AbortController()
  const request = fetch(`${at.url}/files`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'slow' } }),
    signal: controller.signal,
  })
  await expect.poll(() => door.calls.at(-1)?.sessionLabel).toBe(null)
  const before = stopped.length
  controller.abort()
  await expect(request).rejects.toThrow()
  await expect.poll(() => stopped.length).toBe(before + 1)
})

it('refuses a body over 1 MiB that never says how long it is', async () => {
  const { port } = new URL(at.url)
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' }
    const outgoing = request({ port, path: '/mcp/files', method: 'POST', headers }, (response) => {
      resolve(response.statusCode)
      outgoing.destroy()
    })
    outgoing.on('error', reject)
    for (let sent = 0; sent < 20; sent++) outgoing.write('x'.repeat(64 * 1024))
  })
  expect(status).toBe(413)
})

it('lets an upstream ask the client in the middle of a call', async () => {
  const client = await v1()
  client.setRequestHandler(CreateMessageRequestSchema, () => ({
    model: 'm',
    role: 'assistant',
    content: { type: 'text', text: 'Ada' },
  }))
  const result = await client.callTool({ name: 'ask' })
  expect(JSON.stringify(result)).toContain('Ada')
  await client.close()
})

it('brings log messages with the call, and what an upstream says out of turn on the GET stream', async () => {
  const client = await v1()
  const logged: unknown[] = []
  let changed = 0
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logged.push(params.data))
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changed++)
  await client.callTool({ name: 'count' })
  expect(logged).toEqual(['step 1', 'step 2', 'step 3'])
  for (const channel of door.channels.values()) channel.notify('files', { method: 'notifications/tools/list_changed' })
  await expect.poll(() => changed).toBe(1)
  await client.close()
})

it('passes on what the client says to the upstream', async () => {
  const client = await v1()
  await client.notification({ method: 'notifications/roots/list_changed' }, {})
  // `initialized` too: the upstreams' side knows whether it was said already.
  await expect
    .poll(() => door.notified)
    .toContainEqual({ upstream: 'files', method: 'notifications/roots/list_changed' })
  await client.close()
})

it('ends the conversations with upstreams when the client ends its session', async () => {
  const client = await v1()
  const before = door.released.length
  await (client.transport as HttpV1).terminateSession()
  expect(door.released.length).toBe(before + 1)
  await client.close()
})

describe('an upstream with on_review: hold', () => {
  const call = () => ({ name: 'review_write', arguments: { to: crypto.randomUUID() } })

  it('waits for the person, says so, and runs the call on approval', async () => {
    const client = await v1('/held')
    const heard: (string | undefined)[] = []
    const result = client.callTool(call(), undefined, { onprogress: ({ message }) => heard.push(message) })
    await expect.poll(() => heard.length).toBe(1)
    expect(heard[0]).toContain('waiting for a person')
    door.approve()
    expect(await result).toMatchObject(text('written after all'))
    await client.close()
  })

  it('answers -32002 when nobody came in time', async () => {
    const client = await v1('/held')
    await expect(client.callTool(call())).rejects.toMatchObject({ code: -32002 })
    await client.close()
  })

  it('runs nothing for a client that has gone', async () => {
    const client = await v1('/held')
    const controller = new AbortController()
    const waiting = door.held()
    const before = door.calls.length
    const result = client.callTool(call(), undefined, { signal: controller.signal })
    await expect.poll(() => door.held()).toBe(waiting + 1)
    controller.abort()
    await expect(result).rejects.toThrow()
    await new Promise((resolve) => setTimeout(resolve, 50))
    door.approve()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(door.calls.length).toBe(before + 1)
    await client.close()
  })
})
