import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { DEFAULT_LOGIN } from '../../src/identity/index.ts'
import { captured } from '../support/captured.ts'
import { createBrowser } from '../support/cookie-browser.ts'
import { ADMIN_KEY, type Installation, install } from '../support/installation.ts'
import { CLIENT, type OpenidProvider, startOpenid } from '../support/openid.ts'

/** Many providers let people write this themselves; here it is the name of a key. */
const MALLORY = { sub: 'mallory-1', name: 'admin', email: 'mallory@example.com', email_verified: true }

let folder: string
let provider: OpenidProvider
let aegis: Installation
let principal: string
let byLogin: string
let byKey: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'aegis-login-'))
  const clientSecretFile = join(folder, 'client.secret')
  writeFileSync(clientSecretFile, `${CLIENT.secret}\n`, { mode: 0o600 })
  provider = await startOpenid()
  provider.world.user = { ...MALLORY, groups: ['aegis-reviewers'] }
  principal = `oidc:${createHash('sha256').update(provider.issuer).digest('hex').slice(0, 12)}:mallory-1`
  aegis = await install({
    auth: { login: { ...DEFAULT_LOGIN, provider: { ...provider.settings, clientSecretFile } } },
  })
  provider.world.redirectUri = `${aegis.urls.admin}/login/callback`
  process.env['AEGIS_ADMIN_URL'] = aegis.urls.admin
  process.env['AEGIS_API_KEY'] = ADMIN_KEY
  byLogin = await asked()
  byKey = await asked()
  expect(await approvedByLogin(byLogin)).toMatchObject({
    ...{ reviewer: 'login mallory@example.com (as admin)', principal, channel: 'dashboard' },
  })
  const { body } = await aegis.post(`/admin/v1/approvals/${byKey}/approve`, { comment: 'seen' }, ADMIN_KEY)
  expect(body).toMatchObject({ reviewer: 'admin', principal: expect.stringMatching(/^key_/) })
})

afterAll(async () => {
  delete process.env['AEGIS_ADMIN_URL']
  delete process.env['AEGIS_API_KEY']
  await aegis.close()
  await provider.close()
  rmSync(folder, { recursive: true })
})

async function asked(): Promise<string> {
  const parameters = { title: `one more (${Math.random()})`, head: 'feat/x', base: 'main' }
  const action = { protocol: 'git', tool: 'github.create_pull_request', target: 'aegisflow/aegisflow', parameters }
  return (await aegis.post('/admin/v1/actions', action)).body.envelope_id
}

async function approvedByLogin(id: string): Promise<unknown> {
  const browser = createBrowser()
  const who = '/admin/v1/whoami'
  const page = await browser.open(`${aegis.urls.admin}/login/start?return_to=${encodeURIComponent(who)}`)
  const [cookie] = [...browser.jar].flatMap(([name, { value }]) => (name.includes('session') ? `${name}=${value}` : []))
  const headers = { 'content-type': 'application/json', 'x-csrf-token': JSON.parse(page.text).csrf }
  const sent = await fetch(`${aegis.urls.admin}/admin/v1/approvals/${id}/approve`, {
    method: 'POST',
    headers: { ...headers, origin: aegis.urls.admin, cookie: cookie ?? '' },
    body: '{"comment":"seen"}',
  })
  return sent.json()
}

const aegisctl = async (...words: string[]) => (await captured(() => main('aegisctl', words))).out
const lineWith = (text: string, ...parts: string[]) =>
  text.split('\n').filter((line) => parts.every((part) => line.includes(part)))

describe('a person who calls themselves `admin` at the provider is told apart from the key `admin`', () => {
  const login = () => `admin (login mallory@example.com, ${principal})`
  const store = () => ['--store', aegis.config.store]

  it('in what `evidence verify` prints', async () => {
    const out = await aegisctl('evidence', 'verify', '--all', ...store())
    const { session } = (await aegis.get(`/admin/v1/approvals/${byKey}`, ADMIN_KEY)).body.actor
    const told = `${out}${await aegisctl('evidence', 'verify', '--session', session, ...store())}`
    expect(told).toContain(`envelope ${byLogin} approve ${login()}\n`)
    expect(told).toContain(`envelope ${byKey} approve admin (key admin)\n`)
  })

  it('in `aegisctl audit`, which says who decided under BY, and `logs`, which tells agents from reviewers', async () => {
    const audit = await aegisctl('audit')
    expect(audit.split('\n')[0]).toMatch(/^TIME +SESSION +KIND +TOOL +BY +ENVELOPE *$/)
    expect(lineWith(audit, byLogin, login())).toHaveLength(1)
    expect(lineWith(audit, byKey, 'admin (key admin)')).toHaveLength(1)
    const logs = await aegisctl('logs')
    expect(logs.split('\n')[0]).toMatch(/^TIME +AGENT +SESSION +KIND +TOOL +RULE +REVIEWER +OUTCOME +ENVELOPE *$/)
    const at = logs.split('\n')[0]?.indexOf('AGENT') ?? 0
    const agents = lineWith(logs, ' approve ').map((line) => line.slice(at).startsWith('      '))
    expect(agents).toEqual([true, true])
  })

  it('in `aegisctl why` and `aegisctl pending ID`', async () => {
    expect(await aegisctl('why', byLogin)).toContain(
      `by login mallory@example.com (${principal}, as admin) over dashboard`,
    )
    expect(await aegisctl('why', byKey)).toMatch(/by admin \(key_\w+\) over rest/)
    expect(await aegisctl('pending', byLogin)).toMatch(/^reviewer +login mallory@example.com \(as admin\)$/m)
  })

  it('in the report for people', async () => {
    const { session } = (await aegis.get(`/admin/v1/approvals/${byLogin}`, ADMIN_KEY)).body.actor
    const file = join(folder, 'report.html')
    await aegisctl('evidence', 'export', '--session', session, '--format', 'html', '--out', file, ...store())
    const page = readFileSync(file, 'utf8')
    expect(page).toContain(`(login <bdi>mallory@example.com</bdi>, <bdi class="mono">${principal}</bdi>)`)
    expect(page).toContain('(key <bdi>admin</bdi>, <bdi class="mono">key_')
  })

  it('at the dashboard', async () => {
    const browser = createBrowser()
    await browser.post(`${aegis.urls.admin}/login`, { key: ADMIN_KEY })
    for (const path of [`/approvals/${byLogin}`, `/actions/${byLogin}`]) {
      const { text } = await browser.get(aegis.urls.admin + path, 'same-origin')
      const words = text.replace(/<[^>]*>/g, '')
      expect(words).toContain('login mallory@example.com (as admin)')
      expect(words).toContain(`login ${principal}`)
    }
  })
})
