import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { AegisError } from '../../src/core/errors.ts'
import type { Principal } from '../../src/core/ids.ts'
import { createBuckets } from '../../src/identity/buckets.ts'
import { createLimiter, DEFAULT_LIMITS, type Limits } from '../../src/identity/index.ts'
import { createPlaces } from '../../src/identity/places.ts'
import { handClock, listLog } from '../support/world.ts'

const key = (name: string | number) => `key_${name}` as Principal
const alice = key('alice')
const bob = key('bob')

let clock: ReturnType<typeof handClock>
let log: ReturnType<typeof listLog>
let refused: string[]
beforeEach(() => {
  clock = handClock()
  log = listLog()
  refused = []
})

const limiter = (limits: Partial<Limits>) =>
  createLimiter({ limits: { ...DEFAULT_LIMITS, ...limits }, clock, log, refused: (kind) => refused.push(kind) })

function refusal(work: () => unknown): AegisError | null {
  try {
    work()
    return null
  } catch (error) {
    if (error instanceof AegisError) return error
    throw error
  }
}

describe('the rate of a key', () => {
  it('lets a burst through, then as many as the rate gives', () => {
    const buckets = createBuckets({ rate: 10, burst: 5 }, clock)
    const takes = (count: number) => Array.from({ length: count }, () => buckets.take(alice) === 0)
    expect(takes(7)).toEqual([true, true, true, true, true, false, false])
    clock.advance(300)
    expect(takes(4)).toEqual([true, true, true, false])
  })

  it('says how long to wait, and no longer than that', () => {
    const buckets = createBuckets({ rate: 2, burst: 1 }, clock)
    buckets.take(alice)
    expect(buckets.take(alice)).toBe(500)
    clock.advance(500)
    expect(buckets.take(alice)).toBe(0)
  })

  it('never gives more than burst and rate allow, in whatever steps time passes', () => {
    const steps = fc.array(
      fc.record({ wait: fc.integer({ min: 0, max: 3000 }), calls: fc.integer({ min: 0, max: 40 }) }),
    )
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }), (all, rate, burst) => {
        const time = handClock()
        const buckets = createBuckets({ rate, burst }, time)
        let taken = 0
        for (const { wait, calls } of all) {
          time.advance(wait)
          for (let count = 0; count < calls; count++) if (buckets.take(alice) === 0) taken += 1
        }
        expect(taken).toBeLessThanOrEqual(burst + (time.elapsed() * rate) / 1000 + 1e-6)
      }),
    )
  })

  it('of one is not that of another', () => {
    const buckets = createBuckets({ rate: 1, burst: 1 }, clock)
    for (let count = 0; count < 100; count++) buckets.take(alice)
    expect(buckets.take(bob)).toBe(0)
  })

  it('is remembered of ten thousand keys, and no more', () => {
    const buckets = createBuckets({ rate: 1, burst: 1 }, clock)
    for (let count = 0; count < 12_000; count++) buckets.take(key(count))
    expect(buckets.size).toBe(10_000)
    expect(buckets.take(key(11_999))).toBeGreaterThan(0)
  })
})

describe('places', () => {
  it('are never more than one key, and all keys with the reserve, may have, and all are given back', () => {
    const action = fc.record({ who: fc.integer({ min: 0, max: 5 }), frees: fc.boolean() })
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), fc.integer({ min: 1, max: 6 }), (actions, own) => {
        const all = own * 2
        const places = createPlaces({ own, all })
        const held = new Map<number, number>()
        for (const { who, frees } of actions) {
          const mine = held.get(who) ?? 0
          if (frees) places.free(key(who))
          else if (places.take(key(who))) held.set(who, mine + 1)
          if (frees && mine > 0) held.set(who, mine - 1)
          expect(places.held(key(who))).toBe(held.get(who) ?? 0)
          expect(places.held(key(who))).toBeLessThanOrEqual(own)
          expect(places.taken).toBeLessThanOrEqual(all + Math.ceil(all / 8))
        }
        for (const [who, count] of held) for (let left = count; left > 0; left--) places.free(key(who))
        expect(places.taken).toBe(0)
      }),
    )
  })

  it('cannot all be taken by a few: who has none finds one in the reserve', () => {
    const places = createPlaces({ own: 10, all: 16 })
    for (let count = 0; count < 30; count++) for (const who of [alice, bob]) places.take(who)
    expect(places.taken).toBe(16)
    expect(places.take(alice)).toBe(false)
    expect(places.take(key('newcomer'))).toBe(true)
    expect(places.take(key('newcomer'))).toBe(false)
  })
})

