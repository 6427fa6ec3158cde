import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { embeddedBundle } from '../../src/ledger/bundle/embedded-bundle.ts'
import { httpUpstream, json } from '../executors/mcp/support.ts'
import { type CountingUpstream, startCountingUpstream } from '../support/counting-upstream.ts'
import { type Installation, install, secretOf } from '../support/installation.ts'

describe('an agent that means harm', () => {
  let upstream: CountingUpstream
  let aegis: Installation

  beforeEach(async () => {
    upstream = await startCountingUpstream()
    const route = { kind: 'http' as const, url: upstream.url, headers: {} }
    aegis = await install({
      upstreams: {
        github: { catalog: 'github', route, credential: null, onReview: 'refuse', timeout: null },
        jira: { catalog: 'none', route, credential: null, onReview: 'refuse', timeout: null },
      },
      keys: { other: { role: 'agent', owner: 'agent:other' } },
    })
  })
  afterEach(async () => {
    await aegis.close()
    await upstream.close()
  })

  const ask = (title: string, key = aegis.agentKey) => {
    const parameters = { title, head: 'feat/x', base: 'main' }
    const action = { protocol: 'git', tool: 'github.create_pull_request', target: 'acme/app', parameters }
    return aegis.post('/admin/v1/test-action', action, key)
  }

  async function call(params: object, headers: Record<string, string> = {}) {
    const answer = await fetch(`${aegis.urls.mcp}/mcp/github`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        authorization: `Bearer ${aegis.agentKey}`,
        ...headers,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
    })
    return JSON.parse(await answer.text())
  }

  it('cannot fill the queue of reviews: another key still gets its question in, and the same question waits once', async () => {
    const answers = []
    for (let n = 0; n < 101; n++) answers.push((await ask(`t${n}`)).status)
    expect(answers.filter((status) => status === 429)).toHaveLength(1)
    expect((await ask('t0')).status).not.toBe(429)
    expect((await ask('mine', secretOf('other'))).status).not.toBe(429)
    const { body } = await aegis.get('/admin/v1/approvals', aegis.adminKey)
    expect(body.pending).toHaveLength(101)
  })

  it('cannot make the report of its session do anything in the browser of who reads it', async () => {
    const harm = '</template><script>alert(1)</script><img src=x onerror=alert(1)>'
    const action = { protocol: 'shell', tool: 'shell', target: `echo "${harm}"`, session: 'harm' }
    await aegis.post('/admin/v1/test-action', action)
    const answer = await fetch(`${aegis.urls.admin}/admin/v1/evidence/sessions/harm/report.html`, {
      headers: { authorization: `Bearer ${aegis.adminKey}` },
    })
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(answer.headers.get('content-disposition')).toContain('attachment')
    expect(answer.headers.get('content-security-policy')).toMatch(/^sandbox; default-src 'none'/)
    const page = await answer.text()
    expect(page).toContain('&lt;script&gt;alert(1)')
    expect(page).not.toMatch(/<(script|img)\b/)
    expect(page).toContain('Verified')
    expect(embeddedBundle(page)).toContain('"origin"')
  })

  it('cannot fill it by asking all at once either', async () => {
    const answers = await Promise.all(Array.from({ length: 130 }, (_, n) => ask(`t${n}`)))
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(30)
    const { body } = await aegis.get('/admin/v1/approvals', aegis.adminKey)
    expect(body.pending).toHaveLength(100)
  })

  it('cannot take the label of a session by opening so many that the older one is out of sight', async () => {
    const look = (session: string, key = aegis.agentKey) =>
      aegis.post('/admin/v1/test-action', { protocol: 'shell', tool: 'shell', target: 'ls', session }, key)
    await look('release-1', secretOf('other'))
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 100 }, (_, n) => look(`noise-${round}-${n}`)))
    }
    await look('release-1')
    const { status, body } = await aegis.get('/admin/v1/evidence/sessions/release-1/export', aegis.adminKey)
    expect([status, body.error.message]).toEqual([409, '2 sessions are called `release-1`'])
  })

  it('cannot claim its way around a rule: what no catalog checks is judged as the same call over MCP', async () => {
    const claim = { protocol: 'http', tool: 'jira.merge_pull_request', target: 'SAFE-1', execute: true }
    expect(await aegis.post('/admin/v1/test-action', claim)).toMatchObject({
      status: 400,
      body: { error: { path: 'protocol' } },
    })
    const honest = await aegis.post('/admin/v1/test-action', { ...claim, protocol: 'mcp' })
    expect(honest.body.decision).toBe('review')
    const { body } = await aegis.get(`/admin/v1/approvals/${honest.body.envelope_id}`, aegis.adminKey)
    expect(body).toMatchObject({ tool: 'jira.merge_pull_request', target: '' })
    expect(upstream.calls).toHaveLength(0)
  })

  it('cannot fill the log with the name of a tool', async () => {
    expect(await call({ name: 'x'.repeat(513), arguments: {} })).toMatchObject({ error: { code: -32602 } })
    expect(await call({ name: 'x'.repeat(512), arguments: {} })).toMatchObject({ error: { code: -32002 } })
  })

  it('cannot have its own key or headers carried to an upstream', async () => {
    const headers = { 'x-api-key': aegis.agentKey, 'x-forwarded-for': '10.0.0.1', cookie: 'a=b' }
    await call({ name: 'get_file_contents', arguments: { owner: 'acme', repo: 'app', path: 'a.md' } }, headers)
    expect(upstream.calls).toHaveLength(1)
    expect(JSON.stringify(upstream.calls)).not.toContain(aegis.agentKey)
    expect(upstream.calls[0]?.authorization).toBeUndefined()
  })
})

describe('an upstream that means harm', () => {
  it('cannot break the list of tools by listing 150,000 of them: the first 2,000 are looked at', async () => {
    const many = Array.from({ length: 150_000 }, (_, n) => ({ name: `t${n}`, inputSchema: { type: 'object' } }))
    const upstream = await httpUpstream((_, response, id) =>
      json(response, { jsonrpc: '2.0', id, result: { tools: many } }),
    )
    const route = { kind: 'http' as const, url: upstream.url, headers: {} }
    const aegis = await install({
      upstreams: { many: { catalog: 'none', route, credential: null, onReview: 'refuse', timeout: null } },
    })
    const answer = await fetch(`${aegis.urls.mcp}/mcp/many`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        authorization: `Bearer ${aegis.agentKey}`,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    })
    const { result } = JSON.parse(await answer.text())
    expect(result?.tools).toHaveLength(2000)
    await aegis.close()
    await upstream.close()
  })
})
