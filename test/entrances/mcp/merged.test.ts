import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AegisError } from '../../../src/core/errors.ts'
import { createCursors } from '../../../src/entrances/mcp/cursor.ts'
import { createNamespace, MAX_TOOL_NAME } from '../../../src/entrances/mcp/namespace.ts'
import type { Tool } from '../../support/list-gateway.ts'
import { headers, KEY, openDoor } from '../../support/mcp-door.ts'
import { systemRandom } from '../../support/world.ts'

const says: Tool = (call) => ({ content: [{ type: 'text', text: JSON.stringify(call.what) }] })
const LONG = `${'very_'.repeat(20)}long_name`

const door = openDoor({
  github: { tools: { create_pull_request: says, blocked_merge: says, [LONG]: says }, prompts: ['review'] },
  files: { tools: { read: says, c: says } },
  files__b: { tools: { c: says, b__c: says } },
  dead: { dead: true, tools: { never: says } },
})

describe('/mcp', () => {
  let at: Awaited<ReturnType<typeof door.listen>>
  let client: Client
  beforeAll(async () => {
    at = await door.listen()
    client = new Client({ name: 'v1', version: '1' })
    await client.connect(
      new StreamableHTTPClientTransport(new URL(at.url), {
        requestInit: { headers: { authorization: `Bearer ${KEY}` } },
      }),
    )
  })
  afterAll(async () => {
    await client.close()
    await at.close()
  })

  it('shows the tools of all upstreams under <upstream>__<tool>, sorted, and tells the model what refusals mean', async () => {
    const names = (await client.listTools()).tools.map(({ name }) => name)
    expect(names).toEqual([...names].sort())
    expect(names).toEqual(expect.arrayContaining(['files__read', 'files__c', 'github__create_pull_request']))
    expect(client.getInstructions()).toContain('`approval required:` means')
    expect(client.getServerCapabilities()).toEqual({
      tools: { listChanged: true },
      prompts: { listChanged: true },
      logging: {},
    })
  })

  it('leaves out an upstream that is down, and says so in the log', async () => {
    await client.listTools()
    expect(door.log.lines.join('\n')).toMatch(/left out .*"upstream":"dead"/)
  })

  it('calls every tool by the name it is shown under', async () => {
    for (const { name } of (await client.listTools()).tools) {
      if (name.includes('blocked')) continue
      expect(name.length).toBeLessThanOrEqual(MAX_TOOL_NAME)
      await client.callTool({ name })
    }
    const called = door.calls.map(({ what }) => (what.kind === 'tool' ? `${what.upstream} ${what.tool}` : ''))
    expect(called).toEqual(
      expect.arrayContaining([`github ${LONG}`, 'files read', 'files c', 'files__b c', 'files__b b__c']),
    )
  })

  it('refuses a blocked call with the tool of the upstream in the words', async () => {
    await expect(client.callTool({ name: 'github__blocked_merge' })).rejects.toMatchObject({
      code: -32001,
      message: expect.stringContaining('policy: github.blocked_merge is blocked'),
    })
  })

  it.each(['read', 'nowhere__read', 'github__very_0123456789ab', '__', ''])('has no tool `%s`', async (name) => {
    const before = door.calls.length
    await expect(client.callTool({ name })).rejects.toMatchObject({ code: name === '' ? -32602 : -32003 })
    expect(door.calls.length).toBe(before)
  })

  it('merges prompts too, and sends the rest to the endpoint of one upstream', async () => {
    expect((await client.listPrompts()).prompts).toEqual([{ name: 'github__review' }])
    await expect(client.listResources()).rejects.toMatchObject({
      code: -32601,
      message: expect.stringContaining('/mcp/<upstream>'),
    })
  })

  it('knows a short name again after a restart, without a list being asked for first', async () => {
    const short = (await client.listTools()).tools.map(({ name }) => name).find((name) => name.includes('very_'))
    const fresh = openDoor({ github: { tools: { [LONG]: says } } })
    const response = await fresh.app.request('/mcp', {
      method: 'POST',
      headers: headers(),
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: short } }),
    })
    expect(await response.json()).toMatchObject({ result: {} })
    expect(fresh.calls[0]?.what).toMatchObject({ upstream: 'github', tool: LONG })
  })
})

describe('pages of the merged list', () => {
  const many = openDoor({
    many: { tools: Object.fromEntries(Array.from({ length: 601 }, (_, n) => [`tool_${n}`, says])) },
  })
  const page = async (cursor?: unknown) => {
    const response = await many.app.request('/mcp', {
      method: 'POST',
      headers: headers(),
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/list',
        params: cursor === undefined ? {} : { cursor },
      }),
    })
    return (await response.json()) as {
      result?: { tools: { name: string }[]; nextCursor?: string }
      error?: { code: number }
    }
  }

  it('hold every tool once', async () => {
    const names: string[] = []
    let cursor: string | undefined
    do {
      const { result } = await page(cursor)
      names.push(...(result?.tools ?? []).map(({ name }) => name))
      cursor = result?.nextCursor
    } while (cursor !== undefined)
    expect(names).toHaveLength(601)
    expect(new Set(names).size).toBe(601)
  })

  it('come for cursors of ours only', async () => {
    const cursor = (await page()).result?.nextCursor ?? ''
    const flipped = `${cursor.startsWith('A') ? 'B' : 'A'}${cursor.slice(1)}`
    const longer = Buffer.concat([Buffer.from(cursor, 'base64url'), Buffer.from('x')]).toString('base64url')
    for (const bad of [flipped, longer, '', 'x', 5, null, cursor.slice(0, -4)]) {
      expect(await page(bad)).toMatchObject({ error: { code: -32602 } })
    }
  })
})

it('a cursor of one list opens no other, nor after a restart', () => {
  const cursors = createCursors(systemRandom.bytes(32))
  expect(cursors.open('tools', cursors.seal('tools', 'ä__x'))).toBe('ä__x')
  expect(() => cursors.open('prompts', cursors.seal('tools', 'x'))).toThrow(AegisError)
  expect(() => createCursors(systemRandom.bytes(32)).open('tools', cursors.seal('tools', 'x'))).toThrow(AegisError)
})

describe('names', () => {
  it('mean the tool they were shown for, whatever upstreams and tools are called', () => {
    const name = fc.stringMatching(/^[a-z_]{1,12}$/)
    const tool = fc.oneof(
      name,
      fc.string({ minLength: 1, maxLength: 200 }),
      fc.stringMatching(/^[a-z]{1,3}_[0-9a-f]{12}$/),
    )
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1 }), fc.array(tool), (upstreams, tools) => {
        const namespace = createNamespace(() => upstreams.map((upstream) => ({ name: upstream })))
        const pairs = upstreams.flatMap((upstream) => tools.map((each) => ({ upstream, tool: each })))
        const shown = pairs.map((pair) => ({ pair, shown: namespace.expose(pair) }))
        for (const { pair, shown: alias } of shown) {
          if (alias === null) continue
          expect(alias.length).toBeLessThanOrEqual(MAX_TOOL_NAME)
          expect(namespace.resolve(alias)).toEqual(pair)
        }
      }),
    )
  })

  it('are shortened between characters: half of one could not be sent back', () => {
    const namespace = createNamespace(() => [{ name: 'up' }])
    const shown = namespace.expose({ upstream: 'up', tool: `${'a'.repeat(23)}\u{1f388}${'b'.repeat(60)}` })
    expect(shown?.isWellFormed()).toBe(true)
  })
})
