import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Governed, governed, REPOSITORY } from '../support/governed.ts'
import type { Answer } from '../support/installation.ts'

const API = `/repos/${REPOSITORY}`
const FIX = 'fix-flaky-evidence-test'
// Shaped like a token of GitHub's, and never one: the checksum is right, the account does not exist.
const SECRET = ['AKIA', 'Q3EGRVSTUVWX2YZ4'].join('')

/** Rules that allow everything: what is held back here, guards hold back. */
const policy = (guards: string) => `version: 1
name: governed
default_decision: allow
rules:
  - { capability: [read, write, delete, merge, execute, deploy, approve], decision: allow }
guards:
${guards}
`

const push = (branch: string | null, path = 'src/a.txt', content = 'a\n', message = 'change') => ({
  ...(branch === null ? {} : { branch }),
  message,
  files: [{ path, content }],
})

/** What the guard found, as the agent is told. */
function found({ body }: Answer): { decision: string; by: string; findings: string } {
  const findings = body.findings.map((one: { name: string; reason: string }) => `${one.name}: ${one.reason}`).join('\n')
  return { decision: body.decision, by: body.matched_rule, findings }
}

function house(guards: string) {
  const box: { current: Governed | null } = { current: null }
  beforeAll(async () => {
    box.current = await governed({ policy: policy(guards) })
  })
  afterAll(() => box.current?.close())
  return (): Governed => {
    if (box.current === null) throw new Error('the house is not open')
    return box.current
  }
}

let count = 0
/** A branch with one file of its own, made by git itself. */
function branchWith(
  at: Governed,
  files: Readonly<Record<string, string>>,
  base = 'main',
): { name: string; sha: string } {
  count += 1
  const name = `topic-${count}`
  return { name, sha: at.commit(name, base, files) }
}

async function pullRequest(at: Governed, files: Readonly<Record<string, string>> = { 'notes.md': `${count}\n` }) {
  const { name, sha } = branchWith(at, files)
  const { body } = await at.rest('POST', `${API}/pulls`, { title: name, head: name, base: 'main', body: '' })
  return { pullNumber: Number(body.number), name, sha }
}

const status = (at: Governed, sha: string, context: string, state: string) =>
  at.rest('POST', `${API}/statuses/${sha}`, { context, state })

describe('protected branches', () => {
  const at = house('  protected_branches: { branches: [main, "release/**"], decision: rewrite }')

  it.each([
    ['a push to main', 'push_files', push('main', 'a.txt')],
    ['a push that names no branch means the default one', 'push_files', push(null, 'b.txt')],
    ['one file on main', 'create_or_update_file', { branch: 'main', path: 'c.txt', content: 'c\n', message: 'c' }],
    ['a deletion on main', 'delete_file', { branch: 'main', path: 'README.md', message: 'no README' }],
  ])('%s becomes a pull request', async (_what, tool, parameters) => {
    const before = at().git('rev-parse', 'main')
    const { body } = await at().call(tool, parameters)
    expect(body).toMatchObject({ decision: 'rewrite', outcome: 'ok', result: { rewritten: true } })
    const { number } = body.result.pull_request
    const { body: files } = await at().rest('GET', `${API}/pulls/${number}/files`)
    expect(files).toHaveLength(1)
    expect(at().git('rev-parse', 'main')).toBe(before)
  })

  it.each([
    ['a branch made under a protected name', 'create_branch', { branch: 'release/9' }],
    ['spelt as a full ref', 'push_files', push('refs/heads/main')],
    ['in other letters', 'push_files', push('MAIN')],
  ])('%s never runs as it was asked', async (_what, tool, parameters) => {
    const before = at().git('for-each-ref')
    const { decision, by } = found(await at().call(tool, parameters))
    expect(decision).not.toBe('allow')
    expect(by).toMatch(/protected_branches|doubt/)
    expect(
      at()
        .git('for-each-ref')
        .split('\n')
        .filter((line) => !line.includes('aegis/')),
    ).toEqual(before.split('\n').filter((line) => !line.includes('aegis/')))
  })

  it('a push to a branch of its own goes its way', async () => {
    const { name } = branchWith(at(), { 'x.txt': 'x\n' })
    expect((await at().call('push_files', push(name))).body).toMatchObject({ decision: 'allow', outcome: 'ok' })
  })
})

