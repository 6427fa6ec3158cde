import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/core/json.ts'
import { FIX_BRANCH } from '../../starter-kit/forge/index.ts'
import { gitSays } from './git-cli.ts'
import { type Answer, ask, REPO, type TestForge, testForge } from './harness.ts'
import { check } from './openapi.ts'

let forge: TestForge
let app: string
let owner: string
let pull: `/${string}`
beforeAll(async () => {
  const grants = {
    contents: 'write',
    pull_requests: 'write',
    checks: 'write',
    statuses: 'write',
    issues: 'write',
  } as const
  forge = await testForge({ grants: { ...grants, workflows: 'write', metadata: 'read' } })
  app = await forge.token()
  owner = forge.person('olive', 'OWNER')
  const opened = await to(`POST ${REPO}/pulls`, { title: 'fix', head: FIX_BRANCH, base: 'main' })
  pull = `${REPO}/pulls/${opened.body['number']}`
})
afterAll(() => forge.stop())

const to = (line: `${string} /${string}`, body?: JsonObject): Promise<Answer> => ask(forge, line, app, body)
const own = (line: `${string} /${string}`, body?: JsonObject): Promise<Answer> => ask(forge, line, owner, body)
const tip = (branch: string): string => gitSays(forge.gitDir, 'rev-parse', `refs/heads/${branch}`)
const as = (schema: string, { body }: Answer): string[] =>
  check({ $ref: `#/components/schemas/${schema}` }, body, schema)
const said = ({ status, body }: Answer): unknown[] => [status, body['message']]

const PROTECTED = {
  required_status_checks: { strict: false, contexts: ['ci'] },
  enforce_admins: false,
  required_pull_request_reviews: { required_approving_review_count: 1 },
  restrictions: null,
}
const PUT = (branch: string): JsonObject => ({ message: 'm', content: 'eA==', branch })

describe('a protected branch', () => {
  it('is protected by an administrator only, and says so to whoever may read', async () => {
    expect((await to(`PUT ${REPO}/branches/main/protection`, PROTECTED)).status).toBe(403)
    expect((await own(`GET ${REPO}/branches/main/protection`)).status).toBe(404)
    expect((await own(`PUT ${REPO}/branches/nowhere/protection`, PROTECTED)).status).toBe(404)
    expect((await own(`PUT ${REPO}/branches/main/protection`, { restrictions: null })).status).toBe(422)
    expect((await own(`PUT ${REPO}/branches/main/protection`, PROTECTED)).status).toBe(200)
    const read = await own(`GET ${REPO}/branches/main/protection`)
    expect(as('branch-protection', read)).toEqual([])
    expect(read.body).toMatchObject({ required_pull_request_reviews: { required_approving_review_count: 1 } })
    expect((await to(`GET ${REPO}/branches/main`)).body).toMatchObject({
      protected: true,
      protection: {
        enabled: true,
        required_status_checks: { contexts: ['ci'], checks: [{ context: 'ci', app_id: null }] },
      },
    })
    expect((await to(`GET ${REPO}/branches`)).list.map((one) => one['protected'])).toEqual([false, true])
  })

  it('takes no direct push, by whichever way it comes', async () => {
    const before = tip('main')
    const wanted = 'Changes must be made through a pull request.\nRequired status check "ci" is expected.'
    expect(said(await to(`PUT ${REPO}/contents/x`, PUT('main')))).toEqual([409, wanted])
    expect(said(await to(`PATCH ${REPO}/git/refs/heads/main`, { sha: tip(FIX_BRANCH) }))).toEqual([422, wanted])
    expect(said(await to(`DELETE ${REPO}/git/refs/heads/main`))).toEqual([422, 'Cannot delete this protected branch'])
    expect(tip('main')).toBe(before)
    expect((await to(`PUT ${REPO}/contents/x`, PUT(FIX_BRANCH))).status).toBe(201)
  })

  it('lets an administrator through where the protection does not include them', async () => {
    expect((await own(`PUT ${REPO}/contents/by-owner`, PUT('main'))).status).toBe(201)
    await own(`PUT ${REPO}/branches/main/protection`, { ...PROTECTED, enforce_admins: true })
    expect((await own(`PUT ${REPO}/contents/again`, PUT('main'))).status).toBe(409)
  })

  it('is merged into after an approval and the demanded check, at the head that was looked at', async () => {
    const merge = (): Promise<Answer> => to(`PUT ${pull}/merge`, { sha: tip(FIX_BRANCH) })
    expect(said(await merge())).toEqual([405, expect.stringContaining('At least 1 approving review is required')])
    const review = await ask(forge, `POST ${pull}/reviews`, forge.person('alice'), { event: 'APPROVE' })
    expect(review.body).toMatchObject({ state: 'APPROVED', author_association: 'COLLABORATOR' })
    expect(said(await merge())).toEqual([405, 'Required status check "ci" is expected.'])
    await to(`POST ${REPO}/statuses/${tip(FIX_BRANCH)}`, { state: 'success', context: 'ci' })
    expect((await to(`PUT ${pull}/merge`, { sha: tip('main') })).status).toBe(409)
    const dismissed = await own(`PUT ${pull}/reviews/${review.body['id']}/dismissals`, { message: 'stale' })
    expect([dismissed.body['state'], as('pull-request-review', dismissed)]).toEqual(['DISMISSED', []])
    expect((await own(`PUT ${pull}/reviews/${review.body['id']}/dismissals`, { message: 'x' })).status).toBe(422)
    expect((await merge()).status).toBe(405)
    await ask(forge, `POST ${pull}/reviews`, forge.person('bob', 'MEMBER'), { event: 'APPROVE' })
    expect((await merge()).body).toMatchObject({ merged: true })
    expect((await own(`DELETE ${REPO}/branches/main/protection`)).status).toBe(204)
    expect((await to(`GET ${REPO}/branches/main`)).body['protected']).toBe(false)
  })
})

