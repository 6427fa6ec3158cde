import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { runChecks } from '../../src/cli/doctor/checks.ts'
import { type OpenidProvider, startOpenid } from '../support/openid.ts'

let home: string
let provider: OpenidProvider
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'aegis-doctor-'))
  mkdirSync(join(home, '.config/aegis'), { recursive: true })
  provider = await startOpenid()
  configure(provider.issuer)
})
afterAll(async () => {
  await provider.close()
  rmSync(home, { recursive: true })
})
afterEach(() => {
  provider.world.metadata = {}
  configure(provider.issuer)
})

function configure(issuer: string, more = ''): void {
  const roles = '[{ claim: groups, value: admins, role: admin }]'
  const login = `{ issuer: "${issuer}", client_id: aegis, client_secret_file: oidc.secret, roles: ${roles} }`
  writeFileSync(join(home, '.config/aegis/aegis.yaml'), `version: 1\nauth: { ${more}login: ${login} }\n`)
}

async function look(secretMode: number) {
  const file = join(home, '.config/aegis/oidc.secret')
  rmSync(file, { force: true })
  writeFileSync(file, 'secret', { mode: secretMode })
  const checks = await runChecks({ env: {}, home, cwd: home, out: () => undefined, err: () => undefined })
  return checks.find(({ name }) => name === 'login')
}

it('the doctor asks the provider where people log in for its addresses and keys', async () => {
  const told = 'which must know the redirect address http://127.0.0.1:8081/login/callback'
  expect(await look(0o600)).toMatchObject({ state: 'ok', detail: `people log in at ${provider.issuer}, ${told}` })
})

it('the doctor names the redirect address behind a proxy as browsers reach it', async () => {
  configure(provider.issuer, 'admin_url: "https://aegis-admin.example.com", ')
  expect((await look(0o600))?.detail).toContain(' https://aegis-admin.example.com/login/callback')
})

it('the doctor tells of a client secret that others may read', async () => {
  expect(await look(0o644)).toMatchObject({ state: 'fail', detail: expect.stringContaining('others on this machine') })
})

it.each([
  ['no token endpoint', { token_endpoint: undefined }, 'names no safe `token_endpoint`'],
  [
    'an address that is none',
    { authorization_endpoint: 'javascript:alert(1)' },
    'names no safe `authorization_endpoint`',
  ],
  ['another issuer', { issuer: 'https://evil.example' }, 'speaks for another issuer'],
])('the doctor tells of a provider that cannot be used: %s', async (_, metadata, said) => {
  provider.world.metadata = metadata
  expect(await look(0o600)).toMatchObject({ state: 'fail', detail: expect.stringContaining(said) })
})

it('the doctor names the issuer that was found, and how to mend a slash too many', async () => {
  configure(`${provider.issuer}/`)
  const { detail, advice } = (await look(0o600)) ?? {}
  expect(detail).toContain(`speaks for another issuer: ${provider.issuer}, not ${provider.issuer}/`)
  expect(advice).toContain(`write \`issuer: ${provider.issuer}\` in aegis.yaml`)
})

it.each([
  ['other hosts, shown as they are', 'https://evil.example', 'https://evil.example'],
  ['nothing that is no address', 'ends here\u001b[2J', null],
])('the doctor quotes of who speaks for another issuer %s', async (_, issuer, quoted) => {
  provider.world.metadata = { issuer }
  const { detail = '', advice } = (await look(0o600)) ?? {}
  expect(detail).not.toContain('\u001b')
  if (quoted !== null) expect(detail).toContain(quoted)
  expect(advice).toMatch(/issuer/)
})

it('the doctor says what to do about a provider that is not there', async () => {
  configure('http://127.0.0.1:1')
  expect(await look(0o600)).toMatchObject({ state: 'fail', advice: expect.stringContaining('reaches that address') })
})