describe('branch naming', () => {
  const at = house('  branch_naming: on')

  it.each([
    ['create_branch', { branch: 'my-branch', from_branch: 'main' }, 'block'],
    ['create_branch', { branch: 'aegis/somebody-else/task', from_branch: 'main' }, 'block'],
    ['create_branch', { branch: 'aegis/governed/task', from_branch: 'main' }, 'allow'],
    ['push_files', push('main'), 'block'],
    ['create_pull_request', { title: 't', head: FIX, base: 'main' }, 'block'],
  ])('%s %j: %s', async (tool, parameters, decision) => {
    expect(found(await at().call(tool, parameters)).decision).toBe(decision)
  })

  it.each([
    'a..b',
    'a b',
    '-x',
    'a.lock',
    'a\u200bb',
    'x~1',
  ])('refuses %j, which is no name of a branch', async (branch) => {
    const { status: code, body } = await at().call('create_branch', { branch, from_branch: 'main' })
    expect(code === 400 || body.decision === 'block').toBe(true)
  })
})

describe('checks before a merge', () => {
  const at = house('  ci_required: on')

  it.each([
    ['nothing ever ran', [], 'review'],
    ['all are green', [['ci', 'success']], 'allow'],
    [
      'one is red',
      [
        ['ci', 'success'],
        ['lint', 'failure'],
      ],
      'block',
    ],
    [
      'one still runs',
      [
        ['ci', 'success'],
        ['lint', 'pending'],
      ],
      'review',
    ],
  ] as const)('%s', async (_what, states, decision) => {
    const { pullNumber, sha } = await pullRequest(at())
    for (const [context, state] of states) await status(at(), sha, context, state)
    expect(found(await at().call('merge_pull_request', { pullNumber })).decision).toBe(decision)
  })

  it('looks at every page of checks', async () => {
    const { pullNumber, sha } = await pullRequest(at())
    for (let index = 0; index < 120; index += 1)
      await status(at(), sha, `job-${index}`, index === 0 ? 'failure' : 'success')
    expect(found(await at().call('merge_pull_request', { pullNumber })).decision).toBe('block')
  })

  it('waits for the checks that the base branch demands, though nothing of them ran', async () => {
    await at().rest('PUT', `${API}/branches/main/protection`, {
      required_status_checks: { strict: false, contexts: ['deploy-preview'] },
      enforce_admins: null,
      required_pull_request_reviews: null,
      restrictions: null,
    })
    const { pullNumber, sha } = await pullRequest(at())
    await status(at(), sha, 'ci', 'success')
    const { decision, findings } = found(await at().call('merge_pull_request', { pullNumber }))
    await at().rest('DELETE', `${API}/branches/main/protection`)
    expect([decision, findings]).toEqual(['review', expect.stringContaining('deploy-preview')])
  })
})

describe('a merge', () => {
  const at = house('  autonomous_merge: on')

  it('without a person who approved is blocked, and the reason says what is missing', async () => {
    const { pullNumber } = await pullRequest(at())
    expect(found(await at().call('merge_pull_request', { pullNumber }))).toMatchObject({
      decision: 'block',
      by: 'guard:autonomous_merge',
    })
  })

  it('that a person approved at its head runs, bound to this commit', async () => {
    const { pullNumber, sha } = await pullRequest(at())
    await at().review(pullNumber, 'APPROVE')
    const { body } = await at().call('merge_pull_request', { pullNumber })
    expect(body).toMatchObject({ decision: 'allow', outcome: 'ok', result: { merged: true } })
    expect(at().git('merge-base', '--is-ancestor', sha, 'main')).toBe('')
  })

  it('is no longer approved when the branch has moved', async () => {
    const { pullNumber, name } = await pullRequest(at())
    await at().review(pullNumber, 'APPROVE')
    at().commit(name, name, { 'late.txt': 'late\n' })
    expect(found(await at().call('merge_pull_request', { pullNumber })).decision).toBe('block')
  })
})

describe('an approval of a merge', () => {
  const at = house('  autonomous_merge: { accept_aegis_approval: true }')

  it('is of the commit that was looked at, and of no later one', async () => {
    const { pullNumber, name, sha } = await pullRequest(at())
    const asked = await at().call('merge_pull_request', { pullNumber })
    expect(asked.body.error.code).toBe(-32002)
    const { body: shown } = await at().aegis.get(`/admin/v1/approvals/${asked.body.envelope_id}`, at().aegis.adminKey)
    expect(shown.head_sha).toBe(sha)
    await at().approve(asked.body.envelope_id)
    at().commit(name, name, { 'backdoor.txt': 'boo\n' })
    const again = await at().call('merge_pull_request', { pullNumber })
    expect(again.body.decision).toBe('review')
    expect(again.body.envelope_id).not.toBe(asked.body.envelope_id)
    expect(at().git('ls-tree', '--name-only', 'main')).not.toContain('backdoor.txt')
  })
})

