import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { ReadBuffer, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runBridge } from '../../src/cli/mcp/bridge.ts'
import { AegisError } from '../../src/core/errors.ts'
import { KEY, openDoor } from '../support/mcp-door.ts'

const text = (value: string) => ({ content: [{ type: 'text', text: value }] })
const stopped: string[] = []
const tools = {
  echo: (call: { what: unknown }) => text(JSON.stringify(call.what)),
  blocked_rm: () => text('never'),
  slow: (_: unknown, signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => {
        stopped.push('slow')
        reject(signal.reason)
      })
    }),
}

const directory = mkdtempSync(join(tmpdir(), 'aegis-mcp-'))
const socketPath = join(directory, 'aegis.sock')
const newDoor = () => openDoor({ files: { tools } })
let door = newDoor()
let server: Awaited<ReturnType<typeof door.listen>>
beforeAll(async () => {
  server = await door.listen(socketPath)
})
afterAll(async () => {
  await server.close()
  rmSync(directory, { recursive: true })
})

/** A bridge with a client's ends of its pipes. */
function start(more: Partial<Parameters<typeof runBridge>[0]> = {}) {
  const input = new PassThrough()
  const output = new PassThrough()
  const stop = new AbortController()
  const complaints: string[] = []
  const lines: string[] = []
  let rest = ''
  output.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
  })
  const done = runBridge({
    input,
    output,
    complain: (line) => void complaints.push(line),
    connect: async () => ({ socketPath, agentKey: KEY }),
    path: '/mcp/files',
    label: null,
    stop: stop.signal,
    ...more,
  })
  return { input, output, stop, complaints, lines, done }
}

function transportOver(bridge: ReturnType<typeof start>): Transport {
  const buffer = new ReadBuffer()
  const transport: Transport = {
    async start() {
      bridge.output.on('data', (chunk: Buffer) => {
        buffer.append(chunk)
        for (let message = buffer.readMessage(); message !== null; message = buffer.readMessage()) {
          transport.onmessage?.(message)
        }
      })
    },
    send: async (message) => void bridge.input.write(serializeMessage(message)),
    close: async () => void bridge.input.end(),
  }
  return transport
}

async function connect(bridge = start()) {
  const client = new Client({ name: 'editor', version: '1' })
  await client.connect(transportOver(bridge))
  return { client, bridge }
}

const hello = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
}

