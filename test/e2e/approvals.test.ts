import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpError } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CountingUpstream, startCountingUpstream } from '../support/counting-upstream.ts'
import { type Installation, install, secretOf } from '../support/installation.ts'

const ARGUMENTS = { owner: 'acme', repo: 'app', title: 't', head: 'feat/x', base: 'main' }

describe('approvals over MCP', () => {
  let upstream: CountingUpstream
  let aegis: Installation
  const clients: Client[] = []

  beforeEach(async () => {
    upstream = await startCountingUpstream()
    const route = { kind: 'http' as const, url: upstream.url, headers: {} }
    aegis = await install({
      upstreams: { github: { catalog: 'github', route, credential: null, onReview: 'refuse', timeout: null } },
      keys: {
        other: { role: 'agent', owner: 'agent:other' },
        bob: { role: 'reviewer', owner: 'bob' },
        twin: { role: 'reviewer', owner: 'agent:claude' },
        watcher: { role: 'viewer', owner: 'vera' },
      },
    })
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()))
    await aegis.close()
    await upstream.close()
  })

  async function connect(key = aegis.agentKey): Promise<Client> {
    const client = new Client({ name: 'test-agent', version: '1' })
    const transport = new StreamableHTTPClientTransport(new URL(`${aegis.urls.mcp}/mcp/github`), {
      requestInit: { headers: { authorization: `Bearer ${key}` } },
    })
    await client.connect(transport as never)
    clients.push(client)
    return client
  }

  const open = (client: Client, args: Record<string, unknown> = ARGUMENTS) =>
    client.callTool({ name: 'create_pull_request', arguments: args })
  async function codeOf(call: Promise<unknown>): Promise<number | string> {
    try {
      await call
      return 'done'
    } catch (error) {
      return error instanceof McpError ? error.code : String(error)
    }
  }
  async function pendingId(): Promise<string> {
    const { body } = await aegis.get('/admin/v1/approvals', aegis.adminKey)
    return body.pending[0].envelope_id
  }
  const settle = async (id: string, verb: string, key = aegis.adminKey) =>
    aegis.post(`/admin/v1/approvals/${id}/${verb}`, { comment: 'seen' }, key)

  it('lets 50 concurrent identical retries of one approval through exactly once', async () => {
    const client = await connect()
    expect(await codeOf(open(client))).toBe(-32002)
    await settle(await pendingId(), 'approve')
    const codes = await Promise.all(Array.from({ length: 50 }, () => codeOf(open(client))))
    expect(codes.filter((code) => code === 'done')).toHaveLength(1)
    expect(codes.filter((code) => code === -32002)).toHaveLength(49)
    expect(upstream.calls).toHaveLength(1)
    // The 49 that came late ask once, together.
    const { body } = await aegis.get('/admin/v1/approvals', aegis.adminKey)
    expect(body.pending).toHaveLength(1)
  })

  it('lets 50 concurrent calls that name one approval through once, and asks nobody for the others', async () => {
    expect(await codeOf(open(await connect()))).toBe(-32002)
    const id = await pendingId()
    await settle(id, 'approve')
    const { title, head, base } = ARGUMENTS
    const action = {
      protocol: 'git',
      tool: 'github.create_pull_request',
      target: 'acme/app',
      parameters: { title, head, base },
      approval_ref: id,
    }
    const answers = await Promise.all(Array.from({ length: 50 }, () => aegis.post('/admin/v1/test-action', action)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 49 }, () => 409)])
    expect(upstream.calls).toHaveLength(1)
    expect((await aegis.get('/admin/v1/approvals', aegis.adminKey)).body).toEqual({ pending: [] })
  })

  it('keeps an approval over a restart of the server', async () => {
    expect(await codeOf(open(await connect()))).toBe(-32002)
    await settle(await pendingId(), 'approve')
    await Promise.all(clients.splice(0).map((client) => client.close()))
    await aegis.restart()
    expect(await codeOf(open(await connect()))).toBe('done')
    expect(upstream.calls).toHaveLength(1)
  })

  it.each([
    ['another argument', (a: Installation) => ({ key: a.agentKey, args: { ...ARGUMENTS, title: 'other' } })],
    ['an argument more', (a: Installation) => ({ key: a.agentKey, args: { ...ARGUMENTS, draft: true } })],
    ['another key', () => ({ key: secretOf('other'), args: ARGUMENTS })],
  ])('does not cover %s', async (_name, variant) => {
    expect(await codeOf(open(await connect()))).toBe(-32002)
    await settle(await pendingId(), 'approve')
    const { key, args } = variant(aegis)
    expect(await codeOf(open(await connect(key), args))).toBe(-32002)
    expect(upstream.calls).toHaveLength(0)
  })

  it('covers the same arguments in another order: what is compared is their meaning', async () => {
    const client = await connect()
    expect(await codeOf(open(client))).toBe(-32002)
    await settle(await pendingId(), 'approve')
    const reordered = Object.fromEntries(Object.entries(ARGUMENTS).reverse())
    expect(await codeOf(open(client, reordered))).toBe('done')
  })

  it('answers a denied action with -32001, the reviewer and the comment, and does not ask again', async () => {
    const client = await connect()
    expect(await codeOf(open(client))).toBe(-32002)
    await aegis.post(
      `/admin/v1/approvals/${await pendingId()}/deny`,
      { comment: 'wrong base', reviewer: 'alice' },
      aegis.adminKey,
    )
    await expect(open(client)).rejects.toThrow(/denied by alice: wrong base/)
    expect(upstream.calls).toHaveLength(0)
    const { body } = await aegis.get('/admin/v1/approvals', aegis.adminKey)
    expect(body.pending).toHaveLength(0)
  })

  it.each([
    ['an agent', (a: Installation) => a.agentKey, 403],
    ['another agent', () => secretOf('other'), 403],
    ['a viewer', () => secretOf('watcher'), 403],
    ['a reviewer key of the same owner as the agent', () => secretOf('twin'), 403],
    ['nobody', () => 'no-such-key', 401],
    ['a reviewer', () => secretOf('bob'), 200],
  ])('lets %s settle it only where that is their right', async (_who, key, status) => {
    expect(await codeOf(open(await connect()))).toBe(-32002)
    expect((await settle(await pendingId(), 'approve', key(aegis))).status).toBe(status)
  })

  it('shows an agent its own approvals and not a word of others', async () => {
    expect(await codeOf(open(await connect()))).toBe(-32002)
    const id = await pendingId()
    expect((await aegis.get('/admin/v1/approvals', secretOf('other'))).body).toEqual({ pending: [] })
    expect((await aegis.get(`/admin/v1/approvals/${id}`, secretOf('other'))).status).toBe(404)
    expect((await aegis.get(`/admin/v1/approvals/${id}`)).status).toBe(200)
  })

  it('gives one of two racing reviewers the word', async () => {
    expect(await codeOf(open(await connect()))).toBe(-32002)
    const id = await pendingId()
    const answers = await Promise.all([settle(id, 'approve'), settle(id, 'deny', secretOf('bob'))])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
  })

  it('refuses a wrong approval_ref with 409 and runs what was approved for a right one without parameters', async () => {
    const action = {
      protocol: 'git',
      tool: 'github.create_pull_request',
      target: 'acme/app',
      parameters: { title: 't', head: 'feat/x', base: 'main' },
    }
    const { body } = await aegis.post('/admin/v1/test-action', action)
    await settle(body.envelope_id, 'approve')
    const bare = { protocol: 'git', tool: action.tool, target: 'acme/app' }
    const wrong = '01890000-0000-7000-8000-000000000000'
    expect((await aegis.post('/admin/v1/test-action', { ...bare, approval_ref: wrong })).status).toBe(409)
    const changed = { ...action, parameters: { ...action.parameters, base: 'prod' }, approval_ref: body.envelope_id }
    expect((await aegis.post('/admin/v1/test-action', changed)).status).toBe(409)
    const redeemed = await aegis.post('/admin/v1/test-action', { ...bare, approval_ref: body.envelope_id })
    expect(redeemed.body).toMatchObject({ decision: 'allow', outcome: 'ok', result: { pr_number: 1247 } })
    expect(upstream.calls.map(({ args }) => args)).toEqual([ARGUMENTS])
    expect((await aegis.post('/admin/v1/test-action', { ...bare, approval_ref: body.envelope_id })).status).toBe(409)
  })

  it('gives the approval back where nothing was sent', async () => {
    const client = await connect()
    expect(await codeOf(open(client))).toBe(-32002)
    await settle(await pendingId(), 'approve')
    await upstream.close()
    await expect(open(client)).rejects.toThrow(/upstream|unreachable/i)
    const { body } = await aegis.get('/admin/v1/approvals?status=approved', aegis.adminKey)
    expect(body.approved).toHaveLength(1)
  })
})
