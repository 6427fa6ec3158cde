import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ActionEnvelope } from '../../../../src/core/envelope.ts'
import type { Facts } from '../../../../src/core/facts.ts'
import { compilePolicy } from '../../../../src/core/policy/index.ts'
import { CLASSIC } from '../../secrets/samples.ts'
import { document, policyText } from '../acts.ts'
import { action, facts, github, NOON, push, shell, uncatalogued, withPlan } from './ask.ts'

const RANK = { allow: 0, rewrite: 0, review: 1, block: 2 } as const
const SETTINGS = [
  ...['protected_branches: rewrite', 'protected_branches: { decision: review, github: true }', 'secrets: block'],
  ...['freeze_windows: { timezone: UTC, decision: review }', 'freeze_windows: { timezone: UTC, repos: ["a*/*"] }'],
  ...['branch_naming: on', 'branch_naming: { patterns: ["**"], decision: review }', 'mandatory_pr: on'],
  ...['autonomous_merge: on', 'autonomous_merge: { accept_aegis_approval: true }', 'ci_required: on'],
  ...['repo_allowlist: ["acme/*"]', 'sensitive_paths: review', 'sensitive_paths: { classes: { ci: off } }'],
  ...['blast_radius: { review_at: medium }', 'blast_radius: { block_at: high }', 'repo_taint: on', 'secrets: review'],
]
const RULES = [
  '{ tool: "github.get_*", decision: allow }',
  '{ tool: "github.*", branch: ["feat/**", "aegis/**"], decision: allow }',
  '{ tool: "github.merge_*", decision: block }',
  '{ tool: "github.*", decision: review }',
  '{ protocol: shell, decision: allow }',
  '{ tool: "**", decision: allow }',
]
const ENVELOPES: readonly ActionEnvelope[] = [
  push('feat/x', { 'a.ts': CLASSIC }),
  push('main'),
  push(undefined, { '.github/x.yml': '' }),
  withPlan(push('main'), 'aegis/sess-1/x'),
  github('create_or_update_file', { branch: 'feat/x', path: 'a', content: 'x' }),
  github('merge_pull_request', { pullNumber: 7 }),
  github('create_pull_request', { title: 't', head: 'feat/x', base: 'main' }),
  github('get_file_contents', { path: '.env' }),
  github('create_gist', { files: {} }),
  shell('git push origin main && rm -rf build'),
  action('http', 'http.post', 'https://x.example/'),
  uncatalogued('post'),
]

const fact = <T>(value: T) => fc.oneof(fc.constant('GitHub answered 503'), fc.constant(value))
const known: fc.Arbitrary<Facts> = fc
  .record({
    rewriting: fc.oneof(fact({ possible: true } as const), fact({ possible: false, reason: 'no App' } as const)),
    repository: fact({
      id: 1,
      repository: { owner: 'acme', name: 'app' },
      defaultBranch: 'main',
      private: false,
      archived: false,
    }),
    branch: fact({ name: 'feat/x', isDefault: false, sha: null, protected: true, requiredChecks: [] }),
    changes: fact({ files: [], complete: true }),
    taint: fact({ untrusted: ['a'], private: ['b'] }),
    checks: fact({ sha: 'a', state: 'green' as const, failing: [], pending: [] }),
    reviews: fact({ sha: 'a', approvedBy: ['bob'], changesRequestedBy: [] }),
  })
  .map((values) => ({ ...facts(values), approval: { known: true, value: { status: 'none' } } }))

describe('a guard', () => {
  it('never loosens what rules and other guards decide, whatever is known', () => {
    const names = (text: string) => text.slice(0, text.indexOf(':'))
    const some = fc.uniqueArray(fc.constantFrom(...SETTINGS), { selector: names, maxLength: 4 })
    const verdict = (
      rules: readonly string[],
      guards: readonly string[],
      byDefault: string,
      asked: ActionEnvelope,
      with_: Facts,
    ) => {
      const under = guards.length === 0 ? '' : `\nguards: { ${guards.join(', ')} }`
      const policy = compilePolicy([document(`${policyText(rules, byDefault)}${under}`)])
      return policy.decide({ ...asked, receivedAt: NOON }, with_).verdict
    }
    fc.assert(
      fc.property(
        fc.subarray(RULES, { minLength: 1 }),
        some,
        fc.constantFrom(...SETTINGS),
        fc.constantFrom('allow', 'review', 'block'),
        fc.constantFrom(...ENVELOPES),
        known,
        (rules, guards, added, byDefault, asked, all) => {
          fc.pre(!guards.some((one) => names(one) === names(added)))
          const without = verdict(rules, guards, byDefault, asked, all)
          const withIt = verdict(rules, [...guards, added], byDefault, asked, all)
          expect(RANK[withIt]).toBeGreaterThanOrEqual(RANK[without])
        },
      ),
      { numRuns: 400 },
    )
  })
})
