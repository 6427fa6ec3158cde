import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { captured } from '../support/captured.ts'
import { ADMIN_KEY, type Installation, install } from '../support/installation.ts'

let aegis: Installation
const before = { ...process.env }

beforeAll(async () => {
  aegis = await install()
  process.env['AEGIS_CONFIG_DIR'] = aegis.folder
  process.env['AEGIS_ADMIN_URL'] = aegis.urls.admin
  process.env['AEGIS_API_KEY'] = ADMIN_KEY
  const call = { protocol: 'shell', tool: 'shell.rm', capability: 'delete', target: 'rm -rf <b>/', session: 'sess-1' }
  await aegis.post('/admin/v1/test-action', { ...call, agent: '<script>alert(1)</script>' })
  await aegis.get('/admin/v1/evidence/checkpoint', ADMIN_KEY)
})

afterAll(async () => {
  process.env = before
  await aegis.close()
})

afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

const aegisctl = (...words: string[]) => captured(() => main('aegisctl', ['evidence', ...words]))

const path = (name: string) => join(aegis.folder, name)
const exported = (format: string, name: string) =>
  aegisctl('export', '--session', 'sess-1', '--format', format, '--out', path(name), '--store', path('aegis.db'))

it('writes a report that a person reads and `verify` checks, by the bundle in it and not by what it shows', async () => {
  const { exit, err } = await exported('html', 'report.html')
  expect([exit, err]).toEqual([0, ''])
  const page = readFileSync(path('report.html'), 'utf8')
  expect(page.startsWith('<!doctype html>')).toBe(true)
  expect(page.includes('<script')).toBe(false)
  expect(statSync(path('report.html')).mode & 0o777).toBe(0o600)

  const verified = await aegisctl('verify', '--bundle', path('report.html'))
  expect(verified.out).toContain('audit log integrity verified')
  expect(verified.out).toContain('trust: self-signed')
  expect(verified.exit).toBe(0)

  writeFileSync(path('forged.html'), page.replaceAll('Blocked', 'Allowed'))
  expect((await aegisctl('verify', '--bundle', path('forged.html'))).out).toContain(' block shell.line')
  writeFileSync(path('tampered.html'), page.replace('shell.line\\', 'shell.life\\'))
  expect((await aegisctl('verify', '--bundle', path('tampered.html'))).exit).toBe(1)
  writeFileSync(path('empty.html'), page.replace('id="aegis-bundle"', 'id="none"'))
  expect((await aegisctl('verify', '--bundle', path('empty.html'))).exit).toBe(3)
})

it('writes an in-toto statement that the server signs with the key of the log', async () => {
  const { exit, out } = await exported('dsse', 'statement.json')
  expect(exit).toBe(0)
  const { payload, payloadType, signatures } = JSON.parse(readFileSync(path('statement.json'), 'utf8'))
  expect(payloadType).toBe('application/vnd.in-toto+json')
  const [{ keyid }] = signatures
  expect(readFileSync(path('log.vkey'), 'utf8')).toContain(keyid)
  const { subject } = JSON.parse(Buffer.from(payload, 'base64').toString())
  expect(out).toContain(`session_manifest_hash: ${subject[0].digest.sha256}`)
})

it('knows no other format', async () => {
  const { exit, err } = await exported('pdf', 'report.pdf')
  expect(err).toContain('--format is one of bundle, html, dsse')
  expect(exit).toBe(2)
})
