import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { UpstreamSettings } from '../../../src/config.ts'
import { ADMIN_KEY, AGENT_KEY, type Installation, install } from '../../support/installation.ts'

const modules = join(import.meta.dirname, '..', '..', '..', 'node_modules', '@modelcontextprotocol')
const POLICY = `version: 1
name: modern
default_decision: allow
rules:
  - { protocol: mcp, tool: everything.get-env, decision: block, reason: it shows the environment }
`

let folder = ''
let aegis: Installation
beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'aegis-modern-')))
  writeFileSync(join(folder, 'policy.yaml'), POLICY)
  aegis = await install({ policies: [join(folder, 'policy.yaml')], upstreams: { everything: everything() } })
})
afterAll(async () => {
  await aegis.close()
  rmSync(folder, { recursive: true })
})

function everything(): UpstreamSettings {
  const command = [process.execPath, join(modules, 'server-everything/dist/index.js'), 'stdio'] as const
  const route = { kind: 'stdio', command, env: {}, cwd: null, credentialEnv: 'TOKEN' } as const
  return { catalog: 'none', route, credential: null, onReview: 'refuse', timeout: null }
}

const asked: string[] = []

async function connect(mode: 'auto' | { pin: string }, path = '/everything') {
  const client = new Client(
    { name: 'claude-code', version: '2' },
    { versionNegotiation: { mode }, capabilities: { sampling: {}, elicitation: { form: {}, url: {} }, roots: {} } },
  )
  client.setRequestHandler('sampling/createMessage', async () => {
    asked.push('sampling')
    return { model: 'test', role: 'assistant', content: { type: 'text', text: 'sampled by the client' } }
  })
  client.setRequestHandler('elicitation/create', async () => {
    asked.push('elicitation')
    return { action: 'accept', content: { name: 'Ada', check: true } }
  })
  client.setRequestHandler('roots/list', async () => {
    asked.push('roots')
    return { roots: [{ uri: `file://${folder}` }] }
  })
  const transport = new StreamableHTTPClientTransport(new URL(`${aegis.urls.mcp}/mcp${path}`), {
    requestInit: { headers: { authorization: `Bearer ${AGENT_KEY}` } },
  })
  await client.connect(transport)
  return client
}

describe.each([
  ['pinned to 2026-07-28', { pin: '2026-07-28' }],
  ['negotiating', 'auto' as const],
])('the official client, %s, before a server of an earlier revision', (_, mode) => {
  it('speaks the stateless revision', async () => {
    const client = await connect(mode)
    expect(client.getNegotiatedProtocolVersion()).toBe('2026-07-28')
    expect(client.getServerVersion()?.name).toContain('everything')
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('trigger-elicitation-request')
    await client.close()
  })

  it('is asked for input in the middle of a call, and the call goes on', async () => {
    const client = await connect(mode)
    const elicited = await client.callTool({ name: 'trigger-elicitation-request', arguments: {} })
    expect(JSON.stringify(elicited)).toContain('Ada')
    const sampled = await client.callTool({
      name: 'trigger-sampling-request',
      arguments: { prompt: 'hi', maxTokens: 5 },
    })
    expect(JSON.stringify(sampled)).toContain('sampled by the client')
    expect(asked).toEqual(expect.arrayContaining(['elicitation', 'sampling']))
    await client.close()
  })

  it('hears of the progress of a long call', async () => {
    const client = await connect(mode)
    const heard: number[] = []
    const call = { name: 'trigger-long-running-operation', arguments: { duration: 0.5, steps: 5 } }
    // Without a total it is the client's own: it counts the rounds in which it was asked for its roots.
    const onprogress = ({ progress, total }: { progress: number; total?: number | undefined }): void => {
      if (total !== undefined) heard.push(progress)
    }
    await client.callTool(call, { onprogress })
    expect(heard).toEqual([1, 2, 3, 4, 5])
    await client.close()
  })

  it('listens for changes', async () => {
    const client = await connect(mode)
    const subscription = await client.listen({
      toolsListChanged: true,
      resourceSubscriptions: ['demo://resource/dynamic/text/1'],
    })
    expect(subscription.honoredFilter).toMatchObject({ toolsListChanged: true })
    await subscription.close()
    await client.close()
  })
})

it('records a call once, however often its client was asked', async () => {
  const client = await connect({ pin: '2026-07-28' })
  const before = await entries()
  await client.callTool({ name: 'trigger-elicitation-request', arguments: {} })
  await client.close()
  expect((await entries()) - before).toBe(2)
})

async function entries(): Promise<number> {
  const { body } = await aegis.get('/admin/v1/evidence/sessions', ADMIN_KEY)
  return body.sessions.reduce((sum: number, { entries: count }: { entries: number }) => sum + count, 0)
}

it('works over the merged endpoint', async () => {
  const client = await connect({ pin: '2026-07-28' }, '')
  const names = (await client.listTools()).tools.map(({ name }) => name)
  expect(names).toContain('everything__echo')
  const elicited = await client.callTool({ name: 'everything__trigger-elicitation-request', arguments: {} })
  expect(JSON.stringify(elicited)).toContain('Ada')
  await client.close()
})
