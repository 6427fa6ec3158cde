import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../../src/core/policy/index.ts'
import { readYaml } from '../../../src/policy-set/read-yaml.ts'
import { document, policyText, problemsOf } from './acts.ts'

const HEAD = 'version: 1\nname: pr-writer\ndefault_decision: review\n'
const rule = (body: string) => `${HEAD}rules:\n  - ${body}\n`

describe('a native policy', () => {
  it('reads every key of a rule', () => {
    const { rules, name, defaultDecision } = document(`${HEAD}description: what it is for
rules:
  - id: push
    protocol: [git, mcp]
    tool: ["github.push_files", "github.create_or_update_file"]
    capability: write
    repo: ["Acme/*"]
    target: "**"
    path: src/**
    branch: ["agent/**"]
    base: main
    decision: review
    reason: a person looks first
    approval: { ttl: 2h, reviewers: 2, independent: true, same_session: true }
  - { tool: shell.rm, decision: deny, suggested_alternative: use git clean }
guards: {}
`)
    expect({ name, defaultDecision }).toEqual({ name: 'pr-writer', defaultDecision: 'review' })
    expect(rules[0]).toMatchObject({
      id: 'push',
      protocol: ['git', 'mcp'],
      capability: ['write'],
      decision: 'review',
      reason: 'a person looks first',
      terms: { ttl: 7200, reviewers: 2, independent: true, sameSession: true },
    })
    expect(rules[0]?.repo?.texts).toEqual(['acme/*'])
    expect(rules[1]).toMatchObject({ decision: 'block', suggestion: 'use git clean', protocol: null, capability: null })
  })

  it.each([
    [
      'a misspelt decision',
      rule('{ tool: shell.rm, decision: deney }'),
      '5:33 unknown decision `deney`, did you mean `deny`?',
    ],
    [
      'a misspelt default',
      `version: 1\nname: x\ndefault_decision: Block\nrules:\n  - { decision: allow }`,
      '3:19 unknown decision `Block`, did you mean `block`?',
    ],
    [
      'an unknown key at the top',
      `${HEAD}rule:\n  - a\n`,
      '4:1 unknown key `rule` in the policy, did you mean `rules`?',
    ],
    [
      'an unknown key in a rule',
      rule('{ tol: shell.rm, decision: block }'),
      '5:7 unknown key `tol` in a rule, did you mean `tool`?',
    ],
    [
      'an unknown key in approval',
      rule('{ tool: a.b, decision: review, approval: { tll: 3m } }'),
      '5:48 unknown key `tll` in `approval`, did you mean `ttl`?',
    ],
    [
      'a malformed glob',
      rule('{ tool: "github.{get", decision: allow }'),
      '5:13 malformed glob `github.{get`: `{` is never closed',
    ],
    [
      'a malformed target',
      rule('{ tool: shell.cat, target: ["a", "b[c"], decision: block }'),
      '5:38 malformed glob `b[c`',
    ],
    [
      'an unknown protocol',
      rule('{ protocol: shel, decision: block }'),
      '5:17 unknown protocol `shel`, did you mean `shell`?',
    ],
    [
      'an unknown capability',
      rule('{ capability: raed, decision: block }'),
      '5:19 unknown capability `raed`, did you mean `read`?',
    ],
    [
      'a key written twice',
      rule('{ tool: a.b, decision: block, decision: allow }'),
      '5:35 `decision` is written twice',
    ],
    [
      'a text where a list of texts may stand',
      rule('{ tool: 3, decision: block }'),
      '5:13 `tool` must be a text or a list of texts; 3 is a number',
    ],
    ['an empty list', rule('{ tool: [], decision: block }'), '5:13 `tool` is an empty list'],
    ['a rule without a decision', rule('{ tool: a.b }'), '5:5 the rule has no `decision`'],
    ['a rule that is no mapping', rule('allow everything'), '5:5 a rule is a mapping'],
    ['a bad duration', rule('{ tool: a.b, decision: review, approval: { ttl: 30 } }'), '5:53 `ttl` is a duration'],
    [
      'no reviewers',
      rule('{ tool: a.b, decision: review, approval: { reviewers: 0 } }'),
      '5:59 `reviewers` must be a whole number from 1 to 20',
    ],
    ...(
      [
        [
          'fewer named than needed',
          '{ reviewers: 3, from: [alice, bob] }',
          '3 reviewers are needed, but `from` names only 2',
        ],
        ['nobody named', '{ from: [] }', '`from` is an empty list'],
        ['a name that hides', '{ from: ["al\\u200Bice"] }', 'an owner has 1 to 128 printable characters'],
        ['another role', '{ role: owner }', 'unknown role `owner`'],
        ['an agent for a reviewer', '{ role: agent }', 'unknown role `agent`'],
        ['repeats without end', '{ repeat: 2h }', '`repeat` is a duration such as 90s, 30m or 1h, at most 1h'],
        ['repeats of nothing', '{ repeat: true }', '`repeat` is a duration'],
        ['an author who is no yes or no', '{ not_author: alice }', '`not_author` must be true or false'],
      ] as const
    ).map(([what, approval, problem]): [string, string, string] => [
      what,
      rule(`{ tool: a.b, decision: review, approval: ${approval} }`),
      problem,
    ]),
    [
      'nobody for what is critical',
      'version: 1\nname: x\ndefault_decision: block\ncritical_needs: 0\nrules:\n  - { decision: block }',
      '4:17 `critical_needs` must be a whole number from 1 to 20',
    ],
    [
      'approval on a rule that allows',
      rule('{ tool: a.b, decision: allow, approval: { ttl: 3m } }'),
      '5:35 `approval` says on what terms',
    ],
    [
      'an alternative on a rule that allows',
      rule('{ tool: a.b, decision: allow, suggested_alternative: x }'),
      '5:35 `suggested_alternative` is said only',
    ],
    [
      'a repository without an owner',
      rule('{ repo: aegisflow, decision: block }'),
      '5:13 a repository is `owner/name`',
    ],
    ['no rules', `${HEAD}rules: []\n`, '4:8 `rules` must list at least one rule'],
    ['missing rules', HEAD, '1:1 `rules` must list at least one rule; it is missing'],
    ['a missing default', 'version: 1\nname: x\nrules:\n  - { decision: block }', '1:1 `default_decision` is missing'],
    ['a missing name', 'version: 1\ndefault_decision: block\nrules:\n  - { decision: block }', '1:1 `name` is missing'],
    [
      'a missing version',
      'name: x\ndefault_decision: block\nrules:\n  - { repo: a/b, decision: block }',
      '1:1 `version` is missing',
    ],
    [
      'another version',
      'version: 2\nname: x\ndefault_decision: block\nrules:\n  - { decision: block }',
      '1:10 unknown version `2`',
    ],
    [
      'a guard',
      `${rule('{ decision: block }')}guards: { secretz: block }\n`,
      '6:11 unknown key `secretz` in `guards`, did you mean `secrets`?',
    ],
    [
      'a reason with a line break',
      rule('{ tool: a.b, decision: block, reason: "a\\nb" }'),
      '5:43 `reason` must be one line',
    ],
    [
      'the same id twice',
      `${HEAD}rules:\n  - { id: a, tool: a.b, decision: block }\n  - { id: a, tool: a.c, decision: block }\n`,
      '6:5 the id `a` is already taken by the rule in line 5',
    ],
    [
      'rules of the hook dialect',
      'rules:\n  - { id: a, action: deny, conditions: {} }',
      '1:1 these are rules of the agent-hook dialect',
    ],
    ['a list at the top', '- a', '1:1 a policy file is a mapping'],
    [
      'a shell rule for GitHub tools',
      rule('{ protocol: shell, tool: "github.*", decision: block }'),
      '5:30 `github.*` tools have protocol `git`',
    ],
    [
      'branches that its own rewrites may not make',
      `${rule('{ decision: block }')}guards: { protected_branches: on, branch_naming: "agent/**" }\n`,
      '6:50 no pattern fits `aegis/{session}/{task}`, the branches that `protected_branches` makes',
    ],
  ])('with %s does not load, and the place is named', (_what, text, expected) => {
    expect(problemsOf(text).join('\n')).toContain(expected)
  })

  it('reports all its mistakes at once, in file order', () => {
    const problems = problemsOf(
      `${HEAD}rules:\n  - { tol: a, decision: deney }\n  - { protocol: x, decision: block }\nextra: 1\n`,
    )
    expect(problems.map((one) => one.split(' ')[0])).toEqual(['5:7', '5:25', '6:17', '7:1'])
  })

  it.each([
    [['{ decision: block }', '{ tool: a.b, decision: allow }'], true],
    [['{ tool: "github.*", decision: review }', '{ protocol: git, tool: github.push_files, decision: block }'], true],
    [
      [
        '{ tool: "github.get_*", decision: allow }',
        '{ tool: ["github.get_me", "github.get_file_contents"], decision: review }',
      ],
      true,
    ],
    [
      [
        '{ tool: "github.get_*", decision: allow }',
        '{ tool: ["github.get_me", "github.push_files"], decision: review }',
      ],
      false,
    ],
    [
      ['{ protocol: git, tool: "github.*", decision: allow }', '{ protocol: mcp, tool: "github.*", decision: allow }'],
      false,
    ],
    [
      [
        '{ tool: shell.cat, target: "**/.env*", decision: block }',
        '{ tool: shell.cat, target: "**/.env", decision: allow }',
      ],
      true,
    ],
    [
      [
        '{ tool: shell.cat, target: "docs/**", decision: allow }',
        '{ tool: shell.cat, target: "docs/secret/**", decision: block }',
      ],
      false,
    ],
    [
      [
        '{ tool: shell.cat, target: "**/a*", decision: review }',
        '{ tool: shell.cat, target: "**/ab", decision: block }',
      ],
      false,
    ],
    [['{ tool: a.b, branch: "**", decision: allow }', '{ tool: a.b, branch: main, decision: review }'], false],
    [['{ tool: a.b, repo: "acme/*", decision: block }', '{ tool: a.b, repo: ACME/x, decision: allow }'], true],
    [['{ capability: [read, write], decision: block }', '{ tool: a.b, capability: write, decision: allow }'], true],
    [
      [
        '{ tool: shell.git, target: "git log**", decision: allow }',
        '{ tool: shell.git, target: "git log", decision: allow }',
      ],
      true,
    ],
    [
      [
        '{ tool: shell.git, target: "g**", decision: allow }',
        '{ tool: shell.git, target: "git log", decision: allow }',
      ],
      false,
    ],
    [
      [
        '{ tool: shell.git, target: "git log **", decision: allow }',
        '{ tool: shell.git, target: "git log -p **", decision: allow }',
      ],
      true,
    ],
  ])('with rules %j has an unreachable one: %s', (rules, unreachable) => {
    expect(problemsOf(policyText(rules)).some((one) => one.includes('unreachable'))).toBe(unreachable)
  })

  it('knows which tools exist once the upstreams are known', () => {
    const text = policyText([
      '{ tool: "jira.*", decision: allow }',
      '{ tool: "get_*", decision: allow }',
      '{ tool: "{shell,sqll}.x", decision: allow }',
    ])
    expect(problemsOf(text, ['jira'])).toEqual([
      expect.stringContaining('6:13 no tool begins with `get_`'),
      expect.stringContaining('7:13 nothing provides tools named `sqll.*`'),
    ])
    expect(problemsOf(text, [])[0]).toContain('nothing provides tools named `jira.*`')
    expect(problemsOf(text)).toEqual([])
  })
})

