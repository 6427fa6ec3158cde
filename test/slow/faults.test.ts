import { expect, it } from 'vitest'
import { allFaults, complaintOf, nameOf, unavailable } from '../matrix/faults.ts'

it('T8 a disk that fails at any call loses nothing that was acknowledged, and what is left verifies', async (context) => {
  const missing = unavailable()
  if (missing !== null) {
    process.stdout.write(`T8 a disk that fails: skipped, ${missing}\n`)
    context.skip()
  }
  const faults = await allFaults()
  const wrong: string[] = []
  for (const fault of faults) {
    const said = await complaintOf(fault)
    if (said === null) continue
    wrong.push(`${nameOf(fault)}: ${said}`)
    process.stdout.write(`${wrong.at(-1)}\n`)
  }
  process.stdout.write(`T8 a disk that fails ${faults.length - wrong.length}/${faults.length}\n`)
  expect(wrong).toEqual([])
}, 1_800_000)
