import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Context } from '../../src/cli/context.ts'
import { separation } from '../../src/cli/doctor/separation.ts'
import { ADMIN_KEY, type Installation, install, secretOf } from '../support/installation.ts'

let aegis: Installation
beforeAll(async () => {
  aegis = await install({ keys: { vera: { role: 'viewer', owner: 'vera' } } })
})
afterAll(() => aegis.close())

/** Somebody's configuration directory with these files in it. */
function somebody(files: Record<string, object | string>): Context {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-doctor-'))
  for (const [name, value] of Object.entries(files)) {
    writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value))
  }
  const env = { AEGIS_CONFIG_DIR: folder, AEGIS_DATA_DIR: folder }
  return { env, home: folder, cwd: folder, out: () => {}, err: () => {} }
}

const locked = { v: 1, url: 'http://127.0.0.1:1', socket: null, principal: 'key_1', name: 'rita', role: 'reviewer' }
const agent = { agent_key: 'agent-key', socket: '/run/aegis/agents.sock', service_user: 'aegis' }
const config = 'version: 1\n'

describe('aegis doctor on what keeps agents apart', () => {
  it.each([
    ['warn', 'can read the admin key and the store', { 'aegis.yaml': config, 'client.json': { admin_key: 'k' } }],
    ['warn', 'behind a passphrase; the server and its store', { 'client.json': { protected_key: locked } }],
    ['warn', 'can read the admin key', { 'client.json': { admin_key: 'k', protected_key: locked } }],
    ['ok', 'no key that could approve is kept here', { 'agent.json': agent }],
    ['ok', 'behind a passphrase', { 'agent.json': agent, 'client.json': { protected_key: locked } }],
    [
      'ok',
      'the server runs as user aegis',
      { 'aegis.yaml': config, 'agent.json': agent, 'client.json': { admin_key: 'k' } },
    ],
  ])('%ss: %s', async (state, detail, files) => {
    expect(await separation(somebody(files))).toMatchObject({ state, detail: expect.stringContaining(detail) })
  })

  it.each([
    ['ok', 'only reads', () => secretOf('vera'), () => aegis.urls.admin],
    ['warn', 'an agent could approve with', () => ADMIN_KEY, () => aegis.urls.admin],
    ['warn', 'an agent could approve with', () => 'unknown', () => aegis.urls.admin],
    ['warn', 'could not be asked: the server does not say', () => secretOf('vera'), () => 'http://127.0.0.1:1'],
  ])('%ss of a key in the plain beside a server of another user: %s', async (state, detail, key, url) => {
    const files = { 'agent.json': agent, 'client.json': { admin_url: url(), admin_key: key() } }
    expect(await separation(somebody(files))).toMatchObject({ state, detail: expect.stringContaining(detail) })
  })

  it('looks at no file that it cannot read as if it held no key', async () => {
    const damaged = somebody({ 'client.json': '{"admin_key": secret-in-file}' })
    await expect(separation(damaged)).rejects.toThrow('client.json cannot be read as JSON')
  })
})
