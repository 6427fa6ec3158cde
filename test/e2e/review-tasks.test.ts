import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CountingUpstream, startCountingUpstream } from '../support/counting-upstream.ts'
import { type Installation, install, secretOf } from '../support/installation.ts'
import { META, type ModernAnswer, type ModernRequest } from '../support/modern.ts'
import { sendModern } from '../support/modern-http.ts'

const ARGUMENTS = { owner: 'acme', repo: 'app', title: 't', head: 'feat/x', base: 'main' }
const TASKS = 'io.modelcontextprotocol/tasks'
const WITH_TASKS = { [META.capabilities]: { extensions: { [TASKS]: {} } } }
const WITHOUT_TASKS = { [META.capabilities]: {} }
const policyThat = (decision: string) => `version: 1
name: opening
default_decision: allow
rules:
  - { protocol: git, tool: github.create_pull_request, decision: ${decision} }
`

describe('a call that waits for a person, as a task', () => {
  let upstream: CountingUpstream
  let aegis: Installation
  let folder: string
  let policy: string
  let hang: Promise<void> | null = null

  beforeEach(async () => {
    hang = null
    folder = mkdtempSync(join(tmpdir(), 'aegis-policy-'))
    policy = join(folder, 'policy.yaml')
    writeFileSync(policy, policyThat('review'))
    upstream = await startCountingUpstream({ before: () => hang ?? Promise.resolve() })
    const route = { kind: 'http' as const, url: upstream.url, headers: {} }
    const settings = { catalog: 'github' as const, route, credential: null, onReview: 'refuse' as const, timeout: null }
    aegis = await install({
      policies: [policy],
      upstreams: { github: settings, twin: { ...settings, onReview: 'hold' } },
      keys: { other: { role: 'agent', owner: 'agent:other' } },
    })
  })
  afterEach(async () => {
    await aegis.close()
    await upstream.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const send = (request: ModernRequest, key = aegis.agentKey) =>
    sendModern(`${aegis.urls.mcp}/mcp`, key, { path: '/github', meta: WITH_TASKS, ...request })
  const open = (more: Partial<ModernRequest> = {}, key = aegis.agentKey) =>
    send({ method: 'tools/call', params: { name: 'create_pull_request', arguments: ARGUMENTS }, ...more }, key)
  const task = (method: string, taskId: string, more: Partial<ModernRequest> = {}, key = aegis.agentKey) =>
    send({ method: `tasks/${method}`, params: { taskId }, ...more }, key)
  const taskIdOf = ({ result }: ModernAnswer): string => String(result?.['taskId'])
  const settle = async (verb: 'approve' | 'deny', key = aegis.adminKey) => {
    const { body } = await aegis.get('/admin/v1/approvals', aegis.adminKey)
    return aegis.post(`/admin/v1/approvals/${body.pending[0].envelope_id}/${verb}`, { comment: 'seen' }, key)
  }
  const pending = async () => (await aegis.get('/admin/v1/approvals', aegis.adminKey)).body.pending
  /** The kinds of the log's entries, oldest first. */
  const recorded = async (): Promise<string[]> => {
    const { body } = await aegis.get('/admin/v1/logs?limit=100', aegis.adminKey)
    return body.entries.map((entry: { kind: string }) => entry.kind).reverse()
  }
  /** From now on the policy in force blocks the call. */
  async function blockAll(): Promise<void> {
    writeFileSync(policy, policyThat('block'))
    const claim = { protocol: 'git', tool: 'github.create_pull_request', target: 'acme/app', parameters: ARGUMENTS }
    const simulated = async () => (await aegis.post('/admin/v1/simulate', claim)).body.decision
    await expect.poll(simulated, { timeout: 10_000 }).toBe('block')
  }
  async function finished(taskId: string): Promise<ModernAnswer> {
    let last = await task('get', taskId)
    const look = async () => {
      last = await task('get', taskId)
      return last.result?.['status']
    }
    await expect.poll(look).not.toBe('working')
    return last
  }

  it('is answered with a task at once, which tells whom it waits for, and ends with the answer of the call', async () => {
    const first = await open()
    const taskId = taskIdOf(first)
    expect(first.result).toMatchObject({ resultType: 'task', status: 'working', pollIntervalMs: 5000 })
    expect(first.result?.['statusMessage']).toMatch(
      /^waiting for a reviewer; approval [0-9a-f-]{36}\. Ask a reviewer: http/,
    )
    expect((await task('get', taskId)).result).toMatchObject({ resultType: 'complete', taskId, status: 'working' })
    expect(upstream.calls).toHaveLength(0)
    await settle('approve')
    const { result } = await finished(taskId)
    expect(result).toMatchObject({ status: 'completed', result: { content: [{ type: 'text' }] } })
    expect((await task('get', taskId)).result).toEqual(result)
    expect(upstream.calls).toHaveLength(1)
  })

  it('runs once, however many ask for it at the same moment, after the approval', async () => {
    const taskId = taskIdOf(await open())
    await settle('approve')
    const answers = await Promise.all(Array.from({ length: 50 }, () => task('get', taskId)))
    expect(answers.every(({ result }) => result?.['taskId'] === taskId)).toBe(true)
    expect((await finished(taskId)).result).toMatchObject({ status: 'completed' })
    expect(upstream.calls).toHaveLength(1)
    expect(await pending()).toEqual([])
  })

  it.each([
    ['another key', (id: string) => [id, {}, secretOf('other')]],
    ['the endpoint of another upstream', (id: string) => [id, { path: '/twin' }]],
    ['whoever changes its proof', (id: string) => [id.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))]],
    ['whoever cuts it', (id: string) => [id.slice(0, -1)]],
    ['whoever knows the approval and guesses the rest', (id: string) => [id.slice(0, -32) + '0'.repeat(32)]],
  ] as [
    string,
    (id: string) => [string, Partial<ModernRequest>?, string?],
  ][])('is unknown to %s', async (_, variant) => {
    const taskId = taskIdOf(await open())
    const heard = upstream.heard.length
    for (const method of ['get', 'update', 'cancel']) {
      const [id, more, key] = variant(taskId)
      const params = { taskId: id, inputResponses: {} }
      expect((await task(method, id, { params, ...more }, key)).error).toMatchObject({ code: -32602 })
    }
    expect(upstream.heard).toHaveLength(heard)
    expect(await pending()).toHaveLength(1)
  })

  it('is taken back by tasks/cancel, recorded; nobody can approve it any more, and the same call asks anew', async () => {
    const taskId = taskIdOf(await open())
    const [{ envelope_id: id }] = await pending()
    const acknowledged = { resultType: 'complete' }
    expect((await task('cancel', taskId)).result).toEqual(acknowledged)
    expect((await task('cancel', taskId)).result).toEqual(acknowledged)
    expect((await task('get', taskId)).result).toMatchObject({ status: 'cancelled' })
    expect((await aegis.post(`/admin/v1/approvals/${id}/approve`, {}, aegis.adminKey)).status).toBe(409)
    expect(await recorded()).toEqual(['review', 'expire'])
    const [session] = (await aegis.get('/admin/v1/sessions', aegis.adminKey)).body.sessions
    const verify = `/admin/v1/evidence/sessions/${session.session}/verify`
    expect((await aegis.post(verify, {}, aegis.adminKey)).body).toMatchObject({ valid: true })
    expect(taskIdOf(await open())).not.toBe(taskId)
  })

  it('does not run after it was taken back, though it was approved', async () => {
    const taskId = taskIdOf(await open())
    await settle('approve')
    await task('cancel', taskId)
    expect((await task('get', taskId)).result).toMatchObject({ status: 'cancelled' })
    expect(upstream.calls).toHaveLength(0)
  })

  it('is cancelled while it runs: the call is broken off and recorded so', async () => {
    hang = new Promise(() => undefined)
    const taskId = taskIdOf(await open())
    await settle('approve')
    expect((await task('get', taskId)).result).toMatchObject({ status: 'working' })
    await expect.poll(() => upstream.calls.length).toBe(1)
    await task('cancel', taskId)
    expect((await task('get', taskId)).result).toMatchObject({ status: 'cancelled' })
    await expect.poll(recorded).toEqual(['review', 'approve', 'allow', 'result'])
  })

  it('ends with the reviewer and the comment where it is denied', async () => {
    const taskId = taskIdOf(await open())
    await settle('deny')
    const { result } = await task('get', taskId)
    expect(result).toMatchObject({
      status: 'completed',
      statusMessage: expect.stringContaining('denied by admin: seen'),
    })
    expect(result).toMatchObject({ result: { isError: true, structuredContent: { status: 'denied' } } })
    expect(upstream.calls).toHaveLength(0)
  })

  it('outlives a restart while it waits, and afterwards tells what the evidence knows', async () => {
    const taskId = taskIdOf(await open())
    await aegis.restart()
    expect((await task('get', taskId)).result).toMatchObject({ status: 'working' })
    await settle('approve')
    expect((await finished(taskId)).result).toMatchObject({ status: 'completed' })
    await aegis.restart()
    const { result } = await task('get', taskId)
    expect(result).toMatchObject({
      status: 'completed',
      result: { isError: true, structuredContent: { status: 'ok' } },
    })
    expect(result?.['statusMessage']).toContain('the recorded outcome is ok, pr/1247')
    expect(upstream.calls).toHaveLength(1)
  })

  it('is one task for all identical calls, and one approval with those of clients that know no tasks', async () => {
    const taskId = taskIdOf(await open())
    expect(taskIdOf(await open({ meta: { ...WITH_TASKS, [META.client]: { name: 'second', version: '1' } } }))).toBe(
      taskId,
    )
    const [{ envelope_id: id }] = await pending()
    const plain = await open({ meta: WITHOUT_TASKS })
    expect(plain.result).toMatchObject({ isError: true, structuredContent: { envelope_id: id, retry: 'unchanged' } })
    expect(await pending()).toHaveLength(1)
  })

  it('tells a task whose approval another call has used what came of that', async () => {
    const taskId = taskIdOf(await open())
    await settle('approve')
    expect((await open({ meta: WITHOUT_TASKS })).result?.['isError']).toBeUndefined()
    const { result } = await task('get', taskId)
    expect(result).toMatchObject({
      status: 'completed',
      result: { isError: true, structuredContent: { status: 'ok' } },
    })
    expect(upstream.calls).toHaveLength(1)
  })

  it('is not shown to a client that has not declared the extension', async () => {
    const taskId = taskIdOf(await open())
    const answer = await task('get', taskId, { meta: WITHOUT_TASKS })
    expect(answer).toMatchObject({ status: 400, error: { code: -32021 } })
    expect(answer.error?.data).toEqual({ requiredCapabilities: { extensions: { [TASKS]: {} } } })
  })

  it('is judged again under the policy in force when it would run', async () => {
    const taskId = taskIdOf(await open())
    await settle('approve')
    await blockAll()
    const { result } = await finished(taskId)
    expect(result).toMatchObject({ status: 'completed', result: { isError: true } })
    expect(JSON.stringify(result)).toContain('is blocked by opening policy')
    expect(upstream.calls).toHaveLength(0)
  })

  it('is, where it is held instead, judged again under the policy in force too', async () => {
    const meta = { ...WITHOUT_TASKS, [META.client]: { name: 'claude-code', version: '2' } }
    const held = open({ path: '/twin', meta })
    await expect.poll(async () => (await pending()).length).toBe(1)
    await blockAll()
    await settle('approve')
    expect((await held).result).toMatchObject({
      isError: true,
      structuredContent: { matched_rule: expect.any(String) },
    })
    expect(upstream.calls).toHaveLength(0)
  })

  it('is offered and works at the merged endpoint too', async () => {
    const merged = { path: '' }
    const { result } = await send({ method: 'server/discover', ...merged })
    expect(result).toMatchObject({ capabilities: { extensions: { [TASKS]: {} } } })
    const params = { name: 'github__create_pull_request', arguments: ARGUMENTS }
    const taskId = taskIdOf(await open({ params, ...merged }))
    await settle('approve')
    expect((await task('get', taskId, merged)).result).toMatchObject({ taskId })
    expect((await finished(taskId)).result).toMatchObject({ status: 'completed' })
  })
})
