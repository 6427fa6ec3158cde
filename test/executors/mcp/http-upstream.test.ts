import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../src/core/json.ts'
import type { Limits, UpstreamConfig } from '../../../src/executors/mcp/index.ts'
import type { ClientChannel, Outcome, Upstreams } from '../../../src/gateway/ports.ts'
import { DEFAULT_LIMITS } from '../../../src/identity/limiter.ts'
import { testChannel } from '../../support/client-channel.ts'
import {
  action,
  type CallContext,
  context,
  credential,
  failureOf,
  freePort,
  http,
  httpUpstream,
  json,
  result,
  sse,
  type TestServer,
  until,
  upstreamsOf,
} from './support.ts'

type OnCall = Parameters<typeof httpUpstream>[0]
type More = Parameters<typeof httpUpstream>[1]

const ended: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

interface Tiny {
  readonly server: TestServer
  readonly upstreams: Upstreams
  call(
    channel?: ClientChannel,
    more?: { token?: string; context?: CallContext; parameters?: JsonObject },
  ): Promise<Outcome>
}

async function tiny(
  onCall: OnCall,
  more: More & {
    config?: Partial<UpstreamConfig> & { headers?: Record<string, string> }
    limits?: Partial<Limits>
  } = {},
): Promise<Tiny> {
  const server = await httpUpstream(onCall, more)
  ended.push(() => server.close())
  const upstreams = upstreamsOf({ tiny: http(server.url, more.config) }, { limits: more.limits ?? {} })
  ended.push(() => upstreams.close())
  const shared = testChannel()
  return {
    server,
    upstreams,
    call: (channel = shared, { token, context: given, parameters = {} } = {}) =>
      upstreams.execute(
        action('tiny', 'run', parameters),
        token === undefined ? null : credential(token),
        given ?? context(channel),
      ),
  }
}

const good: OnCall = (_, response, id) => json(response, result(id, 'done'))
const DONE = { kind: 'result', result: { content: [{ type: 'text', text: 'done' }] } }

function event(message: JsonObject, id = ''): string {
  return `${id === '' ? '' : `id: ${id}\n`}event: message\ndata: ${JSON.stringify(message)}\n\n`
}

const methodsOf = (server: TestServer) => server.calls.map((call) => call.message?.['method'] ?? call.method)

