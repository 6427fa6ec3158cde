import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type CountingUpstream, startCountingUpstream } from '../support/counting-upstream.ts'
import { type Installation, install } from '../support/installation.ts'
import { META, type ModernRequest } from '../support/modern.ts'
import { sendModern } from '../support/modern-http.ts'
import { refusal } from '../support/refusal.ts'

const SHORT = { default: 1_000, clients: { patient: 60_000 } }
const URLS = { elicitation: { url: {} } }

let upstream: CountingUpstream
let aegis: Installation
const clients: Client[] = []

beforeAll(async () => {
  upstream = await startCountingUpstream()
  const route = { kind: 'http' as const, url: upstream.url, headers: {} }
  const settings = { catalog: 'github' as const, route, credential: null, timeout: null }
  aegis = await install({
    hold: SHORT,
    limits: { calls: { own: 2, all: 2 } },
    upstreams: {
      held: { ...settings, onReview: 'hold' },
      shown: { ...settings, onReview: 'refuse', elicitation: 'url' },
    },
  })
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()))
})
afterAll(async () => {
  await aegis.close()
  await upstream.close()
})

type Shown = { readonly mode?: unknown; readonly url?: unknown; readonly elicitationId?: unknown }

async function connect(path: string, name: string, show?: (params: Shown) => Promise<'accept' | 'decline'>) {
  const client = new Client({ name, version: '1' }, { capabilities: show === undefined ? {} : URLS })
  if (show !== undefined) {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => ({ action: await show(params) }))
  }
  const transport = new StreamableHTTPClientTransport(new URL(`${aegis.urls.mcp}/mcp/${path}`), {
    requestInit: { headers: { authorization: `Bearer ${aegis.agentKey}` } },
  })
  await client.connect(transport as never)
  clients.push(client)
  return client
}

const pullRequest = (title: string) => ({
  name: 'create_pull_request',
  arguments: { owner: 'acme', repo: 'app', title, head: 'feat/x', base: 'main' },
})
const modern = (path: string, title: string, more: Partial<ModernRequest> = {}) =>
  sendModern(`${aegis.urls.mcp}/mcp/${path}`, aegis.agentKey, {
    method: 'tools/call',
    params: pullRequest(title),
    meta: { [META.capabilities]: URLS },
    ...more,
  })

/** The approval of the call with this title, as soon as there is one. */
async function approvalOf(title: string): Promise<string> {
  const found = async () => {
    const { body } = await aegis.get('/admin/v1/approvals', aegis.adminKey)
    return body.pending.find((one: { parameters: { title: string } }) => one.parameters.title === title)
  }
  await expect.poll(found).toBeDefined()
  return (await found()).envelope_id
}
const approve = async (id: string, key = aegis.adminKey) => aegis.post(`/admin/v1/approvals/${id}/approve`, {}, key)
const forwarded = (title: string): number => upstream.calls.filter(({ raw }) => raw.includes(`"${title}"`)).length

describe('a held call', () => {
  it('runs as soon as a person approves it, and tells of its waiting meanwhile', async () => {
    const client = await connect('held', 'patient')
    const heard: (string | undefined)[] = []
    const onprogress = ({ message }: { message?: string | undefined }) => heard.push(message)
    const call = client.callTool(pullRequest('waits'), undefined, { onprogress })
    const id = await approvalOf('waits')
    await expect.poll(() => heard).toEqual([`waiting for a person to settle approval ${id}`])
    await approve(id)
    expect((await call).content).toHaveLength(1)
    expect(forwarded('waits')).toBe(1)
  })

  it('takes up no place among the calls of its key: others run beside more of them than there are places', async () => {
    const client = await connect('held', 'patient')
    const calls: Promise<unknown>[] = []
    const ids: string[] = []
    for (const title of ['one', 'two', 'three', 'four']) {
      calls.push(client.callTool(pullRequest(title)))
      ids.push(await approvalOf(title))
    }
    expect((await client.listTools()).tools.length).toBeGreaterThan(0)
    for (const id of ids) await approve(id)
    expect(await Promise.all(calls)).toHaveLength(4)
  })

  it.each([
    [
      'over a new connection in a new session',
      (title: string) => async () => {
        const client = await connect('held', 'unknown')
        return client.callTool(pullRequest(title))
      },
    ],
    [
      'in the stateless era',
      (title: string) => async () => {
        const { result } = await modern('held', title)
        if (result?.['isError'] === true) throw new Error(String(result.content?.[0]?.text))
        return result
      },
    ],
  ])('whose client gave up is found again by its content %s', async (name, again) => {
    const title = `given up ${name}`
    const call = again(title)
    await expect(call()).rejects.toThrow('call it again unchanged')
    const id = await approvalOf(title)
    await expect(call()).rejects.toThrow(id)
    await approve(id)
    expect(await call()).toMatchObject({ content: [{ type: 'text' }] })
    expect(forwarded(title)).toBe(1)
  })

  it('that its client cancels does not run at the approval, but when it is made again', async () => {
    const client = await connect('held', 'patient')
    const controller = new AbortController()
    const call = client.callTool(pullRequest('cancelled'), undefined, { signal: controller.signal })
    const id = await approvalOf('cancelled')
    controller.abort()
    await expect(call).rejects.toThrow()
    expect((await client.listTools()).tools.length).toBeGreaterThan(0)
    await approve(id)
    expect(forwarded('cancelled')).toBe(0)
    expect(await client.callTool(pullRequest('cancelled'))).toMatchObject({ content: [{ type: 'text' }] })
  })
})

