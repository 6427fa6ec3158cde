import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EventName } from '../../src/notifications/index.ts'
import { type Installation, type InstallOptions, install } from '../support/installation.ts'
import { expectedSignature, startSink, type WebhookSink } from '../support/webhook-sink.ts'

const PULL_REQUEST = {
  protocol: 'git',
  tool: 'github.create_pull_request',
  target: 'aegisflow/aegisflow',
  capability: 'write',
  parameters: { title: 'a secret plan', head: 'claude/fix', base: 'main' },
  session: 'told',
  agent: 'claude-code',
  justification: 'for reasons of its own',
}
const BLOCKED = { protocol: 'shell', tool: 'shell.rm', target: '/workspace', capability: 'delete', session: 'told' }
const READ = { protocol: 'git', tool: 'github.get_file_contents', target: 'aegisflow/aegisflow', capability: 'read' }

const soon = { timeout: 10_000, interval: 20 }

describe('webhooks', () => {
  const key = randomBytes(32)
  let folder: string
  let sink: WebhookSink
  let aegis: Installation

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'aegis-told-'))
    writeFileSync(join(folder, 'secret'), `whsec_${key.toString('base64')}\n`, { mode: 0o600 })
    sink = await startSink()
  })
  afterEach(async () => {
    sink.close()
    await aegis.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const hook = (more: Partial<Hook> = {}): Hook => ({
    ...{ name: 'ops', url: sink.url, secretFile: join(folder, 'secret'), privately: false, include: [] },
    events: ['approval', 'denied'],
    ...more,
  })
  type Hook = NonNullable<NonNullable<InstallOptions['notifications']>['webhooks']>[number]
  const start = async (...webhooks: Hook[]) => {
    aegis = await install({ notifications: { webhooks } })
    // From now on: what was before notifications were wanted is not told.
    if (webhooks.length === 0) return
    await vi.waitFor(async () => expect((await status()).delivered_by).not.toBe(null), soon)
  }
  const status = async () => (await aegis.get('/admin/v1/notifications', aegis.adminKey)).body

  it('tell of an approval asked for and of a blocked call, signed, without committed values', async () => {
    await start(hook())
    const asked = (await aegis.post('/admin/v1/test-action', PULL_REQUEST)).body
    const blocked = (await aegis.post('/admin/v1/test-action', BLOCKED)).body
    await vi.waitFor(() => expect(sink.received).toHaveLength(2), soon)
    const [approval] = sink.of('approval')
    expect(approval?.body).toEqual({
      event: 'approval',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      agent_name: 'claude-code',
      tool_name: 'github.create_pull_request',
      decision: 'review',
      action_summary:
        'claude-code asks to run github.create_pull_request (rule git:github.create_pull_request of pr-writer, blast radius high)',
      envelope_id: asked.envelope_id,
      session: 'told',
      principal: expect.stringMatching(/^key_/),
      approval_url: `${aegis.urls.admin}/admin/v1/approvals/${asked.envelope_id}`,
      expires_at: expect.stringMatching(/Z$/),
      evidence_hash: asked.evidence_hash,
    })
    expect(sink.of('denied')[0]?.body).toMatchObject({
      decision: 'block',
      envelope_id: blocked.envelope_id,
      evidence_hash: blocked.evidence_hash,
      action_summary: 'shell.rm of claude-code was blocked (rule shell:shell.rm of pr-writer)',
    })
    for (const message of sink.received) {
      expect(message.headers['webhook-signature']).toBe(expectedSignature(message, key))
      expect(message.text).not.toMatch(/secret plan|reasons of its own|workspace/)
    }
  })

  it('tell once of an action that is asked for twice, and of each end of it that is wanted', async () => {
    await start(hook({ events: ['approval', 'approved', 'denied', 'result'] }))
    const { body } = await aegis.post('/admin/v1/test-action', PULL_REQUEST)
    await aegis.post('/admin/v1/test-action', PULL_REQUEST)
    const settle = { comment: 'looks fine', reviewer: 'alice' }
    await aegis.post(`/admin/v1/approvals/${body.envelope_id}/approve`, settle, aegis.adminKey)
    await vi.waitFor(() => expect(sink.of('approved')).toHaveLength(1), soon)
    expect(sink.of('approved')[0]?.body).toMatchObject({
      decision: 'approve',
      action_summary: 'admin (as alice) approved github.create_pull_request',
      reviewer: { claimed: 'alice', channel: 'rest' },
    })
    expect(sink.of('approval')).toHaveLength(1)
    expect(JSON.stringify(sink.received)).not.toContain('looks fine')
  })

  it('hold committed values only where the configuration asks for them', async () => {
    await start(hook({ include: ['target', 'parameters', 'justification'] }))
    await aegis.post('/admin/v1/test-action', PULL_REQUEST)
    await vi.waitFor(() => expect(sink.received).toHaveLength(1), soon)
    const [{ body } = { body: null }] = sink.received
    expect(body).toMatchObject({
      target: 'aegisflow/aegisflow',
      parameters: { title: 'a secret plan' },
      justification: 'for reasons of its own',
    })
  })

  it('are sent again until they arrive, under the same id', async () => {
    await start(hook())
    sink.answer = (response, nth) => void response.writeHead(nth < 3 ? 500 : 200).end('not yet')
    await aegis.post('/admin/v1/test-action', PULL_REQUEST)
    await vi.waitFor(() => expect(sink.received).toHaveLength(3), soon)
    expect(new Set(sink.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    await vi.waitFor(async () => expect((await status()).endpoints[0]).toMatchObject({ waiting: 0, dead: 0 }), soon)
  })

  it('are sent after a restart where everything was down when it happened', async () => {
    await start(hook())
    sink.answer = (response) => void response.destroy()
    const { body } = await aegis.post('/admin/v1/test-action', PULL_REQUEST)
    await vi.waitFor(() => expect(sink.received.length).toBeGreaterThan(0), soon)
    await aegis.stop()
    const before = sink.received.length
    sink.answer = (response) => void response.writeHead(204).end()
    await aegis.restart()
    await vi.waitFor(() => expect(sink.received.length).toBeGreaterThan(before), soon)
    expect(sink.received.at(-1)?.body.envelope_id).toBe(body.envelope_id)
    await vi.waitFor(async () => expect((await status()).endpoints[0].waiting).toBe(0), soon)
  })

  it('never delay a call while their receiver hangs, and wait in the store, not in memory', async () => {
    await start(hook({ events: ['denied'] }))
    sink.answer = () => {}
    const started = performance.now()
    for (let call = 0; call < 40; call += 1) await aegis.post('/admin/v1/test-action', BLOCKED)
    for (let call = 0; call < 40; call += 1) {
      expect((await aegis.post('/admin/v1/test-action', READ)).body.decision).toBe('allow')
    }
    // Far below the time that one attempt may take: nobody waited for the receiver.
    expect(performance.now() - started).toBeLessThan(10_000)
    await vi.waitFor(async () => expect((await status()).lag_entries).toBe(0), soon)
    expect(sink.received).toHaveLength(4)
    expect((await status()).endpoints[0]).toMatchObject({ waiting: 40, dead: 0 })
  })

  it('are given up for good where their receiver says so; people see it, and an administrator tries again', async () => {
    await start(hook({ events: ['denied'] }))
    sink.answer = (response) => void response.writeHead(410).end('hush-hush')
    await aegis.post('/admin/v1/test-action', BLOCKED)
    await vi.waitFor(async () => expect((await status()).dead).toHaveLength(1), soon)
    const shown = await status()
    expect(shown.endpoints[0]).toMatchObject({ name: 'ops', waiting: 0, dead: 1, place: new URL(sink.url).origin })
    expect(shown.dead[0]).toMatchObject({ endpoint: 'ops', event: 'denied', attempts: 1 })
    expect(JSON.stringify(shown)).not.toMatch(/secret-path|hush-hush/)
    const path = `/admin/v1/notifications/${shown.dead[0].id}/retry`
    expect((await aegis.post(path, {})).status).toBe(403)
    sink.answer = (response) => void response.writeHead(204).end()
    expect((await aegis.post(path, {}, aegis.adminKey)).body).toEqual({ retried: shown.dead[0].id })
    await vi.waitFor(async () => expect((await status()).endpoints[0]).toMatchObject({ waiting: 0, dead: 0 }), soon)
    expect((await aegis.post(path, {}, aegis.adminKey)).status).toBe(404)
    expect((await aegis.get('/admin/v1/notifications')).status).toBe(403)
  })

  it('tell that another policy is in force, and of which version it is', async () => {
    const file = join(folder, 'house.yaml')
    const rule = (decision: string) =>
      `version: 1\nname: house\ndefault_decision: review\nrules:\n  - { protocol: git, tool: "github.get_*", decision: ${decision} }\n`
    writeFileSync(file, rule('allow'))
    aegis = await install({ notifications: { webhooks: [hook({ events: ['policy'] })] }, policies: [file] })
    await vi.waitFor(async () => expect((await status()).delivered_by).not.toBe(null), soon)
    writeFileSync(file, rule('block'))
    await vi.waitFor(() => expect(sink.of('policy').length).toBeGreaterThan(0), { ...soon, timeout: 20_000 })
    expect(sink.of('policy').at(-1)?.body).toMatchObject({
      envelope_id: null,
      session: null,
      action_summary: 'version 2 of house is in force (reload)',
      policy: { version: 2, names: ['house'], cause: 'reload', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      evidence_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  }, 30_000)

  it('are not begun with a secret that others on this machine may read, or that is not there', async () => {
    await start()
    const open = join(folder, 'open')
    writeFileSync(open, 'a secret of sixteen bytes', { mode: 0o644 })
    for (const [secretFile, why] of [
      [open, /others on this machine may read it/],
      [join(folder, 'nothing'), /cannot read/],
    ] as const) {
      await expect(install({ notifications: { webhooks: [hook({ secretFile })] } })).rejects.toThrow(why)
    }
  })

  it('say in the metrics how they fare', async () => {
    await start(hook({ events: ['denied'] as EventName[] }))
    sink.answer = (response) => void response.writeHead(410).end()
    await aegis.post('/admin/v1/test-action', BLOCKED)
    await vi.waitFor(async () => {
      const text = await (await fetch(`${aegis.urls.admin}/metrics`)).text()
      expect(text).toMatch(/^aegis_notifications_dead 1$/m)
      expect(text).toMatch(/^aegis_notifications_waiting 0$/m)
      expect(text).toMatch(/^aegis_notification_failures 1$/m)
      expect(text).toMatch(/^aegis_notification_lag_seconds 0$/m)
    }, soon)
  })
})
