import { describe, it } from 'vitest'
import { honestOnes, oneByteEach, SEED } from './random.ts'

/** A sample: `npm run test:slow` has the whole. */
const LOGS = 100
const CHANGES = 1000

describe(`random logs, seed ${SEED}`, () => {
  it(`${LOGS} honest ones raise no false alarm`, async () => {
    const asked = await honestOnes(SEED, LOGS)
    process.stdout.write(`random honest logs ${LOGS}/${LOGS}, ${asked} verdicts\n`)
  })

  it(`${CHANGES} changes of one byte are all seen`, async () => {
    await oneByteEach(SEED, CHANGES)
    process.stdout.write(`changes of one byte ${CHANGES}/${CHANGES}\n`)
  })
})
