import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/core/json.ts'
import { FIX_BRANCH, TEST_FILE } from '../../starter-kit/forge/index.ts'
import { gitSays } from './git-cli.ts'
import { type Answer, ask, REPO, type TestForge, testForge } from './harness.ts'
import { unanswered } from './openapi.ts'

// Every exchange in this file is checked against GitHub's OpenAPI description by `ask`.
let forge: TestForge
let token: string
beforeAll(async () => {
  forge = await testForge()
  token = await forge.token()
})
afterAll(() => forge.stop())

const to = (line: `${string} /${string}`, body?: JsonObject): Promise<Answer> => ask(forge, line, token, body)
const tip = (branch: string): string => gitSays(forge.gitDir, 'rev-parse', `refs/heads/${branch}`)
const base64 = (text: string): string => Buffer.from(text).toString('base64')

async function branchOff(name: string): Promise<void> {
  const made = await to(`POST ${REPO}/git/refs`, { ref: `refs/heads/${name}`, sha: tip('main') })
  expect(made.status).toBe(201)
}

async function put(branch: string, path: string, text: string, sha?: string): Promise<Answer> {
  const body = { message: `put ${path}`, content: base64(text), branch }
  return to(`PUT ${REPO}/contents/${path}`, sha === undefined ? body : { ...body, sha })
}

const pathOf = (kind: 'pulls' | 'issues', answer: Answer): `/${string}` => `${REPO}/${kind}/${answer.body['number']}`

async function openPull(head: string, more: JsonObject = {}): Promise<Answer> {
  return to(`POST ${REPO}/pulls`, { title: `Pull ${head}`, head, base: 'main', ...more })
}

describe('the repository', () => {
  it('is described in full, whatever case its name is asked in', async () => {
    expect((await to(`GET ${REPO}`)).body).toMatchObject({
      full_name: 'aegisflow/aegisflow',
      default_branch: 'main',
      private: true,
    })
    expect((await to('GET /repos/AegisFlow/AEGISFLOW')).body['full_name']).toBe('aegisflow/aegisflow')
    expect((await to(`GET /api/v3${REPO}`)).status).toBe(200)
    expect((await to('GET /installation/repositories')).body['total_count']).toBe(1)
  })

  it('lists branches, pages them, and shows one', async () => {
    const first = await to(`GET ${REPO}/branches?per_page=1`)
    expect(first.list.map(({ name }) => name)).toEqual([FIX_BRANCH])
    expect(first.headers.get('link')).toContain('rel="next"')
    expect((await to(`GET ${REPO}/branches?per_page=1&page=2`)).list.map(({ name }) => name)).toEqual(['main'])
    expect((await to(`GET ${REPO}/branches/${FIX_BRANCH}`)).body['name']).toBe(FIX_BRANCH)
    expect((await to(`GET ${REPO}/branches/nowhere`)).status).toBe(404)
    expect((await to(`GET ${REPO}/rules/branches/main`)).list).toEqual([])
  })

  it('starts with the same commits every time', () => {
    expect(gitSays(forge.gitDir, 'log', '--format=%s', FIX_BRANCH)).toMatch(
      /^fix: stabilize flaky .*\nstart the evidence chain$/,
    )
    expect(gitSays(forge.gitDir, 'diff', '--name-only', 'main', FIX_BRANCH)).toBe(TEST_FILE)
    expect(gitSays(forge.gitDir, 'fsck', '--strict')).toBe('')
  })
})

