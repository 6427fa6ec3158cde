import { afterEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../../src/core/json.ts'
import type { ClientChannel, Outcome, Upstreams } from '../../../../src/gateway/ports.ts'
import { type HttpFixture, serveHttpFixture } from '../../../fixtures/conformance/http.ts'
import { type Heard, type TestChannelOptions, testChannel } from '../../../support/client-channel.ts'
import { action, context, failureOf, http, httpUpstream, json, until, upstreamsOf } from '../support.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function fixture(): Promise<{ all: Upstreams; served: HttpFixture }> {
  const served = await serveHttpFixture({ eras: 'modern' })
  const all = upstreamsOf({ up: http(served.url, { era: 'modern' }) })
  closing.push(
    () => served.close(),
    () => all.close(),
  )
  return { all, served }
}

/** An upstream of the modern era that answers each `tools/call` in turn with the next of these results. */
async function answering(...results: readonly JsonObject[]) {
  const asked: JsonObject[] = []
  const upstream = await httpUpstream(({ message }, response, id) => {
    if (message?.['method'] === 'server/discover') {
      return json(response, { jsonrpc: '2.0', id, result: { supportedVersions: ['2026-07-28'], capabilities: {} } })
    }
    asked.push(message?.['params'] as JsonObject)
    const next = results[Math.min(asked.length, results.length) - 1] ?? {}
    json(response, { jsonrpc: '2.0', id, result: next })
  })
  const all = upstreamsOf({ up: http(upstream.url, { era: 'modern' }) })
  closing.push(
    () => upstream.close(),
    () => all.close(),
  )
  return { all, asked }
}

const CAPABLE: JsonObject = { elicitation: { form: {} }, sampling: {}, roots: {} }

const ANSWERS: Readonly<Record<string, JsonObject>> = {
  'elicitation/create': { action: 'accept', content: { name: 'Ada' } },
  'sampling/createMessage': { role: 'assistant', model: 'm', content: { type: 'text', text: 'hello' } },
  'roots/list': { roots: [{ uri: 'file:///src' }] },
}

const obliging = async ({ method }: Heard): Promise<Outcome> => ({ kind: 'result', result: ANSWERS[method] ?? {} })
const client = (more: TestChannelOptions = {}) => testChannel({ capabilities: CAPABLE, answer: obliging, ...more })

const call = (all: Upstreams, channel: ClientChannel, tool: string, args: JsonObject = {}) =>
  all.execute(action('up', tool, args), null, context(channel))

const saying = (text: string) => ({ kind: 'result', result: { content: [{ type: 'text', text }] } })

describe('what an upstream of the modern era asks of a client of the legacy one', () => {
  it.each([
    ['test_input_required_result_elicitation', ['elicitation/create'], 'Hello, Ada!'],
    ['test_input_required_result_sampling', ['sampling/createMessage'], 'Sampling response: hello'],
    ['test_input_required_result_multiple_inputs', Object.keys(ANSWERS), 'hello Ada, 1 root(s)'],
    ['test_input_required_result_request_state', ['elicitation/create'], 'state-ok: the state came back whole'],
    ['test_missing_capability', ['sampling/createMessage'], 'asked and answered'],
  ])('during %s comes as requests, and the answer as one answer', async (tool, methods, text) => {
    const { all } = await fixture()
    const channel = client()
    expect(await call(all, channel, tool)).toEqual(saying(text))
    expect(channel.requests.map(({ method }) => method).sort()).toEqual([...methods].sort())
    expect(channel.requests.every(({ upstream }) => upstream === 'up')).toBe(true)
  })

  it('may come in several rounds, with the state of each going back unread', async () => {
    const { all } = await fixture()
    const channel = client()
    expect(await call(all, channel, 'aegis_ask_twice', { topic: 'rain' })).toEqual(saying('Ada on rain: hello'))
    expect(channel.requests.map(({ method }) => method)).toEqual(['elicitation/create', 'sampling/createMessage'])
  })

  it('may come for a prompt too', async () => {
    const { all } = await fixture()
    const channel = client({
      answer: async () => ({ kind: 'result', result: { action: 'accept', content: { context: 'rain' } } }),
    })
    const get = { method: 'prompts/get', params: { name: 'test_input_required_result_prompt' } }
    const outcome = await all.request('up', get, channel, context(channel))
    expect(JSON.stringify(outcome)).toContain('Use the following context: rain')
  })

  it('and it was never able to answer is told to the upstream, as the specification has it', async () => {
    const { all } = await fixture()
    const channel = client({ capabilities: {} })
    const outcome = await call(all, channel, 'test_missing_capability')
    expect(outcome).toMatchObject({ kind: 'error', error: { code: -32021 } })
    expect(channel.requests).toEqual([])
  })

  it('as a form, where the client cannot show it, counts as a form that was not filled in', async () => {
    const { all, asked } = await answering(
      { resultType: 'input_required', inputRequests: { q: { method: 'elicitation/create', params: {} } } },
      { resultType: 'complete', content: [] },
    )
    const channel = client({ answer: async () => ({ kind: 'error', error: { code: -32603, message: 'no screen' } }) })
    expect(await call(all, channel, 't')).toEqual({ kind: 'result', result: { content: [] } })
    expect(asked[1]).toMatchObject({ inputResponses: { q: { action: 'cancel' } } })
  })

  it.each([
    [
      'refuses',
      async (): Promise<Outcome> => ({ kind: 'error', error: { code: -1, message: 'not today' } }),
      /not today/,
    ],
    ['has gone', () => Promise.reject(new Error('gone')), /has gone or did not answer/],
  ])('of its model, which %s, ends the call', async (_, answer, message) => {
    const { all, asked } = await answering({
      resultType: 'input_required',
      inputRequests: { q: { method: 'sampling/createMessage', params: {} } },
    })
    const outcome = await call(all, client({ answer }), 't')
    expect(outcome).toMatchObject({ kind: 'error', error: { code: -32603 } })
    expect(outcome.kind === 'error' && outcome.error.message).toMatch(message)
    expect(asked).toHaveLength(1)
  })

  it('and it had no time to answer ends with the call', async () => {
    const { all, asked } = await answering({
      resultType: 'input_required',
      inputRequests: { q: { method: 'elicitation/create', params: {} } },
    })
    const abort = new AbortController()
    const waiting = (_: Heard, signal: AbortSignal) =>
      new Promise<Outcome>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const channel = client({ answer: waiting })
    const ended = failureOf(all.execute(action('up', 't'), null, context(channel, { signal: abort.signal })))
    await until(() => channel.requests.length > 0)
    abort.abort()
    expect((await ended).data).toMatchObject({ cancelled: true })
    expect(asked).toHaveLength(1)
  })
})

