import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EnvelopeId, SessionId } from '../../src/core/ids.ts'
import type { EntryDraft, EntryKind } from '../../src/ledger/draft.ts'
import { readErasure } from '../../src/ledger/erasures.ts'
import type { StoredEntry, StoredPayload } from '../../src/ledger/store.ts'
import type { SearchFilter } from '../../src/search/filter.ts'
import { TARGET_PATHS, targetOf, termsOf } from '../../src/search/terms.ts'
import { draft, newId } from '../support/drafts.ts'
import { kinds, type SearchHouse } from './house.ts'

const START = Date.parse('2026-04-06T14:22:00Z')
const PRINCIPALS = ['key_a1', 'key_b2', 'key_c3']
const AGENTS = ['claude-code', 'codex\0x', '__proto__', '人']
const TOOLS = ['github.get_file_contents', 'github.create_pull_request', 'shell.rm', 'githubx.get', '%_\'"']
const KINDS: readonly EntryKind[] = ['allow', 'block', 'review', 'approve', 'result']
const POLICIES = ['pr-writer', 'strict']
const REPOSITORIES = ['aegisflow/aegisflow', 'aegisflow/other', 'a/b']
const ROOMS = ['room_0123456789abcdef', 'core-team']

/** More than two blocks, so that there are stored ones and an edge. */
const ENTRIES = 9000

/** Drafts by chance, but the same for the same seed. */
function draftsOf(seed: number): { readonly draft: EntryDraft; readonly minutes: number }[] {
  let state = seed
  const below = (count: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((state / 2 ** 32) * count)
  }
  const one = <T>(values: readonly T[]): T => values[below(values.length)] as T
  return Array.from({ length: ENTRIES }, (_, index) => {
    const principal = one(PRINCIPALS)
    const kind = one(KINDS)
    const rare = index % 1500 === 7
    const [owner, repo] = one(REPOSITORIES).split('/')
    const room = one([...ROOMS, ''])
    return {
      minutes: below(3) === 0 ? 1 : 0,
      draft: draft({
        kind,
        session: `${principal}/sess-${below(20)}` as SessionId,
        env: newId(),
        actor: { agent: rare ? 'rare' : one(AGENTS), subject: principal, tenant: 'default' },
        action: { protocol: 'git', tool: one(TOOLS), capability: 'read' },
        decision: { rule: 'git:x', policy: one(POLICIES), policySha256: 'ab'.repeat(32) as never },
        findings: room === '' ? [] : [{ name: `room:${room}`, verdict: 'allow' }],
        commitments: [
          {
            path: 'params',
            salt: new Uint8Array(32).fill(1),
            value: { owner: owner ?? '', repo: repo ?? '', path: 'x' },
          },
          ...(below(4) === 0
            ? [{ path: 'target' as const, salt: new Uint8Array(32).fill(2), value: one(REPOSITORIES) }]
            : []),
        ],
      }),
    }
  })
}

const maybe = <T>(values: readonly T[]) => fc.option(fc.constantFrom(...values), { nil: undefined, freq: 2 })
const filters = fc
  .record({
    kinds: fc.option(fc.subarray([...KINDS, 'erase', 'boot', 'prune'], { minLength: 1 }), { nil: undefined }),
    tool: maybe([...TOOLS, 'github.*', 'github.g*', 'github*', '*', '.*', 'nothing.*', '%*']),
    agent: maybe([...AGENTS, 'rare', 'nobody']),
    principal: maybe([...PRINCIPALS, 'key_']),
    session: maybe(['key_a1/sess-1', 'key_b2/sess-19', 'sess-1']),
    policy: maybe(POLICIES),
    room: maybe(ROOMS),
    target: maybe([...REPOSITORIES, 'unknown/one']),
    since: maybe([START, START + 20 * 60_000, START + 1000 * 60_000]),
    until: maybe([START + 30 * 60_000, START + 2000 * 60_000]),
  })
  .map((all): SearchFilter => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)))