describe('contents', () => {
  it('gives files in base64, folders as lists, and both at any ref', async () => {
    const file = await to(`GET ${REPO}/contents/${TEST_FILE}?ref=${FIX_BRANCH}`)
    expect(Buffer.from(String(file.body['content']), 'base64').toString()).toContain('mu.Lock()')
    expect((await to(`GET ${REPO}/contents/${TEST_FILE}?ref=${tip('main')}`)).status).toBe(200)
    expect((await to(`GET ${REPO}/contents/`)).list.map(({ name }) => name)).toContain('go.mod')
    expect((await to(`GET ${REPO}/contents/internal/evidence`)).list).toHaveLength(2)
    expect((await to(`GET ${REPO}/contents/absent`)).status).toBe(404)
    expect((await to(`GET ${REPO}/contents/go.mod?ref=absent`)).status).toBe(404)
  })

  it('serves raw files as plain text only', async () => {
    const raw = await to(`GET /raw/aegisflow/aegisflow/refs/heads/${FIX_BRANCH}/${TEST_FILE}`)
    expect(raw.headers.get('content-type')).toMatch(/^text\/plain/)
    expect(raw.body['text']).toContain('mu.Lock()')
    expect((await to('GET /raw/aegisflow/aegisflow/main/README.md')).status).toBe(200)
  })

  it('creates, replaces only what the caller has seen, and deletes', async () => {
    await branchOff('contents')
    const made = await put('contents', 'a/b.txt', 'one\n')
    expect([made.status, gitSays(forge.gitDir, 'show', 'contents:a/b.txt')]).toEqual([201, 'one'])
    expect((await put('contents', 'a/b.txt', 'two\n')).status).toBe(422)
    expect((await put('contents', 'a/b.txt', 'two\n', '0'.repeat(40))).status).toBe(409)
    const sha = gitSays(forge.gitDir, 'rev-parse', 'contents:a/b.txt')
    expect((await put('contents', 'a/b.txt', 'two\n', sha)).status).toBe(200)
    const removal = { message: 'away', branch: 'contents', sha: gitSays(forge.gitDir, 'rev-parse', 'contents:a/b.txt') }
    expect((await to(`DELETE ${REPO}/contents/a/b.txt`, removal)).body['content']).toBeNull()
    expect(tip('contents')).not.toBe(tip('main'))
    expect(gitSays(forge.gitDir, 'diff', '--name-only', 'main', 'contents')).toBe('')
  })

  it('refuses what is no base64, no branch, or no message', async () => {
    const at = `PUT ${REPO}/contents/x` as const
    expect((await to(at, { message: 'm', content: '*', branch: 'main' })).status).toBe(422)
    expect((await to(at, { message: 'm', content: '', branch: 'nowhere' })).status).toBe(404)
    expect((await to(at, { message: '', content: '' })).status).toBe(422)
    expect((await put('main', 'internal', 'x')).status).toBe(422)
  })

  it('needs the workflows permission to touch a workflow, by every way in', async () => {
    const narrow = await forge.token({ contents: 'write', pull_requests: 'write' })
    const path = '.github/workflows/evil.yml'
    const direct = { message: 'm', content: base64('on: push'), branch: 'main' }
    expect((await ask(forge, `PUT ${REPO}/contents/${path}`, narrow, direct)).status).toBe(403)
    const tree = await ask(forge, `POST ${REPO}/git/trees`, narrow, {
      base_tree: tip('main'),
      tree: [{ path, mode: '100644', type: 'blob', content: 'x' }],
    })
    const commit = { message: 'm', tree: String(tree.body['sha']), parents: [tip('main')] }
    const { body } = await ask(forge, `POST ${REPO}/git/commits`, narrow, commit)
    const sha = String(body['sha'])
    expect((await ask(forge, `PATCH ${REPO}/git/refs/heads/main`, narrow, { sha })).status).toBe(403)
    expect((await ask(forge, `POST ${REPO}/git/refs`, narrow, { ref: 'refs/heads/evil', sha })).status).toBe(403)
    expect((await to(`POST ${REPO}/git/refs`, { ref: 'refs/heads/ci', sha })).status).toBe(201)
    const pull = await ask(forge, `POST ${REPO}/pulls`, narrow, { title: 't', head: 'ci', base: 'main' })
    expect((await ask(forge, `PUT ${REPO}/pulls/${pull.body['number']}/merge`, narrow, {})).status).toBe(403)
  })
})

