import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLiveChannel, type Followed } from '../../src/oversight/live-channel.ts'

const nothing = () => undefined

async function all<T>(channel: AsyncIterable<Followed<T>>): Promise<Followed<T>[]> {
  const seen: Followed<T>[] = []
  for await (const one of channel) seen.push(one)
  return seen
}

describe('the channel to one who follows', () => {
  it('gives what was pushed before and after it was asked for, in order', async () => {
    const channel = createLiveChannel<number>(nothing)
    channel.push(1)
    const seen = all(channel)
    await Promise.resolve()
    channel.push(2)
    channel.push(3)
    channel.end()
    expect(await seen).toEqual([1, 2, 3].map((event) => ({ kind: 'event', event })))
  })

  it('keeps a bounded number, then says how many were left out, and goes on', async () => {
    const channel = createLiveChannel<number>(nothing)
    for (let i = 0; i < 1500; i++) channel.push(i)
    const follower = channel[Symbol.asyncIterator]()
    for (let i = 0; i < 1000; i++) expect((await follower.next()).value).toEqual({ kind: 'event', event: i })
    expect((await follower.next()).value).toEqual({ kind: 'missed', count: 500 })
    channel.push(1500)
    expect((await follower.next()).value).toEqual({ kind: 'event', event: 1500 })
  })

  it('loses nothing without saying so, however pushes and reads fall together', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: -1200, max: 1200 }), { maxLength: 12 }), async (steps) => {
        const channel = createLiveChannel<number>(nothing)
        const follower = channel[Symbol.asyncIterator]()
        let [pushed, expected] = [0, 0]
        const read = async () => {
          const { value } = await follower.next()
          if (value?.kind === 'missed') expected += value.count
          else expect(value?.event).toBe(expected++)
        }
        for (const step of steps) {
          for (let i = 0; i < step; i++) channel.push(pushed++)
          for (let i = step; i < 0 && expected < pushed; i++) await read()
        }
        while (expected < pushed) await read()
        expect(expected).toBe(pushed)
      }),
      { numRuns: 50 },
    )
  })

  it('ends by an error after what was pushed before it, once, and takes nothing more', async () => {
    let left = 0
    const channel = createLiveChannel<number>(() => {
      left += 1
    })
    channel.push(1)
    channel.end(new Error('over'))
    channel.end()
    channel.push(2)
    const follower = channel[Symbol.asyncIterator]()
    expect((await follower.next()).value).toEqual({ kind: 'event', event: 1 })
    await expect(follower.next()).rejects.toThrow('over')
    expect((await follower.next()).done).toBe(true)
    expect(left).toBe(1)
  })

  it('lets go of what waits when the follower leaves', async () => {
    let left = 0
    const channel = createLiveChannel<number>(() => {
      left += 1
    })
    for (let i = 0; i < 5; i++) channel.push(i)
    for await (const one of channel) {
      expect(one).toEqual({ kind: 'event', event: 0 })
      break
    }
    expect(left).toBe(1)
    expect((await channel[Symbol.asyncIterator]().next()).done).toBe(true)
  })
})