describe('an approval of a merge into one branch', () => {
  const at = house('  mandatory_pr: { hold: [merge] }')

  it('releases none into another, though the commit is the same', async () => {
    at().git('branch', 'develop', 'main')
    const { name } = branchWith(at(), { 'half-done.txt': 'x\n' })
    const { body: opened } = await at().rest('POST', `${API}/pulls`, { title: name, head: name, base: 'develop' })
    const pullNumber = Number(opened.number)
    const asked = await at().call('merge_pull_request', { pullNumber })
    const { body: shown } = await at().aegis.get(`/admin/v1/approvals/${asked.body.envelope_id}`, at().aegis.adminKey)
    expect(shown.base).toBe('develop')
    await at().approve(asked.body.envelope_id)
    await at().rest('PATCH', `${API}/pulls/${pullNumber}`, { base: 'main' })
    const again = await at().call('merge_pull_request', { pullNumber })
    expect(again.body.decision).toBe('review')
    expect(at().git('ls-tree', '--name-only', 'main')).not.toContain('half-done.txt')
    await at().rest('PATCH', `${API}/pulls/${pullNumber}`, { base: 'develop' })
    expect((await at().call('merge_pull_request', { pullNumber })).body).toMatchObject({ result: { merged: true } })
  })
})

describe('a merge whose commit nobody could look up', () => {
  const box: { current: Governed | null; deaf: boolean } = { current: null, deaf: false }
  beforeAll(async () => {
    // GitHub refuses to show pull requests, and would merge them.
    const fault = ({ method, path }: { method: string; path: string }) =>
      box.deaf && method === 'GET' && /\/pulls\/\d+$/.test(path)
        ? ({ kind: 'refuse', status: 503, message: 'Service Unavailable' } as const)
        : null
    box.current = await governed({ policy: policy('  secrets: block'), forge: { fault } })
  })
  afterAll(() => box.current?.close())

  it('is not made, though policy allows it', async () => {
    const { current } = box
    if (current === null) throw new Error('the house is not open')
    const { pullNumber } = await pullRequest(current)
    const main = current.git('rev-parse', 'main')
    box.deaf = true
    const { body } = await current.call('merge_pull_request', { pullNumber })
    expect(JSON.stringify(body)).toContain('which commit would be merged is not known')
    expect(current.git('rev-parse', 'main')).toBe(main)
  })
})

describe('freeze windows', () => {
  const day = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'][new Date().getUTCDay()]
  const at = house(`  freeze_windows: [{ name: today, timezone: UTC, days: [${day}], repos: ["${REPOSITORY}"] }]`)

  it('block writes to the repositories they are for, and no reads', async () => {
    const { name } = branchWith(at(), { 'y.txt': 'y\n' })
    expect(found(await at().call('push_files', push(name)))).toMatchObject({
      decision: 'block',
      by: 'guard:freeze_windows',
      findings: expect.stringContaining('today'),
    })
    expect(found(await at().call('list_commits', {})).decision).toBe('allow')
  })
})

describe('secrets', () => {
  const at = house('  secrets: block')
  const keyFile = `aws_access_key_id = ${SECRET}\n`

  it.each([
    ['in a file', 'push_files', push('topic-x', 'config.ini', keyFile)],
    ['in a commit message', 'push_files', push('topic-x', 'a.txt', 'a\n', `use ${SECRET}`)],
    ['in the text of a pull request', 'create_pull_request', { title: 't', head: FIX, base: 'main', body: SECRET }],
    ['in a comment', 'add_issue_comment', { issue_number: 1, body: Buffer.from(SECRET).toString('base64') }],
    ['in the name of a branch', 'create_branch', { branch: `x-${SECRET}`, from_branch: 'main' }],
  ])('%s is blocked, and nobody is told the secret', async (_what, tool, parameters) => {
    const answer = await at().call(tool, parameters)
    expect(found(answer)).toMatchObject({ decision: 'block', by: 'guard:secrets' })
    expect(JSON.stringify(answer.body)).not.toContain(SECRET)
  })

  it('that were there before are not the agent’s', async () => {
    const { name } = branchWith(at(), { 'config.ini': keyFile })
    const { decision } = found(await at().call('push_files', push(name, 'config.ini', `${keyFile}region = eu\n`)))
    expect(decision).toBe('allow')
  })
})

