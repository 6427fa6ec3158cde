import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { FactKey } from '../../src/core/facts.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { FIX_BRANCH } from '../../starter-kit/forge/index.ts'
import { lie } from '../forge/spoiling.ts'
import { factsHouse, file, type House, PUSH, REPO } from './house.ts'

let house: House
let pull: number
beforeAll(async () => {
  house = await factsHouse()
  pull = await house.openPull(FIX_BRANCH)
})
beforeEach(() => house.stage.clear())
afterAll(() => house.stop())

const MERGE = (): JsonObject => ({ pullNumber: pull })
const one = <K extends FactKey>(key: K, tool: string, parameters: JsonObject) => house.one(key, tool, parameters)

describe('the repository', () => {
  it('is known by number, present name, default branch and visibility', async () => {
    expect(await one('repository', 'push_files', PUSH)).toEqual({
      known: true,
      value: {
        id: 1000,
        repository: { owner: 'aegisflow', name: 'aegisflow' },
        defaultBranch: 'main',
        private: true,
        archived: false,
      },
    })
  })
})

describe('the branch', () => {
  it('is the one that is written, protected or not', async () => {
    expect(await one('branch', 'push_files', PUSH)).toMatchObject({
      value: {
        name: 'main',
        isDefault: true,
        sha: house.git('rev-parse', 'main'),
        protected: false,
        requiredChecks: [],
      },
    })
  })

  it('is the default one where the call names none', async () => {
    const { branch: _, ...rest } = PUSH
    expect(await one('branch', 'push_files', rest)).toMatchObject({ value: { name: 'main', isDefault: true } })
  })

  it('is the base of a pull request, whether it is there or proposed', async () => {
    expect(await one('branch', 'merge_pull_request', MERGE())).toMatchObject({ value: { name: 'main' } })
    const proposed = { title: 't', head: FIX_BRANCH, base: 'main' }
    expect(await one('branch', 'create_pull_request', proposed)).toMatchObject({ value: { name: 'main' } })
  })

  it('has no commit where it is not there', async () => {
    expect(await one('branch', 'push_files', { ...PUSH, branch: 'feat/new' })).toMatchObject({
      value: { name: 'feat/new', sha: null, isDefault: false, protected: false },
    })
  })

  it('is protected, with the checks it demands, by classic protection and by rulesets', async () => {
    house.commit('release/1', file('a', 'a'))
    await house.own(`PUT ${REPO}/branches/release/1/protection`, {
      required_status_checks: { strict: false, contexts: ['ci'] },
      enforce_admins: true,
      required_pull_request_reviews: null,
      restrictions: null,
    })
    const ruleset = await house.own(`POST ${REPO}/rulesets`, {
      name: 'releases',
      enforcement: 'active',
      conditions: { ref_name: { include: ['refs/heads/release/*'], exclude: [] } },
      rules: [
        { type: 'pull_request' },
        {
          type: 'required_status_checks',
          parameters: {
            required_status_checks: [{ context: 'lint', integration_id: 4711 }],
            strict_required_status_checks_policy: false,
          },
        },
      ],
    })
    expect(ruleset.status).toBe(201)
    expect(await one('branch', 'push_files', { ...PUSH, branch: 'release/1' })).toMatchObject({
      value: { protected: true, requiredChecks: ['ci', 'lint'] },
    })
    // A ruleset holds for a branch that is still to come.
    expect(await one('branch', 'create_branch', { branch: 'release/2' })).toMatchObject({
      value: { sha: null, protected: true, requiredChecks: ['lint'] },
    })
  })

  it('is not called protected for a rule about what commits look like', async () => {
    await house.own(`POST ${REPO}/rulesets`, {
      name: 'messages',
      enforcement: 'active',
      conditions: { ref_name: { include: ['refs/heads/style/**'], exclude: [] } },
      rules: [{ type: 'commit_message_pattern', parameters: { operator: 'starts_with', pattern: 'fix' } }],
    })
    expect(await one('branch', 'create_branch', { branch: 'style/x/y' })).toMatchObject({ value: { protected: false } })
  })

  it('has no rulesets where the plan has none', async () => {
    const message = 'Upgrade to GitHub Pro or make this repository public to enable this feature.'
    house.stage.spoil(/\/rules\//, { kind: 'refuse', status: 403, message })
    expect(await one('branch', 'push_files', PUSH)).toMatchObject({ value: { protected: false } })
  })
})

describe('the pull request', () => {
  it('is known with its head', async () => {
    expect(await one('pull', 'merge_pull_request', MERGE())).toMatchObject({
      value: {
        number: pull,
        state: 'open',
        draft: false,
        author: 'aegis-local[bot]',
        base: 'main',
        headRef: FIX_BRANCH,
        headSha: house.git('rev-parse', FIX_BRANCH),
        headRepository: { owner: 'aegisflow', name: 'aegisflow' },
      },
    })
  })

  it('may be of a fork that is gone', async () => {
    house.stage.spoil(/\/pulls\/\d+$/, lie('head.repo', null))
    expect(await one('pull', 'merge_pull_request', MERGE())).toMatchObject({ value: { headRepository: null } })
  })

  it('is unknown where the call names none', async () => {
    expect(await one('pull', 'push_files', PUSH)).toEqual({ known: false, reason: 'the action names no pull request' })
    expect(house.stage.seen).toEqual([])
  })
})
