import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Approval } from '../../src/core/approval.ts'
import type { SessionId } from '../../src/core/ids.ts'
import { createKeyring, createLimiter, DEFAULT_LIMITS, type KeyRecord, type Keyring } from '../../src/identity/index.ts'
import type { EntryDraft } from '../../src/ledger/draft.ts'
import type { StoredEntry } from '../../src/ledger/store.ts'
import { createTail, type Tail } from '../../src/ledger/tail.ts'
import { createLive, type Live } from '../../src/oversight/live.ts'
import type { Followed } from '../../src/oversight/live-channel.ts'
import { ALICE, draft, pendingApproval, random } from '../support/drafts.ts'
import { type EvidenceStore, openEvidence, removeFolder } from '../support/evidence-store.ts'
import { listLog } from '../support/world.ts'

let evidence: EvidenceStore
let keyring: Keyring
let tail: Tail
let live: Live
let agent: KeyRecord
let viewer: KeyRecord

const clock = { now: () => Date.now(), elapsed: () => performance.now() }

beforeEach(async () => {
  evidence = await openEvidence()
  keyring = createKeyring({ store: evidence.stores.keys, clock, random })
  const issue = async (name: string, role: 'agent' | 'viewer' | 'admin') =>
    (await keyring.issue({ name, owner: name, sponsor: name, role })).record
  await issue('root', 'admin')
  agent = await issue('claude', 'agent')
  viewer = await issue('vera', 'viewer')
  tail = createTail(evidence.stores.ledger)
  const log = listLog()
  const limits = { ...DEFAULT_LIMITS, streams: { own: 3, all: 10 } }
  live = createLive({
    tail,
    reader: evidence.stores.ledger,
    approvals: { get: (id) => evidence.stores.approvals.get(id) },
    inForce: keyring.inForce,
    limiter: createLimiter({ limits, clock, log, refused: () => undefined }),
    log,
  })
})
afterEach(async () => {
  tail.close()
  await evidence.close()
  removeFolder(evidence.folder)
})

async function append(changes: Partial<EntryDraft> = {}): Promise<void> {
  await evidence.ledger.append(draft(changes))
  tail.wake()
}
const own = (label: string): SessionId => `${agent.id}/${label}` as SessionId
const OTHERS = 'key_other/s' as SessionId

/** The sessions (or changes) of the next `count` events. */
async function take<T>(following: AsyncIterable<Followed<T>>, count: number, word: (event: T) => string) {
  const seen: string[] = []
  for await (const one of following) {
    seen.push(one.kind === 'missed' ? `missed ${one.count}` : word(one.event))
    if (seen.length === count) break
  }
  return seen
}
const session = (entry: StoredEntry) => entry.session ?? 'none'
const never = new AbortController().signal

describe('following entries', () => {
  it('shows a viewer all of them and an agent its own, from the moment it was promised', async () => {
    await append({ session: own('before') })
    const all = await live.entries(viewer, {}, never)
    const mine = await live.entries(agent, {}, never)
    for (const one of [OTHERS, own('a'), `${agent.id}x/a` as SessionId, own('b')]) await append({ session: one })
    expect(await take(all, 4, session)).toEqual([OTHERS, own('a'), `${agent.id}x/a`, own('b')])
    expect(await take(mine, 2, session)).toEqual([own('a'), own('b')])
  })

  it('of one session shows no other, and none to an agent whose it is not', async () => {
    await append({ session: own('a') })
    await append({ session: OTHERS })
    const following = await live.entries(viewer, { session: own('a') }, never)
    await append({ session: own('b') })
    await append({ session: own('a') })
    expect(await take(following, 1, session)).toEqual([own('a')])
    await expect(live.entries(agent, { session: OTHERS }, never)).rejects.toMatchObject({ code: 'not_found' })
    await expect(live.entries(agent, { session: 's' }, never)).rejects.toMatchObject({ code: 'not_found' })
  })

  it('tells one who was too slow how many it missed, and goes on', async () => {
    const slow = await live.entries(viewer, {}, never)
    const quick = take(await live.entries(viewer, {}, never), 1100, session)
    await Promise.all(Array.from({ length: 1100 }, () => append({ session: OTHERS })))
    expect(await quick).not.toContain('missed')
    expect((await take(slow, 1001, session)).at(-1)).toBe('missed 100')
  })

  it('ends when the follower goes, when the log is closed, and when the key or login is over, of which it says why', async () => {
    const going = new AbortController()
    const one = await live.entries(viewer, {}, going.signal)
    going.abort()
    expect(await take(one, 1, session)).toEqual([])

    const two = await live.entries(agent, {}, never)
    await keyring.revoke(agent.id)
    await expect(take(two, 1, session)).rejects.toMatchObject({ code: 'unauthenticated' })

    const loggedOut = await live.entries(viewer, {}, never, async () => false)
    await expect(take(loggedOut, 1, session)).rejects.toMatchObject({ code: 'unauthenticated' })

    const three = await live.entries(viewer, {}, never)
    tail.close()
    expect(await take(three, 1, session)).toEqual([])
  })

  it('takes a place among the streams of its key, until it ends', async () => {
    const going = new AbortController()
    for (let i = 0; i < 3; i++) await live.entries(viewer, {}, going.signal)
    await expect(live.entries(viewer, {}, never)).rejects.toMatchObject({ code: 'too_many' })
    going.abort()
    await live.entries(viewer, {}, never)
  })
})

describe('following approvals', () => {
  const change = (event: { change: string; approval: Approval }) => `${event.change} ${event.approval.status}`
  const park = (approval: Approval) =>
    append({ kind: 'review', env: approval.id, session: approval.session, changes: [{ kind: 'park', approval }] })

  it('tells of the request, of each vote and of the end, and of no other entry', async () => {
    const following = await live.approvals(viewer, never)
    const approval = pendingApproval({ expiresAt: Date.now() + 60_000 })
    const { id, session } = approval
    const seen = take(following, 3, change)
    await park(approval)
    await append({ kind: 'review', session })
    await append({ session })
    for (const [reviewer, settles] of [
      [ALICE, false],
      [{ ...ALICE, principal: viewer.id, owner: viewer.owner }, true],
    ] as const) {
      const vote = { reviewer, comment: '', at: 1 }
      const changes = [{ kind: 'approve', id, vote, settles, expiresAt: Date.now() + 60_000 }] as const
      const { owner: _, ...said } = reviewer
      await append({ kind: 'approve', env: id, session, reviewer: said, changes })
    }
    const [requested, voted, settled] = await seen
    expect([requested?.split(' ')[0], voted?.split(' ')[0], settled]).toEqual([
      'requested',
      'voted',
      'settled approved',
    ])
  })

  it('shows an agent its own alone', async () => {
    const mine = await live.approvals(agent, never)
    const all = await live.approvals(viewer, never)
    await park(pendingApproval({ session: OTHERS }))
    await park(pendingApproval({ session: own('a'), principal: agent.id }))
    expect(await take(mine, 1, ({ approval }) => approval.session)).toEqual([own('a')])
    expect(await take(all, 2, ({ approval }) => approval.session)).toEqual([OTHERS, own('a')])
  })
})