describe('an upstream over HTTP', () => {
  it('is reached by others while one key leaves as many calls hanging as it may', async () => {
    const { call, server } = await tiny((body, response, id) =>
      JSON.stringify(body).includes('hang') ? undefined : json(response, result(id, 'done')),
    )
    const stop = new AbortController()
    const greedy = testChannel()
    const { own } = DEFAULT_LIMITS.calls
    const hanging = Array.from({ length: own }, () =>
      call(greedy, { context: context(greedy, { signal: stop.signal }), parameters: { hang: true } }),
    )
    await until(() => server.calls.length >= own)
    expect(await call(testChannel())).toEqual(DONE)
    stop.abort()
    await Promise.allSettled(hanging)
  })

  it("is greeted once per client, with the client's own capabilities, and told who comes back by its session", async () => {
    let sessions = 0
    const { server, call } = await tiny(good, { session: () => `session-${++sessions}` })
    const alice = testChannel({ capabilities: { sampling: {} }, protocolVersion: '2025-06-18' })
    await call(alice)
    await call(alice)
    await call(testChannel())
    const greetings = server.calls.filter((one) => one.message?.['method'] === 'initialize')
    expect(greetings).toHaveLength(2)
    expect(greetings[0]?.message?.['params']).toEqual({
      protocolVersion: '2025-06-18',
      capabilities: { sampling: {} },
      clientInfo: { name: 'test-client', version: '1.0.0' },
    })
    const runs = server.calls.filter((one) => one.message?.['method'] === 'tools/call')
    expect(runs.map((run) => run.headers['mcp-session-id'])).toEqual(['session-1', 'session-1', 'session-2'])
    expect(runs[0]?.headers['mcp-protocol-version']).toBe('2025-11-25')
  })

  it("gets the judged parameters, the tool's own name and the call's _meta, and nothing else", async () => {
    const { server, call } = await tiny(good)
    const channel = testChannel()
    await call(channel, {
      parameters: { b: 1, a: ['x'] },
      context: context(channel, { meta: { progressToken: 7, 'vendor/x': true } }),
    })
    const run = server.calls.find((one) => one.message?.['method'] === 'tools/call')
    expect(run?.message).toEqual({
      jsonrpc: '2.0',
      id: run?.message?.['id'],
      method: 'tools/call',
      params: { name: 'run', arguments: { b: 1, a: ['x'] }, _meta: { progressToken: 7, 'vendor/x': true } },
    })
  })

  it('hears `initialized` before the first request, also from a client that never says it', async () => {
    const { server, upstreams, call } = await tiny(good)
    const channel = testChannel()
    await upstreams.initialize('tiny', channel, new AbortController().signal)
    expect(methodsOf(server)).toEqual(['initialize'])
    await upstreams.notify('tiny', { method: 'notifications/initialized' }, channel)
    await call(channel)
    expect(methodsOf(server).filter((method) => method === 'notifications/initialized')).toHaveLength(1)
    expect(methodsOf(server).indexOf('notifications/initialized')).toBeLessThan(methodsOf(server).indexOf('tools/call'))
  })

  it('is not asked where the client asks for a ping, and is not told of its cancellations', async () => {
    const { server, upstreams } = await tiny(good)
    const channel = testChannel()
    const pong = await upstreams.request('tiny', { method: 'ping' }, channel, context(channel))
    expect(pong).toEqual({ kind: 'result', result: {} })
    await upstreams.notify('tiny', { method: 'notifications/cancelled', params: { requestId: 1 } }, channel)
    expect(server.calls).toEqual([])
  })

  it('says goodbye with DELETE when the client has gone', async () => {
    const { server, upstreams, call } = await tiny(good, { session: () => 'mine' })
    const channel = testChannel()
    await call(channel)
    await upstreams.release(channel.key)
    const last = server.calls.findLast((one) => one.method === 'DELETE')
    expect(last?.headers['mcp-session-id']).toBe('mine')
  })

  it('that has forgotten the session is greeted again and asked once more', async () => {
    let valid = 'first'
    const { server, call } = await tiny(
      (one, response, id) => {
        if (one.headers['mcp-session-id'] !== valid) response.writeHead(404).end()
        else good(one, response, id)
      },
      { session: () => valid },
    )
    const channel = testChannel()
    await call(channel)
    valid = 'second'
    const both = await Promise.all([call(channel), call(channel)])
    expect(both).toEqual([DONE, DONE])
    expect(methodsOf(server).filter((method) => method === 'initialize')).toHaveLength(2)
  })

  it('that answers an unknown session with 400, as many do, is greeted again too', async () => {
    let valid = 'first'
    const { call } = await tiny(
      (one, response, id) => {
        if (one.headers['mcp-session-id'] === valid) return good(one, response, id)
        const error = { code: -32000, message: 'Bad Request: No valid session ID provided' }
        return response.writeHead(400).end(JSON.stringify({ jsonrpc: '2.0', id: null, error }))
      },
      { session: () => valid },
    )
    const channel = testChannel()
    await call(channel)
    valid = 'second'
    expect(await call(channel)).toEqual(DONE)
  })

  it('that forgets each session it makes is asked only once more', async () => {
    let runs = 0
    const { call } = await tiny(
      (_, response) => {
        runs += 1
        response.writeHead(404).end()
      },
      { session: () => 'any' },
    )
    const error = await failureOf(call())
    expect(error.message).toContain('does not keep the session')
    expect(runs).toBe(2)
  })

  it('may give its JSON-RPC error with an HTTP error status', async () => {
    const { call } = await tiny((_, response, id) => {
      response
        .writeHead(400)
        .end(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32602, message: 'no', data: [1] } }))
    })
    expect(await call()).toEqual({ kind: 'error', error: { code: -32602, message: 'no', data: [1] } })
  })
})

