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