describe('sensitive paths', () => {
  const at = house('  sensitive_paths: review')

  it.each([
    '.github/workflows/ci.yml',
    './.GITHUB/workflows/ci.yml',
    'infra/main.tf',
    'src/auth/login.ts',
    'CLAUDE.md',
    'package-lock.json',
  ])('a write to %s waits for a person', async (path) => {
    expect(found(await at().call('push_files', push('topic-s', path)))).toMatchObject({ decision: 'review' })
  })

  it('a climbing path is never written', async () => {
    expect(found(await at().call('push_files', push('topic-s', 'docs/../.github/x.yml'))).decision).toBe('block')
  })

  it('a pull request is looked at by its files, renamed ones by both names', async () => {
    const plain = branchWith(at(), { 'plain.txt': 'p\n' })
    const workflow = branchWith(at(), { '.github/workflows/x.yml': 'on: push\n' })
    const open = (head: string) => at().call('create_pull_request', { title: 't', head, base: 'main', body: '' })
    expect(found(await open(plain.name)).decision).toBe('allow')
    expect(found(await open(workflow.name)).decision).toBe('review')
  })
})

describe('the blast radius', () => {
  const at = house('  blast_radius: { review_at: high }')
  const files = (many: number) =>
    Array.from({ length: many }, (_, index) => ({ path: `f${index}.txt`, content: 'x\n' }))

  it.each([
    ['one file on a branch of its own', { branch: 'topic-b', message: 'm', files: files(1) }, 'medium', 'allow'],
    ['eleven files', { branch: 'topic-b', message: 'm', files: files(11) }, 'high', 'review'],
    ['a long file', push('topic-b', 'long.txt', 'line\n'.repeat(500)), 'high', 'review'],
    ['main itself', push('main'), 'critical', 'review'],
  ])('of %s', async (_what, parameters, level, decision) => {
    branchWith(at(), { 'z.txt': 'z\n' })
    at().git('update-ref', 'refs/heads/topic-b', 'main')
    const { body } = await at().call('push_files', parameters)
    expect(body).toMatchObject({ decision, blast_radius: level, blast_score: expect.any(Number) })
    expect(body.blast_reasons.length).toBeGreaterThan(0)
  })
})

describe('the allowlist', () => {
  const at = house(`  repo_allowlist: { repos: ["${REPOSITORY}"] }`)

  it.each([
    ['another repository', 'push_files', { owner: 'acme', repo: 'site', ...push('x') }, 'acme/site'],
    ['reads of another one', 'get_file_contents', { owner: 'acme', repo: 'site', path: 'a' }, 'acme/site'],
    ['a gist', 'create_gist', { filename: 'a', content: 'a', public: true }, 'github'],
    ['a fork into another account', 'fork_repository', { organization: 'acme' }, REPOSITORY],
    ['a new repository', 'create_repository', { name: 'exfil' }, 'github'],
  ])('keeps out %s', async (_what, tool, parameters, target) => {
    expect(found(await at().call(tool, parameters, { target })).decision).toBe('block')
  })

  it('reads its own in any letters', async () => {
    const answer = await at().call(
      'list_commits',
      { owner: 'AegisFlow', repo: 'AEGISFLOW' },
      { target: 'AegisFlow/AEGISFLOW' },
    )
    expect(found(answer).decision).toBe('allow')
  })
})

describe('tools whose name does not say what they do', () => {
  const at = house('  autonomous_merge: on\n  blast_radius: { review_at: high }')

  it.each([
    ['a changed base', 'update_pull_request', { pullNumber: 1, base: 'main' }, 'review'],
    ['a workflow run', 'actions_run_trigger', { method: 'run_workflow', workflow_id: 'ci.yml', ref: 'main' }, 'review'],
    ['the same by its old name', 'run_workflow', { workflow_id: 'ci.yml', ref: 'main' }, 'review'],
    ['a deleted repository', 'delete_repository', {}, 'review'],
    ['another agent', 'assign_copilot_to_issue', { issue_number: 1 }, 'allow'],
    ['nobody’s tool', 'sync_everything', {}, 'review'],
  ])('%s', async (_what, tool, parameters, decision) => {
    expect(found(await at().call(tool, parameters, { execute: false })).decision).toBe(decision)
  })
})
