import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { removeFolder, temporaryFolder } from '../support/evidence-store.ts'
import { forbidden } from './forbidden.ts'
import { closingLine, failuresOf } from './run.ts'
import { type Base, storedBase, storedColumns } from './stored.ts'
import { VERIFIER } from './verifier.ts'

const folder = temporaryFolder()
let base: Base

beforeAll(async () => {
  base = await storedBase(folder)
})

afterAll(() => removeFolder(folder))

describe('a store as its administrator can change it', () => {
  for (const make of [storedColumns, forbidden]) {
    it(`${make.name}: every change has its verdict`, async () => {
      const group = make(base)
      const wrong = await failuresOf(group, VERIFIER)
      closingLine(group, wrong.length)
      expect(wrong).toEqual([])
      // A file each: it takes as long as the disk does.
    }, 180_000)
  }
})
