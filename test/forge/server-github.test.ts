import { spawnSync } from 'node:child_process'
import { Client as ModernClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Front, preloadFile, serverGithubCommand, startFront } from '../../starter-kit/forge/index.ts'
import { gitSays } from './git-cli.ts'
import { type TestForge, testForge } from './harness.ts'

const GRANTS = { contents: 'write', pull_requests: 'write', issues: 'write', statuses: 'read' }
const WHERE = { owner: 'aegisflow', repo: 'aegisflow' }

let forge: TestForge
let front: Front
beforeAll(async () => {
  forge = await testForge()
  front = await startFront({ forgeUrl: forge.url })
})
afterAll(async () => {
  await front.close()
  await forge.stop()
})

async function overStdio(token: string | null): Promise<Client> {
  const [command = '', ...args] = serverGithubCommand()
  const secret = token === null ? {} : { GITHUB_PERSONAL_ACCESS_TOKEN: token }
  const env = { PATH: process.env['PATH'] ?? '', AEGIS_FORGE_URL: forge.url, ...secret }
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(new StdioClientTransport({ command, args, env, stderr: 'ignore' }))
  return client
}

async function overHttp(token: string | null): Promise<ModernClient> {
  const headers = token === null ? {} : { authorization: `Bearer ${token}` }
  const client = new ModernClient({ name: 'test', version: '1' })
  await client.connect(new StreamableHTTPClientTransport(new URL(front.url), { requestInit: { headers } }))
  return client
}

async function call(client: Client | ModernClient, name: string, args: object) {
  const result = await client.callTool({ name, arguments: { ...WHERE, ...args } })
  const [first] = Array.isArray(result.content) ? result.content : []
  return JSON.parse(first?.type === 'text' ? first.text : 'null')
}

describe.each([
  ['stdio', overStdio, 'one'],
  ['the HTTP front', overHttp, 'two'],
] as const)('server-github over %s', (_, connect, name) => {
  it('lists its tools without a token', async () => {
    const client = await connect(null)
    const { tools } = await client.listTools()
    expect(tools.map((tool) => tool.name)).toContain('create_pull_request')
    await client.close()
  })

  it('reads a file, makes a branch, pushes files and opens a pull request with exactly that diff', async () => {
    const client = await connect(await forge.token(GRANTS, ['aegisflow']))
    const readme = await call(client, 'get_file_contents', { path: 'README.md' })
    expect(readme.content).toContain('hash-chained evidence log')
    await call(client, 'create_branch', { branch: `feat/${name}` })
    const files = [
      { path: `docs/${name}.md`, content: `# ${name}\n` },
      { path: 'README.md', content: `${readme.content}\nSee ${name}.\n` },
    ]
    await call(client, 'push_files', { branch: `feat/${name}`, files, message: `docs: ${name}` })
    const pull = await call(client, 'create_pull_request', {
      title: `Docs ${name}`,
      head: `feat/${name}`,
      base: 'main',
    })
    expect(pull).toMatchObject({ state: 'open', title: `Docs ${name}`, user: { login: 'aegis-local[bot]' } })
    expect(pull.html_url).toBe(`${forge.url}/aegisflow/aegisflow/pull/${pull.number}`)
    const diff = gitSays(forge.gitDir, 'diff', '--stat=200', 'main', `feat/${name}`)
    expect(diff).toContain(`docs/${name}.md | 1 +`)
    expect(diff).toContain('README.md')
    expect(diff).toContain('2 files changed, 3 insertions(+)')
    expect(gitSays(forge.gitDir, 'show', `feat/${name}:docs/${name}.md`)).toBe(`# ${name}`)
    const listed = await call(client, 'get_pull_request_files', { pull_number: pull.number })
    expect(listed.map((file: { filename: string }) => file.filename)).toEqual(['README.md', `docs/${name}.md`])
    await client.close()
  })

  it('says what was wrong with a bad, a revoked or a narrow token', async () => {
    const bad = await connect('ghs_000000000000000000000000000000000000')
    await expect(call(bad, 'get_file_contents', { path: 'README.md' })).rejects.toThrow(/Bad credentials/)
    await bad.close()
    const narrow = await connect(await forge.token({ contents: 'read' }, ['aegisflow']))
    await expect(call(narrow, 'create_branch', { branch: 'x' })).rejects.toThrow(/not accessible by integration/)
    await narrow.close()
  })
})

