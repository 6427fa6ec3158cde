import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runBridge } from '../../src/cli/mcp/bridge.ts'
import { KEY, openDoor } from '../support/mcp-door.ts'

/** Gives back how long the text was that it got. */
const tools = {
  measure: (call: { what: { kind: string; parameters?: unknown } }) => ({
    content: [{ type: 'text', text: String(JSON.stringify(call.what.parameters).length) }],
  }),
}

const directory = mkdtempSync(join(tmpdir(), 'aegis-mcp-limits-'))
const socketPath = join(directory, 'aegis.sock')
const door = openDoor({ files: { tools } })
let server: Awaited<ReturnType<typeof door.listen>>
beforeAll(async () => {
  server = await door.listen(socketPath)
})
afterAll(async () => {
  await server.close()
  rmSync(directory, { recursive: true })
})

/** A client that has said hello. */
async function connect() {
  const input = new PassThrough()
  const output = new PassThrough()
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
    complain: () => undefined,
    connect: async () => ({ socketPath, agentKey: KEY }),
    path: '/mcp/files',
    label: null,
    stop: new AbortController().signal,
  })
  /** Writes a line and gives the next one that comes back. */
  const ask = async (line: string | Buffer) => {
    const before = lines.length
    input.write(line)
    input.write('\n')
    await expect.poll(() => lines.length, { timeout: 10_000 }).toBeGreaterThan(before)
    return JSON.parse(lines[before] ?? '')
  }
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } }
  await ask(JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }))
  input.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
  const leave = async () => {
    input.end()
    await done
  }
  return { ask, leave }
}

const call = (id: number, text: string) =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'measure', arguments: { text } } })
const alive = { id: 99, result: { content: [{ text: '12' }] } }
const KIB = 1024

describe('a line on stdin', () => {
  it.each([129 * KIB, 600 * KIB, 1000 * KIB])('of %i bytes arrives whole', async (length) => {
    const { ask, leave } = await connect()
    const text = 'x'.repeat(length)
    const expected = String(JSON.stringify({ text }).length)
    expect(await ask(call(1, text))).toMatchObject({ id: 1, result: { content: [{ text: expected }] } })
    await leave()
  })

  it.each([1_100 * KIB, 3_000 * KIB])('of %i bytes is refused under its id, and the next is served', async (length) => {
    const { ask, leave } = await connect()
    expect(await ask(call(1, 'x'.repeat(length)))).toMatchObject({
      id: 1,
      error: { code: -32600, message: expect.stringMatching(/1 ?MiB|1048576/) },
    })
    expect(await ask(call(99, 'x'))).toMatchObject(alive)
    await leave()
  })

  it.each<[string, string | Buffer]>([
    ['bytes that are not UTF-8', Buffer.from(call(1, 'ÿ'), 'latin1')],
    ['half a message', call(1, 'x').slice(0, 40)],
    ['no JSON', '\u001b[31mred\u001b[0m'],
    ['a key twice', '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}'],
    ['a batch where the revision has none', `[${call(1, 'x')}]`],
    ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"ping"}'],
    ['a NUL', '\u0000'],
  ])('that holds %s is refused, and the next is served', async (_, line) => {
    const { ask, leave } = await connect()
    const before = door.calls.length
    expect(await ask(line)).toMatchObject({ jsonrpc: '2.0', error: { code: expect.any(Number) } })
    expect(door.calls.length).toBe(before)
    expect(await ask(call(99, 'x'))).toMatchObject(alive)
    await leave()
  })
})
