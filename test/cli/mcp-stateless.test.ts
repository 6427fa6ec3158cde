import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runBridge } from '../../src/cli/mcp/bridge.ts'
import { createStatelessHeaders } from '../../src/cli/mcp/stateless.ts'
import { KEY, openDoor } from '../support/mcp-door.ts'
import { CAPABILITIES, META, MODERN } from '../support/modern.ts'

const stopped: string[] = []
const door = openDoor({
  files: {
    capabilities: { tools: { listChanged: true } },
    tools: {
      'häßlich name': () => ({ content: [{ type: 'text', text: 'reached' }] }),
      slow: (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            stopped.push(String(signal.reason))
            reject(signal.reason)
          })
        }),
    },
  },
})
const folder = mkdtempSync(join(tmpdir(), 'aegis-stateless-'))
const socket = join(folder, 's')
let at: Awaited<ReturnType<typeof door.listen>>
beforeAll(async () => {
  at = await door.listen(socket)
})
afterAll(async () => {
  await at.close()
  rmSync(folder, { recursive: true })
})

const meta = {
  [META.version]: MODERN,
  [META.client]: { name: 'editor', version: '1' },
  [META.capabilities]: CAPABILITIES,
}

/** A client on stdio, and what it has been answered. */
function client() {
  const input = new PassThrough()
  const output = new PassThrough()
  const heard: { id?: unknown; method?: string; result?: unknown; error?: { code: number } }[] = []
  output.on('data', (chunk) => {
    for (const line of String(chunk).trim().split('\n')) heard.push(JSON.parse(line))
  })
  const complaints: string[] = []
  const done = runBridge({
    input,
    output,
    complain: (text) => void complaints.push(text),
    connect: async () => ({ socketPath: socket, agentKey: KEY }),
    path: '/mcp/files',
    label: null,
    stop: new AbortController().signal,
  })
  const say = (message: object) => input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const ask = (id: number, method: string, params: object = {}) =>
    say({ id, method, params: { ...params, _meta: meta } })
  return { ask, say, heard, done, end: () => input.end() }
}

describe('a client of the stateless revision on stdio', () => {
  it('finds out the era, and calls without a handshake', async () => {
    const { ask, heard, done, end } = client()
    ask(1, 'server/discover')
    ask(2, 'tools/call', { name: 'häßlich name' })
    end()
    await done
    expect(heard.find(({ id }) => id === 1)).toMatchObject({
      result: { supportedVersions: [MODERN, '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] },
    })
    expect(heard.find(({ id }) => id === 2)).toMatchObject({ result: { content: [{ text: 'reached' }] } })
  })

  it('cancels with a message, which ends the call and is answered with nothing', async () => {
    const { ask, say, heard, done, end } = client()
    ask(1, 'tools/call', { name: 'slow' })
    await expect.poll(() => door.calls.at(-1)?.what).toMatchObject({ tool: 'slow' })
    say({ method: 'notifications/cancelled', params: { requestId: 1 } })
    await expect.poll(() => stopped.length).toBe(1)
    end()
    await done
    expect(heard).toEqual([])
  })

  it('listens until it leaves', async () => {
    const { ask, heard, done, end } = client()
    ask(1, 'subscriptions/listen', { notifications: { toolsListChanged: true } })
    await expect.poll(() => heard.length).toBe(1)
    for (const channel of door.channels.values())
      channel.notify('files', { method: 'notifications/tools/list_changed' })
    await expect.poll(() => heard.length).toBe(2)
    expect(heard[1]).toMatchObject({ method: 'notifications/tools/list_changed' })
    end()
    await done
  })
})

describe('the headers of a message from stdio', () => {
  const line = (method: string, params: object) =>
    Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: meta } }))

  it('repeat what HTTP wants to hear, and the arguments that a tool says', () => {
    const headers = createStatelessHeaders()
    const schema = { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } }
    headers.learn(
      JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools: [{ name: 'query', inputSchema: schema }] } }),
    )
    expect(headers.of(line('tools/call', { name: 'query', arguments: { region: 'ü' } }))).toEqual({
      'mcp-protocol-version': MODERN,
      'mcp-method': 'tools/call',
      'mcp-name': 'query',
      'mcp-param-region': '=?base64?w7w=?=',
    })
  })

  it('are none for an earlier revision', () => {
    const other = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}')
    expect(createStatelessHeaders().of(other)).toBe(null)
  })
})
