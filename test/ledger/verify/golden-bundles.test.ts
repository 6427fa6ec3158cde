import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { verifyBundle } from '../../../src/ledger/verify/verifier.ts'

/**
 * Frozen: the seed's session of seven entries as bundles of format 2, one a verdict, each file named after the class it must be
 * given. A change of any verdict here is a change of what auditors were told.
 */
const FOLDER = new URL('../../vectors/bundles/', import.meta.url)
const NAMES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.replace('.json', ''))
const file = (name: string) => new URL(`${name}.json`, FOLDER)
const KEYS = new URL('log.vkey', FOLDER)
const verify = (name: string) => verifyBundle(readFileSync(file(name), 'utf8'), { keys: readFileSync(KEYS, 'utf8') })

describe('the golden bundles', () => {
  it('are as many as they were', () => {
    expect(NAMES).toHaveLength(25)
  })

  it.each([
    ['valid', 0, 'self-signed'],
    ['valid-partial', 0, 'self-signed'],
    ['valid-erased', 0, 'self-signed'],
    ['valid-witnessed', 0, 'witnessed(1/1)'],
    ['unsigned-format-1', 4, 'unsigned'],
  ])('%s: exit %i, %s', (name, exit, trust) => {
    expect(verify(name)).toMatchObject({ exit, trust, valid: true, brokenLink: null })
  })

  it('tell of a value that was erased', () => {
    expect(verify('valid-erased').findings).toMatchObject([{ class: 'ERASED', severity: 'info', seq: 0 }])
  })

  it.each(NAMES.filter((name) => name === name.toUpperCase() || name.startsWith('rewritten')))('%s', (name) => {
    const { exit, findings } = verify(name)
    expect(exit).toBe(1)
    expect(findings.map((finding) => finding.class)).toContain(name.replace('rewritten-', ''))
  })

  it.skipIf(!hasPython()).each(NAMES)('%s is to a verifier in another language what it is to ours', (name) => {
    const script = fileURLToPath(new URL('../../vectors/verify.py', import.meta.url))
    const words = [script, fileURLToPath(KEYS), fileURLToPath(file(name))]
    const { status, stderr } = spawnSync('python3', words, { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: verify(name).exit, stderr: '' })
  })
})

/** Where python3 or openssl is not installed, there is no second opinion. */
function hasPython(): boolean {
  const missing = [
    ['python3', '--version'],
    ['openssl', 'version'],
  ].filter(([program = '', word = '']) => spawnSync(program, [word]).error !== undefined)
  for (const [program] of missing) process.stderr.write(`skipped: ${program} is not installed\n`)
  return missing.length === 0
}