describe('a call whose client can show its user a page', () => {
  it('shows the page of the approval, and runs when that person has approved it there', async () => {
    const shown: Shown[] = []
    const client = await connect('shown', 'patient', async (params) => {
      shown.push(params)
      return 'accept'
    })
    const call = client.callTool(pullRequest('page'))
    const id = await approvalOf('page')
    await expect.poll(() => shown).toHaveLength(1)
    expect(shown[0]).toMatchObject({ mode: 'url', url: `${aegis.urls.admin}/approvals/${id}`, elicitationId: id })
    expect(forwarded('page')).toBe(0)
    await approve(id)
    expect((await call).content).toHaveLength(1)
  })

  it('is not approved by the client that accepts to show it, however often', async () => {
    const client = await connect('shown', 'hasty', async () => 'accept')
    for (let turn = 0; turn < 2; turn++) {
      expect(await refusal(client.callTool(pullRequest('accepted')))).toMatchObject({ code: -32002 })
    }
    expect(forwarded('accepted')).toBe(0)
  })

  it('is told to come back where the user declines to look', async () => {
    const client = await connect('shown', 'patient', async () => 'decline')
    expect(await refusal(client.callTool(pullRequest('declined')))).toMatchObject({ code: -32002 })
    await approvalOf('declined')
  })

  it('is told to come back at once where it declared no such thing', async () => {
    const client = await connect('shown', 'patient')
    expect(await refusal(client.callTool(pullRequest('undeclared')))).toMatchObject({ code: -32002 })
  })

  it('is asked by `input_required` in the stateless era, and goes on with the answer', async () => {
    const patient = { meta: { [META.capabilities]: URLS, [META.client]: { name: 'patient', version: '1' } } }
    const first = await modern('shown', 'stateless', patient)
    const id = await approvalOf('stateless')
    const url = `${aegis.urls.admin}/approvals/${id}`
    const request = { method: 'elicitation/create', params: { mode: 'url', url, message: expect.stringContaining(id) } }
    expect(first.result).toMatchObject({ resultType: 'input_required', inputRequests: { 'input-1': request } })
    const params = {
      ...pullRequest('stateless'),
      requestState: first.result?.requestState,
      inputResponses: { 'input-1': { action: 'accept' } },
    }
    const second = modern('shown', 'stateless', { ...patient, params })
    await approve(id)
    expect((await second).result).toMatchObject({ resultType: 'complete', content: [{ type: 'text' }] })
    expect(forwarded('stateless')).toBe(1)
  })

  it('has a page for who logs in, that runs nothing from elsewhere and lets no agent approve', async () => {
    const client = await connect('shown', 'hasty', async () => 'accept')
    await refusal(client.callTool(pullRequest('self')))
    const id = await approvalOf('self')
    const page = await fetch(`${aegis.urls.admin}/approvals/${id}`, { redirect: 'manual' })
    expect([page.status, page.headers.get('location')]).toEqual([303, `/login?return_to=%2Fapprovals%2F${id}`])
    const asAgent = await fetch(`${aegis.urls.admin}/approvals/${id}`, { headers: { 'x-api-key': aegis.agentKey } })
    expect(asAgent.status).toBe(403)
    expect(asAgent.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'")
    expect(asAgent.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(await asAgent.text()).not.toContain('acme')
    const told = `${aegis.urls.admin}/admin/v1/approvals/00000000-0000-7000-8000-000000000001`
    const browser = await fetch(told, { headers: { accept: 'text/html' }, redirect: 'manual' })
    expect([browser.status, browser.headers.get('location')]).toEqual([
      303,
      '/approvals/00000000-0000-7000-8000-000000000001',
    ])
    expect((await fetch(told, { redirect: 'manual' })).status).toBe(401)
    expect((await approve(id, aegis.agentKey)).status).toBe(403)
    expect(forwarded('self')).toBe(0)
  })
})
