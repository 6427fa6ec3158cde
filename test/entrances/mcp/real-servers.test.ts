import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runBridge } from '../../../src/cli/mcp/bridge.ts'
import type { UpstreamSettings } from '../../../src/config.ts'
import { ADMIN_KEY, AGENT_KEY, type Installation, install } from '../../support/installation.ts'
import { refusal } from '../../support/refusal.ts'

const modules = join(import.meta.dirname, '..', '..', '..', 'node_modules', '@modelcontextprotocol')
const POLICY = `version: 1
name: bridge
default_decision: allow
rules:
  - { protocol: mcp, tool: everything.get-env, decision: block, reason: it shows the environment, suggested_alternative: ask for the one value you need }
  - { protocol: mcp, tool: everything.get-sum, decision: review }
`

let folder = ''
let aegis: Installation
beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'aegis-real-')))
  writeFileSync(join(folder, 'policy.yaml'), POLICY)
  writeFileSync(join(folder, 'hello.txt'), 'hällo')
  aegis = await install({
    policies: [join(folder, 'policy.yaml')],
    upstreams: {
      everything: stdio([join(modules, 'server-everything/dist/index.js'), 'stdio'], 'none'),
      files: stdio([join(modules, 'server-filesystem/dist/index.js'), folder], 'filesystem'),
      dead: stdio(['-e', 'process.exit(3)'], 'none'),
    },
  })
})
afterAll(async () => {
  await aegis.close()
  rmSync(folder, { recursive: true })
})

function stdio(args: readonly string[], catalog: 'none' | 'filesystem'): UpstreamSettings {
  const command = [process.execPath, ...args] as const
  const route = { kind: 'stdio', command, env: {}, cwd: null, credentialEnv: 'TOKEN' } as const
  return { catalog, route, credential: null, onReview: 'refuse', timeout: null }
}

const at = (path: string) => new URL(`${aegis.urls.mcp}/mcp${path}`)
const options = { requestInit: { headers: { authorization: `Bearer ${AGENT_KEY}` } } }

async function v1(path: string) {
  const capabilities = { sampling: {}, elicitation: {}, roots: { listChanged: true } }
  const client = new ClientV1({ name: 'claude-code', version: '1' }, { capabilities })
  client.setRequestHandler(CreateMessageRequestSchema, () => ({
    model: 'test',
    role: 'assistant',
    content: { type: 'text', text: 'sampled by the client' },
  }))
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'decline' }))
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: `file://${folder}` }] }))
  await client.connect(new HttpV1(at(path), options))
  return client
}

async function v2(path: string) {
  const client = new ClientV2({ name: 'v2', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  await client.connect(new HttpV2(at(path), options))
  return client
}

describe.each([
  ['SDK v1', v1],
  ['SDK v2, probing', v2],
])('%s through Aegis', (_, connect) => {
  it('works with server-everything', async () => {
    const client = await connect('/everything')
    expect(client.getServerVersion()?.name).toContain('everything')
    const names = (await client.listTools()).tools.map(({ name }) => name)
    expect(names).toContain('echo')
    expect(names).not.toContain('get-env')
    const echoed = await client.callTool({ name: 'echo', arguments: { message: '🌍' } })
    expect(JSON.stringify(echoed)).toContain('🌍')
    expect((await client.listPrompts()).prompts.length).toBeGreaterThan(0)
    const { resources } = await client.listResources()
    expect((await client.readResource({ uri: resources[0]?.uri ?? '' })).contents).toHaveLength(1)
    await client.close()
  })

  it('works with server-filesystem, beside the others, under one list', async () => {
    const client = await connect('')
    const names = (await client.listTools()).tools.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['everything__echo', 'files__read_text_file']))
    expect(names.filter((name) => name.startsWith('dead__'))).toEqual([])
    const path = join(folder, 'hello.txt')
    expect(JSON.stringify(await client.callTool({ name: 'files__read_text_file', arguments: { path } }))).toContain(
      'hällo',
    )
    const target = join(folder, `${crypto.randomUUID()}.txt`)
    await client.callTool({ name: 'files__write_file', arguments: { path: target, content: 'written' } })
    expect(readFileSync(target, 'utf8')).toBe('written')
    await client.close()
  })

  it('is refused with the reason and the alternative', async () => {
    const client = await connect('/everything')
    expect(await refusal(client.callTool({ name: 'get-env' }))).toMatchObject({
      message: expect.stringContaining(
        'policy: everything.get-env is blocked by bridge policy: it shows the environment. Try: ask for the one value',
      ),
    })
    await client.close()
  })

  it('waits for a person, and runs once after the approval', async () => {
    const client = await connect('/everything')
    const call = { name: 'get-sum', arguments: { a: Math.floor(Math.random() * 1e6), b: 1 } }
    expect(await refusal(client.callTool(call))).toMatchObject({ data: { retry: 'unchanged' } })
    const { body } = await aegis.get('/admin/v1/approvals', ADMIN_KEY)
    const { envelope_id: id } = body.pending.at(-1)
    expect((await aegis.post(`/admin/v1/approvals/${id}/approve`, { comment: 'fine' }, ADMIN_KEY)).status).toBe(200)
    expect(JSON.stringify(await client.callTool(call))).toContain(String(call.arguments.a + 1))
    expect(await refusal(client.callTool(call))).toMatchObject({ data: { retry: 'unchanged' } })
    await client.close()
  })

  it('is told which upstream is down, and nothing else breaks', async () => {
    await expect(connect('/dead')).rejects.toThrow(/dead/)
  })
})

