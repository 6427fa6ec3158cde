import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client'
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAppKey, type Forge, serverGithubCommand, startForge } from '../../starter-kit/forge/index.ts'
import { everythingOverHttp } from '../executors/mcp/support.ts'
import { gitSays } from '../forge/git-cli.ts'
import { PROGRAMS, type Served, serve } from '../support/served.ts'

const MODULES = resolve(import.meta.dirname, '../../node_modules/@modelcontextprotocol')
const EVERYTHING = join(MODULES, 'server-everything/dist/index.js')
const POLICY = `version: 1
name: interop
default_decision: review
rules:
  - { tool: "filesystem.*", path: "**/{secrets,.git}/**", decision: block, reason: not for agents, suggested_alternative: write elsewhere }
  - { tool: "filesystem.*", decision: allow }
  - { protocol: mcp, tool: everything.get-env, decision: block, reason: it shows the environment }
  - { protocol: mcp, tool: ["everything.*", "remote.*"], decision: allow }
  - { tool: "github.{get,list,search}_*", decision: allow }
  - { tool: github.merge_pull_request, decision: block, reason: a person merges }
`

let folder: string
let work: string
let remote: Awaited<ReturnType<typeof everythingOverHttp>>
let forge: Forge
let aegis: Served

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'aegis-interop-')))
  work = join(folder, 'work')
  mkdirSync(join(work, 'secrets'), { recursive: true })
  writeFileSync(join(folder, 'policy.yaml'), POLICY)
  const key = createAppKey()
  const keyFile = join(folder, 'app.pem')
  writeFileSync(keyFile, key.privateKeyPem, { mode: 0o600 })
  const app = { appId: 1, publicKeyPem: key.publicKeyPem }
  const repository = 'aegisflow/aegisflow'
  forge = await startForge({ port: 0, dataDir: join(folder, 'forge'), repository, app, installationId: 7 })
  remote = await everythingOverHttp()
  const node = process.execPath
  aegis = await serve({
    settings: {
      policy: join(folder, 'policy.yaml'),
      upstreams: {
        everything: { catalog: 'none', command: [node, EVERYTHING, 'stdio'] },
        remote: { catalog: 'none', url: remote.url },
        files: { catalog: 'filesystem', command: [node, join(MODULES, 'server-filesystem/dist/index.js'), work] },
        github: {
          catalog: 'github',
          command: serverGithubCommand(),
          env: { AEGIS_FORGE_URL: forge.url },
          credential: 'forge',
        },
      },
      credentials: { forge: { type: 'github_app', app_id: 1, private_key_file: keyFile, api_url: forge.url } },
    },
  })
}, 60_000)
afterAll(async () => {
  await aegis.close()
  await remote.close()
  await forge.close()
  rmSync(folder, { recursive: true, force: true })
})

type Client = ClientV1 | ClientV2
/** What every client can be asked here, whatever its line. */
interface Peer {
  readonly client: Client
  names(): Promise<string[]>
  /** The text of the answer; a refusal is thrown, whether it came as an error or, in revision 2026-07-28, as an error result. */
  call(name: string, args?: Record<string, unknown>): Promise<string>
}

const WAYS = {
  http: (upstream: string | null) => {
    const url = new URL(`${aegis.urls.mcp}/mcp${upstream === null ? '' : `/${upstream}`}`)
    return { url, options: { requestInit: { headers: { authorization: `Bearer ${aegis.agentKey}` } } } }
  },
  stdio: (upstream: string | null) => {
    const words = [join(PROGRAMS, 'aegis.js'), 'mcp', ...(upstream === null ? [] : ['--upstream', upstream])]
    return { command: process.execPath, args: words, env: { ...aegis.env }, stderr: 'ignore' as const }
  },
}
type Way = keyof typeof WAYS

const CLIENTS = {
  'SDK v1': async (way: Way, upstream: string | null): Promise<Client> => {
    const client = new ClientV1({ name: 'v1', version: '1' }, { capabilities: { sampling: {} } })
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      model: 'test',
      role: 'assistant',
      content: { type: 'text', text: 'sampled by the client' },
    }))
    const { url, options } = WAYS.http(upstream)
    // The cast is the SDK's own: its transports do not fit its interface under exactOptionalPropertyTypes.
    await client.connect((way === 'http' ? new HttpV1(url, options) : new StdioV1(WAYS.stdio(upstream))) as never)
    return client
  },
  'SDK v2, probing': (way: Way, upstream: string | null) => v2('auto', way, upstream),
  'SDK v2, legacy': (way: Way, upstream: string | null) => v2('legacy', way, upstream),
}

async function v2(mode: 'auto' | 'legacy', way: Way, upstream: string | null): Promise<Client> {
  const client = new ClientV2({ name: 'v2', version: '1' }, { versionNegotiation: { mode } })
  const { url, options } = WAYS.http(upstream)
  await client.connect(way === 'http' ? new HttpV2(url, options) : new StdioV2(WAYS.stdio(upstream)))
  return client
}

async function withPeer(
  name: keyof typeof CLIENTS,
  way: Way,
  upstream: string | null,
  use: (peer: Peer) => Promise<void>,
) {
  const client = await CLIENTS[name](way, upstream)
  try {
    await use({
      client,
      names: async () => (await client.listTools()).tools.map((tool) => tool.name),
      call: async (tool, args = {}) => textOf(await client.callTool({ name: tool, arguments: args })),
    })
  } finally {
    await client.close()
  }
}

function textOf(result: { [key: string]: unknown }): string {
  const { content, isError } = result
  const parts: unknown[] = Array.isArray(content) ? content : []
  const text = parts.map((part) => (part !== null && typeof part === 'object' && 'text' in part ? part.text : ''))
  if (isError === true) throw new Error(text.join('\n'))
  return text.join('\n')
}