describe.each(kinds)('the search index on $name', ({ open }) => {
  let house: SearchHouse
  const envelopes: EnvelopeId[] = []

  beforeAll(async () => {
    house = await open()
    const drafts = draftsOf(4)
    for (let at = 0; at < drafts.length; at += 100) {
      const batch = drafts.slice(at, at + 100)
      house.clock.advance(batch.filter(({ minutes }) => minutes === 1).length * 1000)
      await Promise.all(batch.map(({ draft }) => house.ledger.append(draft)))
      envelopes.push(...batch.slice(0, 1).map(({ draft }) => draft.env))
    }
    await house.settled()
  }, 240_000)

  afterAll(() => house.close())

  /** What reading every entry that is there finds. */
  async function everything(): Promise<readonly Scanned[]> {
    const reader = house.stores.ledger
    const minIndex = (await reader.head())?.minIndex ?? 0
    const all: StoredEntry[] = []
    for await (const page of reader.entries(minIndex)) all.push(...page)
    const erased = new Set(all.flatMap(erasedBy))
    const payloads = await house.opened.source.payloadsBetween(0, 1_000_000, ['params', 'target'], 1_000_000)
    const byEntry = new Map(all.map(({ n }) => [n, [] as StoredPayload[]]))
    for (const payload of payloads) byEntry.get(payload.n)?.push(payload)
    return all.reverse().map((entry) => {
      const terms = termsOf(entry)
      const known = terms.action === null || erased.has(entry.n) ? null : terms.action
      return { entry, terms, target: known === null ? null : targetOf(known, byEntry.get(entry.n) ?? []) }
    })
  }

  async function found(filter: SearchFilter, limit = 1000): Promise<number[]> {
    const ns: number[] = []
    for (let before: number | null = null; ; ) {
      const page = await house.search().page(filter, before, limit)
      ns.push(...page.entries.map(({ n }) => n))
      if (page.next === null) return ns
      before = page.next
    }
  }

  async function agree(runs: number): Promise<void> {
    await house.settled()
    const all = await everything()
    const check = async (filter: SearchFilter) => {
      const scanned = all.filter((one) => scan(one, filter)).map(({ entry }) => entry.n)
      expect(await found(filter), JSON.stringify(filter)).toEqual(scanned)
    }
    await fc.assert(fc.asyncProperty(filters, check), { numRuns: runs })
    await check({})
    for (const envelope of envelopes.slice(0, 5)) await check({ envelope })
  }

  it('finds exactly what reading every entry finds, newest first', () => agree(60), 240_000)

  it('counts exactly what reading every entry counts', async () => {
    const all = await everything()
    const times = fc.integer({ min: START - 60_000, max: START + 3000 * 60_000 })
    const principals = fc.constantFrom(undefined, ...PRINCIPALS, 'nobody')
    await fc.assert(
      fc.asyncProperty(times, times, principals, async (one, two, principal) => {
        const [since, until] = [Math.min(one, two), Math.max(one, two) + 1]
        const stats = await house.search().stats({ since, until, ...(principal === undefined ? {} : { principal }) })
        const meant = all.filter((entry) =>
          scan(entry, { since, until, ...(principal === undefined ? {} : { principal }) }),
        )
        expect(stats.kinds).toEqual(sizes(meant.map(({ entry }) => entry.kind)))
        expect(
          stats.buckets.every(
            ({ at }, index) => index === 0 || at === (stats.buckets[index - 1]?.at ?? 0) + stats.bucketMs,
          ),
        ).toBe(true)
        expect(sum(stats.buckets.flatMap((bucket) => Object.values(bucket.kinds)))).toBe(meant.length)
        const blocked = sizes(
          meant.flatMap(({ entry, terms }) => (entry.kind === 'block' ? valuesOf(terms, 'tool') : [])),
        )
        expect(Object.fromEntries(stats.blockedTools.map((tool) => [tool.name, tool.blocked]))).toEqual(blocked)
        expect(stats.sessionCount).toBe(new Set(meant.flatMap(({ terms }) => valuesOf(terms, 'session'))).size)
        expect(stats.reviews.resolved).toBe(meant.filter(({ terms }) => terms.waited !== null).length)
      }),
      { numRuns: 30 },
    )
  }, 240_000)

  it('goes from page to page without doubles or holes while the log grows', async () => {
    const filter: SearchFilter = { tool: 'github.*', principal: 'key_a1' }
    const whole = await found(filter)
    const ns: number[] = []
    for (let before: number | null = null; ; ) {
      const page = await house.search().page(filter, before, 97)
      ns.push(...page.entries.map(({ n }) => n))
      await house.ledger.append(draft({ session: 'key_a1/late' as SessionId }))
      if (page.next === null) break
      before = page.next
    }
    expect(ns).toEqual(whole)
  })

  it('keeps no target: not the text, and nothing that is the same under another key', async () => {
    const postings = await house.opened.index.postings('target', { prefix: '' }, { from: 0, to: 10 })
    expect(postings.length).toBeGreaterThan(0)
    expect(postings.every(({ value }) => /^[0-9a-f]{32}$/.test(value))).toBe(true)
    const before = postings.map(({ value }) => value)
    await house.again({ key: new Uint8Array(32).fill(9) })
    await house.settled()
    const after = await house.opened.index.postings('target', { prefix: '' }, { from: 0, to: 10 })
    expect(after.length).toBe(before.length)
    expect(after.some(({ value }) => before.includes(value))).toBe(false)
    await house.again()
  })

  it('forgets the target of an entry whose values were erased, stored or at the edge', async () => {
    const gone = [10, 5000, 8999]
    for (const entry of gone) {
      const { body } = (await house.stores.ledger.entry(entry)) ?? { body: new Uint8Array() }
      const paths = TARGET_PATHS.filter((path) => Object.hasOwn(JSON.parse(Buffer.from(body).toString()).commit, path))
      const asked = { reason: 'a request', authority: 'GDPR 17', by: 'key_admin', everywhere: false }
      await house.ledger.erase({ entry, paths, ...asked })
    }
    await house.settled()
    const named = (await Promise.all(REPOSITORIES.map((target) => found({ target })))).flat()
    expect(named.filter((n) => gone.includes(n))).toEqual([])
    await agree(20)
  }, 240_000)

  it('is the same after a restart, and where it was made anew', async () => {
    await house.again()
    await agree(15)
    const state = await house.opened.index.state()
    await house.opened.index.reset('of another log', 0)
    await house.again()
    await agree(15)
    expect(await house.opened.index.state()).toEqual(state)
  }, 240_000)

  it('follows what is pruned', async () => {
    const minIndex = 4096 + 512
    for (const { session } of await house.stores.ledger.sessions(1000)) await house.ledger.closeSession(session)
    await house.prune(minIndex)
    expect((await house.stores.ledger.head())?.minIndex).toBe(minIndex)
    await house.ledger.append(draft())
    await house.settled()
    expect(await house.opened.index.postings('kind', { prefix: '' }, { from: 0, to: 0 })).toEqual([])
    await agree(60)
    await house.again()
    await agree(20)
  }, 240_000)
})

