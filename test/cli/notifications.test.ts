import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { captured } from '../support/captured.ts'
import { ADMIN_KEY, type Installation, install } from '../support/installation.ts'
import { startSink, type WebhookSink } from '../support/webhook-sink.ts'

const BLOCKED = { protocol: 'shell', tool: 'shell.rm', target: '/workspace', capability: 'delete' }
const soon = { timeout: 10_000, interval: 20 }
const notifications = (...words: string[]) => captured(() => main('aegisctl', ['notifications', ...words]))

describe('aegisctl notifications', () => {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-told-'))
  const before = { ...process.env }
  let sink: WebhookSink
  let aegis: Installation

  beforeAll(async () => {
    writeFileSync(join(folder, 'secret'), 'a secret of sixteen bytes', { mode: 0o600 })
    sink = await startSink()
    sink.answer = (response) => void response.writeHead(410).end()
    aegis = await install({
      notifications: {
        webhooks: [
          {
            ...{ name: 'ops', url: sink.url, secretFile: join(folder, 'secret'), privately: false },
            ...{ events: ['denied'], include: [] },
          },
        ],
      },
    })
    process.env['AEGIS_CONFIG_DIR'] = aegis.folder
    process.env['AEGIS_DATA_DIR'] = aegis.folder
    process.env['AEGIS_ADMIN_URL'] = aegis.urls.admin
    process.env['AEGIS_API_KEY'] = ADMIN_KEY
  })
  afterAll(async () => {
    await aegis.close()
    process.env = before
    sink.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('shows each place and how far behind it is', async () => {
    const { out, exit } = await notifications()
    expect(exit).toBe(0)
    expect(out).toMatch(/^ENDPOINT +KIND +PLACE +EVENTS +WAITING +LAG +DEAD +LAST ERROR/)
    expect(out).toMatch(/^ops +webhook +http:\/\/127\.0\.0\.1:\d+ +denied +0 +0 s +0/m)
  })

  it('shows what was given up and why, and tries it again', async () => {
    await vi.waitFor(async () => {
      const { body } = await aegis.get('/admin/v1/notifications', ADMIN_KEY)
      expect(body.delivered_by).not.toBe(null)
    }, soon)
    await aegis.post('/admin/v1/test-action', BLOCKED)
    await vi.waitFor(async () => expect((await notifications()).out).toContain('DEAD LETTER'), soon)
    const { out } = await notifications()
    expect(out).toContain('answered with status 410')
    const id = /^(ops\.\S+)/m.exec(out)?.[1] ?? ''
    sink.answer = (response) => void response.writeHead(204).end()
    expect(await notifications('retry', id)).toMatchObject({ exit: 0, out: `tried again: ${id}\n` })
    await vi.waitFor(async () => expect((await notifications()).out).not.toContain('DEAD LETTER'), soon)
    const again = await notifications('retry', id)
    expect(again.exit).toBe(2)
    expect(again.err).toMatch(/there is no dead letter .*\n {2}-> `aegisctl notifications` shows them all/)
  })

  it('gives the same as JSON', async () => {
    const { out } = await notifications('--json')
    expect(JSON.parse(out)).toMatchObject({ endpoints: [{ name: 'ops', waiting: 0, dead: 0 }], dead: [] })
  })
})