describe('an upstream of the modern era that', () => {
  const question = (method: string) => ({ inputRequests: { q: { method, params: {} } } })

  it.each<[string, JsonObject]>([
    ['asks what no client answers', { resultType: 'input_required', ...question('tools/call') }],
    ['asks without asking anything', { resultType: 'input_required', inputRequests: {} }],
    ['asks in no readable form', { resultType: 'input_required', inputRequests: ['q'] }],
    ['asks a question that is none', { resultType: 'input_required', inputRequests: { q: 'name?' } }],
    ['answers with a type nobody knows', { resultType: 'riddle' }],
    ['makes a task for a client that knows none', { resultType: 'task', taskId: 't' }],
    ['never has enough', { resultType: 'input_required', ...question('roots/list') }],
  ])('%s gives no usable answer', async (_, result) => {
    const { all, asked } = await answering(result)
    const error = await failureOf(call(all, client(), 't'))
    expect(error.message).toContain('gave no usable answer')
    expect(error.data).toMatchObject({ sent: true })
    expect(asked.length).toBeLessThanOrEqual(33)
  })

  it('wants nothing but to be asked again is asked again, with its state', async () => {
    const { all, asked } = await answering(
      { resultType: 'input_required', requestState: 'later' },
      { resultType: 'complete', content: [] },
    )
    expect(await call(all, client(), 't')).toEqual({ kind: 'result', result: { content: [] } })
    expect(asked[0]).not.toHaveProperty('requestState')
    expect(asked[1]).toMatchObject({ requestState: 'later' })
  })

  it('names its questions like members of every object gets its answers under these names', async () => {
    const inputRequests = JSON.parse('{"__proto__":{"method":"roots/list"},"constructor":{"method":"roots/list"}}')
    const { all, asked } = await answering(
      { resultType: 'input_required', inputRequests },
      { resultType: 'complete', content: [] },
    )
    await call(all, client(), 't')
    expect(Object.keys(asked[1]?.['inputResponses'] ?? {})).toEqual(['__proto__', 'constructor'])
  })

  it('makes a request of its own on the stream of an answer is not heard, and answered all the same', async () => {
    const upstream = await httpUpstream(({ message }, response, id) => {
      if (message?.['method'] === 'server/discover') {
        return json(response, { jsonrpc: '2.0', id, result: { supportedVersions: ['2026-07-28'], capabilities: {} } })
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'roots/list' })}\n\n`)
      response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } })}\n\n`)
    })
    const all = upstreamsOf({ up: http(upstream.url, { era: 'modern' }) })
    closing.push(
      () => upstream.close(),
      () => all.close(),
    )
    const channel = client()
    expect(await call(all, channel, 't')).toEqual({ kind: 'result', result: { content: [] } })
    expect(channel.requests).toEqual([])
  })
})

describe('a client of the modern era', () => {
  it('gets the questions of an upstream of its own as they are, and brings the answers itself', async () => {
    const { all } = await fixture()
    const channel = client({ protocolVersion: '2026-07-28' })
    const asked = await call(all, channel, 'test_input_required_result_request_state')
    expect(asked).toMatchObject({ kind: 'result', result: { resultType: 'input_required' } })
    const { requestState } = asked.kind === 'result' ? asked.result : {}
    const retry = {
      requestState: String(requestState),
      inputResponses: { confirm: ANSWERS['elicitation/create'] ?? {} },
    }
    const tool = action('up', 'test_input_required_result_request_state')
    const answered = await all.execute(tool, null, { ...context(channel), retry })
    expect(answered).toMatchObject({ kind: 'result', result: { resultType: 'complete' } })
    expect(channel.requests).toEqual([])
  })
})
