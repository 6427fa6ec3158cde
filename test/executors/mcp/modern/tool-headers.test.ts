import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../../../src/core/json.ts'
import { headerValue } from '../../../../src/core/mcp-headers.ts'
import { createToolHeaders } from '../../../../src/executors/mcp/modern/tool-headers.ts'
import type { ClientChannel, Upstreams } from '../../../../src/gateway/ports.ts'
import { serveHttpFixture } from '../../../fixtures/conformance/http.ts'
import { testChannel } from '../../../support/client-channel.ts'
import { action, context, http, testLog, upstreamsOf } from '../support.ts'

const tool = (name: string, properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  name,
  inputSchema: { type: 'object', properties, ...more },
})
const marked = (header: Json, type = 'string'): JsonObject => ({ type, 'x-mcp-header': header })
const call = (name: string, args: JsonObject) => ({ method: 'tools/call', params: { name, arguments: args } })

describe('the headers of a request', () => {
  it.each<[string, JsonObject, string[]]>([
    ['tools/list', {}, ['mcp-method', 'tools/list']],
    ['tools/call', { name: 'echo' }, ['mcp-method', 'tools/call', 'mcp-name', 'echo']],
    ['prompts/get', { name: 'a b' }, ['mcp-method', 'prompts/get', 'mcp-name', 'a b']],
    ['resources/read', { uri: 'file:///x' }, ['mcp-method', 'resources/read', 'mcp-name', 'file:///x']],
    ['tasks/get', { taskId: '7' }, ['mcp-method', 'tasks/get', 'mcp-name', '7']],
    ['tools/call', { name: 'größe' }, ['mcp-method', 'tools/call', 'mcp-name', '=?base64?Z3LDtsOfZQ==?=']],
    ['tools/call', { name: 'a\r\nx: y' }, ['mcp-method', 'tools/call', 'mcp-name', '=?base64?YQ0KeDogeQ==?=']],
    ['tools/call', { name: 7 }, ['mcp-method', 'tools/call']],
    ['subscriptions/listen', { name: 'x' }, ['mcp-method', 'subscriptions/listen']],
  ])('of %s %j say what its body says', (method, params, headers) => {
    expect(createToolHeaders('up', testLog()).of({ method, params })).toEqual(headers)
  })

  it('repeat the arguments that its tool marks, as they stand in the body', () => {
    const headers = createToolHeaders('up', testLog())
    const deep = { type: 'object', properties: { zone: marked('Zone') } }
    headers.learn({ tools: [tool('t', { region: marked('Region'), n: marked('N', 'integer'), place: deep })] })
    const said = headers.of(call('t', { region: 'eu', n: 3, place: { zone: ' a' } })).slice(4)
    expect(said).toEqual(['mcp-param-region', 'eu', 'mcp-param-n', '3', 'mcp-param-zone', '=?base64?IGE=?='])
    expect(headers.of(call('t', { region: null, n: 2 ** 60, place: 'x' })).slice(4)).toEqual([])
    expect(headers.of(call('other', { region: 'eu' })).slice(4)).toEqual([])
  })

  it('are learnt anew with each list', () => {
    const headers = createToolHeaders('up', testLog())
    headers.learn({ tools: [tool('t', { a: marked('A') })] })
    headers.learn({ tools: [tool('t', { a: { type: 'string' } })] })
    expect(headers.of(call('t', { a: 'x' })).slice(4)).toEqual([])
  })

  it('hold only what a header can hold, and lose nothing, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const value = headerValue(text)
        expect(value).toMatch(/^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/)
        const encoded = /^=\?base64\?(.*)\?=$/.exec(value)?.[1]
        const plain = encoded === undefined ? value : Buffer.from(encoded, 'base64').toString('utf8')
        expect(plain).toBe(text.toWellFormed())
      }),
    )
  })
})

describe('a tool is left out of its list', () => {
  it.each<[string, JsonObject]>([
    ['a name that is no header', tool('t', { a: marked('a b') })],
    ['an empty name', tool('t', { a: marked('') })],
    ['a line break in the name', tool('t', { a: marked('a\r\nb') })],
    ['a name that is no text', tool('t', { a: marked(7) })],
    ['two names that differ only in case', tool('t', { a: marked('Region'), b: marked('region') })],
    ['a number, which has many spellings', tool('t', { a: marked('A', 'number') })],
    ['a list', tool('t', { a: marked('A', 'array') })],
    ['what stands in a list', tool('t', { a: { type: 'array', items: marked('A') } })],
    ['what is only sometimes there', tool('t', {}, { anyOf: [{ properties: { a: marked('A') } }] })],
    ['the arguments as a whole', { name: 't', inputSchema: { type: 'object', 'x-mcp-header': 'A' } }],
  ])('where it marks %s', (_, bad) => {
    const log = testLog()
    const good = tool('good', { a: marked('A') })
    expect(createToolHeaders('up', log).learn({ tools: [bad, good], nextCursor: 'n' })).toEqual({
      tools: [good],
      nextCursor: 'n',
    })
    expect(log.lines).toHaveLength(1)
  })

  it('and nothing else is done to the list, whatever it holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const list = { tools: value as Json }
        const learnt = createToolHeaders('up', testLog()).learn(list)
        if (!JSON.stringify(value).includes('x-mcp-header')) expect(learnt).toBe(list)
      }),
    )
  })
})

describe('an upstream of the modern era over HTTP', () => {
  async function open(): Promise<{
    all: Upstreams
    channel: ClientChannel
    close(): Promise<void>
    names(): string[]
  }> {
    const served = await serveHttpFixture({ eras: 'modern' })
    const all = upstreamsOf({ up: http(served.url, { era: 'modern' }) })
    return {
      all,
      channel: testChannel({ protocolVersion: '2026-07-28' }),
      names: () => served.seen.map(({ method }) => method ?? ''),
      async close() {
        await all.close()
        await served.close()
      },
    }
  }
  const regional = (all: Upstreams, channel: ClientChannel) =>
    all.execute(action('up', 'test_x_mcp_header', { region: 'eu', level: 3 }), null, context(channel))

  it('that wants an argument in a header gets it there, also where its list was never asked for', async () => {
    const { all, channel, names, close } = await open()
    expect(await regional(all, channel)).toMatchObject({ kind: 'result', result: { content: [{ text: 'region=eu' }] } })
    expect(names()).toEqual(['server/discover', 'tools/call', 'tools/list', 'tools/call'])
    await regional(all, channel)
    expect(names()).toHaveLength(5)
    await close()
  })

  it('gets no configured header in the place of those that repeat its body', async () => {
    for (const name of ['Mcp-Method', 'mcp-name', 'MCP-Param-Region']) {
      expect(() => upstreamsOf({ up: http('http://127.0.0.1/mcp', { headers: { [name]: 'x' } }) })).toThrow(
        /set by the bridge/,
      )
    }
  })
})
