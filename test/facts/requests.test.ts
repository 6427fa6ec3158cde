import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { FactKey } from '../../src/core/facts.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { FIX_BRANCH } from '../../starter-kit/forge/index.ts'
import { lie } from '../forge/spoiling.ts'
import { factsHouse, type House, PUSH, REPO } from './house.ts'

let house: House
let pull: number
beforeAll(async () => {
  house = await factsHouse()
  pull = await house.openPull(FIX_BRANCH)
})
beforeEach(() => house.stage.clear())
afterAll(() => house.stop())

const MERGE = (): JsonObject => ({ pullNumber: pull })
const paths = (): string[] => house.stage.seen.map(({ path }) => path.replace(REPO, ''))
const one = <K extends FactKey>(key: K, tool: string, parameters: JsonObject) => house.one(key, tool, parameters)

describe('requests', () => {
  const counted = async (key: FactKey, tool: string, parameters: JsonObject): Promise<string[]> => {
    house.stage.clear()
    await one(key, tool, parameters)
    return paths()
      .map((path) =>
        path
          .replace(/[0-9a-f]{40}/, 'SHA')
          .replace(/\d{4}/, 'N')
          .replace(/\?.*/, ''),
      )
      .sort()
  }

  it('are none where no fact is wanted', async () => {
    expect(await house.look([], 'push_files', PUSH)).toEqual({})
    expect(await house.look(['rewriting'], 'push_files', PUSH)).toEqual({
      rewriting: { known: true, value: { possible: true } },
    })
    expect(house.stage.seen).toEqual([])
  })

  it('are few for each fact', async () => {
    expect(await counted('repository', 'push_files', PUSH)).toEqual([''])
    expect(await counted('branch', 'push_files', PUSH)).toEqual(['', '/branches/main', '/rules/branches/main'])
    expect(await counted('pull', 'merge_pull_request', MERGE())).toEqual(['/pulls/N'])
    expect(await counted('reviews', 'merge_pull_request', MERGE())).toEqual(['/pulls/N', '/pulls/N/reviews'])
    expect(await counted('changes', 'push_files', PUSH)).toEqual(['/branches/main', '/git/blobs/SHA', '/git/trees/SHA'])
    expect(await counted('changes', 'merge_pull_request', MERGE())).toEqual(['/pulls/N', '/pulls/N/files'])
  })

  it('are shared by all facts of one decision, and by decisions at the same time', async () => {
    const keys = ['repository', 'branch', 'pull', 'checks', 'reviews', 'changes'] as const
    const memory = house.memory()
    await Promise.all([1, 2, 3].map(() => house.look(keys, 'merge_pull_request', MERGE(), memory)))
    const asked = paths()
    expect(new Set(asked).size).toBe(asked.length)
    expect(asked.length).toBe(8)
  })

  it('are shared by all facts of a call that comes in at this moment, so that they speak of one commit', async () => {
    house.stage.clear()
    const keys = ['repository', 'branch', 'pull', 'checks', 'reviews', 'changes'] as const
    await house.lookNow(keys, 'merge_pull_request', MERGE())
    expect(paths().toSorted()).toEqual([...new Set(paths())].toSorted())
  })

  it('cost nothing of the rate limit where nothing has changed, and are not made at all for what a SHA names', async () => {
    const memory = house.memory()
    await house.look(['branch', 'changes'], 'push_files', PUSH, memory)
    house.stage.clear()
    house.pass(1000)
    await house.look(['branch', 'changes'], 'push_files', PUSH, memory)
    expect(house.stage.seen).toEqual([])
    house.pass(2000)
    const again = await house.look(['branch', 'changes'], 'push_files', PUSH, memory)
    expect(house.stage.seen.map(({ status }) => status)).toEqual([304, 304, 304])
    expect(again).toMatchObject({ branch: { known: true }, changes: { known: true } })
  })
})

describe('a renamed repository', () => {
  it('is known under its former name, and says its present one', async () => {
    await house.own(`PATCH ${REPO}`, { name: 'aegis' })
    const facts = await house.look(
      ['repository', 'branch', 'pull', 'checks', 'reviews', 'changes'],
      'merge_pull_request',
      MERGE(),
    )
    expect(facts.repository).toMatchObject({ value: { id: 1000, repository: { owner: 'aegisflow', name: 'aegis' } } })
    expect(Object.values(facts).map(({ known }) => known)).toEqual([true, true, true, true, true, true])
  })

  it('is unknown where the redirect leads to another one, or elsewhere', async () => {
    house.stage.spoil(/repositories\/1000$/, lie('id', 7))
    expect(await one('repository', 'push_files', PUSH)).toMatchObject({
      reason: expect.stringContaining('another repository'),
    })
    const away = {
      kind: 'refuse',
      status: 301,
      message: 'Moved',
      headers: { location: 'http://127.0.0.1:1/repositories/1000' },
    } as const
    house.stage.spoil(/aegisflow$/, away)
    expect(await one('repository', 'push_files', PUSH)).toMatchObject({
      known: false,
      reason: expect.stringContaining('301'),
    })
  })
})
