import { afterEach, describe, expect, it } from 'vitest'
import type { Limits } from '../../../src/identity/limiter.ts'
import { headers, KEY, OTHER_KEY, openDoor } from '../../support/mcp-door.ts'

/** A busy machine may take its time. */
const PATIENT = { timeout: 20_000 }

const TOOLS = {
  echo: () => ({ content: [{ type: 'text', text: 'here' }] }),
  slow: async () => {
    await new Promise<void>((resolve) => waiting.push(resolve))
    return { content: [] }
  },
  review_write: () => ({ content: [] }),
}
const waiting: (() => void)[] = []
afterEach(() => {
  for (const go of waiting.splice(0)) go()
})

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

type Door = ReturnType<typeof openDoor>
const limited = (limits: Partial<Limits>): Door => openDoor({ files: { onReview: 'hold', tools: TOOLS } }, { limits })

const call = (name: string, id: number | string = 1) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: {} },
})

function post(door: Door, message: unknown, more: Record<string, string> = {}): Promise<Response> {
  const request = { method: 'POST', headers: headers(more), body: JSON.stringify(message) }
  return Promise.resolve(door.app.request('/mcp/files', request))
}

/** The answer's JSON-RPC error, or `null` where it has none. */
async function errorOf(answer: Response | Promise<Response>) {
  const { error } = (await (await answer).json()) as { error?: { code: number; message: string; data?: unknown } }
  return error ?? null
}

/** Until this many calls have come as far as the road. */
const arrived = (door: Door, count: number) => expect.poll(() => door.calls.length, PATIENT).toBe(count)
const initialize = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
}

describe('calls that come too fast', () => {
  it('are answered each by itself, in words that the model reads, on a connection that stays', async () => {
    const door = limited({ rate: 1, burst: 2 })
    expect(await errorOf(post(door, call('echo')))).toBeNull()
    expect(await errorOf(post(door, call('echo')))).toBeNull()
    const answer = await post(door, call('echo', 'third'))
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({
      jsonrpc: '2.0',
      id: 'third',
      error: {
        code: -32000,
        message: 'this key makes calls faster than 1 a second. Wait 1 s, then make the call again',
        data: { limit: 'rate', retry_after: 1 },
      },
    })
    door.clock.advance(1000)
    expect(await errorOf(post(door, call('echo')))).toBeNull()
  })

  it('never reach the road, nor the log more than once', async () => {
    const door = limited({ rate: 1, burst: 1 })
    for (let count = 0; count < 100; count++) await post(door, call('echo'))
    expect(door.calls).toHaveLength(1)
    expect(door.log.lines.filter((line) => line.includes('refused by a limit'))).toHaveLength(1)
  })

  it('count where they ask what there is, too: that may have to be asked of every upstream', async () => {
    const door = limited({ rate: 1, burst: 3 })
    const method = 'server/discover'
    const message = { jsonrpc: '2.0', id: 1, method, params: { _meta: META } }
    const discover = () => errorOf(post(door, message, { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method }))
    expect([await discover(), await discover()]).toEqual([null, null])
    expect(await discover()).toMatchObject({ data: { limit: 'rate' } })
  })

  it('fill no log, not even with what is no call', async () => {
    const door = limited({})
    const opened = await post(door, initialize)
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
    for (let count = 0; count < 50; count++) await post(door, { jsonrpc: '2.0', method: `made-up-${count}` }, session)
    expect(door.log.lines.filter((line) => line.includes('without an id'))).toHaveLength(1)
  })

  it('count one by one in a batch', async () => {
    const door = limited({ rate: 1, burst: 3 })
    const batch = [1, 2, 3, 4, 5].map((id) => call('echo', id))
    const answers = (await (await post(door, batch, { 'mcp-protocol-version': '2025-03-26' })).json()) as object[]
    expect(answers.filter((answer) => 'error' in answer)).toHaveLength(2)
    expect(answers).toHaveLength(5)
  })

  it('of one key leave those of another alone', async () => {
    const door = limited({ rate: 1, burst: 1 })
    for (let count = 0; count < 10; count++) await post(door, call('echo'))
    expect(await errorOf(post(door, call('echo'), { authorization: `Bearer ${OTHER_KEY}` }))).toBeNull()
  })

  it('are told so in the stateless era too, where the first call also makes its client known', async () => {
    const door = limited({ rate: 1, burst: 2 })
    const message = { ...call('echo'), params: { name: 'echo', arguments: {}, _meta: META } }
    const head = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' }
    expect(await errorOf(post(door, message, head))).toBeNull()
    expect(await errorOf(post(door, message, head))).toMatchObject({ code: -32000, data: { retry_after: 1 } })
  })
})

