import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Case, Group, Verifier } from '../matrix/case.ts'
import { IN_MEMORY } from '../matrix/groups.ts'
import { compile, loadVerifier, mutantsIn, mutated } from '../matrix/mutants.ts'
import { honestOnes, oneByteEach, SEED } from '../matrix/random.ts'
import { failuresOf } from '../matrix/run.ts'
import { removeFolder, temporaryFolder } from '../support/evidence-store.ts'

/** `AEGIS_TEST_MUTANTS=walk` looks at some files only. */
const ONLY = new RegExp(process.env['AEGIS_TEST_MUTANTS'] ?? '')
/**
 * At least this share is noticed; the others are printed. Among them are checks that only save time, bound memory or spare a
 * reader a second name for one damage: no verdict changes without them.
 */
const KILLED = 0.7

const folder = temporaryFolder()
const groups: Group[] = []

beforeAll(async () => {
  compile(folder)
  for (const make of IN_MEMORY) groups.push(await prepared(await make()))
  // What says most in the least time comes first: a mutant is done with at its first false verdict.
  groups.sort((one, other) => one.cases.length - other.cases.length)
})

afterAll(() => removeFolder(folder))

/** Made once, for all mutants. What is larger than any bundle only costs time. */
async function prepared({ name, cases }: Group): Promise<Group> {
  const made: Case[] = []
  for (const one of cases) {
    const evidence = await one.evidence()
    if (evidence.as === 'bundle' && evidence.text.length > 1_000_000) continue
    made.push({ ...one, evidence: () => evidence })
  }
  return { name, cases: made }
}

async function killed(verifier: Verifier): Promise<boolean> {
  for (const group of groups) {
    try {
      if ((await failuresOf(group, verifier, 1)).length > 0) return true
    } catch {
      return true
    }
  }
  return false
}

describe('the matrix', () => {
  it('finds nothing wrong with the verifier as it is compiled', async () => {
    expect(await killed(await loadVerifier(`${folder}/src`))).toBe(false)
  })

  it('raises no false alarm over 1,000 honest logs, and sees 10,000 changes of one byte', async () => {
    const asked = await honestOnes(SEED, 1000)
    await oneByteEach(SEED, 10_000)
    process.stdout.write(`random honest logs 1000/1000, ${asked} verdicts\nchanges of one byte 10000/10000\n`)
  })

  it('notices each check of the verifier that is taken away', async () => {
    const mutants = mutantsIn(folder).filter(({ file }) => ONLY.test(file))
    const survivors: string[] = []
    let run = 0
    for (const [number, mutant] of mutants.entries()) {
      const verifier = await mutated(folder, mutant, number).catch(() => null)
      if (verifier === null) continue
      run += 1
      if (!(await killed(verifier))) {
        survivors.push(`${mutant.file}:${mutant.line} ${mutant.removed}`)
        process.stdout.write(`survives: ${survivors.at(-1)}\n`)
      }
    }
    process.stdout.write(`mutants killed ${run - survivors.length}/${run}\n`)
    expect(1 - survivors.length / run).toBeGreaterThan(KILLED)
  }, 3_600_000)
})
