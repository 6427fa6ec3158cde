import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { FactKey } from '../../src/core/facts.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { type Fault, FIX_BRANCH, REFUSALS, spentUntil } from '../../starter-kit/forge/index.ts'
import { lie } from '../forge/spoiling.ts'
import { factsHouse, type House, PUSH, REPO } from './house.ts'

let house: House
let pull: number
beforeAll(async () => {
  house = await factsHouse()
  pull = await house.openPull(FIX_BRANCH)
  await house.own(`POST ${REPO}/pulls/${pull}/reviews`, { event: 'APPROVE' })
})
beforeEach(() => house.stage.clear())
afterAll(() => house.stop())

const MERGE = (): JsonObject => ({ pullNumber: pull })
const one = <K extends FactKey>(key: K, tool: string, parameters: JsonObject) => house.one(key, tool, parameters)

/** Each fact, a call that wants it, and the request it stands on. */
const STANDS_ON = [
  ['repository', 'push_files', /aegisflow$/],
  ['branch', 'push_files', /\/rules\/branches/],
  ['pull', 'merge_pull_request', /\/pulls\/\d+$/],
  ['checks', 'merge_pull_request', /\/check-runs/],
  ['checks', 'merge_pull_request', /\/status\?/],
  ['reviews', 'merge_pull_request', /\/reviews/],
  ['changes', 'merge_pull_request', /\/files/],
  ['changes', 'push_files', /\/git\/trees/],
  ['changes', 'push_files', /\/git\/blobs/],
] as const satisfies readonly (readonly [FactKey, string, RegExp])[]