describe('git data', () => {
  it('reads refs, by either address', async () => {
    expect((await to(`GET ${REPO}/git/ref/heads/${FIX_BRANCH}`)).body['ref']).toBe(`refs/heads/${FIX_BRANCH}`)
    expect((await to(`GET ${REPO}/git/refs/heads/main`)).body['ref']).toBe('refs/heads/main')
    expect((await to(`GET ${REPO}/git/matching-refs/heads/claude`)).list).toHaveLength(1)
    expect((await to(`GET ${REPO}/git/ref/heads/nowhere`)).status).toBe(404)
  })

  it('builds a commit from blob and tree, and moves a branch to it only forward', async () => {
    await branchOff('data')
    const blob = await to(`POST ${REPO}/git/blobs`, { content: base64('\u0000binary'), encoding: 'base64' })
    expect((await to(`GET ${REPO}/git/blobs/${blob.body['sha']}`)).body['size']).toBe(7)
    const entries = [
      { path: 'bin/tool', mode: '100755', type: 'blob', sha: String(blob.body['sha']) },
      { path: 'README.md', mode: '100644', type: 'blob', sha: null },
    ]
    const tree = await to(`POST ${REPO}/git/trees`, { base_tree: tip('data'), tree: entries })
    const old = tip('data')
    const commit = await to(`POST ${REPO}/git/commits`, {
      message: 'tool',
      tree: String(tree.body['sha']),
      parents: [old],
      author: { name: 'alice', email: 'alice@users.noreply.github.com', date: '2026-04-06T12:00:00Z' },
    })
    const sha = String(commit.body['sha'])
    expect((await to(`GET ${REPO}/git/commits/${sha}`)).body['message']).toBe('tool')
    expect((await to(`PATCH ${REPO}/git/refs/heads/data`, { sha })).status).toBe(200)
    expect(gitSays(forge.gitDir, 'diff', '--name-status', 'main', 'data')).toBe('D\tREADME.md\nA\tbin/tool')
    expect((await to(`PATCH ${REPO}/git/refs/heads/data`, { sha: old })).status).toBe(422)
    expect((await to(`PATCH ${REPO}/git/refs/heads/data`, { sha: old, force: true })).status).toBe(200)
    expect((await to(`DELETE ${REPO}/git/refs/heads/data`)).status).toBe(204)
    expect((await to(`DELETE ${REPO}/git/refs/heads/data`)).status).toBe(422)
    const listed = await to(`GET ${REPO}/git/trees/${FIX_BRANCH}?recursive=1`)
    expect(JSON.stringify(listed.body['tree'])).toContain(TEST_FILE)
  })

  it('shows commits, one by one and as a history of one path', async () => {
    expect((await to(`GET ${REPO}/commits?sha=${FIX_BRANCH}&per_page=1`)).headers.get('link')).toContain('page=2')
    const history = await to(`GET ${REPO}/commits?sha=${FIX_BRANCH}&path=${TEST_FILE}`)
    expect(history.list).toHaveLength(2)
    const one = await to(`GET ${REPO}/commits/${FIX_BRANCH}`)
    expect(one.body['stats']).toEqual({ additions: 3, deletions: 0, total: 3 })
    expect((await to(`GET ${REPO}/commits/nowhere`)).status).toBe(422)
    const compared = await to(`GET ${REPO}/compare/main...${FIX_BRANCH}`)
    expect(compared.body).toMatchObject({ status: 'ahead', ahead_by: 1, behind_by: 0 })
  })

  it('keeps statuses, the newest of each context counting', async () => {
    const sha = tip(FIX_BRANCH)
    await to(`POST ${REPO}/statuses/${sha}`, { state: 'pending', context: 'ci' })
    await to(`POST ${REPO}/statuses/${sha}`, { state: 'success', context: 'ci' })
    expect((await to(`GET ${REPO}/commits/${FIX_BRANCH}/status`)).body).toMatchObject({
      state: 'success',
      total_count: 1,
    })
    await to(`POST ${REPO}/statuses/${sha}`, { state: 'failure', context: 'lint' })
    expect((await to(`GET ${REPO}/commits/${sha}/status`)).body['state']).toBe('failure')
    expect((await to(`GET ${REPO}/commits/${sha}/check-runs`)).body['total_count']).toBe(0)
    expect((await to(`POST ${REPO}/statuses/${sha}`, { state: 'fine' })).status).toBe(422)
  })
})

