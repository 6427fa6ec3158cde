import { resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { UpstreamConfig } from '../../../../src/executors/mcp/index.ts'
import type { ClientChannel, Upstreams } from '../../../../src/gateway/ports.ts'
import { serveHttpFixture } from '../../../fixtures/conformance/http.ts'
import { testChannel } from '../../../support/client-channel.ts'
import { action, context, http, httpUpstream, json, sse, stdio, until, upstreamsOf } from '../support.ts'

const STDIO = resolve(import.meta.dirname, '../../../../dist/test/fixtures/conformance/stdio.js')

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

function upstreams(config: UpstreamConfig): Upstreams {
  const all = upstreamsOf({ up: config })
  closing.push(() => all.close())
  return all
}

async function overHttp(): Promise<Upstreams> {
  const served = await serveHttpFixture({ eras: 'modern' })
  closing.push(() => served.close())
  return upstreams(http(served.url, { era: 'modern' }))
}

const overStdio = async () => upstreams(stdio([process.execPath, STDIO, 'modern'], { era: 'modern' }))

const change = (all: Upstreams, channel: ClientChannel, list: 'tool' | 'prompt' = 'tool') =>
  all.execute(action('up', `test_trigger_${list}_change`), null, context(channel))

describe.each([
  ['HTTP', overHttp],
  ['stdio', overStdio],
])('a client of the legacy era before an upstream of the modern one, over %s', (_, start) => {
  it('hears of changed lists unasked, under no name that it does not know', async () => {
    const all = await start()
    const channel = testChannel()
    await all.initialize('up', channel, AbortSignal.timeout(5_000))
    await all.notify('up', { method: 'notifications/initialized' }, channel)
    // The upstream begins to tell once it has said so; until then a change may go by.
    while (channel.notifications.length === 0) await change(all, channel, 'prompt')
    expect(channel.notifications[0]).toEqual({ upstream: 'up', method: 'notifications/prompts/list_changed' })
  })

  it('watches a resource and lets go of it', async () => {
    const all = await start()
    const channel = testChannel()
    const ask = (method: string) =>
      all.request('up', { method, params: { uri: 'test://watched-resource' } }, channel, context(channel))
    expect(await ask('resources/subscribe')).toEqual({ kind: 'result', result: {} })
    expect(await ask('resources/subscribe')).toEqual({ kind: 'result', result: {} })
    expect(await ask('resources/unsubscribe')).toEqual({ kind: 'result', result: {} })
  })
})

describe('a client of the modern era', () => {
  it('listens by its own request, and ends it by its signal', async () => {
    const all = await overHttp()
    const channel = testChannel({ protocolVersion: '2026-07-28' })
    const abort = new AbortController()
    const listening = context(channel, { signal: abort.signal })
    const listen = { method: 'subscriptions/listen', params: { notifications: { toolsListChanged: true } } }
    const stream = all.request('up', listen, channel, listening).catch(() => 'ended')
    await until(() => listening.heard.length === 1)
    expect(listening.heard[0]).toMatchObject({
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { toolsListChanged: true } },
    })
    await change(all, channel, 'prompt')
    await change(all, channel)
    await until(() => listening.heard.length === 2)
    expect(listening.heard[1]).toMatchObject({ method: 'notifications/tools/list_changed' })
    abort.abort()
    expect(await stream).toBe('ended')
  })
})

describe('an upstream of the modern era', () => {
  it('that breaks its stream off is listened to again', async () => {
    const filters: unknown[] = []
    const upstream = await httpUpstream(({ message }, response, id) => {
      switch (message?.['method']) {
        case 'server/discover': {
          const capabilities = { tools: { listChanged: true } }
          return json(response, { jsonrpc: '2.0', id, result: { supportedVersions: ['2026-07-28'], capabilities } })
        }
        case 'subscriptions/listen': {
          filters.push(message?.['params'])
          sse(response)
          const method = 'notifications/subscriptions/acknowledged'
          return void response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', method, params: {} })}\n\n`)
        }
        default:
          return json(response, { jsonrpc: '2.0', id, result: { content: [] } })
      }
    })
    closing.push(() => upstream.close())
    const all = upstreams(http(upstream.url, { era: 'modern' }))
    const channel = testChannel()
    await all.execute(action('up', 't'), null, context(channel))
    await until(() => filters.length >= 2)
    expect(filters[1]).toEqual(filters[0])
    await all.release(channel.key)
  })

  it('that offers no changes is not listened to, and resources of it cannot be watched', async () => {
    const upstream = await httpUpstream(({ message }, response, id) => {
      const discovered = { supportedVersions: ['2026-07-28'], capabilities: { resources: {} } }
      json(response, { jsonrpc: '2.0', id, result: message?.['method'] === 'server/discover' ? discovered : {} })
    })
    closing.push(() => upstream.close())
    const all = upstreams(http(upstream.url, { era: 'modern' }))
    const channel = testChannel()
    const subscribe = { method: 'resources/subscribe', params: { uri: 'test://x' } }
    expect(await all.request('up', subscribe, channel, context(channel))).toMatchObject({ error: { code: -32601 } })
    expect(upstream.calls.map(({ message }) => message?.['method'])).toEqual(['server/discover'])
  })
})
