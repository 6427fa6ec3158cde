import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ELSEWHERE } from './elsewhere.ts'

describe('the groups of the matrix that other suites hold', () => {
  it.each(ELSEWHERE)('$group is in $file', ({ group, file, tests }) => {
    const text = readFileSync(join(import.meta.dirname, '..', file), 'utf8')
    for (const sentence of tests) expect(text).toContain(sentence)
    process.stdout.write(`${group} ${tests.length}/${tests.length} in test/${file}\n`)
  })
})
