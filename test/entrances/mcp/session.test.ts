import { describe, expect, it } from 'vitest'
import type { Principal } from '../../../src/core/ids.ts'
import { openEventStream } from '../../../src/entrances/mcp/event-stream.ts'
import { Exchange } from '../../../src/entrances/mcp/exchange.ts'
import { createSessions } from '../../../src/entrances/mcp/sessions.ts'
import { createLimiter, DEFAULT_LIMITS } from '../../../src/identity/limiter.ts'
import { handClock, listLog, systemRandom } from '../../support/world.ts'

const client = { capabilities: {}, info: {}, protocolVersion: '2025-11-25' }
const alice = 'key_alice' as Principal
const bob = 'key_bob' as Principal

const limits = { ...DEFAULT_LIMITS, sessions: { own: 1000, all: 10_000 } }

function setUp() {
  const clock = handClock()
  const released: string[] = []
  const sessions = createSessions({
    version: '1.2.3',
    clock,
    random: systemRandom,
    limiter: createLimiter({ limits, clock, log: listLog(), refused: () => undefined }),
    release: async (key) => void released.push(key),
  })
  const open = (principal = alice) => sessions.create({ principal, upstream: null, client }, null)
  return { clock, released, sessions, open }
}

const signal = () => new AbortController().signal
const json = (text: string) => new Response(text, { headers: { 'content-type': 'application/json' } })

/** What a stream has carried so far, comments left out. */
function reader(stream: { body: ReadableStream<Uint8Array> }) {
  const heard: string[] = []
  const read = async () => {
    for await (const chunk of stream.body) {
      const text = new TextDecoder().decode(chunk)
      if (text.startsWith('event: message\ndata: ')) heard.push(text.slice(21).trimEnd())
    }
  }
  return { heard, done: read() }
}

describe('a session', () => {
  it('ends after 30 idle minutes, and its upstreams are let go', () => {
    const { clock, released, sessions, open } = setUp()
    const idle = open()
    const used = open()
    clock.advance(29 * 60_000)
    expect(sessions.find(used.id, alice, null)).toBe(used)
    clock.advance(2 * 60_000)
    sessions.tick()
    expect(sessions.find(idle.id, alice, null)).toBe(null)
    expect(sessions.find(used.id, alice, null)).toBe(used)
    expect(released).toEqual([idle.channel.key])
  })

  it('lives as long as its client listens', () => {
    const { clock, sessions, open } = setUp()
    const session = open()
    const stream = openEventStream(() => session.unlisten(stream))
    session.listen(stream)
    clock.advance(24 * 3_600_000)
    sessions.tick()
    expect(sessions.find(session.id, alice, null)).toBe(session)
  })

  it('has a bound per key, so that one client cannot shut out the others', () => {
    const { open } = setUp()
    for (let count = 0; count < 1000; count++) open()
    expect(() => open()).toThrow('too many open sessions')
    expect(open(bob).principal).toBe(bob)
  })

  it('never shows its id to an upstream or to the ledger', () => {
    const { open } = setUp()
    const session = open()
    expect(session.channel.key).not.toContain(session.id)
    expect(session.label).not.toContain(session.id.slice(0, 6))
  })

  it('keeps what upstreams say until the client listens, the latest 256 KiB of it', async () => {
    const { open } = setUp()
    const session = open()
    for (let n = 0; n < 1000; n++) {
      session.channel.notify('files', { method: 'notifications/message', params: { n, data: 'x'.repeat(1000) } })
    }
    const stream = openEventStream(() => undefined)
    const { heard, done } = reader(stream)
    session.listen(stream)
    session.close()
    await done
    expect(heard.length).toBeGreaterThan(200)
    expect(heard.length).toBeLessThan(270)
    expect(JSON.parse(heard.at(-1) ?? '').params.n).toBe(999)
  })

  it('sends each message on one stream only, the newest', async () => {
    const { open } = setUp()
    const session = open()
    const streams = [1, 2].map(() => openEventStream(() => undefined))
    const readers = streams.map((stream) => reader(stream))
    for (const stream of streams) session.listen(stream)
    session.channel.notify('files', { method: 'notifications/tools/list_changed' })
    session.close()
    await Promise.all(readers.map(({ done }) => done))
    expect(readers.map(({ heard }) => heard.length)).toEqual([0, 1])
  })

  it('brings a question to the client and its answer back, once', async () => {
    const { open } = setUp()
    const session = open()
    const stream = openEventStream(() => undefined)
    const { heard } = reader(stream)
    session.listen(stream)
    const answer = session.channel.request('files', { method: 'roots/list' }, signal())
    await expect.poll(() => heard.length).toBe(1)
    const { id, method } = JSON.parse(heard[0] ?? '')
    expect(method).toBe('roots/list')
    session.settle('somebody else', { kind: 'result', result: {} })
    session.settle(id, { kind: 'result', result: { roots: [] } })
    session.settle(id, { kind: 'result', result: { roots: ['again'] } })
    expect(await answer).toEqual({ kind: 'result', result: { roots: [] } })
  })

  it('tells an upstream that asks that the client has gone, and the client that the question is void', async () => {
    const { open } = setUp()
    const session = open()
    const stream = openEventStream(() => undefined)
    const { heard } = reader(stream)
    session.listen(stream)
    const asker = new AbortController()
    const dropped = session.channel.request('files', { method: 'roots/list' }, asker.signal)
    asker.abort()
    await expect(dropped).rejects.toThrow('has gone')
    await expect
      .poll(() => heard.map((text) => JSON.parse(text).method))
      .toEqual(['roots/list', 'notifications/cancelled'])
    const open2 = session.channel.request('files', { method: 'roots/list' }, signal())
    session.close()
    await expect(open2).rejects.toThrow('has gone')
    await expect(session.channel.request('files', { method: 'roots/list' }, signal())).rejects.toThrow('has gone')
  })
})

