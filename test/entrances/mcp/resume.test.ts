import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EventStream } from '../../../src/entrances/mcp/event-stream.ts'
import { createReplay, createShelf, type ReplayParts } from '../../../src/entrances/mcp/replay.ts'
import type { ListedUpstream } from '../../support/list-gateway.ts'
import { headers, KEY, OTHER_KEY, openDoor } from '../../support/mcp-door.ts'

const stopped: string[] = []
/** Lets the tool `steps` go on. */
let go: () => void = () => undefined

const files: ListedUpstream = {
  tools: {
    async steps(call, signal) {
      const progressToken = call.meta?.['progressToken'] ?? ''
      const say = (progress: number) =>
        call.onNotification?.({ method: 'notifications/progress', params: { progressToken, progress } })
      say(1)
      await new Promise<void>((resolve, reject) => {
        go = resolve
        signal.addEventListener('abort', () => {
          stopped.push(String(progressToken))
          reject(signal.reason)
        })
      })
      say(2)
      say(3)
      return { content: [{ type: 'text', text: 'done' }] }
    },
  },
}

const held: ListedUpstream = { onReview: 'hold', tools: { review_write: () => ({ content: [] }) } }

const door = openDoor({ files }, { resumeMs: 300 })
const patient = openDoor({ files }, { resumeMs: 5_000 })
let at: Awaited<ReturnType<typeof door.listen>>
let patientAt: typeof at
beforeAll(async () => {
  at = await door.listen()
  patientAt = await patient.listen()
})
afterAll(() => Promise.all([at.close(), patientAt.close()]))

interface Heard {
  readonly id: string
  readonly message: { id?: number; params?: { progress?: number } } | null
}

/** Reads events until `enough`, then breaks the connection. */
async function read(response: Response, cut: AbortController, enough: (all: Heard[]) => boolean): Promise<Heard[]> {
  const heard: Heard[] = []
  let text = ''
  try {
    for await (const chunk of response.body ?? []) {
      text += new TextDecoder().decode(chunk)
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const id = /^id: (.*)$/m.exec(block)?.[1] ?? ''
        const data = /^data: (.*)$/m.exec(block)?.[1]
        if (data !== undefined) heard.push({ id, message: data === '' ? null : JSON.parse(data) })
      }
      if (enough(heard)) break
    }
  } finally {
    cut.abort()
  }
  return heard
}

async function openSession(url: string, protocolVersion = '2025-11-25') {
  const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'raw', version: '1' } }
  const response = await fetch(`${url}/files`, {
    method: 'POST',
    headers: headers(),
    body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }),
  })
  await response.text()
  const session = { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' }
  const ask = (method: 'GET' | 'POST', more: Record<string, string>, body?: object) => {
    const cut = new AbortController()
    const init = { method, signal: cut.signal, headers: headers({ ...session, ...more }) }
    const sent = fetch(`${url}/files`, body === undefined ? init : { ...init, body: JSON.stringify(body) })
    return { cut, sent }
  }
  return {
    get: (more: Record<string, string> = {}) => ask('GET', { accept: 'text/event-stream', ...more }),
    call: (token: string) =>
      ask(
        'POST',
        {},
        {
          jsonrpc: '2.0',
          id: 7,
          method: 'tools/call',
          params: { name: 'steps', arguments: {}, _meta: { progressToken: token } },
        },
      ),
  }
}

const progressOf = (heard: Heard[]) => heard.map(({ message }) => message?.params?.progress ?? message?.id ?? null)
const progressed = (heard: Heard[]) => heard.some(({ message }) => message?.params?.progress === 1)
const answered = (heard: Heard[]) => heard.some(({ message }) => message?.id === 7)