const FAULTS: readonly (readonly [string, Fault, RegExp])[] = [
  ['401', REFUSALS.unauthorized, /401 \(Bad credentials\): the credential is not valid/],
  ['403', REFUSALS.forbidden, /403 .*: grant the App one of these permissions: contents=read/],
  ['403 for single sign-on', REFUSALS.unsigned, /403 .*: the organisation demands single sign-on/],
  [
    '403 for the primary rate limit',
    spentUntil(Math.ceil(Date.now() / 1000) + 900),
    /403 .*no request for another \d+ s/,
  ],
  ['403 for the secondary rate limit', REFUSALS.secondary, /403 .*no request for another 60 s/],
  ['404', REFUSALS.missing, /404 \(Not Found\): it is not there/],
  ['429', REFUSALS.tooMany, /429 .*no request for another 30 s/],
  ['500', REFUSALS.broken, /500 .*try again later/],
  ['503', REFUSALS.unavailable, /503 .*try again later/],
  ['an answer that is no JSON', { kind: 'garble', text: '<html>' }, /is no JSON/],
  ['JSON that is no answer', { kind: 'garble', text: '[[]]' }, /GitHub's answer holds no|gives no list/],
  ['a connection that ends', { kind: 'hang-up' }, /failed: \w+/],
]

describe('a fact is unknown, with the reason,', () => {
  it.each(
    STANDS_ON.flatMap(([key, tool, path]) =>
      FAULTS.map(([name, fault, reason]) => [name, key, path, tool, fault, reason] as const),
    ),
  )('for %s: %s (%s)', async (_, key, path, tool, fault, reason) => {
    house.stage.spoil(path, fault)
    const fact = await one(key, tool, tool === 'push_files' ? PUSH : MERGE())
    expect(fact).toEqual({ known: false, reason: expect.stringMatching(reason) })
    expect(JSON.stringify(fact)).not.toMatch(/ghs_|Bearer/)
  })

  it('for an answer that takes too long', async () => {
    house.stage.spoil(/./, { kind: 'slow', milliseconds: 4000 })
    const keys = ['repository', 'branch', 'pull', 'checks', 'reviews', 'changes'] as const
    const facts = await house.look(keys, 'merge_pull_request', MERGE())
    expect(Object.values(facts)).toEqual(keys.map(() => ({ known: false, reason: 'took too long' })))
  })

  const sha = 'f'.repeat(40)
  it.each([
    ['another repository', 'repository', 'push_files', /aegisflow$/, 'full_name', 'aegisflow/other'],
    ['a name that is none', 'repository', 'push_files', /aegisflow$/, 'full_name', 'aegisflow'],
    ['an id that is no number', 'repository', 'push_files', /aegisflow$/, 'id', '1000'],
    ['no default branch', 'repository', 'push_files', /aegisflow$/, 'default_branch', ''],
    ['no visibility', 'repository', 'push_files', /aegisflow$/, 'private', undefined],
    ['another branch', 'branch', 'push_files', /\/branches\/main$/, 'name', 'dev'],
    ['a commit that is no SHA', 'branch', 'push_files', /\/branches\/main$/, 'commit.sha', 'main'],
    ['a protection that is no flag', 'branch', 'push_files', /\/branches\/main$/, 'protected', 'no'],
    [
      'demanded checks that are no list',
      'branch',
      'push_files',
      /\/branches\/main$/,
      'protection.required_status_checks.contexts',
      {},
    ],
    [
      'a demanded check that is no text',
      'branch',
      'push_files',
      /\/branches\/main$/,
      'protection.required_status_checks.contexts',
      [1],
    ],
    ['another pull request', 'pull', 'merge_pull_request', /\/pulls\/\d+$/, 'number', 1],
    ['a pull request elsewhere', 'pull', 'merge_pull_request', /\/pulls\/\d+$/, 'base.repo.full_name', 'other/repo'],
    ['a head that is no SHA', 'pull', 'merge_pull_request', /\/pulls\/\d+$/, 'head.sha', `${sha}0`],
    ['a state there is not', 'pull', 'merge_pull_request', /\/pulls\/\d+$/, 'state', 'merged'],
    ['no word on merging', 'pull', 'merge_pull_request', /\/pulls\/\d+$/, 'merged', null],
    [
      'a check run of another commit',
      'checks',
      'merge_pull_request',
      /\/check-runs/,
      'check_runs',
      [{ head_sha: sha }],
    ],
    ['fewer check runs than there are', 'checks', 'merge_pull_request', /\/check-runs/, 'total_count', 5000],
    ['the status of another commit', 'checks', 'merge_pull_request', /\/status\?/, 'sha', sha],
    [
      'the status of another repository',
      'checks',
      'merge_pull_request',
      /\/status\?/,
      'repository.full_name',
      'other/repo',
    ],
    ['fewer statuses than there are', 'checks', 'merge_pull_request', /\/status\?/, 'total_count', 5000],
    [
      'a review of another pull request',
      'reviews',
      'merge_pull_request',
      /\/reviews/,
      '0.pull_request_url',
      'x/pulls/1',
    ],
    ['a review without a state', 'reviews', 'merge_pull_request', /\/reviews/, '0.state', undefined],
    ['files of another commit', 'changes', 'merge_pull_request', /\/files/, '0.contents_url', `x?ref=${sha}`],
    ['a status of a file there is not', 'changes', 'merge_pull_request', /\/files/, '0.status', 'constructor'],
    ['a count that is none', 'changes', 'merge_pull_request', /\/files/, '0.additions', -1],
    ['another tree', 'changes', 'push_files', /\/git\/trees/, 'sha', sha],
    ['a tree without entries', 'changes', 'push_files', /\/git\/trees/, 'tree', undefined],
    ['another file', 'changes', 'push_files', /\/git\/blobs/, 'sha', sha],
    ['another content', 'changes', 'push_files', /\/git\/blobs/, 'content', 'eA=='],
    ['another encoding', 'changes', 'push_files', /\/git\/blobs/, 'encoding', 'none'],
  ] as const)('for a lie: %s', async (_, key, tool, path, place, value) => {
    house.stage.spoil(path, lie(place, value))
    const fact = await one(key, tool, tool === 'push_files' ? PUSH : MERGE())
    expect(fact).toMatchObject({ known: false, reason: expect.stringMatching(/GitHub|could be read|changed while/) })
  })

  it('where the action names no repository, or no upstream could look', async () => {
    expect(await one('repository', 'search_code', { q: 'x' })).toMatchObject({
      reason: 'the action names no repository',
    })
  })
})