describe('rulesets', () => {
  const ruleset = (include: string, rules: JsonObject[], enforcement = 'active'): Promise<Answer> =>
    own(`POST ${REPO}/rulesets`, {
      name: include,
      enforcement,
      conditions: { ref_name: { include: [include], exclude: [] } },
      rules,
    })
  const branch = (name: string): Promise<Answer> =>
    to(`POST ${REPO}/git/refs`, { ref: `refs/heads/${name}`, sha: tip('main') })

  it('hold for the branches their patterns fit, there or not, and are an administrator’s', async () => {
    expect((await to(`POST ${REPO}/rulesets`, { name: 'x', enforcement: 'active', rules: [] })).status).toBe(403)
    await ruleset('refs/heads/release/*', [{ type: 'deletion' }])
    const rules = async (name: string) => (await to(`GET ${REPO}/rules/branches/${name}`)).list.map(({ type }) => type)
    expect(await rules('release/9')).toEqual(['deletion'])
    expect(await rules('release/9/x')).toEqual([])
    expect(await rules('releasex')).toEqual([])
    await ruleset('~DEFAULT_BRANCH', [{ type: 'non_fast_forward' }], 'evaluate')
    expect(await rules('main')).toEqual([])
    expect((await own(`GET ${REPO}/rulesets`)).list).toHaveLength(2)
    expect((await own(`POST ${REPO}/rulesets`, { name: 'x', enforcement: 'odd', rules: [] })).status).toBe(422)
  })

  it.each([
    ['creation', 'locked', 'Cannot create ref due to creations being restricted.'],
    ['update', 'frozen', 'Cannot update this protected ref.'],
    ['pull_request', 'reviewed', 'Changes must be made through a pull request.'],
  ])('of %s refuse what they are about', async (type, name, message) => {
    if (type !== 'creation') await branch(name)
    const made = await ruleset(`refs/heads/${name}`, [{ type }])
    const answer = type === 'creation' ? await branch(name) : await to(`PUT ${REPO}/contents/${name}`, PUT(name))
    expect(said(answer)).toEqual([type === 'creation' ? 422 : 409, `Repository rule violations found\n\n${message}\n`])
    expect((await own(`DELETE ${REPO}/rulesets/${made.body['id']}`)).status).toBe(204)
    expect((await own(`GET ${REPO}/rulesets/${made.body['id']}`)).status).toBe(404)
  })

  it('refuse forced pushes, deletions and unchecked commits', async () => {
    await branch('guarded')
    const checks = { required_status_checks: [{ context: 'deep' }], strict_required_status_checks_policy: false }
    const rules = [
      { type: 'deletion' },
      { type: 'non_fast_forward' },
      { type: 'required_status_checks', parameters: checks },
    ]
    await ruleset('refs/heads/guarded', rules)
    const back = gitSays(forge.gitDir, 'rev-list', '--max-parents=0', 'main')
    const forced = await to(`PATCH ${REPO}/git/refs/heads/guarded`, { sha: back, force: true })
    expect(said(forced)).toEqual([422, expect.stringMatching(/Cannot force-push[\s\S]*"deep" is expected/)])
    expect((await to(`DELETE ${REPO}/git/refs/heads/guarded`)).status).toBe(422)
  })
})