function valuesOf({ terms }: Scanned['terms'], field: string): string[] {
  return terms.filter((term) => term.field === field).map(({ value }) => value)
}

function sizes(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return Object.fromEntries(counts)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

interface Scanned {
  readonly entry: StoredEntry
  readonly terms: ReturnType<typeof termsOf>
  readonly target: string | null
}

/** Entries whose target nobody may find any more. */
function erasedBy({ kind, body }: StoredEntry): readonly number[] {
  const claim = kind === 'erase' ? readErasure(Buffer.from(body).toString()) : null
  return claim?.paths.some((path) => path === 'params' || path === 'target') ? claim.refs : []
}

function scan({ entry, terms, target }: Scanned, filter: SearchFilter): boolean {
  const values = (field: string) => terms.terms.filter((term) => term.field === field).map(({ value }) => value)
  const is = (field: string, wanted: string | undefined) =>
    wanted === undefined || values(field).includes(wanted.replaceAll('\0', '\ufffd'))
  const { tool, since, until } = filter
  return (
    (filter.kinds === undefined || filter.kinds.includes(entry.kind)) &&
    (tool === undefined ||
      values('tool').some((one) => (tool.endsWith('*') ? one.startsWith(tool.slice(0, -1)) : one === tool))) &&
    ['agent', 'principal', 'session', 'policy', 'room'].every((field) =>
      is(field, filter[field as keyof SearchFilter] as string),
    ) &&
    (filter.target === undefined || target === filter.target) &&
    (filter.envelope === undefined || entry.env === filter.envelope) &&
    (since === undefined || terms.at >= since) &&
    (until === undefined || terms.at < until)
  )
}
