import { resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../../src/core/json.ts'
import type { EraSetting } from '../../../../src/executors/mcp/eras.ts'
import type { ClientChannel, Outcome, Upstreams } from '../../../../src/gateway/ports.ts'
import { type HttpFixture, type HttpFixtureOptions, serveHttpFixture } from '../../../fixtures/conformance/http.ts'
import { type TestChannelOptions, testChannel } from '../../../support/client-channel.ts'
import {
  action,
  context,
  failureOf,
  http,
  httpUpstream,
  json,
  result,
  stdio,
  upstreamsOf,
  welcome,
} from '../support.ts'

const STDIO = resolve(import.meta.dirname, '../../../../dist/test/fixtures/conformance/stdio.js')
const SILENT = resolve(import.meta.dirname, '../tiny-stdio-upstream.mjs')

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function fixture(options: HttpFixtureOptions): Promise<HttpFixture> {
  const served = await serveHttpFixture(options)
  closing.push(() => served.close())
  return served
}

function upstreams(config: Parameters<typeof upstreamsOf>[0]): Upstreams {
  const made = upstreamsOf(config)
  closing.push(() => made.close())
  return made
}

const modernChannel = (more: TestChannelOptions = {}) => testChannel({ protocolVersion: '2026-07-28', ...more })

function call(all: Upstreams, upstream: string, channel: ClientChannel, tool = 'test_simple_text'): Promise<Outcome> {
  return all.execute(action(upstream, tool), null, context(channel))
}

const SIMPLE = { content: [{ type: 'text', text: 'This is a simple text response for testing.' }] }
const methods = ({ seen }: HttpFixture) => seen.map(({ method }) => method).filter((method) => method !== null)

describe('an upstream over HTTP', () => {
  it('that speaks both eras hears each client in its own', async () => {
    const served = await fixture({ eras: 'both' })
    const all = upstreams({ up: http(served.url) })
    expect(await call(all, 'up', testChannel())).toEqual({ kind: 'result', result: SIMPLE })
    expect(methods(served)).toEqual(['initialize', 'notifications/initialized', 'tools/call'])
    served.seen.length = 0
    const answer = await call(all, 'up', modernChannel())
    expect(answer).toMatchObject({ kind: 'result', result: { ...SIMPLE, resultType: 'complete' } })
    expect(methods(served)).toEqual(['server/discover', 'tools/call'])
  })

  it('of the legacy era costs clients of the modern one a single probe', async () => {
    const served = await fixture({ eras: 'legacy' })
    const all = upstreams({ up: http(served.url) })
    await call(all, 'up', modernChannel())
    await call(all, 'up', modernChannel())
    expect(methods(served).filter((method) => method === 'server/discover')).toHaveLength(1)
    expect(methods(served).filter((method) => method === 'initialize')).toHaveLength(2)
  })

  it('of the legacy era is told a revision that it can know', async () => {
    const served = await fixture({ eras: 'legacy' })
    const all = upstreams({ up: http(served.url) })
    const { protocolVersion } = await all.initialize('up', modernChannel(), AbortSignal.timeout(5_000))
    expect(protocolVersion).toBe('2025-11-25')
  })

  it('of the modern era costs clients of the legacy one a single handshake', async () => {
    const served = await fixture({ eras: 'modern' })
    const all = upstreams({ up: http(served.url) })
    expect(await call(all, 'up', testChannel())).toEqual({ kind: 'result', result: SIMPLE })
    expect(await call(all, 'up', testChannel())).toEqual({ kind: 'result', result: SIMPLE })
    expect(methods(served).filter((method) => method === 'initialize')).toHaveLength(1)
  })

  it.each<[EraSetting, string]>([
    ['legacy', 'initialize'],
    ['modern', 'server/discover'],
  ])('configured as %s is greeted by %s alone, whoever asks', async (era, first) => {
    const served = await fixture({ eras: 'both' })
    const all = upstreams({ up: http(served.url, { era }) })
    for (const channel of [testChannel(), modernChannel()]) {
      served.seen.length = 0
      await call(all, 'up', channel)
      expect(methods(served)).not.toContain(first === 'initialize' ? 'server/discover' : 'initialize')
    }
  })

  it('that was replaced by one of the other era is found out', async () => {
    let era: 'legacy' | 'modern' = 'modern'
    const upstream = await httpUpstream(
      ({ message }, response, id) => {
        if (era === 'legacy') return json(response, result(id, 'legacy'))
        const known = { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, ttlMs: 0 }
        json(
          response,
          message?.['method'] === 'server/discover' ? { jsonrpc: '2.0', id, result: known } : result(id, 'modern'),
        )
      },
      {
        initialize: (response, id) => {
          if (era === 'legacy') return json(response, welcome(id))
          response.writeHead(400).end()
        },
      },
    )
    closing.push(() => upstream.close())
    const all = upstreams({ up: http(upstream.url) })
    const said = async () => JSON.stringify(await call(all, 'up', testChannel()))
    expect(await said()).toContain('modern')
    era = 'legacy'
    expect(await said()).toContain('legacy')
  })

  it.each([
    ['nothing but revisions of the future', { supported: ['2030-01-01'] }, /refuses 2026-07-28 and offers 2030-01-01/],
    ['no revision at all', { supported: [] }, /refuses 2026-07-28 and offers no revision/],
  ])('that offers %s is said to', async (_, data, message) => {
    const upstream = await httpUpstream((_call, response, id) => {
      json(response, { jsonrpc: '2.0', id, error: { code: -32022, message: 'unsupported', data } })
    })
    closing.push(() => upstream.close())
    const all = upstreams({ up: http(upstream.url) })
    const error = await failureOf(call(all, 'up', modernChannel()))
    expect(error.message).toMatch(message)
    expect(error.data).toMatchObject({ sent: false })
    expect(upstream.calls).toHaveLength(1)
  })

  it('that names a revision of the legacy era in its refusal is spoken to in that one', async () => {
    const upstream = await httpUpstream(({ message }, response, id) => {
      if (message?.['method'] !== 'server/discover') return json(response, result(id, 'legacy'))
      const data = { supported: ['2025-11-25'], requested: '2026-07-28' }
      json(response, { jsonrpc: '2.0', id, error: { code: -32022, message: 'unsupported', data } })
    })
    closing.push(() => upstream.close())
    const all = upstreams({ up: http(upstream.url) })
    expect(await call(all, 'up', modernChannel())).toMatchObject({ kind: 'result' })
  })

  it('that refuses the revision which it offers is asked once more', async () => {
    let refusals = 0
    const upstream = await httpUpstream(({ message }, response, id) => {
      if (message?.['method'] !== 'server/discover') return json(response, result(id, 'modern'))
      const discovered = { supportedVersions: ['2026-07-28'], capabilities: {} }
      if (refusals > 0) return json(response, { jsonrpc: '2.0', id, result: discovered })
      refusals += 1
      const data = { supported: ['2026-07-28'], requested: '2026-07-28' }
      json(response, { jsonrpc: '2.0', id, error: { code: -32022, message: 'unsupported', data } })
    })
    closing.push(() => upstream.close())
    const all = upstreams({ up: http(upstream.url) })
    expect(await call(all, 'up', modernChannel())).toMatchObject({ kind: 'result' })
  })

  it('that answers neither era is unreachable, and nothing was sent', async () => {
    const upstream = await httpUpstream((_call, response) => void response.writeHead(404).end('no such page'), {
      initialize: (response) => void response.writeHead(404).end('no such page'),
    })
    closing.push(() => upstream.close())
    const all = upstreams({ up: http(upstream.url) })
    for (const channel of [testChannel(), modernChannel()]) {
      const error = await failureOf(call(all, 'up', channel))
      expect(error.data).toMatchObject({ upstream: 'up', sent: false })
    }
  })
})

describe('an upstream over stdio', () => {
  const program = (...words: string[]) => stdio([process.execPath, STDIO, ...words])

  it.each<[string, TestChannelOptions]>([
    ['the legacy era', {}],
    ['the modern era', { protocolVersion: '2026-07-28' }],
  ])('that speaks both serves a client of %s in it', async (_, options) => {
    const all = upstreams({ up: program() })
    const channel = testChannel(options)
    expect(await call(all, 'up', channel)).toMatchObject({ kind: 'result', result: SIMPLE })
    const { protocolVersion } = await all.initialize('up', channel, AbortSignal.timeout(5_000))
    expect(protocolVersion).toBe(options.protocolVersion ?? '2025-11-25')
  })

  it('of the modern era serves a client of the legacy one', async () => {
    const all = upstreams({ up: program('modern') })
    expect(await call(all, 'up', testChannel())).toEqual({ kind: 'result', result: SIMPLE })
  })

  it('of the legacy era that never answers what it does not know serves a client of the modern one', async () => {
    const all = upstreams({ up: stdio([process.execPath, SILENT], { connectTimeout: 1_000 }) })
    const answer = await call(all, 'up', modernChannel(), 'echo')
    expect(answer.kind).toBe('result')
  })
})

describe('a client of the legacy era', () => {
  const initialized = async (capabilities: JsonObject) => {
    const served = await fixture({ eras: 'modern' })
    const all = upstreams({ up: http(served.url) })
    const channel = testChannel({ capabilities })
    return { served, all, channel, result: await all.initialize('up', channel, AbortSignal.timeout(5_000)) }
  }

  it('sees an upstream of the modern one as if it had shaken hands', async () => {
    const { result: welcomed } = await initialized({})
    expect(welcomed).toEqual({
      protocolVersion: '2025-11-25',
      serverInfo: { name: 'conformance-fixture', version: '1.0.0' },
      capabilities: {
        ...{ tools: { listChanged: true }, prompts: { listChanged: true } },
        ...{ resources: { subscribe: true, listChanged: true }, logging: {}, completions: {} },
      },
    })
  })

  it('is announced with its own name and capabilities, and without the tasks of its era', async () => {
    const capabilities = { sampling: {}, tasks: { list: {} }, extensions: { 'io.modelcontextprotocol/tasks': {} } }
    const { served, all, channel } = await initialized(capabilities)
    await all.execute(action('up', 'test_simple_text'), null, {
      ...context(channel),
      meta: { progressToken: 'p', 'io.modelcontextprotocol/clientInfo': { name: 'someone else' } },
    })
    const { params } = JSON.parse(served.seen.at(-1)?.body ?? '')
    expect(params['_meta']).toEqual({
      progressToken: 'p',
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test-client', version: '1.0.0' },
      'io.modelcontextprotocol/clientCapabilities': { sampling: {}, extensions: {} },
      'io.modelcontextprotocol/logLevel': 'info',
    })
  })

  it('sets the level of what it hears from then on', async () => {
    const { served, all, channel } = await initialized({})
    const level = { method: 'logging/setLevel', params: { level: 'error' } }
    expect(await all.request('up', level, channel, context(channel))).toEqual({ kind: 'result', result: {} })
    await call(all, 'up', channel)
    expect(served.seen.at(-1)?.body).toContain('"io.modelcontextprotocol/logLevel":"error"')
    expect(methods(served)).not.toContain('logging/setLevel')
  })
})