describe('what an upstream says to its client', () => {
  it('arrives: progress of a long operation', async () => {
    const client = await v1('/everything')
    const heard: number[] = []
    const call = { name: 'trigger-long-running-operation', arguments: { duration: 0.5, steps: 5 } }
    await client.callTool(call, undefined, { onprogress: ({ progress }) => heard.push(progress) })
    expect(heard).toEqual([1, 2, 3, 4, 5])
    await client.close()
  })

  it('arrives: a question in the middle of a call', async () => {
    const client = await v1('/everything')
    const call = { name: 'trigger-sampling-request', arguments: { prompt: 'hi', maxTokens: 5 } }
    expect(JSON.stringify(await client.callTool(call))).toContain('sampled by the client')
    await client.close()
  })
})

it('serves stdin and stdout over its socket', async () => {
  const input = new PassThrough()
  const output = new PassThrough()
  const done = runBridge({
    input,
    output,
    complain: () => undefined,
    connect: async () => ({ socketPath: aegis.urls.socket, agentKey: AGENT_KEY }),
    path: '/mcp/everything',
    label: 'from-stdin',
    stop: new AbortController().signal,
  })
  const clientInfo = { name: 'editor', version: '1' }
  const messages = [
    { id: 0, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo } },
    { method: 'notifications/initialized' },
    { id: 1, method: 'tools/call', params: { name: 'echo', arguments: { message: 'hällo' } } },
    { id: 2, method: 'tools/call', params: { name: 'get-env' } },
  ]
  input.end(messages.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join(''))
  await done
  const answers = String(output.read())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(answers.find(({ id }) => id === 1)).toMatchObject({ result: { content: [{ text: 'Echo: hällo' }] } })
  expect(answers.find(({ id }) => id === 2)).toMatchObject({ error: { code: -32001 } })
})

it('writes the story of each session into its own chain', async () => {
  const client = await v1('/everything')
  await client.callTool({ name: 'echo', arguments: { message: 'recorded' } })
  await client.close()
  const { body } = await aegis.get('/admin/v1/evidence/sessions', ADMIN_KEY)
  expect(JSON.stringify(body)).toContain('from-stdin')
})

it('lists no tools, and no error, of a server that has only prompts', async () => {
  const script = `
    import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
    import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
    const server = new McpServer({ name: 'prompts', version: '1' })
    server.registerPrompt('greet', {}, () => ({ messages: [] }))
    await server.connect(new StdioServerTransport())`
  const apart = await install({ upstreams: { prompts: stdio(['--input-type=module', '-e', script], 'none') } })
  try {
    const client = new ClientV1({ name: 'v1', version: '1' })
    await client.connect(new HttpV1(new URL(`${apart.urls.mcp}/mcp/prompts`), options))
    expect(await client.listTools()).toEqual({ tools: [] })
    expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(['greet'])
    await client.close()
  } finally {
    await apart.close()
  }
})
