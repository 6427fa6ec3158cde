import { describe, expect, it } from 'vitest'
import { IN_MEMORY } from './groups.ts'
import { closingLine, failuresOf } from './run.ts'
import { VERIFIER } from './verifier.ts'

describe('every way to damage evidence has its verdict and its place', async () => {
  for (const make of IN_MEMORY) {
    const group = await make()
    it(`${group.name}: ${group.cases.length} cases`, async () => {
      expect(new Set(group.cases.map(({ name }) => name)).size, 'names are unique').toBe(group.cases.length)
      const wrong = await failuresOf(group, VERIFIER)
      closingLine(group, wrong.length)
      expect(wrong).toEqual([])
    })
  }
})
