import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { notificationChecks } from '../../src/cli/doctor/notifications.ts'
import { type Installation, install } from '../support/installation.ts'
import { startSink, type WebhookSink } from '../support/webhook-sink.ts'

describe('the doctor, of what people are told', () => {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-doctor-'))
  let sink: WebhookSink
  let aegis: Installation

  beforeAll(async () => {
    const secretFile = join(folder, 'secret')
    writeFileSync(secretFile, `whsec_${randomBytes(32).toString('base64')}\n`, { mode: 0o600 })
    sink = await startSink()
    const hook = { name: 'ops', url: sink.url, secretFile, privately: false, include: [], events: ['denied'] as const }
    aegis = await install({
      notifications: { webhooks: [hook] },
      keys: {
        'alice-laptop': { role: 'reviewer', owner: 'alice' },
        'sam.one': { role: 'reviewer', owner: 'sam' },
        sam: { role: 'reviewer', owner: 'another sam' },
        looker: { role: 'viewer', owner: 'victor' },
      },
    })
    await vi.waitFor(async () => expect((await told()).delivered_by).not.toBe(null), 10_000)
  })
  afterAll(async () => {
    sink.close()
    await aegis.close()
    rmSync(folder, { recursive: true })
  })

  const told = async () => (await aegis.get('/admin/v1/notifications', aegis.adminKey)).body
  const look = async (reviewers: Record<string, string>, key = aegis.adminKey) => {
    const checks = await notificationChecks({ socket: null, url: aegis.urls.admin, key }, reviewers)
    return Object.fromEntries(checks.map(({ name, state, detail }) => [name, `${state}: ${detail}`]))
  }

  it('is content where everything arrives and everybody has a key', async () => {
    expect(await look({ U01: 'alice', U02: 'alice-laptop' })).toEqual({
      notifications: 'ok: 1 place, nothing is stuck',
      slack: 'ok: all reviewers named have a key here',
    })
  })

  it.each([
    ['nobody', 'alcie', 'U01 is `alcie`, who has no key here that may settle approvals'],
    ['a viewer', 'victor', 'U01 is `victor`, who has no key here that may settle approvals'],
    ['two people', 'sam', 'U01 is `sam`, which several people are called'],
  ])('warns of a user of Slack who is %s here', async (_, named, said) => {
    expect((await look({ U01: named, U02: 'alice' })).slack).toBe(`warn: ${said}`)
  })

  it('does not take a refusal for good news', async () => {
    const { notifications, slack } = await look({ U01: 'alice' }, aegis.agentKey)
    expect([notifications, slack]).toEqual([expect.stringMatching(/^fail: /), expect.stringMatching(/^fail: /)])
  })

  it('warns of a place that does not take what it is sent', async () => {
    sink.answer = (response) => void response.writeHead(503).end()
    const blocked = { protocol: 'shell', tool: 'shell.rm', target: '/workspace', capability: 'delete' }
    await aegis.post('/admin/v1/test-action', blocked)
    await vi.waitFor(async () => expect((await told()).endpoints[0].last_error).not.toBe(null), 10_000)
    expect((await look({})).notifications).toMatch(/^warn: ops: 1 waiting, 0 given up: .*503/)
  })
})
