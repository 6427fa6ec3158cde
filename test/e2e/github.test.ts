import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { UpstreamSettings } from '../../src/config.ts'
import { openStores } from '../../src/store/open.ts'
import {
  createAppKey,
  type Forge,
  type Front,
  serverGithubCommand,
  startForge,
  startFront,
} from '../../starter-kit/forge/index.ts'
import { type Installation, install } from '../support/installation.ts'

const TOKEN = /ghs_[\w.-]{10,}/

/** The whole main job on real parts: an App token, a GitHub MCP server nobody here wrote, a forge over a real bare repository. */
describe.each(['stdio', 'http'] as const)('a governed pull request, %s upstream', (transport) => {
  let folder: string
  let forge: Forge
  let front: Front | null = null
  let aegis: Installation

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'aegis-forge-'))
    const key = createAppKey()
    const privateKeyFile = join(folder, 'app.pem')
    writeFileSync(privateKeyFile, key.privateKeyPem, { mode: 0o600 })
    forge = await startForge({
      port: 0,
      dataDir: join(folder, 'forge'),
      repository: 'aegisflow/aegisflow',
      app: { appId: 1, publicKeyPem: key.publicKeyPem },
      installationId: 7,
    })
    front = transport === 'http' ? await startFront({ forgeUrl: forge.url }) : null
    const [program = process.execPath, ...args] = serverGithubCommand()
    const route: UpstreamSettings['route'] =
      front === null
        ? {
            kind: 'stdio',
            command: [program, ...args],
            env: { AEGIS_FORGE_URL: forge.url },
            cwd: null,
            credentialEnv: 'GITHUB_PERSONAL_ACCESS_TOKEN',
          }
        : { kind: 'http', url: front.url, headers: {} }
    aegis = await install({
      upstreams: { github: { catalog: 'github', route, credential: 'forge', onReview: 'refuse', timeout: null } },
      credentials: {
        forge: { type: 'github_app', appId: '1', privateKeyFile, apiUrl: forge.url, installationId: null },
      },
    })
  })
  afterAll(async () => {
    await aegis.close()
    await front?.close()
    await forge.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const pullRequest = {
    protocol: 'git',
    tool: 'github.create_pull_request',
    target: 'aegisflow/aegisflow',
    capability: 'write',
    parameters: { title: 'fix: stabilize flaky test', head: 'claude/fix-flaky-evidence-test', base: 'main' },
    session: 'story',
  }

  it('runs once, with a token for this call alone, after a person agreed', async () => {
    const read = {
      protocol: 'git',
      tool: 'github.get_file_contents',
      target: 'aegisflow/aegisflow',
      parameters: { path: 'README.md' },
      session: 'story',
    }
    const got = await aegis.post('/admin/v1/test-action', { ...read, execute: true })
    expect(got.body).toMatchObject({ decision: 'allow', outcome: 'ok', result: { path: 'README.md' } })

    const asked = await aegis.post('/admin/v1/test-action', pullRequest)
    expect(asked.body.error.code).toBe(-32002)
    await aegis.post(
      `/admin/v1/approvals/${asked.body.envelope_id}/approve`,
      { comment: 'looks right', reviewer: 'alice' },
      aegis.adminKey,
    )
    const done = await aegis.post('/admin/v1/test-action', pullRequest)
    expect(done.body).toMatchObject({
      decision: 'allow',
      matched_rule: `approved:${asked.body.envelope_id}`,
      credential: { type: 'github_app_installation', scope: 'pull_requests:write,contents:read', expires_in: 600 },
      result: { pr_number: 1247, pr_url: expect.stringContaining('/aegisflow/aegisflow/pull/1247') },
    })
  })

  it('leaves the evidence of it, and no token anywhere', async () => {
    const { body } = await aegis.post('/admin/v1/evidence/sessions/story/verify', {}, aegis.adminKey)
    expect(body).toMatchObject({ valid: true, findings: [] })
    const { body: logs } = await aegis.get('/admin/v1/logs?session=story', aegis.adminKey)
    const kinds = logs.entries.map((entry: { kind: string }) => entry.kind).reverse()
    expect(kinds).toEqual(['allow', 'result', 'review', 'approve', 'allow', 'result'])
    expect(logs.entries[0].outcome).toMatchObject({
      label: 'pr/1247',
      status: 'ok',
      credential: { scope: 'pull_requests:write,contents:read' },
    })
    await aegis.stop()
    for (const name of readdirSync(aegis.folder)) {
      expect(readFileSync(join(aegis.folder, name), 'latin1'), name).not.toMatch(TOKEN)
    }
    const stores = await openStores(aegis.config.store)
    expect(await stores.revocations.count()).toBe(0)
    await stores.close()
    await aegis.restart()
  })
})