describe('pull requests', () => {
  it('get number 1247 first, in a fresh forge, and the next one after a restart', async () => {
    const fresh = await testForge()
    const open = async (at: TestForge, head: string): Promise<Answer> =>
      ask(at, `POST ${REPO}/pulls`, await at.token(), { title: 'fix', head, base: 'main' })
    const first = await open(fresh, FIX_BRANCH)
    expect(first.body).toMatchObject({ number: 1247, html_url: `${fresh.url}/aegisflow/aegisflow/pull/1247` })
    await fresh.close()
    const again = await testForge({ dataDir: fresh.dataDir })
    const issue = await ask(again, `POST ${REPO}/issues`, await again.token(), { title: 'next' })
    expect(issue.body['number']).toBe(1248)
    expect((await open(again, FIX_BRANCH)).status).toBe(422)
    await again.stop()
  })

  it('show their diff, their commits and a page for people, all markup escaped', async () => {
    await branchOff('shown')
    await put('shown', 'page.html', '<script>alert(1)</script>\n')
    const pull = await openPull('shown', { title: '<img src=x>', body: 'a & b', draft: true })
    const at = pathOf('pulls', pull)
    expect(pull.body).toMatchObject({
      commits: 1,
      additions: 1,
      changed_files: 1,
      draft: true,
      mergeable_state: 'draft',
    })
    expect((await to(`GET ${at}/files`)).list).toMatchObject([
      { filename: 'page.html', status: 'added', patch: '@@ -0,0 +1 @@\n+<script>alert(1)</script>' },
    ])
    expect((await to(`GET ${at}/commits`)).list).toHaveLength(1)
    expect((await to(`PUT ${at}/merge`, {})).status).toBe(405)
    const html = await (await fetch(String(pull.body['html_url']))).text()
    expect(html).toContain('&lt;script&gt;alert(1)')
    expect(html).not.toMatch(/<script|<img/)
  })

  it('are not opened twice, for nothing, or between branches that are not there', async () => {
    await branchOff('twice')
    expect((await openPull('twice')).body['errors']).toMatchObject([{ message: 'No commits between main and twice' }])
    await put('twice', 'x', 'x')
    expect((await openPull('aegisflow:twice')).status).toBe(201)
    expect((await openPull('twice')).body['errors']).toMatchObject([
      { message: 'A pull request already exists for aegisflow:twice.' },
    ])
    expect((await openPull('stranger:twice')).status).toBe(422)
    expect((await openPull('nowhere')).status).toBe(422)
    expect((await openPull('twice', { base: 'nowhere' })).status).toBe(422)
    expect((await openPull('twice', { title: '' })).status).toBe(422)
  })

  it('follow their branch, are edited, closed and listed', async () => {
    await branchOff('moving')
    await put('moving', 'm1', '1')
    const pull = await openPull('moving')
    const at = pathOf('pulls', pull)
    await put('moving', 'm2', '2')
    expect((await to(`GET ${at}`)).body).toMatchObject({ commits: 2, changed_files: 2 })
    expect((await to(`PATCH ${at}`, { title: 'new', state: 'closed' })).body).toMatchObject({
      title: 'new',
      state: 'closed',
    })
    await to(`DELETE ${REPO}/git/refs/heads/moving`)
    expect((await to(`GET ${at}`)).body).toMatchObject({ commits: 2, changed_files: 2 })
    const closed = await to(`GET ${REPO}/pulls?state=closed&head=aegisflow:moving`)
    expect(closed.list).toMatchObject([{ title: 'new' }])
    expect((await to(`GET ${REPO}/pulls/99999`)).status).toBe(404)
  })

  it.each([
    'merge',
    'squash',
    'rebase',
  ] as const)('merge by %s, at the head that was looked at', async (merge_method) => {
    await branchOff(`by-${merge_method}`)
    await put(`by-${merge_method}`, `${merge_method}.txt`, 'x')
    await put('main', `main-${merge_method}.txt`, 'moves on')
    const pull = await openPull(`by-${merge_method}`)
    const at = pathOf('pulls', pull)
    expect((await to(`PUT ${at}/merge`, { sha: tip('main'), merge_method })).status).toBe(409)
    const merged = await to(`PUT ${at}/merge`, { sha: tip(`by-${merge_method}`), merge_method })
    expect(merged.body).toMatchObject({ merged: true, sha: tip('main') })
    expect(gitSays(forge.gitDir, 'show', `main:${merge_method}.txt`)).toBe('x')
    expect(gitSays(forge.gitDir, 'show', `main:main-${merge_method}.txt`)).toBe('moves on')
    const parents = gitSays(forge.gitDir, 'log', '-1', '--format=%P', 'main').split(' ')
    expect(parents).toHaveLength(merge_method === 'merge' ? 2 : 1)
    expect((await to(`GET ${at}`)).body).toMatchObject({ merged: true, state: 'closed', commits: 1 })
    expect((await to(`PUT ${at}/merge`, {})).status).toBe(405)
  })

  it('say so where they conflict, and are brought up to date where they do not', async () => {
    await branchOff('conflict')
    await branchOff('behind')
    await put('conflict', 'same.txt', 'theirs')
    await put('behind', 'other.txt', 'x')
    await put('main', 'same.txt', 'ours')
    const clash = await openPull('conflict')
    expect(clash.body).toMatchObject({ mergeable: false, mergeable_state: 'dirty' })
    expect((await to(`PUT ${REPO}/pulls/${clash.body['number']}/merge`, {})).status).toBe(405)
    expect((await to(`PUT ${REPO}/pulls/${clash.body['number']}/update-branch`, {})).status).toBe(422)
    const behind = await openPull('behind')
    const at = pathOf('pulls', behind)
    expect((await to(`PUT ${at}/update-branch`, { expected_head_sha: tip('main') })).status).toBe(422)
    expect((await to(`PUT ${at}/update-branch`, {})).status).toBe(202)
    expect(gitSays(forge.gitDir, 'show', 'behind:same.txt')).toBe('ours')
  })

  it('are reviewed, but not approved by the one who opened them', async () => {
    await branchOff('reviewed')
    await put('reviewed', 'r.txt', 'one\ntwo\nthree\n')
    const pull = await openPull('reviewed')
    const at = pathOf('pulls', pull)
    expect((await to(`POST ${at}/reviews`, { event: 'APPROVE' })).status).toBe(422)
    expect((await to(`POST ${at}/reviews`, { event: 'COMMENT' })).status).toBe(422)
    const comments = [{ path: 'r.txt', position: 2, body: 'why two?' }]
    const review = await to(`POST ${at}/reviews`, { event: 'COMMENT', body: 'see', comments })
    expect(review.body['state']).toBe('COMMENTED')
    expect((await to(`GET ${at}/reviews`)).list).toHaveLength(1)
    expect((await to(`GET ${at}/comments`)).list).toMatchObject([
      { path: 'r.txt', diff_hunk: '@@ -0,0 +1,3 @@\n+one\n+two' },
    ])
    const stray = [{ path: 'go.mod', position: 1, body: 'x' }]
    expect((await to(`POST ${at}/reviews`, { event: 'COMMENT', body: 'x', comments: stray })).status).toBe(422)
  })
})