describe('a call whose connection breaks', () => {
  it('goes on, and the client that comes back with the last event id gets what it missed and the answer, once', async () => {
    const session = await openSession(patientAt.url)
    const first = session.call('a')
    const heard = await read(await first.sent, first.cut, progressed)
    expect(progressOf(heard)).toEqual([null, 1])
    go()
    const again = session.get({ 'last-event-id': heard.at(-1)?.id ?? '' })
    const rest = await read(await again.sent, again.cut, answered)
    expect(progressOf(rest)).toEqual([2, 3, 7])
    expect(stopped).not.toContain('a')
    const done = await session.get({ 'last-event-id': rest.at(-1)?.id ?? '' }).sent
    expect(done.status).toBe(405)
  })

  it('can be taken up from the priming event too, which says nothing but where to come back', async () => {
    const session = await openSession(patientAt.url)
    const first = session.call('b')
    const [prime] = await read(await first.sent, first.cut, (all) => all.length > 0)
    expect(prime).toMatchObject({ message: null })
    const again = session.get({ 'last-event-id': prime?.id ?? '' })
    go()
    expect(progressOf(await read(await again.sent, again.cut, answered))).toEqual([1, 2, 3, 7])
  })

  it('is ended when the client does not come back, and nothing of it is kept', async () => {
    const session = await openSession(at.url)
    const first = session.call('c')
    const heard = await read(await first.sent, first.cut, progressed)
    await expect.poll(() => stopped, { timeout: 5_000 }).toContain('c')
    expect((await session.get({ 'last-event-id': heard.at(-1)?.id ?? '' }).sent).status).toBe(405)
  })

  it('is nothing that another session or another key could take up', async () => {
    const session = await openSession(patientAt.url)
    const other = await openSession(patientAt.url)
    const first = session.call('d')
    const lastId = (await read(await first.sent, first.cut, progressed)).at(-1)?.id ?? ''
    expect((await other.get({ 'last-event-id': lastId }).sent).status).toBe(405)
    const foreign = session.get({ 'last-event-id': lastId, authorization: `Bearer ${OTHER_KEY}` })
    expect((await foreign.sent).status).toBe(404)
    go()
  })

  it('brings no event without data to a client of an earlier revision, which would take it for a broken message', async () => {
    const session = await openSession(patientAt.url, '2025-06-18')
    const first = session.call('e')
    expect(progressOf(await read(await first.sent, first.cut, progressed))).toEqual([1])
    go()
  })

  it('while it is held runs nothing, whatever a person says, before its client has come back', async () => {
    // Without a socket: the server learns at once that its client has gone.
    const here = openDoor({ held })
    const ask = (method: string, more: Record<string, string>, body?: object) =>
      here.app.request('/mcp/held', {
        method,
        headers: headers(more),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } }
    const welcome = await ask('POST', {}, { jsonrpc: '2.0', id: 0, method: 'initialize', params })
    const session = { 'mcp-session-id': welcome.headers.get('mcp-session-id') ?? '' }
    const call = { name: 'review_write', arguments: {}, _meta: { progressToken: 'f' } }
    const first = await ask('POST', session, { jsonrpc: '2.0', id: 7, method: 'tools/call', params: call })
    await first.body?.cancel()
    here.approve()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(here.calls.length).toBe(1)
    const again = await ask('GET', { ...session, 'last-event-id': 'p1-0' })
    expect(await again.text()).toContain('"id":7,"result"')
    expect(here.calls.length).toBe(2)
    await here.entrance.close()
  })

  it('is no loss for a client of the SDK', async () => {
    const client = new Client({ name: 'sdk', version: '1' })
    let cut: AbortController | null = null
    const transport = new StreamableHTTPClientTransport(new URL(`${patientAt.url}/files`), {
      requestInit: { headers: { authorization: `Bearer ${KEY}` } },
      reconnectionOptions: {
        initialReconnectionDelay: 10,
        maxReconnectionDelay: 10,
        reconnectionDelayGrowFactor: 1,
        maxRetries: 3,
      },
      async fetch(url, init) {
        if (!String(init?.body).includes('tools/call')) return fetch(url, init)
        cut = new AbortController()
        return fetch(url, { ...init, signal: cut.signal })
      },
    })
    await client.connect(transport)
    const heard: number[] = []
    const answer = client.callTool({ name: 'steps' }, undefined, { onprogress: ({ progress }) => heard.push(progress) })
    await expect.poll(() => heard).toEqual([1])
    Object(cut).abort()
    go()
    expect(await answer).toMatchObject({ content: [{ text: 'done' }] })
    expect(heard).toEqual([1, 2, 3])
    await client.close()
  })
})

it('what upstreams say out of turn while the GET stream is broken arrives when the client comes back, once', async () => {
  const session = await openSession(patientAt.url)
  const say = (data: string) => {
    for (const channel of patient.channels.values()) {
      channel.notify('files', { method: 'notifications/message', params: { data } })
    }
  }
  const dataOf = (heard: Heard[]) => heard.map(({ message }) => Object(message?.params)['data'] ?? null)
  const first = session.get()
  const open = await first.sent
  say('one')
  const heard = await read(open, first.cut, (all) => all.length === 2)
  expect(dataOf(heard)).toEqual([null, 'one'])
  say('two')
  const again = session.get({ 'last-event-id': heard.at(0)?.id ?? '' })
  const reopened = await again.sent
  say('three')
  expect(dataOf(await read(reopened, again.cut, (all) => all.length === 3))).toEqual(['one', 'two', 'three'])
})

