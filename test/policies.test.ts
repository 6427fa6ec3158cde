import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { CompiledPolicy } from '../src/core/policy/index.ts'
import { bundledPolicies, loadPolicies, readCases, runCase } from '../src/policy-set/index.ts'

/** How many cases a pack has at least: it is tested as users are told to test theirs. */
const PACKS = {
  'pr-writer': 40,
  readonly: 15,
  'infra-review': 15,
  'docs-writer': 15,
  'sql-explorer': 15,
  'github-guarded': 10,
} as const

describe.each(Object.entries(PACKS))('the pack %s', (name, least) => {
  const reading = readCases(readFileSync(join(bundledPolicies(), `${name}.cases.yaml`), 'utf8'))
  const cases = reading.ok ? reading.cases : []
  let policy: CompiledPolicy

  beforeAll(async () => {
    policy = (await loadPolicies({ sources: [name], upstreams: [] })).policy
  })

  it('loads under its own name, with cases that can be read', () => {
    expect(reading.ok ? [] : reading.problems).toEqual([])
    expect(policy.name).toBe(name)
    expect(cases.length).toBeGreaterThanOrEqual(least)
  })

  it.each(cases.map((one) => [one.expect, one.name, one] as const))('%ss %s', (_expect, _name, one) => {
    expect(runCase(policy, one).difference).toBeNull()
  })
})
