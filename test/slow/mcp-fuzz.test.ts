import { expect, it } from 'vitest'
import { fuzzMcp } from '../support/mcp-fuzz.ts'

const messages = Number(process.env['FUZZ_MESSAGES'] ?? '100000')
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1e9)

it(`${messages} right and broken messages crash nothing, pass nothing unrecorded and get no other's answer`, async () => {
  console.log(`seed ${seed}`)
  const report = await fuzzMcp({ messages, seed })
  console.log(JSON.stringify({ ...report, faults: report.faults.length }, null, 1))
  expect(report.faults).toEqual([])
  const { ask: reachedAsks = 0, ...reached } = report.reached
  const { ask: recordedAsks = 0, ...recorded } = report.recorded
  expect(reached).toEqual(recorded)
  expect(reachedAsks).toBeLessThanOrEqual(recordedAsks)
  expect(report.reached).not.toHaveProperty('blocked_tool')
  expect(report.resumed).toBeGreaterThan(0)
}, 1_800_000)