describe('the answer of a POST', () => {
  it('is JSON where nothing else was said', async () => {
    const exchange = new Exchange(true, json)
    const response = await exchange.respond(Promise.resolve({ batch: false, texts: ['{"id":1}'] }))
    expect([response.headers.get('content-type'), await response.text()]).toEqual(['application/json', '{"id":1}'])
  })

  it('is a stream from the first notification on, and ends with the answer', async () => {
    const exchange = new Exchange(true, json)
    let finish = (_: { batch: boolean; texts: string[] }): void => undefined
    const response = exchange.respond(
      new Promise((resolve) => {
        finish = resolve
      }),
    )
    exchange.offer('{"n":1}')
    finish({ batch: false, texts: ['{"id":1}'] })
    expect(await (await response).text()).toBe('event: message\ndata: {"n":1}\n\nevent: message\ndata: {"id":1}\n\n')
  })

  it('becomes a stream after a long silence, so that nobody takes waiting for death', async () => {
    const exchange = new Exchange(true, json)
    const response = exchange.respond(new Promise(() => undefined))
    exchange.beat()
    exchange.beat()
    expect((await response).headers.get('content-type')).toBe('text/event-stream')
  })

  it('stays JSON for a client that reads no streams', async () => {
    const exchange = new Exchange(false, json)
    expect([exchange.offer('{}'), exchange.send('{}')]).toEqual([false, false])
    exchange.beat()
    exchange.beat()
    const response = await exchange.respond(Promise.resolve({ batch: false, texts: ['{"id":1}'] }))
    expect(response.headers.get('content-type')).toBe('application/json')
  })

  it('is 202 without a body where no message had an answer', async () => {
    const response = await new Exchange(true, json).respond(Promise.resolve({ batch: false, texts: [null] }))
    expect([response.status, await response.text()]).toEqual([202, ''])
  })

  it('loses notifications, never an answer, for a client that does not read', async () => {
    const exchange = new Exchange(true, json)
    const big = `{"x":"${'x'.repeat(200_000)}"}`
    const taken = Array.from({ length: 20 }, () => exchange.offer(big)).filter(Boolean)
    expect(taken.length).toBeLessThan(8)
    const response = await exchange.respond(Promise.resolve({ batch: false, texts: ['{"id":1}'] }))
    expect(await response.text()).toContain('{"id":1}')
  })

  it('aborts its calls when the client goes, also those that begin afterwards', async () => {
    const exchange = new Exchange(true, json)
    const before = exchange.call()
    exchange.abandon()
    expect([before.signal.aborted, exchange.call().signal.aborted]).toEqual([true, true])
  })
})
