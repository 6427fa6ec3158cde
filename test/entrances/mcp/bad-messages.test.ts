import { afterAll, describe, expect, it } from 'vitest'
import type { ListedUpstream } from '../../support/list-gateway.ts'
import { headers, openDoor } from '../../support/mcp-door.ts'

/** The tools that wait until they are told to go on. */
const waiting: (() => void)[] = []
const files: ListedUpstream = {
  tools: {
    echo: () => ({ content: [] }),
    wait: () => new Promise((resolve) => waiting.push(() => resolve({ content: [] }))),
  },
  answer: (method) => ({ kind: 'result', result: { heard: method } }),
}
const door = openDoor({ files })
afterAll(() => door.entrance.close())

const post = (message: object | string, more: Record<string, string> = {}) =>
  door.app.request('/mcp/files', {
    method: 'POST',
    headers: headers(more),
    body: typeof message === 'string' ? message : JSON.stringify(message),
  })
const call = (id: number | string, name = 'echo') => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: {} },
})

async function open(): Promise<Record<string, string>> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
  const response = await post({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
}

describe('headers of the stateless era on a message of an earlier one', () => {
  it.each<[string, object, Record<string, string>]>([
    ['another method', call(1), { 'mcp-method': 'tools/list' }],
    ['another name', call(1), { 'mcp-method': 'tools/call', 'mcp-name': 'harmless' }],
    ['a name where the body has none', { jsonrpc: '2.0', id: 1, method: 'tools/list' }, { 'mcp-name': 'echo' }],
    ['a method for a batch', [call(1)], { 'mcp-method': 'tools/call', 'mcp-protocol-version': '2025-03-26' }],
  ])('that say %s than the body are refused: who judged by them saw another call', async (_, message, more) => {
    const before = door.calls.length
    const answer = await post(message, more)
    expect([answer.status, await answer.json()]).toEqual([
      400,
      expect.objectContaining({ error: expect.objectContaining({ code: -32020 }) }),
    ])
    expect(door.calls.length).toBe(before)
  })

  it('that agree with it are no fault', async () => {
    const answer = await post(call(1), { 'mcp-method': 'tools/call', 'mcp-name': 'echo' })
    expect(await answer.json()).toMatchObject({ id: 1, result: {} })
  })
})

describe('the ids of a session', () => {
  it('mean one running call each: a second call of the same id is refused, the first goes on', async () => {
    const session = await open()
    const first = post(call(5, 'wait'), session)
    await expect.poll(() => waiting.length).toBe(1)
    expect(await (await post(call(5), session)).json()).toMatchObject({
      id: 5,
      error: { code: -32600, message: expect.stringContaining('still running') },
    })
    waiting.shift()?.()
    expect(await (await first).json()).toMatchObject({ id: 5, result: {} })
  })

  it('are told apart by type, as JSON-RPC has it', async () => {
    const session = await open()
    const first = post(call(6, 'wait'), session)
    await expect.poll(() => waiting.length).toBe(1)
    expect(await (await post(call('6'), session)).json()).toMatchObject({ id: '6', result: {} })
    waiting.shift()?.()
    await first
  })

  it('are each session’s own: a cancellation reaches no call of another', async () => {
    const [mine, other] = [await open(), await open()]
    const first = post(call(7, 'wait'), mine)
    await expect.poll(() => waiting.length).toBe(1)
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } }
    expect((await post(cancel, other)).status).toBe(202)
    waiting.shift()?.()
    expect(await (await first).json()).toMatchObject({ id: 7, result: {} })
  })

  it('answer no question that was not asked', async () => {
    const session = await open()
    expect((await post({ jsonrpc: '2.0', id: 'aegis-1', result: { roots: [] } }, session)).status).toBe(202)
    expect((await post(call(8), session)).status).toBe(200)
  })
})

it('a notification sent as a request reaches no upstream', async () => {
  const session = await open()
  for (const method of ['notifications/cancelled', 'notifications/initialized', 'notifications/of/tomorrow']) {
    const answer = await post({ jsonrpc: '2.0', id: 9, method, params: { requestId: 1 } }, session)
    expect(await answer.json()).toMatchObject({ id: 9, error: { code: -32600 } })
  }
  expect(await (await post({ jsonrpc: '2.0', id: 10, method: 'vendor/thing' }, session)).json()).toMatchObject({
    result: { heard: 'vendor/thing' },
  })
})

it('a connection that sent nonsense is served as before', async () => {
  const session = await open()
  for (const nonsense of ['\u0000', '{"jsonrpc":"2.0"', '[[]]', '{"jsonrpc":"2.0","id":1,"method":"\\udc00"}']) {
    expect((await post(nonsense, session)).status).toBe(400)
    expect((await post(call(1), session)).status).toBe(200)
  }
})
