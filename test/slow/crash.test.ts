import { expect, it } from 'vitest'
import { crash } from '../support/crash.ts'

const KILLS = 30

it(`a server killed ${KILLS} times at random points keeps every acknowledged entry, and sent nothing it had not recorded`, async () => {
  const report = await crash(KILLS)
  console.log(`${KILLS} kills: ${JSON.stringify(report)}`)
  // With six callers asking all the time, hardly a kill meets none of them under way.
  expect(report.orphans).toBeGreaterThan(0)
})