describe('check runs', () => {
  it('are an App’s word on a commit, the newest of each name counting, page by page', async () => {
    const sha = tip('main')
    const first = await to(`POST ${REPO}/check-runs`, { name: 'build', head_sha: sha })
    expect([first.status, as('check-run', first), first.body['status']]).toEqual([201, [], 'queued'])
    const done = await to(`PATCH ${REPO}/check-runs/${first.body['id']}`, { conclusion: 'failure' })
    expect(done.body).toMatchObject({ status: 'completed', conclusion: 'failure', app: { id: 4711 } })
    await to(`POST ${REPO}/check-runs`, { name: 'build', head_sha: sha, conclusion: 'success' })
    await to(`POST ${REPO}/check-runs`, { name: 'lint', head_sha: sha, status: 'in_progress' })
    const latest = await to(`GET ${REPO}/commits/${sha}/check-runs?per_page=1`)
    expect(latest.body).toMatchObject({ total_count: 2, check_runs: [{ conclusion: 'success' }] })
    expect(latest.headers.get('link')).toContain('rel="next"')
    expect((await to(`GET ${REPO}/commits/main/check-runs?filter=all`)).body['total_count']).toBe(3)
    expect((await to(`GET ${REPO}/commits/main/check-runs?check_name=lint`)).body['total_count']).toBe(1)
    expect((await to(`GET ${REPO}/check-runs/${first.body['id']}`)).status).toBe(200)
  })

  it.each([
    { status: 'done' },
    { status: 'completed' },
    { conclusion: 'fine' },
    { status: 'queued', conclusion: 'success' },
  ])('are refused: %j', async (more) => {
    expect((await to(`POST ${REPO}/check-runs`, { name: 'x', head_sha: tip('main'), ...more })).status).toBe(422)
  })
})

describe('answers', () => {
  it('have an ETag, and are not sent again to who has them', async () => {
    const headers = { authorization: `Bearer ${app}` }
    const url = `${forge.url}${REPO}/branches?per_page=1`
    const first = await fetch(url, { headers })
    const etag = first.headers.get('etag') ?? ''
    const again = await fetch(url, { headers: { ...headers, 'if-none-match': etag } })
    expect([again.status, again.headers.get('etag'), await again.text()]).toEqual([304, etag, ''])
    const other = await fetch(url, { headers: { ...headers, 'if-none-match': 'W/"0"' } })
    expect([other.status, await other.json()]).toEqual([200, await first.json()])
  })

  it('of comparisons come in pages of commits, the files with the first', async () => {
    const path: `/${string}` = `${REPO}/compare/${gitSays(forge.gitDir, 'rev-list', '--max-parents=0', 'main')}...main`
    const first = await to(`GET ${path}?per_page=1&page=1`)
    expect([first.body['commits'], first.body['files']]).toMatchObject([[{}], [{}, {}, {}]])
    expect((await to(`GET ${path}?per_page=1&page=2`)).body).toMatchObject({ commits: [{}], files: [] })
  })
})

describe('the repository', () => {
  it('is public or private, and strangers reach it where it is public', async () => {
    const stranger = forge.person('eve', 'NONE')
    expect((await ask(forge, `GET ${REPO}`, stranger)).status).toBe(404)
    const shown = await own(`PATCH ${REPO}`, { visibility: 'public' })
    expect([as('full-repository', shown), shown.body['private']]).toEqual([[], false])
    expect((await ask(forge, `GET ${REPO}`, stranger)).status).toBe(200)
    expect((await ask(forge, `PUT ${REPO}/contents/x`, stranger, PUT('main'))).status).toBe(403)
    expect((await to(`PATCH ${REPO}`, { private: true })).status).toBe(403)
    await own(`PATCH ${REPO}`, { private: true })
  })

  it('takes no writes while it is archived', async () => {
    await own(`PATCH ${REPO}`, { archived: true })
    expect(said(await to(`PUT ${REPO}/contents/y`, PUT('main')))).toEqual([
      403,
      'Repository was archived so is read-only.',
    ])
  })

  it('is found under its former name and its number after a rename, by who could see it', async () => {
    const other = await testForge({ otherRepositories: ['taken'] })
    const [olive, token] = [other.person('olive', 'OWNER'), await other.token()]
    expect((await ask(other, `PATCH ${REPO}`, olive, { name: 'taken' })).status).toBe(422)
    expect((await ask(other, `PATCH ${REPO}`, olive, { name: '../x' })).status).toBe(422)
    const renamed = await ask(other, `PATCH ${REPO}`, olive, { name: 'Aegis' })
    expect(renamed.body).toMatchObject({ id: 1000, full_name: 'aegisflow/Aegis' })
    const asked = (path: string, bearer: string, method = 'GET') =>
      fetch(`${other.url}${path}`, { method, redirect: 'manual', headers: { authorization: `Bearer ${bearer}` } })
    const redirect = await asked(`${REPO}/branches/main?x=1`, token)
    expect([redirect.status, redirect.headers.get('location')]).toEqual([
      301,
      `${other.url}/repositories/1000/branches/main?x=1`,
    ])
    expect((await asked(`${REPO}/issues`, token, 'POST')).status).toBe(307)
    expect((await asked(REPO, other.person('eve', 'NONE'))).status).toBe(404)
    expect((await asked('/repositories/1000/branches/main', token)).status).toBe(200)
    expect((await asked('/repos/aegisflow/AEGIS', token)).status).toBe(200)
    expect((await asked('/repositories/9', token)).status).toBe(404)
    await other.close()
    const again = await testForge({ dataDir: other.dataDir, otherRepositories: ['taken'] })
    expect((await ask(again, 'GET /repos/aegisflow/aegis', await again.token())).status).toBe(200)
    await again.stop()
  })
})
