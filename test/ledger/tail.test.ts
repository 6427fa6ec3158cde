import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTail } from '../../src/ledger/tail.ts'
import { draft } from '../support/drafts.ts'
import { type EvidenceStore, openEvidence, removeFolder } from '../support/evidence-store.ts'

let evidence: EvidenceStore
beforeAll(async () => {
  evidence = await openEvidence()
})
afterAll(async () => {
  await evidence.close()
  removeFolder(evidence.folder)
})

/** A poll that never comes: only being woken helps. */
const NEVER = { pollMs: 3_600_000 }

const append = async (count: number): Promise<void> => {
  await Promise.all(Array.from({ length: count }, () => evidence.ledger.append(draft())))
}

/** The first `count` entries from a place, as a follower is given them. */
async function take(tail: ReturnType<typeof createTail>, from: number, count: number): Promise<number[]> {
  const seen: number[] = []
  for await (const batch of tail.follow(from, new AbortController().signal)) {
    seen.push(...batch.map(({ n }) => n))
    if (seen.length >= count) break
  }
  return seen
}

const span = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index)

describe('the tail of the log', () => {
  it('gives what is there already, in order', async () => {
    await append(450)
    const tail = createTail(evidence.stores.ledger, NEVER)
    const next = await tail.next()
    expect(await take(tail, 0, next)).toEqual(span(0, next))
    tail.close()
  })

  it('gives what is appended later as soon as it is woken', async () => {
    const tail = createTail(evidence.stores.ledger, NEVER)
    const next = await tail.next()
    const taken = take(tail, next, 3)
    await append(2)
    tail.wake()
    await append(1)
    tail.wake()
    expect(await taken).toEqual(span(next, next + 3))
    tail.close()
  })

  it('sees what other gateways append without being woken', async () => {
    const tail = createTail(evidence.stores.ledger, { pollMs: 10 })
    const next = await tail.next()
    const taken = take(tail, next, 1)
    await append(1)
    expect(await taken).toEqual([next])
    tail.close()
  })

  it('loses and doubles nothing where it is written to while it is read', async () => {
    const tail = createTail(evidence.stores.ledger, NEVER)
    const next = await tail.next()
    const followers = [take(tail, next, 300), take(tail, next, 300), take(tail, next + 100, 200)]
    for (let round = 0; round < 30; round++) {
      await append(10)
      tail.wake()
    }
    const [first, second, third] = await Promise.all(followers)
    expect(first?.slice(0, 300)).toEqual(span(next, next + 300))
    expect(second).toEqual(first)
    expect(third?.slice(0, 200)).toEqual(span(next + 100, next + 300))
    tail.close()
  })

  it.each(['its follower leaves', 'it is closed'])('ends where %s', async (how) => {
    const tail = createTail(evidence.stores.ledger, NEVER)
    const leave = new AbortController()
    const over = (async () => {
      for await (const batch of tail.follow(await tail.next(), leave.signal)) throw new Error(`${batch.length}`)
      return 'over'
    })()
    if (how === 'it is closed') tail.close()
    else leave.abort()
    expect(await over).toBe('over')
  })
})
