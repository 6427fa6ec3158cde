import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../src/core/json.ts'
import { testChannel } from '../../support/client-channel.ts'
import {
  action,
  context,
  failureOf,
  type HttpCall,
  http,
  httpUpstream,
  result,
  sse,
  until,
  upstreamsOf,
} from './support.ts'

const ended: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

const event = (message: JsonObject, id: string) => `id: ${id}\nevent: message\ndata: ${JSON.stringify(message)}\n\n`
const PRIME = 'id: ev-0\nretry: 10\ndata: \n\n'
const DONE = { kind: 'result', result: { content: [{ type: 'text', text: 'done' }] } }

/** `onCall` gets the POST of the call, `onReturn` each GET that comes back to its stream. */
async function upstream(
  onCall: (response: ServerResponse, id: number) => void,
  onReturn: (response: ServerResponse, id: number, count: number, call: HttpCall) => void,
) {
  let asked = 0
  let returns = 0
  const server = await httpUpstream(
    (_, response, id) => {
      asked = id
      sse(response)
      onCall(response, id)
    },
    {
      onOther(call, response) {
        if (call.method !== 'GET' || call.headers['last-event-id'] === undefined) return false
        onReturn(response, asked, ++returns, call)
        return true
      },
    },
  )
  ended.push(() => server.close())
  const upstreams = upstreamsOf({ tiny: http(server.url) })
  ended.push(() => upstreams.close())
  const channel = testChannel()
  return {
    server,
    upstreams,
    channel,
    call: (signal?: AbortSignal) =>
      upstreams.execute(action('tiny', 'run'), null, context(channel, signal === undefined ? {} : { signal })),
    returns: () => returns,
    sent: () => server.calls.filter(({ message }) => message?.['method'] === 'tools/call').length,
  }
}

/** Ends the connection in the middle of the stream, as a broken network would. */
function breakOff(response: ServerResponse, text: string): void {
  response.write(text, () => response.destroy())
}

describe('the stream of a call that breaks before its answer', () => {
  it('is taken up behind the last event that came; the call itself is sent once', async () => {
    const heard: string[] = []
    const { call, sent } = await upstream(
      (response) => breakOff(response, PRIME + event({ jsonrpc: '2.0', method: 'notifications/message' }, 'ev-1')),
      (response, id, _, { headers }) => {
        heard.push(String(headers['last-event-id']))
        sse(response)
        response.end(event(result(id, 'done'), 'ev-2'))
      },
    )
    expect(await call()).toEqual(DONE)
    expect([heard, sent()]).toEqual([['ev-1'], 1])
  })

  it('is taken up through a server that restarts: refused for a while, then there', async () => {
    const { call, sent } = await upstream(
      (response) => breakOff(response, PRIME),
      (response, id, count) => {
        if (count === 1) return void response.destroy()
        if (count === 2) return void response.writeHead(503).end()
        sse(response)
        response.end(event(result(id, 'done'), 'ev-1'))
      },
    )
    expect(await call()).toEqual(DONE)
    expect(sent()).toBe(1)
  })

  it('is taken up as often as the server asks for it', async () => {
    const { call, returns } = await upstream(
      (response) => response.end(PRIME),
      (response, id, count) => {
        sse(response)
        if (count === 12) response.end(event(result(id, 'done'), 'ev-1'))
        else response.end(': come back\n\n')
      },
    )
    expect(await call()).toEqual(DONE)
    expect(returns()).toBe(12)
  })

  it('is given up where the server knows nothing of it any more: what became of the call is unknown', async () => {
    const { call, sent } = await upstream(
      (response) => breakOff(response, PRIME),
      (response) => response.writeHead(404).end(),
    )
    expect((await failureOf(call())).data).toEqual({ upstream: 'tiny', sent: true })
    expect(sent()).toBe(1)
  })

  it('is given up after some failures in a row', async () => {
    const { call, returns } = await upstream(
      (response) => breakOff(response, PRIME),
      (response) => response.destroy(),
    )
    expect((await failureOf(call())).data).toEqual({ upstream: 'tiny', sent: true })
    expect(returns()).toBe(5)
  })

  it('is lost where no event had an id', async () => {
    const { call, returns } = await upstream(
      (response) => breakOff(response, ': hello\n\n'),
      (response) => response.destroy(),
    )
    expect((await failureOf(call())).data).toEqual({ upstream: 'tiny', sent: true })
    expect(returns()).toBe(0)
  })

  it.each(['cancelled', 'released'])('ends at once in the middle of the wait when its client has %s', async (how) => {
    const { call, upstreams, channel, server } = await upstream(
      (response) => breakOff(response, 'id: ev-0\nretry: 30000\ndata: \n\n'),
      (response) => response.destroy(),
    )
    const abort = new AbortController()
    const running = failureOf(call(abort.signal))
    await until(() => server.calls.some(({ message }) => message?.['method'] === 'tools/call'))
    await new Promise((resolve) => setTimeout(resolve, 100))
    if (how === 'cancelled') abort.abort()
    else await upstreams.release(channel.key)
    expect((await running).data).toMatchObject({ sent: true })
  })
})