describe('an AegisFlow policy', () => {
  it('is read flat, named by its file where it has no name, and blocks without a default', () => {
    const read = document('rules:\n  - { protocol: git, tool: "github.get_*", decision: allow }\n')
    expect(read).toMatchObject({ name: 'test', dialect: 'aegisflow', defaultDecision: 'block' })
  })

  it('is read from under tool_policies', () => {
    const read = document(
      'tool_policies:\n  enabled: true\n  default_decision: review\n  rules:\n    - { protocol: "*", tool: "*", capability: "*", decision: allow }\n',
    )
    expect(read).toMatchObject({
      dialect: 'aegisflow',
      defaultDecision: 'review',
      rules: [{ protocol: null, capability: null }],
    })
  })

  it.each([
    [
      'switched off',
      'tool_policies: { enabled: false, rules: [{ decision: allow }] }',
      '`enabled: false` would leave everything unjudged',
    ],
    [
      'among other settings',
      'server: { port: 1 }\ntool_policies: { rules: [{ decision: allow }] }',
      '1:1 unknown key `server`',
    ],
    [
      'with a native key',
      'tool_policies: { rules: [{ decision: allow, branch: main }] }',
      'unknown key `branch` in a rule',
    ],
  ])('%s does not load', (_what, text, expected) => {
    expect(problemsOf(text).join('\n')).toContain(expected)
  })
})