describe('issues', () => {
  it('are opened, labelled, commented, closed and found', async () => {
    const made = await to(`POST ${REPO}/issues`, {
      title: 'Slow start',
      body: 'takes a minute',
      labels: ['bug'],
      assignees: ['alice'],
    })
    const at = pathOf('issues', made)
    expect((await to(`POST ${at}/comments`, { body: 'same here' })).status).toBe(201)
    expect((await to(`GET ${at}/comments`)).list).toMatchObject([{ body: 'same here' }])
    expect((await to(`PATCH ${at}`, { state: 'closed', labels: [] })).body).toMatchObject({
      state: 'closed',
      labels: [],
      comments: 1,
    })
    expect((await to(`GET ${at}`)).body['closed_at']).toBeTypeOf('string')
    expect((await to(`GET ${REPO}/issues?state=closed&sort=updated`)).list[0]).toMatchObject({ title: 'Slow start' })
    expect((await to('GET /search/issues?q=slow+is:issue+state:closed')).body['total_count']).toBe(1)
    expect((await to(`GET ${REPO}/issues/abc`)).status).toBe(404)
    expect((await to(`POST ${REPO}/issues`, { title: '' })).status).toBe(422)
  })

  it('are out of reach of a token for pull requests, and the other way round', async () => {
    const issue = await to(`POST ${REPO}/issues`, { title: 'private' })
    const pulls = await forge.token({ pull_requests: 'write' })
    expect((await ask(forge, `GET ${REPO}/issues/${issue.body['number']}`, pulls)).status).toBe(403)
    expect((await ask(forge, `PATCH ${REPO}/issues/${issue.body['number']}`, pulls, { state: 'closed' })).status).toBe(
      403,
    )
    expect((await ask(forge, `GET ${REPO}/pulls`, await forge.token({ issues: 'write' }))).status).toBe(403)
  })
})

describe('search', () => {
  it('finds code, users and repositories that the token can see', async () => {
    expect((await to('GET /search/code?q=waitgroup+filename:chain_test')).body).toMatchObject({
      items: [{ path: TEST_FILE }],
    })
    expect((await to('GET /search/users?q=aegis')).body['total_count']).toBe(2)
    expect((await to('GET /search/repositories?q=aegisflow')).body['total_count']).toBe(1)
    expect(
      (await ask(forge, 'GET /search/code?q=chain', await forge.token({ issues: 'read' }))).body['total_count'],
    ).toBe(0)
    expect((await ask(forge, 'GET /search/users?q=x', null)).status).toBe(401)
    expect((await to('GET /search/code?q=')).status).toBe(422)
  })
})

it('answers every operation of the cut-out as GitHub describes it', () => {
  // The App's own are answered in app.test.ts; an installation token may never fork or make a repository.
  const elsewhere = /\/app|\/installation|\/forks|\/user\/repos/
  expect(unanswered().filter((name) => !elsewhere.test(name))).toEqual([])
})