const approve = async (id: string) =>
  aegis.post(`/admin/v1/approvals/${id}/approve`, { comment: 'looks right' }, aegis.adminKey)

const NAMES = ['SDK v1', 'SDK v2, probing', 'SDK v2, legacy'] as const
const EVERY = NAMES.flatMap((name) => (['http', 'stdio'] as const).map((way) => [name, way] as const))

describe.each(EVERY)('%s over %s', (name, way) => {
  const one = (upstream: string | null, use: (peer: Peer) => Promise<void>) => withPeer(name, way, upstream, use)

  it('sees all upstreams in one list and calls each by it', async () => {
    await one(null, async (peer) => {
      const names = await peer.names()
      expect(names).toEqual(
        expect.arrayContaining(['everything__echo', 'remote__echo', 'files__read_text_file', 'github__create_branch']),
      )
      expect(names).not.toContain('everything__get-env')
      expect(names).not.toContain('github__merge_pull_request')
      expect(await peer.call('everything__echo', { message: 'hällo 🌍' })).toBe('Echo: hällo 🌍')
      expect(await peer.call('remote__echo', { message: 'over HTTP' })).toBe('Echo: over HTTP')
      await expect(peer.call('everything__get-env')).rejects.toThrow(/everything.get-env is blocked by interop policy/)
    })
  })

  it('finds one upstream under its own names, over HTTP behind us too', async () => {
    await one('remote', async (peer) => {
      expect(await peer.names()).toContain('get-sum')
      expect(await peer.call('get-sum', { a: 20, b: 22 })).toContain('42')
      expect((await peer.client.listPrompts()).prompts.length).toBeGreaterThan(0)
    })
  })

  it('really writes where it may, and leaves no trace where it may not', async () => {
    await one('files', async (peer) => {
      const path = join(work, `${crypto.randomUUID()}.txt`)
      await peer.call('write_file', { path, content: 'governed' })
      expect(readFileSync(path, 'utf8')).toBe('governed')
      const secret = join(work, 'secrets', 'key.txt')
      await expect(peer.call('write_file', { path: secret, content: 'x' })).rejects.toThrow(
        /blocked by interop policy: not for agents. Try: write elsewhere/,
      )
      expect(() => readFileSync(secret)).toThrow('ENOENT')
      const detour = `${work}/./nothing/../secrets/key.txt`
      await expect(peer.call('write_file', { path: detour, content: 'x' })).rejects.toThrow(/blocked/)
    })
  })

  it('changes the forge once a person agreed, and only once', async () => {
    await one('github', async (peer) => {
      const where = { owner: 'aegisflow', repo: 'aegisflow' }
      expect(await peer.call('get_file_contents', { ...where, path: 'README.md' })).toContain('README.md')
      const branch = `agent/${crypto.randomUUID()}`
      const create = () => peer.call('create_branch', { ...where, branch, from_branch: 'main' })
      const refusal = await create().catch((error: Error) => error.message)
      const id = /queued for human review as ([0-9a-f-]{36})/.exec(refusal)?.[1] ?? ''
      expect(gitSays(forge.gitDir, 'branch', '--list', branch)).toBe('')
      expect((await approve(id)).status).toBe(200)
      expect(await create()).toContain(branch)
      expect(gitSays(forge.gitDir, 'branch', '--list', branch)).toContain(branch)
      await expect(create()).rejects.toThrow(/approval required/)
    })
  })
})

describe('aegis mcp as a process', () => {
  it('carries a question of the upstream to the client and its answer back', async () => {
    await withPeer('SDK v1', 'stdio', 'everything', async (peer) => {
      const asked = await peer.call('trigger-sampling-request', { prompt: 'hi', maxTokens: 5 })
      expect(asked).toContain('sampled by the client')
    })
  })

  it('carries progress, each step before the answer, and ends with its stdin', async () => {
    const { command, args, env } = WAYS.stdio('everything')
    const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'ignore'] })
    const clientInfo = { name: 'raw', version: '1' }
    const hello = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo }
    const work = {
      name: 'trigger-long-running-operation',
      arguments: { duration: 0.3, steps: 3 },
      _meta: { progressToken: 'p' },
    }
    const messages = [
      { id: 0, method: 'initialize', params: hello },
      { method: 'notifications/initialized' },
      { id: 1, method: 'tools/call', params: work },
    ]
    child.stdin.end(messages.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join(''))
    let said = ''
    child.stdout.on('data', (chunk) => {
      said += chunk
    })
    const [status] = await once(child, 'close')
    const lines = said
      .trim()
      .split('\n')
      .map((line): { id?: number; params?: { progress: number } } => JSON.parse(line))
    const told = lines.map(({ id, params }) => id ?? `progress ${params?.progress ?? 'of nothing'}`)
    // The upstream also says that its lists have changed, whenever it likes.
    expect(told.filter((word) => word !== 'progress of nothing')).toEqual([
      ...[0, 'progress 1', 'progress 2', 'progress 3', 1],
    ])
    expect(status).toBe(0)
  })

  it('leaves every chain whole: all that these clients did verifies, and no token is in it', async () => {
    const { body } = await aegis.get('/admin/v1/evidence/sessions', aegis.adminKey)
    const sessions: { session: string }[] = body.sessions
    expect(sessions.length).toBeGreaterThan(EVERY.length)
    for (const { session } of sessions) {
      const path = `/admin/v1/evidence/sessions/${encodeURIComponent(session)}/verify`
      expect((await aegis.post(path, {}, aegis.adminKey)).body).toMatchObject({ valid: true, findings: [] })
    }
    expect(readFileSync(aegis.store, 'latin1') + aegis.said()).not.toMatch(/ghs_[\w.-]{10,}/)
  })
})
