import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FIX_BRANCH, TEST_FILE } from '../../starter-kit/forge/index.ts'
import { gitSays } from '../forge/git-cli.ts'
import { type TestForge, testForge } from '../forge/harness.ts'
import { type Governed, governed } from '../support/governed.ts'
import { type Build, buildOfficialServer, type Detour, detourTo, HOST, MODULE, VERSION } from './github-mcp-server.ts'

const GRANTS = { contents: 'write', pull_requests: 'write', issues: 'write', statuses: 'read', checks: 'read' }
const WHERE = { owner: 'aegisflow', repo: 'aegisflow' }

const folder = await mkdtemp(join(tmpdir(), 'aegis-official-'))
const build: Build = await buildOfficialServer(folder)
if ('skipped' in build) console.warn(`${MODULE} ${VERSION} is not driven: ${build.skipped}`)
afterAll(() => rm(folder, { recursive: true, force: true }))

describe.skipIf('skipped' in build)(`the official ${MODULE} ${VERSION} against the forge`, () => {
  let forge: TestForge
  let detour: Detour
  let client: Client
  beforeAll(async () => {
    forge = await testForge()
    detour = await detourTo(forge)
    client = await connect(await forge.token(GRANTS, ['aegisflow']))
  })
  afterAll(async () => {
    await client.close()
    await detour.close()
    await forge.stop()
  })

  async function connect(token: string): Promise<Client> {
    const made = new Client({ name: 'test', version: '1' })
    const env = { PATH: process.env['PATH'] ?? '', HTTP_PROXY: detour.url, GITHUB_PERSONAL_ACCESS_TOKEN: token }
    const command = 'binary' in build ? build.binary : ''
    await made.connect(new StdioClientTransport({ command, args: ['stdio', '--gh-host', HOST], env, stderr: 'ignore' }))
    return made
  }

  async function call(name: string, args: object, through = client): Promise<{ text: string; failed: boolean }> {
    const result = await through.callTool({ name, arguments: { ...WHERE, ...args } })
    const parts = Array.isArray(result.content) ? result.content : []
    const text = parts.map((part) => (part.type === 'text' ? part.text : JSON.stringify(part))).join('\n')
    return { text, failed: result.isError === true }
  }

  it('reads a file at a branch', async () => {
    const file = await call('get_file_contents', { path: TEST_FILE, ref: `refs/heads/${FIX_BRANCH}` })
    expect(file).toMatchObject({ failed: false })
    expect(file.text).toContain('mu.Lock()')
  })

  it('makes a branch, pushes files, opens a pull request and merges it', async () => {
    expect(await call('create_branch', { branch: 'feat/official', from_branch: 'main' })).toMatchObject({
      failed: false,
    })
    const files = [{ path: 'docs/official.md', content: '# official\n' }]
    const pushed = await call('push_files', { branch: 'feat/official', files, message: 'docs: official' })
    expect(pushed).toMatchObject({ failed: false })
    expect(gitSays(forge.gitDir, 'diff', '--name-status', 'main', 'feat/official')).toBe('A\tdocs/official.md')
    const opened = await call('create_pull_request', { title: 'Official', head: 'feat/official', base: 'main' })
    expect(opened).toMatchObject({ failed: false })
    expect(opened.text).toContain('/aegisflow/aegisflow/pull/1247')
    const read = await call('pull_request_read', { method: 'get_files', pullNumber: 1247 })
    expect(read.text).toContain('docs/official.md')
    expect((await call('pull_request_read', { method: 'get_status', pullNumber: 1247 })).failed).toBe(false)
    const merged = await call('merge_pull_request', { pullNumber: 1247, merge_method: 'squash' })
    expect(merged).toMatchObject({ failed: false })
    expect(gitSays(forge.gitDir, 'show', 'main:docs/official.md')).toBe('# official')
  })

  it('updates and deletes a file', async () => {
    await call('create_branch', { branch: 'feat/edit', from_branch: 'main' })
    const edit = { branch: 'feat/edit', path: 'go.mod', content: 'module example.com/renamed\n', message: 'rename' }
    const sha = gitSays(forge.gitDir, 'rev-parse', 'feat/edit:go.mod')
    expect(await call('create_or_update_file', { ...edit, sha })).toMatchObject({ failed: false })
    expect(gitSays(forge.gitDir, 'show', 'feat/edit:go.mod')).toBe('module example.com/renamed')
    const removal = { branch: 'feat/edit', path: 'README.md', message: 'away' }
    expect(await call('delete_file', removal)).toMatchObject({ failed: false })
    expect(gitSays(forge.gitDir, 'ls-tree', '--name-only', 'feat/edit')).not.toContain('README.md')
  })

  it('is refused what its token does not hold, and everything once it is revoked', async () => {
    const token = await forge.token({ contents: 'read' }, ['aegisflow'])
    const narrow = await connect(token)
    expect(await call('create_branch', { branch: 'x', from_branch: 'main' }, narrow)).toMatchObject({ failed: true })
    await fetch(`${forge.url}/installation/token`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } })
    const after = await call('get_file_contents', { path: 'go.mod' }, narrow)
    expect([after.failed, after.text]).toEqual([true, expect.stringContaining('401')])
    await narrow.close()
  })
})

