import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type CountingUpstream, startCountingUpstream } from '../support/counting-upstream.ts'
import { type Served, serve } from '../support/served.ts'
import { sqlite } from '../support/sqlite-shell.ts'

/** What the calls that have arrived at the upstream wait for. */
let gate: Promise<void> = Promise.resolve()
let upstream: CountingUpstream
let aegis: Served
/** Of the test that runs: its own chain. */
let session = ''

beforeAll(async () => {
  upstream = await startCountingUpstream({ before: () => gate })
  aegis = await serve({ settings: { upstreams: { github: { catalog: 'github', url: upstream.url } } } })
})

afterAll(async () => {
  await aegis.close()
  await upstream.close()
})

beforeEach(({ task }) => {
  session = `s-${task.id.replaceAll(/[^a-z0-9]/gi, '')}`
  upstream.calls.length = 0
  gate = Promise.resolve()
})

/** Lets nothing through until what it gives is called. */
function shut(): () => void {
  let open: () => void = () => undefined
  gate = new Promise((resolve) => {
    open = resolve
  })
  return open
}

const READ = { name: 'get_file_contents', arguments: { owner: 'acme', repo: 'app', path: 'README.md' } }

interface Sent {
  readonly method?: string
  readonly params?: object
  readonly headers?: Record<string, string>
  readonly signal?: AbortSignal
  readonly path?: string
}

function call({
  method = 'tools/call',
  params = READ,
  headers = {},
  signal,
  path = '/mcp/github',
}: Sent = {}): Promise<Response> {
  return fetch(aegis.urls.mcp + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${aegis.agentKey}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'x-aegis-session': session,
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    ...(signal === undefined ? {} : { signal }),
  })
}

const kinds = () =>
  sqlite(
    aegis.store,
    `SELECT kind, coalesce(json_extract(CAST(body AS TEXT), '$.outcome.status'), '') FROM ledger_entry WHERE session LIKE '%/${session}' ORDER BY n;`,
  )

const arrived = (count: number) => expect.poll(() => upstream.calls.length, { timeout: 20_000 }).toBe(count)

function verified(): void {
  const { stdout, status } = aegis.aegisctl('evidence', 'verify', '--session', session)
  expect([stdout, status]).toEqual([expect.stringMatching(/^valid: true/m), 0])
}

describe('a client that goes away', () => {
  it('takes its call with it: the upstream is told, and the ledger says that it was cancelled', async () => {
    const open = shut()
    const gone = new AbortController()
    const running = call({ signal: gone.signal }).catch(() => 'gone')
    await arrived(1)
    gone.abort()
    expect(await running).toBe('gone')
    await expect.poll(kinds, { timeout: 20_000 }).toEqual([
      ['allow', ''],
      ['result', 'cancelled'],
    ])
    open()
    verified()
  })
})

describe('names and arguments that mean to look like others', () => {
  /** ESC, right-to-left override, zero-width space, a NUL, C1. */
  const TRICKS = '\u001b[2J\u202e\u200b\u0000\u009b'
  const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/

  it('are recorded, forwarded to nobody unreviewed, and shown to people with nothing hidden', async () => {
    const review = async (name: string, args: object) => {
      const answer = await call({ params: { name, arguments: { owner: 'acme', repo: 'app', ...args } } })
      const { error } = JSON.parse(await answer.text())
      return { code: Number(error.code), message: String(error.message) }
    }
    const odd = await review(`get_file_contents${TRICKS}`, { path: 'README.md' })
    expect(odd.code).toBe(-32001)
    // Cyrillic `е`: not the tool it looks like.
    const alike = await review('gеt_file_contents', { path: 'README.md' })
    expect(alike.code).toBe(-32001)
    const titled = await review('create_pull_request', { title: `fix ${TRICKS}`, head: 'feat/x', base: 'main' })
    expect(titled.code).toBe(-32002)
    expect(upstream.calls).toEqual([])
    expect(kinds().map(([kind]) => kind)).toEqual(['block', 'block', 'review'])

    for (const words of [['pending'], ['logs'], ['evidence', 'export', '--session', session, '--format', 'html']]) {
      const { stdout, stderr } = aegis.aegisctl(...words)
      expect([words[0], HIDDEN.exec(stdout + stderr)]).toEqual([words[0], null])
    }
    expect(HIDDEN.exec(aegis.said())).toBe(null)
    for (const answer of [odd, alike, titled]) expect(HIDDEN.exec(answer.message)).toBe(null)
    const again = await call()
    expect(again.status).toBe(200)
    verified()
  })
})

it('a program that speaks over stdin is refused what is no message, and served all the same', async () => {
  const hello = {
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
  }
  const lines = [
    JSON.stringify(hello),
    '{"jsonrpc":"2.0","method":"notifications/initialized"}',
    '\u001b[31m{"jsonrpc":"2.0"',
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { ...READ, pad: 'x'.repeat(200 * 1024) } }),
    JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { ...READ, pad: 'x'.repeat(3 << 20) } }),
    JSON.stringify({ jsonrpc: '2.0', id: 3, method: 'tools/call', params: READ }),
  ]
  // Not waited for in place: the upstream lives in this process.
  const program = join(import.meta.dirname, '../../dist/src/cli/aegis.js')
  const bridge = spawn(process.execPath, [program, 'mcp', '--upstream', 'github'], { env: aegis.env })
  let out = ''
  bridge.stdout.on('data', (chunk: Buffer) => {
    out += chunk
  })
  bridge.stdin.end(`${lines.join('\n')}\n`)
  await once(bridge, 'close')
  const answers = out.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
  const byId = (id: number | null) => answers.find((answer) => answer.id === id)
  expect(byId(null)).toMatchObject({ error: { code: -32700 } })
  expect(byId(1)).toMatchObject({ result: {} })
  expect(byId(2)).toMatchObject({ error: { code: -32600, message: expect.stringContaining('1 MiB') } })
  expect(byId(3)).toMatchObject({ result: {} })
})

describe('a server that is told to stop', () => {
  it('finishes the call under way, records and answers it, and ends by itself', async () => {
    const open = shut()
    const running = call()
    await arrived(1)
    const ended = aegis.stop()
    // A ping needs no upstream: it is answered until the server stops, and then refused, or not heard at all.
    const pinged = () =>
      call({ method: 'ping' }).then(
        ({ status }) => status,
        () => 503,
      )
    await expect.poll(pinged, { timeout: 20_000 }).toBe(503)
    open()
    const answer = await running
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('"result"')])
    expect(await ended).toBe(0)
    expect(upstream.calls).toHaveLength(1)
    expect(kinds()).toEqual([
      ['allow', ''],
      ['result', 'ok'],
    ])
    await aegis.start()
    verified()
  })
})
