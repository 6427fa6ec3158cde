import { readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyBundle } from '../../../src/ledger/verify/verifier.ts'
import { committed, draft, SESSION } from '../../support/drafts.ts'
import { openEvidence, removeFolder, signingIn, temporaryFolder } from '../../support/evidence-store.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const ENTRY = join(ROOT, 'src/ledger/verify/verifier.ts')
const MOST_LINES = 1500

/** Every file that runs when the verifier is imported; types are gone by then. */
function closure(file: string, found = new Map<string, string>()): Map<string, string> {
  if (found.has(file)) return found
  const text = readFileSync(file, 'utf8')
  found.set(file, text)
  for (const [, names = '', target = ''] of text.matchAll(/^(?:import|export) ([\w*{}\s,]+?) from '([^']+)'/gm)) {
    if (names.startsWith('type ') || onlyTypes(names)) continue
    if (target.startsWith('.')) closure(resolve(dirname(file), target), found)
    else expect(`${relative(ROOT, file)}: ${target}`).toMatch(/: node:(crypto|buffer)$/)
  }
  return found
}

function onlyTypes(names: string): boolean {
  const list = /^\{([\s\S]*)\}$/
    .exec(names)?.[1]
    ?.split(',')
    .map((name) => name.trim())
  return list?.filter(Boolean).every((name) => name.startsWith('type ')) ?? false
}

/** Lines that do something: no blank lines, comments, or declarations of types, which are for the reader and vanish when it is built. */
function lines(text: string): number {
  const code = text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^(export )?interface [\s\S]*?^\}/gm, '')
    .replace(/^import type [\s\S]*?'$/gm, '')
    .replace(/^(export )?type \w+(<[^>]*>)? =[^\n]*(\n +[^\n]*)*/gm, '')
  return code.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length
}

let bundle: string
let keys: string

beforeAll(async () => {
  const folder = temporaryFolder()
  const evidence = await openEvidence(folder, signingIn(folder))
  for (let index = 0; index < 5; index += 1)
    await evidence.ledger.append(draft({ commitments: committed(`v${index}`) }))
  bundle = JSON.stringify(await evidence.ledger.export(SESSION))
  keys = readFileSync(join(folder, 'log.vkey'), 'utf8')
  await evidence.close()
  folders.push(folder)
})
const folders: string[] = []
afterAll(() => folders.forEach(removeFolder))

describe('aegis-proxy/verify', () => {
  it(`can be read in a sitting: at most ${MOST_LINES} lines of code, of nothing but ours and node's`, () => {
    const files = [...closure(ENTRY).values()]
    const count = files.reduce((sum, text) => sum + lines(text), 0)
    expect(count).toBeLessThanOrEqual(MOST_LINES)
  })

  it('is what package.json exports', () => {
    const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    expect(exports['./verify'].default).toBe('./dist/src/ledger/verify/verifier.js')
  })

  it('answers as the command ends', () => {
    expect(verifyBundle(bundle, { keys })).toMatchObject({ exit: 0, valid: true, trust: 'self-signed', reason: null })
    expect(verifyBundle(bundle)).toMatchObject({ exit: 3, valid: false, reason: expect.stringContaining('nobody') })
    const unsigned = JSON.stringify({ ...JSON.parse(bundle), proof: null })
    expect(verifyBundle(unsigned, { keys })).toMatchObject({ exit: 4, valid: true, trust: 'unsigned' })
    expect(verifyBundle(unsigned)).toMatchObject({ exit: 0, valid: true, trust: 'unsigned' })
    const edited = verifyBundle(bundle.replace('get_file_contents', 'get_me'), { keys })
    expect(edited).toMatchObject({ exit: 1, valid: false, brokenLink: expect.stringContaining('ALTERED_BODY') })
    expect(verifyBundle('{}', { keys })).toMatchObject({ exit: 3, valid: false, report: null })
    expect(() => verifyBundle(bundle, { keys: 'no key' })).toThrow('line 1')
  })

  it('has a verdict for whatever it is given, and none of them is valid but for the bundle itself', () => {
    const cut = fc.nat(bundle.length - 1).map((at) => bundle.slice(0, at))
    const spliced = fc
      .tuple(fc.nat(bundle.length), fc.string())
      .map(([at, text]) => bundle.slice(0, at) + text + bundle.slice(at + 1))
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), cut, spliced), (text) => {
        const { valid, exit } = verifyBundle(text, { keys })
        expect([0, 1, 3, 4]).toContain(exit)
        // What nobody signed may change without harm: hints, receipts, white space.
        if (valid) expect(withoutHints(text)).toEqual(withoutHints(bundle))
      }),
      { numRuns: 500 },
    )
  })
})

function withoutHints(text: string): unknown {
  const { keys: _, receipts: __, ...rest } = JSON.parse(text)
  return { ...rest, proof: null }
}
