import { describe, expect, it } from 'vitest'
import { allFaults, complaintOf, nameOf, unavailable } from './faults.ts'

/** One in so many: `npm run test:slow` has them all. */
const EVERY = 29

describe('T8 a disk that fails', () => {
  it('loses nothing that was acknowledged, and what is left verifies (a sample)', async (context) => {
    const missing = unavailable()
    if (missing !== null) {
      process.stdout.write(`T8 a disk that fails: skipped, ${missing}\n`)
      context.skip()
    }
    const sample = (await allFaults()).filter((_, index) => index % EVERY === 7)
    const wrong: string[] = []
    for (const fault of sample) {
      const said = await complaintOf(fault)
      if (said !== null) wrong.push(`${nameOf(fault)}: ${said}`)
    }
    process.stdout.write(`T8 a disk that fails ${sample.length - wrong.length}/${sample.length}\n`)
    expect(wrong).toEqual([])
  }, 120_000)
})
