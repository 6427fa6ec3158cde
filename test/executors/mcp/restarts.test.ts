import { describe, expect, it } from 'vitest'
import { createRestarts } from '../../../src/executors/mcp/restarts.ts'

describe('a program that keeps failing', () => {
  it('is started again at once, then after ever twice as long, at most after 30 s', () => {
    let now = 1_000
    const restarts = createRestarts(500, () => now)
    const waits = Array.from({ length: 9 }, () => {
      restarts.failed()
      const wait = restarts.wait()
      now += wait
      expect(restarts.wait()).toBe(0)
      return wait
    })
    expect(waits).toEqual([0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  })

  it('has a clean record again once it has lived a while', () => {
    const restarts = createRestarts(500, () => 0)
    restarts.failed()
    restarts.ended(10)
    expect(restarts.failures()).toBe(2)
    restarts.ended(60_000)
    expect([restarts.failures(), restarts.wait()]).toEqual([0, 0])
  })
})