describe('an event stream', () => {
  it('carries notifications to the call they belong to, then its answer', async () => {
    const { call } = await tiny((_, response, id) => {
      sse(response)
      response.write(': keep-alive\n\n')
      response.write(event({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x' } }))
      response.end(event(result(id, 'done')))
    })
    const channel = testChannel()
    const given = context(channel)
    expect(await call(channel, { context: given })).toEqual(DONE)
    expect(given.heard).toEqual([{ method: 'notifications/message', params: { level: 'info', data: 'x' } }])
    expect(channel.notifications).toEqual([])
  })

  it.each(['\n', '\r\n', '\r'])('may end its lines with %j and split its bytes anywhere', async (newline) => {
    const { call } = await tiny(async (_, response, id) => {
      sse(response)
      const bytes = Buffer.from(event(result(id, 'ä€🎈')).replaceAll('\n', newline))
      for (let at = 0; at < bytes.length; at += 1) {
        response.write(bytes.subarray(at, at + 1))
        if (at % 8 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      response.end()
    })
    expect(JSON.stringify(await call())).toContain('ä€🎈')
  })

  it('may stay open behind the answer: the call is done with the answer', async () => {
    const { call } = await tiny((_, response, id) => {
      sse(response)
      response.write(event(result(id, 'done')))
    })
    expect(await call()).toEqual(DONE)
  })

  it('that breaks off with an event id is resumed by GET', async () => {
    let asked = 0
    const { server, call } = await tiny(
      (one, response) => {
        asked = Number(one.message?.['id'])
        sse(response)
        response.end('id: ev-1\nretry: 10\ndata: \n\n')
      },
      {
        onOther(one, response) {
          if (one.headers['last-event-id'] !== 'ev-1') return false
          sse(response)
          response.end(event(result(asked, 'done'), 'ev-2'))
          return true
        },
      },
    )
    expect(await call()).toEqual(DONE)
    expect(methodsOf(server).filter((method) => method === 'tools/call')).toHaveLength(1)
  })

  it('carries questions for the client, whose answers go back by POST', async () => {
    const answers: unknown[] = []
    let finish: () => void = () => undefined
    const { call } = await tiny(
      (_, response, id) => {
        sse(response)
        response.write(event({ jsonrpc: '2.0', id: 'q', method: 'roots/list' }))
        finish = () => response.end(event(result(id, 'done')))
      },
      {
        onOther(one, response) {
          if (one.message?.['id'] !== 'q') return false
          answers.push(one.message['result'])
          response.writeHead(202).end()
          finish()
          return true
        },
      },
    )
    const channel = testChannel({ answer: async () => ({ kind: 'result', result: { roots: [] } }) })
    expect(await call(channel)).toEqual(DONE)
    expect(answers).toEqual([{ roots: [] }])
  })

  it('that floods us with pings takes a bounded number of sockets, and its call is still answered', async () => {
    let open = 0
    let most = 0
    let answered = (): void => undefined
    const first = new Promise<void>((resolve) => {
      answered = resolve
    })
    const { call } = await tiny(
      (_, response, id) => {
        const pings = Array.from({ length: 2_000 }, (_, n) => ({ jsonrpc: '2.0', id: `p${n}`, method: 'ping' }))
        sse(response)
        response.write(`data: ${JSON.stringify(pings)}\n\n`)
        // Only once it has been answered: a busy machine takes its time.
        void first.then(() => setTimeout(() => response.end(event(result(id, 'done'))), 200))
      },
      {
        onOther(one, response) {
          if (one.message?.['result'] === undefined) return false
          open += 1
          most = Math.max(most, open)
          answered()
          setTimeout(() => {
            open -= 1
            response.writeHead(202).end()
          }, 50)
          return true
        },
      },
    )
    expect(await call()).toEqual(DONE)
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(128)
  })

  it('by GET carries questions too, and the calls under way wait for their answers', async () => {
    let question: ServerResponse | null = null
    let finish: () => void = () => undefined
    const { call } = await tiny(
      (_, response, id) => {
        finish = () => json(response, result(id, 'done'))
        question?.write(event({ jsonrpc: '2.0', id: 'q', method: 'elicitation/create' }))
      },
      {
        limits: { idleMs: 200 },
        onOther(one, response) {
          if (one.method === 'GET') {
            sse(response)
            response.flushHeaders()
            question = response
            return true
          }
          if (one.message?.['id'] !== 'q') return false
          response.writeHead(202).end()
          finish()
          return true
        },
      },
    )
    const slow = testChannel({
      answer: () =>
        new Promise((resolve) => setTimeout(() => resolve({ kind: 'result', result: { action: 'accept' } }), 600)),
    })
    await call(slow).catch(() => undefined)
    await until(() => question !== null)
    expect(await call(slow)).toEqual(DONE)
  })

  it('by GET carries what the upstream says unasked', async () => {
    const { call } = await tiny(good, {
      session: () => 'mine',
      onOther(one, response) {
        if (one.method !== 'GET') return false
        sse(response)
        response.write(event({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' }))
        return true
      },
    })
    const channel = testChannel()
    await call(channel)
    await until(() => channel.notifications.length > 0)
    expect(channel.notifications).toEqual([{ upstream: 'tiny', method: 'notifications/tools/list_changed' }])
  })
})

describe('a lent credential', () => {
  const TOKEN = 'ghs_lent0123456789abcdefABCDEF'

  it('goes with every request of its one call, and with none of any other', async () => {
    let sessions = 0
    const { server, call } = await tiny(good, {
      session: () => `session-${++sessions}`,
      config: { credential: 'bot', headers: { Authorization: 'Bearer standing', 'X-Team': 'core' } },
    })
    const channel = testChannel()
    await call(channel)
    await call(channel, { token: TOKEN })
    await call(channel)
    await until(() => server.calls.some((one) => one.method === 'DELETE'))
    const lent = server.calls.filter((one) => one.headers['mcp-session-id'] === 'session-2')
    expect(lent.map((one) => one.message?.['method'] ?? one.method)).toEqual([
      'notifications/initialized',
      'tools/call',
      'DELETE',
    ])
    for (const one of server.calls) {
      const own =
        lent.includes(one) ||
        (one.message?.['method'] === 'initialize' && one.headers.authorization !== 'Bearer standing')
      expect(one.headers.authorization).toBe(own ? `Bearer ${TOKEN}` : 'Bearer standing')
      expect(one.headers['x-team']).toBe('core')
    }
  })

  it('does not come back in an answer, however the upstream writes it', async () => {
    const escaped = [...TOKEN].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
    const { call } = await tiny((_, response, id) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(`{"jsonrpc":"2.0","id":${id},"result":{"a":"${TOKEN}","b":["x ${escaped}"],"${TOKEN}":1}}`)
    })
    expect(await call(testChannel(), { token: TOKEN })).toEqual({
      kind: 'result',
      result: { a: '[credential]', b: ['x [credential]'], '[credential]': 1 },
    })
  })

  it('is not part of an error', async () => {
    const { call } = await tiny((one, response) => {
      response.writeHead(401).end(`bad ${one.headers.authorization}`)
    })
    const error = await failureOf(call(testChannel(), { token: TOKEN }))
    expect(JSON.stringify([error.message, error.advice, error.data, String(error.cause)])).not.toContain(TOKEN)
    expect(error.message).toContain('HTTP 401')
  })
})

describe('an upstream that fails', () => {
  it('by not being there is unreachable, says where it should be, and nothing was sent', async () => {
    const port = await freePort()
    const upstreams = upstreamsOf({ tiny: http(`http://127.0.0.1:${port}/mcp?key=hidden`) })
    ended.push(() => upstreams.close())
    const error = await failureOf(upstreams.execute(action('tiny', 'run'), null, context(testChannel())))
    expect(error.code).toBe('upstream_unreachable')
    expect(error.message).toBe(`upstream \`tiny\` (http://127.0.0.1:${port}/mcp) is unreachable: connection refused`)
    expect(error.advice).toContain('upstreams.tiny.url')
    expect(error.data).toEqual({ upstream: 'tiny', sent: false })
  })

  it('by going away between two calls leaves the second unsent', async () => {
    const { server, call } = await tiny(good)
    const channel = testChannel()
    await call(channel)
    await server.close()
    ended.shift()
    const error = await failureOf(call(channel))
    expect(error.data).toMatchObject({ sent: false })
  })

  const answers: readonly (readonly [string, OnCall, string])[] = [
    ['closes the connection', (_, response) => response.destroy(), 'closed the connection'],
    [
      'sends half a body',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
        response.write('{"jsonrpc"')
        setTimeout(() => response.destroy(), 20)
      },
      'closed the connection',
    ],
    [
      'sends half a stream',
      (_, response) => {
        sse(response)
        response.end('event: message\ndata: {"jsonrpc"')
      },
      'ended its stream before it answered',
    ],
    [
      'cuts its stream',
      (_, response) => {
        sse(response)
        response.write('data: {"json')
        setTimeout(() => response.destroy(), 20)
      },
      'closed the connection',
    ],
    ['answers no JSON', (_, response) => response.end('<html>'), 'not JSON'],
    ['answers no JSON-RPC', (_, response) => response.end('{"ok":true}'), 'not JSON-RPC 2.0'],
    ['answers under another id', (_, response) => json(response, result(4711, 'x')), 'belongs to another request'],
    [
      'answers under the id as text',
      (_, response, id) => json(response, { jsonrpc: '2.0', id: String(id), result: {} }),
      'belongs to another request',
    ],
    [
      'answers a list as result',
      (_, response, id) => json(response, { jsonrpc: '2.0', id, result: [] }),
      'not an object',
    ],
    [
      'answers both result and error',
      (_, response, id) => json(response, { jsonrpc: '2.0', id, result: {}, error: { code: 1, message: '' } }),
      'either a result or an error',
    ],
    [
      'answers a broken error',
      (_, response, id) => json(response, { jsonrpc: '2.0', id, error: { code: 'x' } }),
      'not a JSON-RPC error',
    ],
    ['answers nothing', (_, response) => response.writeHead(202).end(), 'without a body'],
    ['redirects', (_, response) => response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end(), 'redirects'],
    ['answers 500', (_, response) => response.writeHead(500).end('oops'), 'HTTP 500'],
    [
      'answers too deep',
      (_, response, id) =>
        response.end(`{"jsonrpc":"2.0","id":${id},"result":${'{"a":'.repeat(200)}1${'}'.repeat(200)}}`),
      'nested deeper',
    ],
    [
      'answers 1e999',
      (_, response, id) => response.end(`{"jsonrpc":"2.0","id":${id},"result":{"a":1e999}}`),
      'a double cannot hold',
    ],
    ['answers too much', (_, response) => response.end('x'.repeat(200_000)), 'over 100000 bytes'],
    [
      'streams too much',
      (_, response) => {
        sse(response)
        response.end(`data: ${'x'.repeat(200_000)}\n\n`)
      },
      'over 100000 bytes',
    ],
    [
      'streams too much in short lines',
      (_, response) => {
        sse(response)
        response.end(`${'data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n'.repeat(10_000)}\n`)
      },
      'over 100000 bytes',
    ],
    ['stays silent', () => undefined, 'no answer for 400 ms'],
    [
      'stays silent in its stream',
      (_, response) => {
        sse(response)
        response.write(': hello\n\n')
      },
      'no answer for 400 ms',
    ],
  ]

  it.each(answers)('in that it %s is told plainly, and the call may have been done', async (_, onCall, problem) => {
    const { call } = await tiny(onCall, { limits: { messageBytes: 100_000, idleMs: 400 } })
    const error = await failureOf(call())
    expect(error.code).toBe('upstream_unreachable')
    expect(error.message).toContain(problem)
    expect(error.message).toContain('`tiny`')
    expect(error.data).toEqual({ upstream: 'tiny', sent: true })
  })

  it.each([
    [
      'refuses',
      (response, id) => json(response, { jsonrpc: '2.0', id, error: { code: -32602, message: 'go away' } }),
      'go away',
    ],
    [
      'speaks an unknown revision',
      (response, id) => json(response, { jsonrpc: '2.0', id, result: { protocolVersion: '1999-01-01' } }),
      'unknown protocol revision',
    ],
    ['answers 503', (response) => response.writeHead(503).end(), 'HTTP 503'],
    ['never answers', () => undefined, 'no answer'],
  ] satisfies [
    string,
    NonNullable<NonNullable<More>['initialize']>,
    string,
  ][])('in that it %s at the greeting has been sent nothing', async (_, initialize, problem) => {
    const { call } = await tiny(good, { initialize, config: { connectTimeout: 400 } })
    const error = await failureOf(call())
    expect(error.message).toContain(problem)
    expect(error.data).toEqual({ upstream: 'tiny', sent: false })
  })

  it('is tried anew by the next call', async () => {
    let broken = true
    const { call } = await tiny(good, {
      initialize: (response, id) => {
        if (broken) response.writeHead(500).end()
        else json(response, { jsonrpc: '2.0', id, result: { protocolVersion: '2025-11-25' } })
      },
    })
    const channel = testChannel()
    await failureOf(call(channel))
    broken = false
    expect(await call(channel)).toEqual(DONE)
  })
})

describe('a call that its client cancels', () => {
  it('is cancelled upstream under the id that the upstream knows', async () => {
    const { server, call } = await tiny(() => undefined)
    const channel = testChannel()
    const abort = new AbortController()
    const running = failureOf(call(channel, { context: context(channel, { signal: abort.signal }) }))
    await until(() => methodsOf(server).includes('tools/call'))
    abort.abort()
    expect((await running).data).toEqual({ upstream: 'tiny', sent: true, cancelled: true })
    await until(() => methodsOf(server).includes('notifications/cancelled'))
    const run = server.calls.find((one) => one.message?.['method'] === 'tools/call')
    const note = server.calls.find((one) => one.message?.['method'] === 'notifications/cancelled')
    expect(note?.message?.['params']).toMatchObject({ requestId: run?.message?.['id'] })
  })

  it('before it was sent is not sent', async () => {
    const { server, call } = await tiny(good)
    const channel = testChannel()
    const error = await failureOf(call(channel, { context: context(channel, { signal: AbortSignal.abort() }) }))
    expect(error.data).toEqual({ upstream: 'tiny', sent: false, cancelled: true })
    expect(methodsOf(server)).not.toContain('tools/call')
  })
})
