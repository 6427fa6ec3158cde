import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Principal } from '../../src/core/ids.ts'
import { createTaint, type TaintEntry, type TaintStore, type Visibility } from '../../src/facts/taint.ts'
import { envelopeOf } from './house.ts'

const alice = 'key:alice' as Principal
const bob = 'key:bob' as Principal
const HOUR = 3_600_000

/** A store as the durable one is to be: one entry for each principal, source and visibility. */
function store(): TaintStore & { readonly rows: Map<string, TaintEntry> } {
  const rows = new Map<string, TaintEntry>()
  const key = ({ principal, source, visibility }: Pick<TaintEntry, 'principal' | 'source' | 'visibility'>): string =>
    JSON.stringify([principal, source, visibility])
  return {
    rows,
    async put(entry) {
      rows.delete(key(entry))
      rows.set(key(entry), entry)
    },
    async drop(entry) {
      rows.delete(key(entry))
    },
    of: async (principal, since) => [...rows.values()].filter((row) => row.principal === principal && row.at >= since),
    async forget(before) {
      for (const [name, { at }] of rows) if (at < before) rows.delete(name)
    },
  }
}

function house() {
  const kept = store()
  let now = 0
  const taint = createTaint({ store: kept, clock: { now: () => now, elapsed: () => now } })
  const read = (tool: string, visibility: Visibility | Error, parameters = {}, who = alice): Promise<void> =>
    taint.note(who, envelopeOf(tool, parameters).action.acts[0], async () => {
      if (visibility instanceof Error) throw visibility
      return visibility
    })
  const pass = (milliseconds: number): void => {
    now += milliseconds
  }
  return { taint, read, pass, kept }
}

const CLEAN = { untrusted: [], private: [] }
const ISSUE = { method: 'get', issue_number: 1 }

describe('taint', () => {
  it.each([
    ['issue_read', 'public', { untrusted: ['aegisflow/aegisflow: issue_read'], private: [] }],
    ['issue_read', 'private', { untrusted: [], private: ['aegisflow/aegisflow'] }],
    ['issue_read', 'unknown', { untrusted: ['aegisflow/aegisflow: issue_read'], private: ['aegisflow/aegisflow'] }],
    ['list_issue_types', 'public', CLEAN],
  ] as const)('of %s from a repository that is %s', async (tool, visibility, expected) => {
    const { taint, read } = house()
    await read(tool, visibility, ISSUE)
    expect(await taint.fact(alice)).toEqual(expected)
  })

  it('of a search of the whole site is of both kinds', async () => {
    const { taint, read } = house()
    await read('search_issues', 'public', { query: 'x' })
    expect(await taint.fact(alice)).toEqual({
      untrusted: ['github: search_issues'],
      private: ['github: search_issues'],
    })
  })

  it('is not of writes', async () => {
    const { taint, read } = house()
    await read('create_branch', 'public', { branch: 'x' })
    expect(await taint.fact(alice)).toEqual(CLEAN)
  })

  it('keeps to the principal, and ends 24 hours after the last read', async () => {
    const { taint, read, pass } = house()
    await read('issue_read', 'public', ISSUE)
    expect(await taint.fact(bob)).toEqual(CLEAN)
    pass(23 * HOUR)
    await read('get_file_contents', 'public', { path: 'a' })
    pass(2 * HOUR)
    expect((await taint.fact(alice)).untrusted).toEqual(['aegisflow/aegisflow: get_file_contents'])
    pass(23 * HOUR)
    expect(await taint.fact(alice)).toEqual(CLEAN)
  })

  it('is the worst of both while the visibility is being looked up, and where that fails', async () => {
    const { taint, read, kept } = house()
    let answer = (_: Visibility): void => undefined
    const looked = new Promise<Visibility>((resolve) => {
      answer = resolve
    })
    const noted = taint.note(alice, envelopeOf('issue_read', ISSUE).action.acts[0], () => looked)
    const both = { untrusted: ['aegisflow/aegisflow: issue_read'], private: ['aegisflow/aegisflow'] }
    expect(await taint.fact(alice)).toEqual(both)
    expect(kept.rows.size).toBe(1)
    answer('public')
    await noted
    expect(await taint.fact(alice)).toEqual({ untrusted: ['aegisflow/aegisflow: issue_read'], private: [] })
    await read('list_issues', new Error('404'))
    expect(await taint.fact(alice)).toMatchObject({ private: ['aegisflow/aegisflow'] })
  })

  it('is written once a minute for each source, however often that is read', async () => {
    const { taint, read, pass, kept } = house()
    for (let number = 0; number < 5; number += 1) {
      await read('issue_read', 'public', ISSUE)
      kept.rows.clear()
      pass(14_000)
    }
    await read('issue_read', 'public', ISSUE)
    expect([...kept.rows.values()]).toMatchObject([{ at: 70_000 }])
    pass(24 * HOUR)
    expect((await taint.fact(alice)).untrusted).toHaveLength(1)
  })

  it('remembers both, where a repository was public and is private now', async () => {
    const { taint, read, pass } = house()
    await read('issue_read', 'public', ISSUE)
    pass(HOUR)
    await read('issue_read', 'private', ISSUE)
    expect(await taint.fact(alice)).toEqual({
      untrusted: ['aegisflow/aegisflow: issue_read'],
      private: ['aegisflow/aegisflow'],
    })
  })

  it('cannot be washed off by reading a lot', async () => {
    const { taint, kept } = house()
    const act = (repo: string) => envelopeOf('issue_read', { ...ISSUE, repo }).action.acts[0]
    await taint.note(alice, act('secret'), async () => 'private')
    for (let number = 0; number < 400; number += 1)
      await taint.note(alice, act(`public-${number}`), async () => 'public')
    await taint.note(alice, act('late-secret'), async () => 'private')
    expect(kept.rows.size).toBeLessThanOrEqual(203)
    expect((await taint.fact(alice)).private).toEqual(expect.arrayContaining(['aegisflow/secret', 'and more']))
  })

  it('ends up the same, whatever of several reads at once is answered first', async () => {
    const visibility = fc.constantFrom<Visibility>('public', 'private')
    const reads = fc.array(
      fc.record({ tool: fc.constantFrom('issue_read', 'list_issues'), visibility, delay: fc.nat(3) }),
      { maxLength: 6 },
    )
    await fc.assert(
      fc.asyncProperty(reads, async (list) => {
        const { taint, kept } = house()
        await Promise.all(
          list.map((one) =>
            taint.note(alice, envelopeOf(one.tool, ISSUE).action.acts[0], async () => {
              for (let turn = 0; turn < one.delay; turn += 1) await Promise.resolve()
              return one.visibility
            }),
          ),
        )
        expect([...kept.rows.values()].filter((row) => row.visibility === 'unknown')).toEqual([])
        const seen = await taint.fact(alice)
        const from = (tool: string) => list.some((one) => one.tool === tool && one.visibility === 'public')
        expect(new Set(seen.untrusted)).toEqual(
          new Set(['issue_read', 'list_issues'].filter(from).map((tool) => `aegisflow/aegisflow: ${tool}`)),
        )
        expect(seen.private.length > 0).toBe(list.some((one) => one.visibility === 'private'))
      }),
      { numRuns: 60 },
    )
  })
})
