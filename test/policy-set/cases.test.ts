import { describe, expect, it } from 'vitest'
import { loadPolicies, readCases, runCases } from '../../src/policy-set/index.ts'

const problems = (text: string) => {
  const reading = readCases(text)
  return reading.ok ? [] : reading.problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
}

describe('a file of cases', () => {
  it('holds shell lines, actions and calls', async () => {
    const reading = readCases(`
- { shell: ls, expect: allow }
- { name: a pull request, action: { protocol: git, tool: github.create_pull_request, target: a/b }, expect: review, rule: "git:github.create_pull_request" }
- { call: { upstream: github, catalog: github, tool: list_commits, parameters: { owner: a, repo: b } }, expect: allow }
`)
    expect(reading.ok && reading.cases.map(({ name }) => name)).toEqual([
      'ls',
      'a pull request',
      'github: list_commits {"owner":"a","repo":"b"}',
    ])
    const { policy } = await loadPolicies({ sources: ['pr-writer'], upstreams: [] })
    expect(reading.ok && runCases(policy, reading.cases).map(({ difference }) => difference)).toEqual([
      null,
      null,
      null,
    ])
  })

  it('says what differs', async () => {
    const reading = readCases(
      '- { shell: ls, expect: block }\n- { shell: ls, expect: allow, rule: x }\n- { action: { protocol: x, tool: y }, expect: block }\n',
    )
    const { policy } = await loadPolicies({ sources: ['readonly'], upstreams: [] })
    expect(reading.ok && runCases(policy, reading.cases).map(({ difference }) => difference)).toEqual([
      expect.stringContaining('expected block, got allow by'),
      expect.stringContaining('expected the rule x, got'),
      expect.stringContaining('refused before any policy looked at it: unknown protocol'),
    ])
  })

  it.each([
    ['shell: ls', '1:1 a cases file is a list'],
    ['- ls', '1:3 a case is a mapping'],
    ['- { shell: ls, expect: alow }', '1:24 `expect` must be one of allow, rewrite, review, block'],
    ['- { shell: ls }', '1:3 `expect` must be'],
    ['- { shel: ls, expect: allow }', '1:5 unknown key `shel` in a case, did you mean `shell`?'],
    ['- { shell: ls, call: {}, expect: allow }', '1:3 a case needs exactly one of'],
    ['- { shell: 3, expect: allow }', '1:12 `shell` must be a command line'],
    ['- { call: { upstream: a, catalog: githob, tool: b }, expect: allow }', '1:11 `call` must be'],
    ['- { action: { protocol: git, tool: a.b, extra: 1 }, expect: allow }', '1:13 `action` must be'],
    ['- { shell: ls, facts: { cheks: {} }, expect: allow }', '1:25 unknown fact `cheks`, did you mean `checks`?'],
    ['- { shell: ls, facts: { checks: { stat: red } }, expect: allow }', '1:35 `checks` has no `stat`, did you mean'],
    [
      '- { shell: ls, facts: { checks: { failing: red } }, expect: allow }',
      '1:44 `checks.failing` is a list, not a text',
    ],
    [
      '- { shell: ls, facts: { checks: { state: rad } }, expect: allow }',
      '1:42 `checks.state` is not `rad`, did you mean `red`',
    ],
    ['- { shell: ls, facts: { checks: green }, expect: allow }', '1:33 `checks` is a mapping of what differs'],
    ['- { shell: ls, at: noon, expect: allow }', '1:20 `at` must be an instant such as'],
  ])('is refused with its place: %s', (text, expected) => {
    expect(problems(text).join('\n')).toContain(expected)
  })
})