describe('calls at the same time', () => {
  it('are as many as a key may have, whatever they wait for', async () => {
    const door = limited({ calls: { own: 2, all: 100 } })
    const running = [post(door, call('slow', 1)), post(door, call('slow', 2))]
    await arrived(door, 2)
    expect(await errorOf(post(door, call('echo')))).toMatchObject({ data: { limit: 'calls', retry_after: 1 } })
    expect(await errorOf(post(door, call('echo'), { authorization: `Bearer ${OTHER_KEY}` }))).toBeNull()
    for (const go of waiting.splice(0)) go()
    await Promise.all(running)
    expect(await errorOf(post(door, call('echo')))).toBeNull()
  })

  it('do not count those that wait for a person', async () => {
    const door = limited({ calls: { own: 1, all: 100 } })
    const held = post(door, call('review_write'))
    await expect.poll(() => errorOf(post(door, call('echo'))), PATIENT).toBeNull()
    door.approve()
    expect(await errorOf(held)).toBeNull()
    expect(await errorOf(post(door, call('echo')))).toBeNull()
  })

  it('give their place back when the client goes away, and when they fail', async () => {
    const door = limited({ calls: { own: 1, all: 100 } })
    const gone = new AbortController()
    const request = { method: 'POST', headers: headers(), body: JSON.stringify(call('slow')), signal: gone.signal }
    void Promise.resolve(door.app.request('/mcp/files', request)).catch(() => undefined)
    await arrived(door, 1)
    gone.abort()
    for (const go of waiting.splice(0)) go()
    const unknown = { message: expect.stringContaining('no tool') }
    await expect.poll(() => errorOf(post(door, call('nowhere'))), PATIENT).toMatchObject(unknown)
    expect(await errorOf(post(door, call('echo')))).toBeNull()
  })
})

describe('what stays open', () => {
  it('is refused as sessions: by an answer to initialize', async () => {
    const door = limited({ sessions: { own: 1, all: 100 } })
    const first = await post(door, initialize)
    expect(await errorOf(post(door, initialize))).toMatchObject({
      message: expect.stringContaining('too many open sessions'),
    })
    const session = { 'mcp-session-id': first.headers.get('mcp-session-id') ?? '' }
    await door.app.request('/mcp/files', { method: 'DELETE', headers: headers(session) })
    expect(await errorOf(post(door, initialize))).toBeNull()
  })

  it('is refused as streams: with 429 and the time to come back', async () => {
    const door = limited({ streams: { own: 1, all: 100 } })
    const served = await door.listen()
    const opened = await fetch(`${served.url}/files`, {
      method: 'POST',
      headers: bearer(),
      body: JSON.stringify(initialize),
    })
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
    const listen = (signal?: AbortSignal) =>
      fetch(`${served.url}/files`, { headers: { ...bearer(), ...session }, ...(signal ? { signal } : {}) })
    const gone = new AbortController()
    expect((await listen(gone.signal)).status).toBe(200)
    const refused = await listen()
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60'])
    gone.abort()
    await expect.poll(async () => (await listen()).status, PATIENT).toBe(200)
    await served.close()
  })
})

function bearer(): Record<string, string> {
  return {
    authorization: `Bearer ${KEY}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  }
}
