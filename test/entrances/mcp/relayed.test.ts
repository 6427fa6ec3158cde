import { describe, expect, it } from 'vitest'
import { headers, openDoor } from '../../support/mcp-door.ts'
import { askModern } from '../../support/modern.ts'

const reached: string[] = []
const door = openDoor({
  files: {
    tools: {},
    answer(method) {
      reached.push(method)
      return { kind: 'result', result: {} }
    },
  },
})

const post = (message: object, session: Record<string, string> = {}) =>
  door.app.request('/mcp/files', {
    method: 'POST',
    headers: headers(session),
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
  })

async function send(method: string): Promise<{ code: number } | undefined> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
  const id = (await post({ method: 'initialize', params })).headers.get('mcp-session-id') ?? ''
  const answer = await post({ method, params: {} }, { 'mcp-session-id': id })
  return JSON.parse(await answer.text()).error
}

const WRITTEN_OTHERWISE = [
  'Tools/Call',
  'tools/call ',
  'tools/call\n',
  'tools//call',
  '/tools/call/',
  'tools.call',
  'tools\u200b/call',
  '\uff54ools/call',
  'TOOLS/LIST',
  'resources/read/',
  'prompts/Get',
]

describe('a method that is not judged', () => {
  it.each(['vendor/anything', 'resources/list', 'constructor', '__proto__', 'x'])('%s passes', async (method) => {
    expect(await send(method)).toBeUndefined()
    expect(reached.pop()).toBe(method)
  })

  it.each(WRITTEN_OTHERWISE)('%j does not, for an upstream could take it for one that is', async (method) => {
    expect(await send(method)).toMatchObject({ code: -32601 })
    expect(reached).toEqual([])
  })

  it('nor does one of the stateless era that is written otherwise', async () => {
    expect((await askModern(door.app, { method: 'Tools/Call' })).error).toMatchObject({ code: -32601 })
    expect(reached).toEqual([])
  })

  it.each([
    'tasks/list',
    'tasks/get',
    'tasks/result',
    'tasks/cancel',
    'subscriptions/listen',
  ])('%s does not, from a client with a handshake: nobody would know whose task it is', async (method) => {
    expect(await send(method)).toMatchObject({ code: -32601 })
    expect(reached).toEqual([])
  })
})
