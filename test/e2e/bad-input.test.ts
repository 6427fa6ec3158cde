import { once } from 'node:events'
import { createServer, request, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CountingUpstream, startCountingUpstream } from '../support/counting-upstream.ts'
import { type Served, serve } from '../support/served.ts'
import { sqlite } from '../support/sqlite-shell.ts'

/** A server process with real sockets, an upstream that counts, and upstreams that fail in every way. */
let counting: CountingUpstream
let broken: Server
let aegis: Served

beforeAll(async () => {
  counting = await startCountingUpstream()
  broken = createServer(async (incoming, response) => {
    let body = ''
    for await (const chunk of incoming) body += chunk
    if (incoming.method !== 'POST') return void response.writeHead(405).end()
    if (incoming.url === '/closing') return void incoming.socket.destroy()
    if (incoming.url === '/slow') return slowly(body, response)
    const answers: Record<string, string> = {
      '/garbage': '<html>no JSON</html>',
      '/half': '{"jsonrpc":"2.0","id":1,"result":',
      '/stranger': '{"jsonrpc":"2.0","id":"not asked","result":{}}',
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(answers[incoming.url ?? ''] ?? '{}')
  }).listen(0, '127.0.0.1')
  await once(broken, 'listening')
  const address = broken.address()
  const at = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  const http = (url: string) => ({ catalog: 'github', url, timeout: '1s' })
  aegis = await serve({
    settings: {
      upstreams: {
        github: http(counting.url),
        dead: http('http://127.0.0.1:9/mcp'),
        slow: http(`${at}/slow`),
        closing: http(`${at}/closing`),
        garbage: http(`${at}/garbage`),
        half: http(`${at}/half`),
        stranger: http(`${at}/stranger`),
        'no-program': { catalog: 'github', command: ['/nonexistent/program'] },
        'dead-program': { catalog: 'github', command: [process.execPath, '-e', 'process.exit(3)'] },
      },
    },
  })
})
afterAll(async () => {
  await aegis.close()
  broken.closeAllConnections()
  broken.close()
  await counting.close()
})

/** Greets, then never answers a call. */
function slowly(body: string, response: ServerResponse): void {
  const { id, method } = JSON.parse(body)
  if (method === 'tools/call') return
  if (id === undefined) return void response.writeHead(202).end()
  const serverInfo = { name: 'slow', version: '1' }
  const result = { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo }
  const text = JSON.stringify({ jsonrpc: '2.0', id, result })
  response.writeHead(200, { 'content-type': 'application/json' }).end(text)
}

interface Reply {
  readonly status: number
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: wire JSON under test
  readonly json: any
}

/** Exactly these bytes with exactly these headers; the key and the types are right unless said otherwise. */
function send(path: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Reply> {
  const url = new URL(path, path.startsWith('/admin') ? aegis.urls.admin : aegis.urls.mcp)
  const all = {
    authorization: `Bearer ${aegis.agentKey}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'x-aegis-session': 'bad-input',
    ...headers,
  }
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', headers: all }, async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ status: response.statusCode ?? 0, text, json: text.startsWith('{') ? JSON.parse(text) : null })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

const WHERE = '"owner":"acme","repo":"app"'
/** A call that would be allowed and forwarded if it were understood leniently. */
const call = (args: string) =>
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_file_contents","arguments":{${WHERE},${args}}}}`
const GOOD = call('"path":"README.md"')
const entries = () => sqlite(aegis.store, 'SELECT count(*) FROM ledger_entry;')[0]?.[0]

describe('what is not understood for certain is refused, recorded nowhere and forwarded to nobody', () => {
  const deep = (levels: number) => call(`"path":${'['.repeat(levels)}${']'.repeat(levels)}`)
  it.each<[string, string | Buffer, number, Record<string, string>]>([
    ['half a message', GOOD.slice(0, -1), 400, {}],
    ['bytes behind the message', `${GOOD}{}`, 400, {}],
    ['a byte order mark', `\uFEFF${GOOD}`, 400, {}],
    ['bytes that are not UTF-8', Buffer.from(GOOD.replace('README', 'R\u00ff'), 'latin1'), 400, {}],
    ['a key twice in the arguments', call('"path":"README.md","path":"main.go"'), 400, {}],
    ['a key twice, once escaped', call('"path":"README.md","\\u0070ath":"main.go"'), 400, {}],
    ['two names', GOOD.replace('"name"', '"name":"delete_repository","name"'), 400, {}],
    ['a name and a Name', GOOD.replace('"name"', '"Name":"delete_repository","name"'), 400, {}],
    ['arguments and Arguments', GOOD.replace('"arguments"', '"Arguments":{},"arguments"'), 400, {}],
    ['a method and a METHOD', GOOD.replace('"method"', '"METHOD":"ping","method"'), 400, {}],
    ['a lone surrogate', call('"path":"\\ud800"'), 400, {}],
    ['a number that a double cannot hold', call('"path":"README.md","page":9007199254740993'), 400, {}],
    ['more than 64 levels', deep(65), 400, {}],
    ['a hundred thousand levels', deep(100_000), 400, {}],
    ['a body over 1 MiB', call(`"path":"${'x'.repeat(1024 * 1024)}"`), 413, {}],
    ['a chunked body over 1 MiB', call(`"path":"${'x'.repeat(1024 * 1024)}"`), 413, { 'transfer-encoding': 'chunked' }],
    ['a batch where the revision has none', `[${GOOD}]`, 400, { 'mcp-protocol-version': '2025-11-25' }],
    ['an empty batch', '[]', 400, { 'mcp-protocol-version': '2025-03-26' }],
    ['a compressed body', gzipSync(GOOD), 415, { 'content-encoding': 'gzip' }],
    ['a form', GOOD, 415, { 'content-type': 'text/plain' }],
    ['no key', GOOD, 401, { authorization: '' }],
    ['a wrong key', GOOD, 401, { authorization: 'Bearer agent-key-for-test' }],
    ['a foreign Origin', GOOD, 403, { origin: 'https://evil.example' }],
    ['a foreign Host', GOOD, 403, { host: 'evil.example:8080' }],
  ])('%s', async (_, body, status, headers) => {
    const before = entries()
    const reply = await send('/mcp/github', body, headers)
    expect([reply.status, reply.text.slice(0, 300)]).toEqual([status, expect.any(String)])
    expect(reply.json).toMatchObject({ jsonrpc: '2.0', error: { code: expect.any(Number) } })
    expect(reply.json.error.message.length).toBeGreaterThan(10)
    expect(reply.text).not.toContain('delete_repository')
    expect(reply.text).not.toContain(aegis.agentKey)
    expect(counting.calls).toEqual([])
    expect(entries()).toBe(before)
  })

  it('a body that ends before it is whole', async () => {
    const { port } = new URL(aegis.urls.mcp)
    const socket = connect(Number(port), '127.0.0.1')
    const head = `POST /mcp/github HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${aegis.agentKey}\r\n`
    socket.end(`${head}Content-Type: application/json\r\nContent-Length: ${GOOD.length + 9}\r\n\r\n${GOOD}`)
    socket.resume()
    await once(socket, 'close')
    expect(counting.calls).toEqual([])
  })

  it.each<[string, string, string, number, number]>([
    ['an unknown upstream', '/mcp/nowhere', GOOD, 404, -32003],
    [
      'a tool of an unknown upstream in the merged list',
      '/mcp',
      GOOD.replace('get_file', 'nowhere__get_file'),
      200,
      -32003,
    ],
    ['an unknown tool, which counts as a write', '/mcp/github', GOOD.replace('get_file_contents', 'zap'), 200, -32002],
    ['a blocked tool', '/mcp/github', GOOD.replace('README.md', '.env'), 200, -32001],
    ['arguments that are no object', '/mcp/github', GOOD.replace(/\{"owner".*?\}/, '[]'), 200, -32602],
  ])('%s gets its answer and reaches nobody', async (_, path, body, status, code) => {
    const reply = await send(path, body)
    expect([reply.status, reply.json?.error?.code, reply.text]).toEqual([status, code, expect.any(String)])
    expect(counting.calls).toEqual([])
  })

  const action = { protocol: 'git', tool: 'github.get_file_contents', target: 'acme/app', execute: true }
  it.each<[string, string, number, Record<string, string>]>([
    ['half a body', '{"protocol":"git"', 400, {}],
    ['a key twice', JSON.stringify(action).replace('{', '{"tool":"x",'), 400, {}],
    ['an unknown member', JSON.stringify({ ...action, Tool: 'x' }), 400, {}],
    ['a claim that the catalog does not share', JSON.stringify({ ...action, capability: 'admin' }), 400, {}],
    ['no target', JSON.stringify({ protocol: 'git', tool: 'x' }), 400, {}],
    ['a body over 1 MiB', JSON.stringify({ ...action, task: 'x'.repeat(1024 * 1024) }), 413, {}],
    ['a form', JSON.stringify(action), 415, { 'content-type': 'application/x-www-form-urlencoded' }],
    ['no key', JSON.stringify(action), 401, { authorization: '' }],
    ['a foreign Origin', JSON.stringify(action), 403, { origin: 'https://evil.example' }],
    ['a foreign Host', JSON.stringify(action), 403, { host: 'evil.example' }],
  ])('the actions API: %s', async (_, body, status, headers) => {
    const before = entries()
    const reply = await send('/admin/v1/test-action', body, headers)
    expect([reply.status, reply.text]).toEqual([status, expect.any(String)])
    expect(reply.json.error.message.length).toBeGreaterThan(10)
    expect(counting.calls).toEqual([])
    expect(entries()).toBe(before)
  })
})

describe('an upstream that fails is named, with what to do, and its call is recorded as what is known of it', () => {
  it.each([
    ['dead', 'unsent', /dead.*ECONNREFUSED|dead.*refused/],
    ['slow', 'unknown', /slow.*no answer for 1000 ms/],
    ['closing', 'unsent', /closing/],
    ['garbage', 'unsent', /garbage/],
    ['half', 'unsent', /half/],
    ['stranger', 'unsent', /stranger/],
    ['no-program', 'unsent', /no-program.*ENOENT/],
    ['dead-program', 'unsent', /dead-program/],
  ])(
    '%s',
    async (name, status, message) => {
      const reply = await send(`/mcp/${name}`, GOOD)
      expect([reply.json?.error?.code, reply.text]).toEqual([-32000, expect.stringMatching(message)])
      expect(reply.text).toMatch(new RegExp(`upstreams.${name}|start the server|call again`))
      const [last] = sqlite(
        aegis.store,
        `SELECT kind, json_extract(CAST(body AS TEXT), '$.outcome.status') FROM ledger_entry ORDER BY n DESC LIMIT 1;`,
      )
      expect(last).toEqual(['result', status])
    },
    60_000,
  )

  it('while the others work, and the chain of it all verifies', async () => {
    const reply = await send('/mcp/github', GOOD)
    expect(reply.json.result.content).toHaveLength(1)
    expect(counting.calls).toHaveLength(1)
    const verified = aegis.aegisctl('evidence', 'verify', '--session', 'bad-input')
    expect(verified.stdout).toMatch(/^valid: true/m)
    expect(verified.status).toBe(0)
  })
})
