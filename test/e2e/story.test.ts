import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Installation, install } from '../support/installation.ts'

/** The story of the README, decided (not executed): the shapes of the actions API and the seven entries' order. */
describe('the actions API', () => {
  let aegis: Installation
  beforeAll(async () => {
    aegis = await install()
  })
  afterAll(() => aegis.close())

  const pullRequest = {
    protocol: 'git',
    tool: 'github.create_pull_request',
    target: 'aegisflow/aegisflow',
    capability: 'write',
    parameters: { title: 'fix: stabilize flaky test', head: 'claude/fix-flaky-evidence-test', base: 'main' },
    session: 'story',
    agent: 'claude-code',
    justification: 'fixes an intermittent failure',
  }

  it('allows a read and names rule, policy and evidence', async () => {
    const action = {
      protocol: 'git',
      tool: 'github.get_file_contents',
      target: 'aegisflow/aegisflow',
      capability: 'read',
    }
    const { status, body } = await aegis.post('/admin/v1/test-action', action)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      decision: 'allow',
      matched_rule: 'git:github.get_*',
      policy: 'pr-writer',
      blast_radius: 'low',
      envelope_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      evidence_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  })

  it('allows pytest without giving a shell', async () => {
    const action = { protocol: 'shell', tool: 'shell.pytest', target: '/workspace', capability: 'execute' }
    const { body } = await aegis.post('/admin/v1/test-action', action)
    expect(body).toMatchObject({ decision: 'allow', matched_rule: 'shell:shell.pytest' })
  })

  it('blocks a destructive command with -32001, the reason and an alternative', async () => {
    const action = { protocol: 'shell', tool: 'shell.rm', target: '/workspace', capability: 'delete' }
    const { status, body } = await aegis.post('/admin/v1/test-action', action)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      decision: 'block',
      matched_rule: 'shell:shell.rm',
      error: {
        code: -32001,
        message: 'policy: shell.rm is blocked by pr-writer policy',
        data: { reason: 'destructive shell command', suggested_alternative: 'use git clean -fdx via shell.git' },
      },
    })
  })

  it('parks a pull request with -32002, shows it to reviewers, and lets only them settle it', async () => {
    const { body } = await aegis.post('/admin/v1/test-action', pullRequest)
    expect(body).toMatchObject({ decision: 'review', error: { code: -32002, data: { queued_at: expect.any(String) } } })
    expect(body.error.data.approval_url).toBe(`${aegis.urls.admin}/admin/v1/approvals/${body.envelope_id}`)

    const again = await aegis.post('/admin/v1/test-action', pullRequest)
    expect(again.body.error.data.approval_url).toBe(body.error.data.approval_url)

    const { body: queue } = await aegis.get('/admin/v1/approvals')
    expect(queue.pending).toHaveLength(1)
    expect(queue.pending[0]).toMatchObject({
      envelope_id: body.envelope_id,
      actor: { agent: 'claude-code', session: 'story' },
      tool: 'github.create_pull_request',
      target: 'aegisflow/aegisflow',
      parameters: { owner: 'aegisflow', repo: 'aegisflow', ...pullRequest.parameters },
      reviewers_needed: 1,
    })

    const path = `/admin/v1/approvals/${body.envelope_id}/approve`
    expect((await aegis.post(path, { comment: 'let me' })).status).toBe(403)
    const approved = await aegis.post(path, { comment: 'diff looks correct', reviewer: 'alice' }, aegis.adminKey)
    expect(approved).toMatchObject({ status: 200, body: { status: 'approved', reviewer: 'alice', separation: 'none' } })
    expect((await aegis.post(path, { comment: 'again' }, aegis.adminKey)).status).toBe(409)

    const redeemed = await aegis.post('/admin/v1/test-action', pullRequest)
    expect(redeemed.body).toMatchObject({ decision: 'allow', matched_rule: `approved:${body.envelope_id}` })
    const spent = await aegis.post('/admin/v1/test-action', pullRequest)
    expect(spent.body.decision).toBe('review')
  })

  it('leaves a chain that verifies', async () => {
    const { body } = await aegis.post('/admin/v1/evidence/sessions/story/verify', {}, aegis.adminKey)
    expect(body).toMatchObject({ valid: true, total_entries: 5 })
  })
})
