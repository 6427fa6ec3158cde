import { afterAll, describe, expect, it } from 'vitest'
import { complaint, judge } from './case.ts'
import { IN_MEMORY } from './groups.ts'
import { VERIFIER } from './verifier.ts'

const counts: string[] = []

afterAll(() => {
  process.stdout.write(`${counts.join('\n')}\n`)
})

describe('every way to damage evidence has its verdict and its place', async () => {
  for (const make of IN_MEMORY) {
    const { name, cases } = await make()
    it(`${name}: ${cases.length} cases`, async () => {
      expect(new Set(cases.map((one) => one.name)).size, 'names are unique').toBe(cases.length)
      const wrong: string[] = []
      for (const one of cases) {
        const verdict = await judge(VERIFIER, await one.evidence())
        const said = complaint(verdict, one.expect)
        if (said !== null) wrong.push(`${one.name}: ${said}`)
      }
      counts.push(`${name} ${cases.length - wrong.length}/${cases.length}`)
      expect(wrong).toEqual([])
    })
  }
})