describe('a call over the limit', () => {
  it('of the rate is told how long to wait, in seconds', () => {
    const limits = limiter({ rate: 1, burst: 1 })
    limits.begin(alice).release()
    const error = refusal(() => limits.begin(alice))
    expect(error).toMatchObject({ code: 'too_many', data: { limit: 'rate', retry_after: 1 } })
    expect(error?.message).toBe('this key makes calls faster than 1 a second')
    expect(error?.advice).toBe('wait 1 s, then make the call again')
    clock.advance(1000)
    expect(refusal(() => limits.begin(alice))).toBeNull()
  })

  it('of calls at the same time waits for one of its own to finish', () => {
    const limits = limiter({ calls: { own: 2, all: 100 } })
    const [first] = [limits.begin(alice), limits.begin(alice)]
    const error = refusal(() => limits.begin(alice))
    expect(error).toMatchObject({ code: 'too_many', data: { limit: 'calls', retry_after: 1 } })
    expect(error?.message).toContain('this key has 2 calls under way')
    expect(refusal(() => limits.begin(bob))).toBeNull()
    first?.release()
    first?.release()
    expect(refusal(() => limits.begin(alice))).toBeNull()
    expect(refusal(() => limits.begin(alice))).not.toBeNull()
  })

  it('gives its place away while it waits for a person, and goes on in any case', () => {
    const limits = limiter({ calls: { own: 1, all: 100 }, waiting: { own: 1, all: 1 } })
    const held = limits.begin(alice)
    held.pause()
    held.pause()
    const other = limits.begin(alice)
    other.pause()
    expect(
      refusal(() => limits.begin(alice)),
      'no room to wait: it keeps its place',
    ).not.toBeNull()
    held.resume()
    held.resume()
    other.release()
    expect(
      refusal(() => limits.begin(alice)),
      'the held one is under way again',
    ).not.toBeNull()
    held.release()
    held.resume()
    held.pause()
    expect(refusal(() => limits.begin(alice))).toBeNull()
  })

  it('gives back all it took, in whatever order it was paused, resumed and released', () => {
    const step = fc.constantFrom('pause', 'resume', 'release')
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 8 }), (calls) => {
        const limits = limiter({ calls: { own: 8, all: 8 }, waiting: { own: 3, all: 3 } })
        const slots = calls.map(() => limits.begin(alice))
        for (const [index, steps] of calls.entries()) for (const one of steps) slots[index]?.[one as 'pause']()
        for (const slot of slots) slot.release()
        const again = Array.from({ length: 8 }, () => limits.begin(alice))
        expect(refusal(() => limits.begin(alice))).not.toBeNull()
        for (const slot of again) slot.pause()
        for (let count = 0; count < 3; count++) expect(refusal(() => limits.begin(alice))).toBeNull()
      }),
    )
  })

  it('is counted each time, and logged once a minute for each key', () => {
    const limits = limiter({ rate: 1, burst: 1 })
    for (let count = 0; count < 1000; count++) refusal(() => limits.spend(alice))
    refusal(() => limits.spend(bob))
    refusal(() => limits.spend(bob))
    expect(refused).toHaveLength(1000)
    expect(log.lines).toHaveLength(2)
    clock.advance(61_000)
    refusal(() => limits.spend(alice))
    refusal(() => limits.spend(alice))
    expect(log.lines).toHaveLength(3)
    expect(log.lines[2]).toContain('"principal":"key_alice","limit":"rate","times":999')
  })
})

describe('what stays open', () => {
  it.each(['sessions', 'streams'] as const)('%s have a limit of their own', (kind) => {
    const limits = limiter({ [kind]: { own: 1, all: 10 } })
    const close = limits.open(kind, alice)
    expect(refusal(() => limits.open(kind, alice))).toMatchObject({ message: `too many open ${kind}` })
    expect(refusal(() => limits.begin(alice))).toBeNull()
    close()
    close()
    expect(refusal(() => limits.open(kind, alice))).toBeNull()
  })
})
