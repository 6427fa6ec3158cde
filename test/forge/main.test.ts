import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createAppKey, startForge } from '../../starter-kit/forge/index.ts'
import { testForge } from './harness.ts'

const folder = mkdtempSync(join(tmpdir(), 'aegis-forge-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const { publicKeyPem } = createAppKey()
const options = { port: 0, repository: 'aegisflow/aegisflow', app: { appId: 1, publicKeyPem }, installationId: 1 }

describe('a forge that cannot start says why', () => {
  it('where the port is taken', async () => {
    const first = await testForge()
    await expect(startForge({ ...options, dataDir: join(folder, 'busy'), port: first.port })).rejects.toThrow(
      /port \d+ is in use/,
    )
    await first.stop()
  })

  it.each([
    ['a path for a repository', { repository: '../x/y' }, /no repository name/],
    ['a key that is none', { app: { appId: 1, publicKeyPem: 'nonsense' } }, /public key/],
  ])('where it is given %s', async (_, wrong, message) => {
    await expect(startForge({ ...options, dataDir: join(folder, 'wrong'), ...wrong })).rejects.toThrow(message)
  })

  it.each([
    '{',
    '{"version":2}',
    '[]',
    'null',
  ])('where its state is %s, and leaves the file as it was', async (content) => {
    const dataDir = mkdtempSync(join(folder, 'state-'))
    writeFileSync(join(dataDir, 'state.json'), content)
    await expect(startForge({ ...options, dataDir })).rejects.toThrow(/forge state/)
    expect(readFileSync(join(dataDir, 'state.json'), 'utf8')).toBe(content)
  })
})