it('a client that comes back to its GET stream after it was forgotten hears on, from now', async () => {
  const session = await openSession(at.url)
  const first = session.get()
  const [prime] = await read(await first.sent, first.cut, (all) => all.length === 1)
  // Longer than a broken stream is kept here.
  await new Promise((resolve) => setTimeout(resolve, 600))
  const again = session.get({ 'last-event-id': prime?.id ?? '' })
  const reopened = await again.sent
  expect(reopened.status).toBe(200)
  for (const channel of door.channels.values()) {
    channel.notify('files', { method: 'notifications/message', params: { data: 'later' } })
  }
  const heard = await read(reopened, again.cut, (all) => all.length === 2)
  expect(JSON.stringify(heard)).toContain('later')
})

describe('the memory of a stream', () => {
  const parts = (more: Partial<ReplayParts> = {}): ReplayParts => ({
    prefix: '',
    primes: false,
    shelf: createShelf(),
    patience: () => 60_000,
    ...more,
  })

  /** The messages a connection has carried, and the id of the last. */
  async function drain(stream: EventStream): Promise<{ texts: string[]; lastId: string }> {
    let all = ''
    for await (const chunk of stream.body) all += new TextDecoder().decode(chunk)
    const texts = [...all.matchAll(/^data: (.+)$/gm)].map(([, text]) => text ?? '')
    return { texts, lastId: [...all.matchAll(/^id: (.+)$/gm)].at(-1)?.[1] ?? '' }
  }

  it('gives back, wherever it was cut and however often, each message once and in order', async () => {
    const messages = fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(messages, fc.array(fc.nat(20), { maxLength: 4 }), async (texts, cuts) => {
        const replay = createReplay(parts({ primes: true }))
        const stream = replay.open('answers', () => undefined)
        const heard: string[] = []
        let lastId = 'p1-0'
        for (const [at, text] of texts.entries()) {
          if (cuts.includes(at)) {
            // What was written before the connection broke need not have arrived: here none of it has.
            stream.drop()
            expect(replay.resume(lastId)?.stream).toBe(stream)
          }
          stream.send(text)
        }
        const last = stream.body
        stream.end()
        const got = await drain({ ...stream, body: last, open: false })
        heard.push(...got.texts)
        lastId = got.lastId
        expect(heard).toEqual(texts)
        expect(replay.resume(lastId)).toBe(null)
        replay.close()
      }),
    )
  })

  it('is bounded: the oldest events go, the answer stays', async () => {
    const replay = createReplay(parts())
    const stream = replay.open('answers', () => undefined)
    const big = 'x'.repeat(200_000)
    for (let n = 0; n < 10; n++) stream.send(`${n}${big}`)
    stream.drop()
    stream.send(`answer${'y'.repeat(1_000_000)}`)
    stream.end()
    expect(replay.resume('p1-0')?.stream).toBe(stream)
    expect((await drain(stream)).texts.map((text) => text.slice(0, 6))).toEqual(['answer'])
  })

  it('is small for a stream that lasts as long as its client, while that is connected', async () => {
    const replay = createReplay(parts({ lasting: true }))
    const stream = replay.open('answers', () => undefined)
    const big = 'x'.repeat(20_000)
    for (let n = 0; n < 10; n++) stream.send(`${n}${big}`)
    stream.drop()
    for (let n = 0; n < 10; n++) stream.send(`away ${n}${big}`)
    expect(replay.resume('p1-0')?.stream).toBe(stream)
    stream.end()
    const { texts } = await drain(stream)
    expect(texts.map((text) => text.replaceAll('x', ''))).toEqual([
      '9',
      ...Array.from({ length: 10 }, (_, n) => `away ${n}`),
    ])
  })

  it('is bounded for all clients together: the longest ended goes first', () => {
    const shelf = createShelf(12_000)
    const replays = [1, 2, 3].map(() => createReplay(parts({ shelf })))
    for (const replay of replays) {
      const stream = replay.open('answers', () => undefined)
      stream.send('x'.repeat(4_000))
      stream.end()
    }
    expect(replays.map((replay) => replay.resume('p1-0') !== null)).toEqual([false, true, true])
  })

  it('reads an id it never gave as nothing', () => {
    const replay = createReplay(parts({ prefix: 'p.' }))
    replay.open('answers', () => undefined)
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.constantFrom('p.', 'p.p1', 'p.-1', 'p1-0', 'p.1-0', 'p.p2-0', 'p.g1-0', 'p.p1-0x', 'p.p1-'),
        ),
        (id) => {
          expect(replay.resume(id)).toBe(null)
        },
      ),
    )
  })
})
