import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ELSEWHERE } from './elsewhere.ts'

/** The names of the tests in a file, as written: `it('...'`, `it.each(...)('...'`. */
function testNames(text: string): string[] {
  const names = text.matchAll(/(?:\bit\(|\]\)\(|\)\()\s*(?:'((?:[^'\\]|\\.)*)'|`([^`]*)`)/g)
  return [...names].map(([, quoted, template]) => quoted ?? template ?? '')
}

describe('the groups of the matrix that other suites hold', () => {
  it.each(ELSEWHERE)('$group is in $file', ({ group, file, tests }) => {
    const names = testNames(readFileSync(join(import.meta.dirname, '..', file), 'utf8'))
    for (const sentence of tests) expect(names).toContainEqual(expect.stringContaining(sentence))
    process.stdout.write(`${group} ${tests.length}/${tests.length} in test/${file}\n`)
  })
})
