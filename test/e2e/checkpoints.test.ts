import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openNote } from '../../src/ledger/notes/note.ts'
import { keysInForce } from '../../src/ledger/notes/trust-policy.ts'
import { readTrust } from '../../src/store/files/log-key.ts'
import { type Installation, install } from '../support/installation.ts'
import { rewriteEntry } from '../support/rewrite.ts'

describe('the checkpoints of a running server', () => {
  let aegis: Installation
  let elsewhere: string
  beforeAll(async () => {
    elsewhere = mkdtempSync(join(tmpdir(), 'aegis-elsewhere-'))
    const file = { kind: 'file' as const, name: 'file', path: join(elsewhere, 'notes'), every: 10 }
    aegis = await install({ anchors: [file] })
  })
  afterAll(async () => {
    await aegis.close()
    rmSync(elsewhere, { recursive: true, force: true })
  })

  const act = () =>
    aegis.post('/admin/v1/test-action', { protocol: 'shell', tool: 'shell.pytest', target: '/workspace', session: 's' })
  const trusted = (size: number) => {
    const trust = readTrust(join(aegis.folder, 'log.vkey'))
    return trust === null ? [] : keysInForce(trust, size)
  }

  it('are given to whoever may ask, and cover what was answered', async () => {
    await act()
    const { body } = await aegis.get('/admin/v1/evidence/checkpoint')
    expect(openNote(body.note, trusted(body.size))).toMatchObject({ ok: true })
    expect(body.size).toBeGreaterThanOrEqual(2)
    expect(body.note.split('\n').slice(0, 3)).toEqual([body.origin, String(body.size), body.root])
  })

  it('reach their anchor, and its lag can be seen', async () => {
    await act()
    const { body } = await aegis.get('/admin/v1/evidence/checkpoint')
    await expect.poll(() => readFileSync(join(elsewhere, 'notes'), 'utf8'), { timeout: 5000 }).toContain(body.root)
    const status = await aegis.get('/admin/v1/evidence/anchors', aegis.adminKey)
    expect(status.body.anchors).toMatchObject([{ name: 'file', kind: 'file', lag_entries: 0, last_error: null }])
    expect((await aegis.get('/admin/v1/evidence/anchors')).status).toBe(403)
  })

  it('are signed by another key after a rotation, which only an administrator may ask for', async () => {
    expect((await aegis.post('/admin/v1/evidence/rotate-key', {})).status).toBe(403)
    const rotated = await aegis.post('/admin/v1/evidence/rotate-key', {}, aegis.adminKey)
    expect(rotated.status).toBe(200)
    await act()
    const { body } = await aegis.get('/admin/v1/evidence/checkpoint')
    expect(trusted(body.size).map(({ vkey }) => vkey)).toEqual([rotated.body.vkey])
    expect(openNote(body.note, trusted(body.size))).toMatchObject({ ok: true })
  })
})

describe('a store that is rewritten under a running server', () => {
  it('is told of within moments: nothing more is recorded or forwarded, and the probe and the metrics say so', async () => {
    const aegis = await install({})
    try {
      const act = () =>
        aegis.post('/admin/v1/test-action', { protocol: 'shell', tool: 'shell.pytest', target: '/w', session: 's' })
      expect((await act()).body).toMatchObject({ decision: 'allow' })
      rewriteEntry(join(aegis.folder, 'aegis.db'), 2, ['shell.pytest', 'shell.pylint'])
      await expect.poll(() => aegis.get('/ready').then(({ status }) => status), { timeout: 5000 }).toBe(503)
      const refused = await act()
      expect([refused.status, refused.body.error.code]).toEqual([503, -32010])
      expect((await fetch(`${aegis.urls.admin}/metrics`).then((answer) => answer.text())).split('\n')).toContain(
        'aegis_ledger_writable 0',
      )
    } finally {
      await aegis.close()
    }
  })
})