describe('every other tool of server-github', () => {
  let client: Client
  beforeAll(async () => {
    client = await overStdio(await forge.token({ ...GRANTS, workflows: 'write' }))
  })
  afterAll(() => client.close())

  it('works on files, commits and branches', async () => {
    await call(client, 'create_branch', { branch: 'feat/files', from_branch: 'main' })
    const file = { path: 'notes.txt', content: 'one', message: 'notes', branch: 'feat/files' }
    const made = await call(client, 'create_or_update_file', file)
    expect(made.content.path).toBe('notes.txt')
    await call(client, 'create_or_update_file', { ...file, content: 'two' })
    expect(gitSays(forge.gitDir, 'show', 'feat/files:notes.txt')).toBe('two')
    const commits = await call(client, 'list_commits', { sha: 'feat/files' })
    expect(commits.map((one: { commit: { message: string } }) => one.commit.message)).toEqual([
      'notes',
      'notes',
      'start the evidence chain',
    ])
    const folder = await call(client, 'get_file_contents', { path: 'internal/evidence', branch: 'feat/files' })
    expect(folder).toHaveLength(2)
  })

  it('works on issues', async () => {
    const issue = await call(client, 'create_issue', { title: 'Flaky test', body: 'sometimes red', labels: ['bug'] })
    const { number: issue_number } = issue
    await call(client, 'add_issue_comment', { issue_number, body: 'seen again' })
    await call(client, 'update_issue', { issue_number, state: 'closed' })
    expect(await call(client, 'get_issue', { issue_number })).toMatchObject({ state: 'closed', comments: 1 })
    const closed = await call(client, 'list_issues', { state: 'closed', labels: ['bug'] })
    expect(closed).toHaveLength(1)
    expect(await call(client, 'search_issues', { q: 'flaky is:issue repo:aegisflow/aegisflow' })).toMatchObject({
      total_count: 1,
    })
  })

  it('works on pull requests, from opening to merge', async () => {
    const pull = await call(client, 'create_pull_request', {
      title: 'fix: stabilize flaky TestEvidenceChain_Concurrent',
      head: 'claude/fix-flaky-evidence-test',
      base: 'main',
      body: 'one file',
    })
    const at = { pull_number: pull.number }
    expect(await call(client, 'get_pull_request', at)).toMatchObject({ number: pull.number, body: 'one file' })
    expect((await call(client, 'list_pull_requests', { state: 'open' })).length).toBeGreaterThan(0)
    expect(await call(client, 'get_pull_request_status', at)).toMatchObject({ state: 'pending', total_count: 0 })
    await call(client, 'create_pull_request_review', {
      ...at,
      body: 'scoped to the test file',
      event: 'COMMENT',
      comments: [{ path: 'internal/evidence/chain_test.go', line: 22, body: 'good' }],
    })
    expect(await call(client, 'get_pull_request_reviews', at)).toMatchObject([{ state: 'COMMENTED' }])
    const [comment] = await call(client, 'get_pull_request_comments', at)
    expect(comment.diff_hunk).toMatch(/^@@ .*\+\tvar mu sync\.Mutex$/s)
    await call(client, 'create_or_update_file', { path: 'NEWS.md', content: 'x', message: 'news', branch: 'main' })
    await call(client, 'update_pull_request_branch', at)
    const merged = await call(client, 'merge_pull_request', { ...at, merge_method: 'squash' })
    expect(merged).toMatchObject({ merged: true })
    expect(gitSays(forge.gitDir, 'show', '--stat', '--format=%s', merged.sha)).toContain('chain_test.go')
  })

  it('searches code, users and repositories', async () => {
    expect(await call(client, 'search_code', { q: 'sync.Mutex extension:go' })).toMatchObject({ total_count: 2 })
    expect(await call(client, 'search_users', { q: 'aegisflow' })).toMatchObject({ items: [{ login: 'aegisflow' }] })
    const repositories = await call(client, 'search_repositories', { query: 'aegis' })
    expect(repositories).toMatchObject({ items: [{ full_name: 'aegisflow/aegisflow' }] })
  })

  it('may not make or fork repositories', async () => {
    await expect(call(client, 'create_repository', { name: 'x' })).rejects.toThrow(/not accessible/)
    await expect(call(client, 'fork_repository', {})).rejects.toThrow(/not accessible/)
  })
})

describe('the preload', () => {
  const run = (script: string, url?: string) =>
    spawnSync(process.execPath, ['--import', preloadFile(), '-e', script], {
      env: { PATH: process.env['PATH'] ?? '', ...(url === undefined ? {} : { AEGIS_FORGE_URL: url }) },
      encoding: 'utf8',
      timeout: 20_000,
    })

  it('refuses to run without a forge on loopback, so that no token ever leaves', () => {
    expect(run('0').status).toBe(2)
    expect(run('0', 'https://api.github.com').status).toBe(2)
    expect(run('0', 'http://127.0.0.1.evil.example').status).toBe(2)
  })

  it('lets nothing else of GitHub through', () => {
    const script = "fetch('https://uploads.github.com/x').catch((error) => console.log(error.message))"
    expect(run(script, 'http://127.0.0.1:9').stdout).toContain('not served here')
  })
})