describe('the YAML of a policy', () => {
  it.each([
    ['an alias', 'a: &x 1\nb: *x', 'aliases are not read'],
    ['a tag', 'a: !!js 1', 'not valid YAML'],
    ['two documents', 'a: 1\n---\nb: 2', '2:1 a second document begins here'],
    ['a broken flow', 'a: [1,\nb: 2', 'not valid YAML'],
    ['nothing', '', 'the file is empty'],
    ['a number as key', '1: a', '1:1 a key must be a text'],
  ])('may not hold %s', (_what, text, expected) => {
    expect(problemsOf(text).join('\n')).toContain(expected)
  })

  it('never makes the parser throw', () => {
    const lines = fc.array(
      fc.constantFrom(
        'version: 1',
        'name: x',
        'rules:',
        '  - { decision: allow }',
        '  - tool: "*"',
        '  -',
        'default_decision: 3',
        'guards: [a]',
        '- x',
        ': :',
        '\tx',
        'tool_policies:',
        '"\\ud800": 1',
      ),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(lines, fc.string(), (some, tail) => {
        const reading = readYaml(`${some.join('\n')}\n${tail}`)
        const problems = reading.ok ? parsePolicy(reading.tree, { source: 'x.yaml', toolPrefixes: [] }) : reading
        expect(problems.ok || problems.problems.length > 0).toBe(true)
      }),
    )
  })
})