describe('aegis mcp', () => {
  it('carries a real client to the server and ends its session when stdin ends', async () => {
    const { client, bridge } = await connect()
    expect((await client.listTools()).tools).toHaveLength(3)
    expect(JSON.stringify(await client.callTool({ name: 'echo', arguments: { text: 'hällo 🌍' } }))).toContain(
      'hällo 🌍',
    )
    await expect(client.callTool({ name: 'blocked_rm' })).rejects.toMatchObject({
      code: -32001,
      data: { reason: 'not on this list' },
    })
    const before = door.released.length
    await client.close()
    await bridge.done
    expect(door.released.length).toBe(before + 1)
    expect(door.calls.at(-1)?.agent).toBe('editor')
  })

  it('answers many calls at once, each under its own id', async () => {
    const { client } = await connect()
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, n) => client.callTool({ name: 'echo', arguments: { n } })),
    )
    results.forEach((result, n) => {
      expect(JSON.stringify(result)).toContain(`\\"n\\":${n}`)
    })
    await client.close()
  })

  it('brings what an upstream says out of turn', async () => {
    const { client } = await connect()
    let changed = 0
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changed++)
    for (const channel of door.channels.values())
      channel.notify('files', { method: 'notifications/tools/list_changed' })
    await expect.poll(() => changed).toBe(1)
    await client.close()
  })

  it('passes a cancellation on, and stops everything when it is told to stop itself', async () => {
    const { client, bridge } = await connect()
    const controller = new AbortController()
    const cancelled = client.callTool({ name: 'slow' }, undefined, { signal: controller.signal })
    cancelled.catch(() => undefined)
    await expect.poll(() => door.calls.at(-1)?.what).toMatchObject({ tool: 'slow' })
    const before = stopped.length
    controller.abort()
    await expect.poll(() => stopped.length).toBe(before + 1)
    client.callTool({ name: 'slow' }).catch(() => undefined)
    const calls = door.calls.length
    await expect.poll(() => door.calls.length).toBeGreaterThanOrEqual(calls)
    await new Promise((resolve) => setTimeout(resolve, 50))
    bridge.stop.abort()
    await bridge.done
    await expect.poll(() => stopped.length).toBe(before + 2)
  })

  it('puts a line together from any pieces, in the middle of a character too', async () => {
    const bridge = start()
    const message = {
      jsonrpc: '2.0',
      id: 5,
      method: 'tools/call',
      params: { name: 'echo', arguments: { text: '🌍é' } },
    }
    const bytes = Buffer.from(`${JSON.stringify(hello)}\n\r\n\n${JSON.stringify(message)}\n`)
    for (const byte of bytes) bridge.input.write(Buffer.from([byte]))
    await expect.poll(() => bridge.lines.length).toBe(2)
    expect(bridge.lines[1]).toContain('🌍é')
    bridge.input.end()
    await bridge.done
  })

  it('answers what was sent before stdin ended', async () => {
    const bridge = start()
    bridge.input.end(`${JSON.stringify(hello)}\n{"jsonrpc":"2.0","id":1,"method":"ping"}\n`)
    await bridge.done
    expect(bridge.lines.map((line) => JSON.parse(line).id)).toEqual([0, 1])
  })

  it.each([
    ['not JSON', 'nonsense', { id: null, error: { code: -32700 } }],
    ['an unknown member', '{"jsonrpc":"2.0","id":4,"method":"ping","extra":1}', { id: 4, error: { code: -32600 } }],
    ['a line over the limit', `"${'x'.repeat(3 * 1024 * 1024)}"`, { id: null, error: { code: -32600 } }],
    ['a body over 1 MiB', `"${'x'.repeat(1024 * 1024)}"`, { id: null, error: { code: -32600 } }],
  ])('answers %s with the error and goes on', async (_, line, answer) => {
    const bridge = start()
    bridge.input.write(`${JSON.stringify(hello)}\n${line}\n`)
    await expect.poll(() => bridge.lines.length).toBe(2)
    expect(bridge.lines.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ ...answer, error: expect.objectContaining(answer.error) }),
    )
    bridge.input.end('{"jsonrpc":"2.0","id":9,"method":"ping"}\n')
    await bridge.done
    expect(JSON.parse(bridge.lines[2] ?? '')).toEqual({ jsonrpc: '2.0', id: 9, result: {} })
  })

  it('says under the id of the request that no server runs, and nothing for a notification', async () => {
    const bridge = start({
      connect: () =>
        Promise.reject(new AegisError('config', 'there is no installation', { advice: 'Run `aegis init`.' })),
    })
    bridge.input.end(
      '{"jsonrpc":"2.0","id":"a","method":"ping"}\n{"jsonrpc":"2.0","method":"notifications/initialized"}\n',
    )
    await bridge.done
    expect(bridge.lines.map((line) => JSON.parse(line))).toEqual([
      { jsonrpc: '2.0', id: 'a', error: { code: -32000, message: expect.stringContaining('Run `aegis init`') } },
    ])
    expect(bridge.complaints).toHaveLength(2)
  })

  it('says under the id of initialize that there is no such upstream', async () => {
    const bridge = start({ path: '/mcp/nothing' })
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'editor', version: '1' } }
    bridge.input.end(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`)
    await bridge.done
    expect(bridge.lines.map((line) => JSON.parse(line))).toEqual([
      { jsonrpc: '2.0', id: 1, error: { code: -32003, message: expect.stringContaining('`nothing`') } },
    ])
  })

  it('goes on with a new session after the server was restarted', async () => {
    const { client } = await connect()
    await server.close()
    door = newDoor()
    server = await door.listen(socketPath)
    expect(await client.callTool({ name: 'echo' })).toMatchObject({ content: [{}] })
    expect(door.calls.at(-1)?.agent).toBe('editor')
    await client.close()
  })

  it('tries again with the next call where the server was not back yet', async () => {
    const { client } = await connect()
    await server.close()
    await expect(client.callTool({ name: 'echo' })).rejects.toMatchObject({ code: -32000 })
    door = newDoor()
    server = await door.listen(socketPath)
    await Promise.all(Array.from({ length: 5 }, () => client.callTool({ name: 'echo' })))
    expect(new Set(door.calls.map(({ sessionLabel }) => sessionLabel)).size).toBe(1)
    await client.close()
  })
})
