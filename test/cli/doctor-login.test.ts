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
  const roles = '[{ claim: groups, value: admins, role: admin }]'
  const login = `{ issuer: "${provider.issuer}", client_id: aegis, client_secret_file: oidc.secret, roles: ${roles} }`
  writeFileSync(join(home, '.config/aegis/aegis.yaml'), `version: 1\nauth: { login: ${login} }\n`)
})
afterAll(async () => {
  await provider.close()
  rmSync(home, { recursive: true })
})
afterEach(() => {
  provider.world.metadata = {}
})

async function look(secretMode: number) {
  const file = join(home, '.config/aegis/oidc.secret')
  rmSync(file, { force: true })
  writeFileSync(file, 'secret', { mode: secretMode })
  const checks = await runChecks({ env: {}, home, cwd: home, out: () => undefined, err: () => undefined })
  return checks.find(({ name }) => name === 'login')
}

it('the doctor asks the provider where people log in for its addresses and keys', async () => {
  expect(await look(0o600)).toMatchObject({ state: 'ok', detail: `people log in at ${provider.issuer}` })
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
