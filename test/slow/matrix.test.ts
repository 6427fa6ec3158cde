import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Case, complaint, type Group, judge, type Verifier } from '../matrix/case.ts'
import { IN_MEMORY } from '../matrix/groups.ts'
import { isHarmless } from '../matrix/harmless.ts'
import { impatient } from '../matrix/impatient.ts'
import { compile, loadVerifier, mutantsIn, mutated } from '../matrix/mutants.ts'
import { honestOnes, oneByteEach, SEED } from '../matrix/random.ts'
import { removeFolder, temporaryFolder } from '../support/evidence-store.ts'

/** `AEGIS_TEST_MUTANTS=walk` looks at some files only. */
const ONLY = new RegExp(process.env['AEGIS_TEST_MUTANTS'] ?? '')

const folder = temporaryFolder()
/** Of all groups. Those that told a mutant before come first: mutants of one file are often told by the same. */
const cases: Case[] = []

beforeAll(async () => {
  compile(folder)
  for (const make of IN_MEMORY) cases.push(...(await prepared(await make())))
})

afterAll(() => removeFolder(folder))

/** Made once, for all mutants. What is larger than any bundle only costs time, and so do the ends of chains that T3 and T5 cut. */
async function prepared(group: Group): Promise<Case[]> {
  const made: Case[] = []
  for (const one of group.cases) {
    const evidence = await one.evidence()
    if (evidence.as === 'bundle' && evidence.text.length > 1_000_000) continue
    if (group.name.startsWith('T1 ') && !one.name.endsWith('middle')) continue
    // What was a bound may be what is gone.
    const again = () => (evidence.as === 'store' ? { ...evidence, reader: impatient(evidence.reader) } : evidence)
    made.push({ ...one, evidence: again })
  }
  return made
}

/** Is there a case that this verifier gets wrong? */
async function isKilled(verifier: Verifier): Promise<boolean> {
  for (const [index, one] of cases.entries()) {
    if (await isRight(one, verifier)) continue
    cases.unshift(...cases.splice(index, 1))
    return true
  }
  return false
}

async function isRight({ evidence, expect: expected }: Case, verifier: Verifier): Promise<boolean> {
  try {
    return complaint(await judge(verifier, await evidence()), expected) === null
  } catch {
    return false
  }
}

describe('the matrix', () => {
  it('finds nothing wrong with the verifier as it is compiled', async () => {
    expect(await isKilled(await loadVerifier(`${folder}/src`))).toBe(false)
  })

  it('raises no false alarm over 1,000 honest logs, and sees 10,000 changes of one byte', async () => {
    const asked = await honestOnes(SEED, 1000)
    await oneByteEach(SEED, 10_000)
    process.stdout.write(`random honest logs 1000/1000, ${asked} verdicts\nchanges of one byte 10000/10000\n`)
  }, 1_800_000)

  it('notices each check of the verifier that is taken away', async () => {
    const mutants = mutantsIn(folder).filter(({ file }) => ONLY.test(file))
    const survivors: string[] = []
    let run = 0
    let harmless = 0
    for (const [number, mutant] of mutants.entries()) {
      if (isHarmless(mutant)) {
        harmless += 1
        continue
      }
      const verifier = await mutated(folder, mutant, number)
      if (verifier === null) continue
      run += 1
      if (await isKilled(verifier)) continue
      survivors.push(`${mutant.file}:${mutant.line} ${mutant.removed}`)
      process.stdout.write(`survives: ${survivors.at(-1)}\n`)
    }
    process.stdout.write(`mutants killed ${run - survivors.length}/${run}, ${harmless} change no verdict\n`)
    // Who survives gets a case, goes, or is known to be harmless.
    expect(survivors).toEqual([])
  }, 7_200_000)
})
