import { expect, it } from 'vitest'
import { fuzzMcp } from '../../support/mcp-fuzz.ts'

it('right and broken messages crash nothing, pass nothing unrecorded and get no other answer than theirs', async () => {
  const { faults, reached, recorded } = await fuzzMcp({ messages: 400, seed: 20260728 })
  expect(faults).toEqual([])
  // A second round of an asking tool is within one call or a call of its own: only the others can be counted one by one.
  expect({ ...reached, ask: 0 }).toEqual({ ...recorded, ask: 0 })
  expect(reached).not.toHaveProperty('blocked_tool')
}, 120_000)
