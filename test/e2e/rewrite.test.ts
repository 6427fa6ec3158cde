import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Governed, governed } from '../support/governed.ts'

/** Agents may write and propose; the protected branch is for people. */
const POLICY = `version: 1
name: team
default_decision: block
rules:
  - { tool: ["github.{push_files,create_or_update_file,delete_file,create_branch,create_pull_request}"], branch: ["aegis/**"], decision: allow }
  - { capability: read, decision: allow }
guards:
  protected_branches: { branches: [main, "release/**"], decision: rewrite }
`

const FILES = [
  { path: 'docs/notes.md', content: '# Notes\n\nfirst line\n' },
  { path: 'README.md', content: 'rewritten\n' },
]
const PUSH = { branch: 'main', files: FILES, message: 'docs: take notes\n\nThey were lost.' }

describe.each(['stdio', 'http'] as const)('a push to a protected branch, %s upstream', (transport) => {
  let house: Governed
  let main: string

  beforeAll(async () => {
    house = await governed({ policy: POLICY, transport })
    main = house.git('rev-parse', 'main').trim()
  })
  afterAll(() => house.close())

  it('becomes a pull request, and the agent is told so in the form of its own tool', async () => {
    const { body } = await house.call('push_files', PUSH)
    expect(body).toMatchObject({
      decision: 'rewrite',
      matched_rule: 'guard:protected_branches',
      outcome: 'ok',
      credential: { scope: 'contents:write,pull_requests:write' },
      rewritten_to: { pull_request: { title: 'docs: take notes', base: 'main' } },
      result: {
        rewritten: true,
        ref: expect.stringMatching(/^refs\/heads\/aegis\/governed\/docs-take-notes-[0-9a-f]{10}$/),
        object: { type: 'commit', sha: expect.stringMatching(/^[0-9a-f]{40}$/) },
        pull_request: { number: 1247, html_url: expect.stringContaining('/pull/1247') },
      },
    })
  })

  it('holds the asked change and nothing else, in the bare repository itself', async () => {
    expect(house.git('rev-parse', 'main').trim()).toBe(main)
    const branch = house.git('for-each-ref', '--format=%(refname:short)', 'refs/heads/aegis').trim()
    expect(house.git('rev-parse', `${branch}^`).trim()).toBe(main)
    expect(house.git('diff', '--name-status', main, branch)).toBe('M\tREADME.md\nA\tdocs/notes.md\n')
    expect(house.git('show', `${branch}:docs/notes.md`)).toBe(FILES[0]?.content)
    expect(house.git('log', '-1', '--format=%B', branch).trim()).toBe(PUSH.message)
    const { body } = await house.rest('GET', '/repos/aegisflow/aegisflow/pulls/1247')
    expect(body).toMatchObject({
      title: 'docs: take notes',
      base: { ref: 'main' },
      head: { ref: branch },
      state: 'open',
    })
    expect(body.body).toContain('They were lost.')
  })

  it('is told by the ledger: one intent that names the plan, one result that names the pull request', async () => {
    const { body } = await house.aegis.get('/admin/v1/logs?session=governed', house.aegis.adminKey)
    expect(body.entries.map((entry: { kind: string }) => entry.kind)).toEqual(['result', 'rewrite'])
    expect(body.entries[0].outcome).toMatchObject({ label: 'pr/1247', status: 'ok' })
    const { body: verdict } = await house.aegis.post(
      '/admin/v1/evidence/sessions/governed/verify',
      {},
      house.aegis.adminKey,
    )
    expect(verdict).toMatchObject({ valid: true, findings: [] })
  })

  it('asked for again gives the same pull request, and makes no second one', async () => {
    const { body } = await house.call('push_files', PUSH)
    expect(body.result.pull_request.number).toBe(1247)
    const branches = house.git('for-each-ref', '--format=%(refname:short)', 'refs/heads/aegis').trim().split('\n')
    expect(branches).toHaveLength(1)
  })
})