const POLICY = `version: 1
name: team
default_decision: block
rules:
  - { tool: "github.*", branch: "aegis/**", decision: allow }
  - { capability: read, decision: allow }
guards:
  protected_branches: { branches: [main], decision: rewrite }
`

describe.skipIf('skipped' in build)('the official server behind Aegis', () => {
  let house: Governed
  let detour: Detour
  beforeAll(async () => {
    house = await governed({
      policy: POLICY,
      async route(forge) {
        detour = await detourTo(forge)
        const command: [string, ...string[]] = ['binary' in build ? build.binary : '', 'stdio', '--gh-host', HOST]
        const env = { HTTP_PROXY: detour.url }
        return { kind: 'stdio', command, env, cwd: null, credentialEnv: 'GITHUB_PERSONAL_ACCESS_TOKEN' }
      },
    })
  })
  afterAll(async () => {
    await house.close()
    await detour.close()
  })

  it.each([
    ['push_files', { files: [{ path: 'docs/governed.md', content: '# governed\n' }] }, 'A\tdocs/governed.md'],
    ['create_or_update_file', { path: 'go.mod', content: 'module example.com/renamed\n' }, 'M\tgo.mod'],
    ['delete_file', { path: 'README.md' }, 'D\tREADME.md'],
  ])('%s on main ends as a pull request with the right diff, and the ledger tells it', async (tool, parameters, diff) => {
    const before = house.git('rev-parse', 'main')
    const { body } = await house.call(tool, { branch: 'main', message: tool, ...parameters })
    expect(body).toMatchObject({ decision: 'rewrite', outcome: 'ok', result: { rewritten: true } })
    expect(house.git('rev-parse', 'main')).toBe(before)
    expect(house.git('diff', '--name-status', 'main', body.result.branch).trim()).toBe(diff)
    const { body: logs } = await house.aegis.get('/admin/v1/logs?session=governed', house.aegis.adminKey)
    expect(logs.entries.slice(0, 2).map((entry: { kind: string }) => entry.kind)).toEqual(['result', 'rewrite'])
    expect(logs.entries[0].outcome.label).toBe(`pr/${body.result.pull_request.number}`)
  })

  it('goes on from the branch that was made, by its own tools', async () => {
    const { body } = await house.call('push_files', {
      branch: 'aegis/governed/more',
      message: 'more',
      files: [{ path: 'more.md', content: 'more\n' }],
    })
    expect(body).toMatchObject({ decision: 'allow', outcome: 'ok' })
    expect(house.git('show', 'aegis/governed/more:more.md')).toBe('more\n')
  })
})
