import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { FactKey } from '../../src/core/facts.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { FIX_BRANCH } from '../../starter-kit/forge/index.ts'
import { lie } from '../forge/spoiling.ts'
import { factsHouse, file, type House, REPO } from './house.ts'

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

describe('the checks', () => {
  const told = async () => one('checks', 'merge_pull_request', MERGE())
  const run = (name: string, more: JsonObject) =>
    house.act(`POST ${REPO}/check-runs`, { name, head_sha: house.git('rev-parse', FIX_BRANCH), ...more })
  const status = (context: string, state: string) =>
    house.act(`POST ${REPO}/statuses/${house.git('rev-parse', FIX_BRANCH)}`, { context, state })

  it('go from none through pending and red to green', async () => {
    expect(await told()).toMatchObject({ value: { state: 'none', failing: [], pending: [] } })
    await status('ci', 'pending')
    expect(await told()).toMatchObject({ value: { state: 'pending', pending: ['ci'] } })
    await status('ci', 'success')
    await run('build', { status: 'in_progress' })
    expect(await told()).toMatchObject({ value: { state: 'pending', pending: ['build'] } })
    await run('build', { conclusion: 'timed_out' })
    expect(await told()).toMatchObject({ value: { state: 'red', failing: ['build'] } })
    await run('build', { conclusion: 'skipped' })
    await run('docs', { conclusion: 'neutral' })
    expect(await told()).toMatchObject({ value: { state: 'green', sha: house.git('rev-parse', FIX_BRANCH) } })
    await status('ci', 'error')
    expect(await told()).toMatchObject({ value: { state: 'red', failing: ['ci'] } })
    await status('ci', 'success')
  })

  it('are read to the last page', async () => {
    for (let number = 0; number < 101; number += 1) await status(`many/${number}`, 'success')
    await status('many/0', 'failure')
    expect(await told()).toMatchObject({ value: { state: 'red', failing: ['many/0'] } })
    await status('many/0', 'success')
  })

  it('are pending where the base demands one that has not begun, or that another App has answered', async () => {
    await house.own(`PUT ${REPO}/branches/main/protection`, {
      required_status_checks: { strict: false, contexts: ['audit'], checks: [{ context: 'build', app_id: 99 }] },
      enforce_admins: true,
      required_pull_request_reviews: null,
      restrictions: null,
    })
    expect(await told()).toMatchObject({ value: { state: 'pending', pending: ['build', 'audit'] } })
    await house.own(`DELETE ${REPO}/branches/main/protection`)
  })
})

describe('the reviews', () => {
  const review = (token: string, event: string): Promise<number> =>
    fetch(`${house.forge.url}${REPO}/pulls/${pull}/reviews`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ event, body: 'b' }),
    }).then(({ status }) => status)
  const told = async () => one('reviews', 'merge_pull_request', MERGE())

  it('count the last word of each person of the repository', async () => {
    const [alice, bob, eve] = [
      house.forge.person('alice'),
      house.forge.person('bob', 'MEMBER'),
      house.forge.person('eve', 'NONE'),
    ]
    await house.own(`PATCH ${REPO}`, { private: false })
    expect(await review(eve, 'APPROVE')).toBe(200)
    expect(await told()).toMatchObject({ value: { approvedBy: [], changesRequestedBy: [] } })
    await review(alice, 'REQUEST_CHANGES')
    await review(bob, 'APPROVE')
    expect(await told()).toMatchObject({ value: { approvedBy: ['bob'], changesRequestedBy: ['alice'] } })
    await review(alice, 'APPROVE')
    await review(alice, 'COMMENT')
    expect(await told()).toMatchObject({ value: { approvedBy: ['alice', 'bob'], changesRequestedBy: [] } })
    await house.own(`PATCH ${REPO}`, { private: true })
  })

  it('leave out what was dismissed, the author, and bots', async () => {
    const { list } = await house.own(`GET ${REPO}/pulls/${pull}/reviews`)
    const bobs = list.findIndex(({ user }) => JSON.stringify(user).includes('"bob"'))
    const dismissed = `PUT ${REPO}/pulls/${pull}/reviews/${list[bobs]?.['id']}/dismissals` as const
    expect((await house.own(dismissed, { message: 'stale' })).body['state']).toBe('DISMISSED')
    expect(await told()).toMatchObject({ value: { approvedBy: ['alice'] } })
    const alices = list.findIndex(({ state, user }) => state === 'APPROVED' && JSON.stringify(user).includes('"alice"'))
    house.stage.spoil(/\/reviews\?/, lie(`${alices}.user.type`, 'Bot'))
    expect(await told()).toMatchObject({ value: { approvedBy: [] } })
    house.stage.spoil(/\/pulls\/\d+$/, lie('user.login', 'Alice'))
    expect(await told()).toMatchObject({ value: { approvedBy: [] } })
  })

  it('lose an approval with the next commit', async () => {
    house.commit(FIX_BRANCH, file('later', 'later'))
    expect(await told()).toMatchObject({ value: { approvedBy: [], sha: house.git('rev-parse', FIX_BRANCH) } })
  })
})