describe('with a token of a person in place of an App', () => {
  let house: Governed
  beforeAll(async () => {
    house = await governed({
      policy: POLICY,
      credential(forge, folder) {
        const file = join(folder, 'token')
        writeFileSync(file, forge.person('olive', 'OWNER'), { mode: 0o600 })
        return { type: 'static', from: { file }, apiUrl: forge.url }
      },
    })
  })
  afterAll(() => house.close())

  it('a push to main becomes a pull request of that person', async () => {
    const { body } = await house.call('push_files', PUSH)
    expect(body).toMatchObject({ decision: 'rewrite', outcome: 'ok', credential: { type: 'static' } })
    const { number } = body.result.pull_request
    const { body: pull } = await house.rest('GET', `/repos/aegisflow/aegisflow/pulls/${number}`)
    expect(pull.user.login).toBe('olive')
  })
})

describe('without a credential that GitHub’s API takes', () => {
  let house: Governed
  beforeAll(async () => {
    house = await governed({
      policy: POLICY,
      credential(forge, folder) {
        const file = join(folder, 'token')
        writeFileSync(file, forge.person('olive', 'OWNER'), { mode: 0o600 })
        return { type: 'static', from: { file } }
      },
    })
  })
  afterAll(() => house.close())

  it('a push to main is blocked, and the agent is told what to do instead', async () => {
    const main = house.git('rev-parse', 'main')
    const { body } = await house.call('push_files', PUSH)
    expect(body).toMatchObject({
      decision: 'block',
      error: { code: -32001, data: { suggested_alternative: expect.stringContaining('open a pull request') } },
    })
    expect(house.git('rev-parse', 'main')).toBe(main)
  })
})

describe('a rewrite that a person must approve', () => {
  let house: Governed
  const reviewed = POLICY.replace('rules:', 'rules:\n  - { tool: github.create_pull_request, decision: review }')
  beforeAll(async () => {
    house = await governed({ policy: reviewed })
  })
  afterAll(() => house.close())

  it('shows the plan, runs it once it is approved, and never the direct push', async () => {
    const main = house.git('rev-parse', 'main')
    const asked = await house.call('push_files', PUSH)
    expect(asked.body).toMatchObject({ decision: 'review', rewritten_to: { pull_request: { base: 'main' } } })
    const { body: shown } = await house.aegis.get(`/admin/v1/approvals/${asked.body.envelope_id}`, house.aegis.adminKey)
    expect(shown).toMatchObject({
      rewritten_to: asked.body.rewritten_to,
      blast_score: expect.any(Number),
      blast_reasons: expect.any(Array),
    })
    await house.approve(asked.body.envelope_id)
    const done = await house.call('push_files', PUSH)
    expect(done.body).toMatchObject({
      decision: 'rewrite',
      matched_rule: `approved:${asked.body.envelope_id}`,
      outcome: 'ok',
    })
    expect(done.body.result.branch).toBe(asked.body.rewritten_to.pull_request.head)
    expect(house.git('rev-parse', 'main')).toBe(main)
    const { body: logs } = await house.aegis.get('/admin/v1/logs?session=governed', house.aegis.adminKey)
    expect(logs.entries.map((entry: { kind: string }) => entry.kind).reverse()).toEqual([
      'review',
      'approve',
      'rewrite',
      'result',
    ])
  })

  it('runs on the branch that was approved, also for a session that comes back under another name', async () => {
    const asked = await house.call('push_files', { ...PUSH, message: 'come back later' }, { session: 'before' })
    await house.approve(asked.body.envelope_id)
    const done = await house.call('push_files', { ...PUSH, message: 'come back later' }, { session: 'after' })
    expect(done.body).toMatchObject({ decision: 'rewrite', outcome: 'ok' })
    expect(done.body.result.branch).toBe(asked.body.rewritten_to.pull_request.head)
    expect(done.body.result.branch).toContain('aegis/before/')
  })

  it('is approved of this plan: other words of the same files ask again', async () => {
    const asked = await house.call('push_files', { ...PUSH, message: 'other words' })
    await house.approve(asked.body.envelope_id)
    const other = await house.call('push_files', { ...PUSH, message: 'still other words' })
    expect(other.body.decision).toBe('review')
    expect(other.body.envelope_id).not.toBe(asked.body.envelope_id)
  })
})
