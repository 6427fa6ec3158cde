import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ReviewTerms } from '../../../src/core/decision.ts'
import type { Act, Branch } from '../../../src/core/envelope.ts'
import type { ApprovalFact, Facts } from '../../../src/core/facts.ts'
import type { EnvelopeId } from '../../../src/core/ids.ts'
import { compilePolicy } from '../../../src/core/policy/index.ts'
import { act, document, envelope, policy, policyText, problemsOf, shell } from './acts.ts'

const NONE: Facts = { approval: { known: true, value: { status: 'none' } } }
const decide = (rules: readonly string[], one: Act, byDefault = 'block') =>
  policy(rules, byDefault).decide(envelope(one), NONE)
const verdict = (rules: readonly string[], one: Act, byDefault = 'block') => decide(rules, one, byDefault).verdict

const pushTo = (branch: Act['resource']['branch'], paths: readonly string[] = ['src/a.ts']) =>
  act({ tool: 'github.push_files', capability: 'write', resource: { branch, paths, operands: paths } })
const named = (name: string) => ({ kind: 'named', name }) as const

describe('rules', () => {
  it('the first that matches decides, and its label is as written', () => {
    const rules = [
      '{ protocol: git, tool: "github.get_*", decision: allow }',
      '{ protocol: git, tool: "github.*", decision: block, reason: no writes, suggested_alternative: ask }',
    ]
    expect(decide(rules, act())).toMatchObject({
      verdict: 'allow',
      rule: { policy: 'test', index: 0, label: 'git:github.get_*' },
    })
    expect(decide(rules, act({ tool: 'github.push_files' }))).toMatchObject({
      verdict: 'block',
      reason: 'no writes',
      suggestion: 'ask',
      rule: { index: 1 },
    })
    expect(decide(rules, shell('ls'))).toMatchObject({
      verdict: 'block',
      rule: { index: null, label: 'default' },
      reason: 'no rule of test matches, and its default blocks it',
    })
  })

  it('match the protocol or the surface', () => {
    const compiled = policy(['{ protocol: mcp, tool: "github.get_*", decision: allow }'])
    expect(compiled.decide(envelope(act(), [], 'mcp'), NONE)).toMatchObject({
      verdict: 'allow',
      rule: { label: 'mcp:github.get_*' },
    })
    expect(compiled.decide(envelope(act(), [], 'api'), NONE).verdict).toBe('block')
  })

  it('of several tools or protocols name the one that matched', () => {
    const rules = ['{ protocol: [mcp, git], tool: ["github.list_*", "github.get_*"], decision: allow }']
    expect(decide(rules, act()).rule.label).toBe('git:github.get_*')
  })

  it('compare repositories without case', () => {
    expect(verdict(['{ repo: "AegisFlow/*", decision: allow }'], act())).toBe('allow')
    expect(verdict(['{ repo: "acme/*", decision: allow }'], act())).toBe('block')
  })
})

describe('a rule that allows', () => {
  const docs = ['{ tool: "shell.*", target: "docs/**", decision: allow }']
  it.each([
    ['cat docs/a.md', 'allow'],
    ['cat docs/a.md docs/b.md', 'allow'],
    ['cat docs/a.md /etc/shadow', 'block'],
    ['cat docs/../.env', 'block'],
    ['cat', 'block'],
    ['cat DOCS/a.md', 'block'],
  ])('needs every operand: %s is %s', (line, expected) => {
    expect(verdict(docs, shell(line))).toBe(expected)
  })

  it('takes a command line whole only by a glob that names the command', () => {
    expect(verdict(['{ tool: shell.cat, target: "**/*.md", decision: allow }'], shell('cat /etc/shadow x.md'))).toBe(
      'block',
    )
    expect(verdict(['{ tool: shell.git, target: "git log**", decision: allow }'], shell('git log -p src/a.ts'))).toBe(
      'allow',
    )
  })

  it('needs every path and a branch that is known', () => {
    const rules = ['{ tool: github.push_files, path: "src/**", branch: "agent/**", decision: allow }']
    expect(verdict(rules, pushTo(named('agent/x')))).toBe('allow')
    expect(verdict(rules, pushTo(named('main')))).toBe('block')
    expect(verdict(rules, pushTo({ kind: 'default' }))).toBe('block')
    expect(verdict(rules, pushTo({ kind: 'none' }))).toBe('block')
    expect(verdict(rules, pushTo(named('agent/x'), ['src/a.ts', '.github/workflows/ci.yml']))).toBe('block')
    expect(verdict(rules, pushTo(named('agent/x'), []))).toBe('block')
  })
})

describe('a rule that blocks or reviews', () => {
  const secrets = ['{ tool: "shell.*", target: ["**/.env", "**/.ssh/**"], decision: block }']
  it.each([
    'cat README.md .env',
    'cat /app/config/.env',
    'cat .ENV',
    'head ~/.ssh/id_rsa',
    'ls ~/.SSH',
    'ls ~/.\u017fsh',
  ])('matches by any operand, whatever its case: %s', (line) => {
    expect(verdict(secrets, shell(line), 'allow')).toBe('block')
  })

  it('holds for the default branch, whose name is not known', () => {
    const rules = ['{ tool: "github.*", branch: main, decision: block }']
    expect(verdict(rules, pushTo({ kind: 'default' }), 'allow')).toBe('block')
    expect(verdict(rules, pushTo({ kind: 'none' }), 'allow')).toBe('allow')
  })

  it('does not hide a later block of the operands it does not mean', () => {
    const rules = [
      '{ tool: shell.cat, target: README.md, decision: review }',
      '{ tool: shell.cat, target: "**/.env", decision: block }',
      '{ tool: shell.cat, decision: allow }',
    ]
    expect(verdict(rules, shell('cat README.md .env'))).toBe('block')
    expect(verdict(rules, shell('cat README.md'))).toBe('review')
    expect(verdict(rules, shell('cat README.md a'))).toBe('review')
    expect(verdict(['{ tool: shell.cat, target: README.md, decision: review }'], shell('cat README.md a'))).toBe(
      'block',
    )
  })
})

describe('an action of several acts', () => {
  const rules = ['{ tool: shell.ls, decision: allow }', '{ tool: shell.rm, decision: block, reason: destructive }']
  it('is as strict as its strictest act, and records every finding once', () => {
    const decision = policy(rules, 'review').decide(
      envelope(shell('ls a'), [shell('ls b'), shell('rm c'), shell('make')]),
      NONE,
    )
    expect(decision).toMatchObject({ verdict: 'block', reason: 'shell.rm: destructive', rule: { label: '*:shell.rm' } })
    expect(decision.findings.map(({ name, verdict: one }) => [name, one])).toEqual([
      ['*:shell.rm', 'block'],
      ['default', 'review'],
      ['*:shell.ls', 'allow'],
    ])
  })

  it('is reviewed where the catalog doubts an act that a rule allows', () => {
    const doubtful = shell('ls $X', { doubt: 'an operand is not known' })
    expect(decide(rules, doubtful)).toMatchObject({
      verdict: 'review',
      rule: { label: 'shell:doubt' },
      findings: [
        { source: 'catalog', verdict: 'review', reason: 'an operand is not known' },
        { name: '*:shell.ls', verdict: 'allow' },
      ],
    })
    expect(verdict(rules, shell('rm $X', { doubt: 'x' }))).toBe('block')
  })
})

describe('an approval', () => {
  const id = '00000000-0000-7000-8000-0000000000aa' as EnvelopeId
  const terms: ReviewTerms = { ttl: 1800, reviewers: 2, independent: true, sameSession: false }
  const reviewed = policy([
    '{ tool: "github.*", decision: review, approval: { ttl: 30m, reviewers: 2, independent: true } }',
    '{ decision: block }',
  ])
  const withFact = (value: ApprovalFact, one = act()) =>
    reviewed.decide(envelope(one), { approval: { known: true, value } })

  it('is asked for exactly where the rules say review', () => {
    expect(reviewed.factsNeeded(envelope(act()))).toEqual(['approval'])
    expect(reviewed.factsNeeded(envelope(shell('ls')))).toEqual([])
    expect(policy(['{ decision: allow }']).factsNeeded(envelope(act()))).toEqual([])
  })

  it('turns review into allow, to be redeemed with the entry', () => {
    expect(withFact({ status: 'approved', id, terms })).toMatchObject({
      verdict: 'allow',
      rule: { policy: 'test', index: null, label: `approved:${id}` },
      obligations: [{ kind: 'redeem', approval: id }],
      findings: [
        { source: 'rule', verdict: 'review' },
        { source: 'approval', name: `approved:${id}`, verdict: 'allow' },
      ],
    })
  })

  it.each([
    [{ ...terms, reviewers: 3, sameSession: true, ttl: 60 }, 'allow'],
    [{ ...terms, reviewers: 1 }, 'review'],
    [{ ...terms, independent: false }, 'review'],
    [{ ...terms, ttl: 7200 }, 'review'],
  ])('on the terms %j gives %s', (given, expected) => {
    expect(withFact({ status: 'approved', id, terms: given }).verdict).toBe(expected)
  })

  describe('where more is asked of reviewers', () => {
    const asking = (terms: string) =>
      policy([`{ tool: "github.*", decision: review, approval: { ${terms} } }`, '{ decision: block }'])
    const plain: ReviewTerms = { ttl: 1800, reviewers: 1, independent: false, sameSession: false }
    it.each<[string, Partial<ReviewTerms>, 'allow' | 'review']>([
      ['from: [alice, bob]', { from: [['alice', 'bob']] }, 'allow'],
      ['from: [alice, bob]', { from: [['alice']] }, 'allow'],
      ['from: [alice, bob]', { from: [['alice', 'carol']] }, 'review'],
      ['from: [alice, bob]', { from: [['owners'], ['bob']] }, 'allow'],
      ['from: [alice, bob]', {}, 'review'],
      ['role: admin', { role: 'admin' }, 'allow'],
      ['role: admin', {}, 'review'],
      ['not_author: true', { notAuthor: true }, 'allow'],
      ['not_author: true', {}, 'review'],
      ['repeat: 10m', {}, 'allow'],
    ])('%s is met by %j: %s', (asked, given, expected) => {
      const value = { status: 'approved', id, terms: { ...plain, ...given } } as const
      expect(asking(asked).decide(envelope(act()), { approval: { known: true, value } }).verdict).toBe(expected)
    })

    it.each<[string, Partial<ReviewTerms>, 'allow' | 'review']>([
      ['repeat: 10m', { repeat: 600 }, 'allow'],
      ['repeat: 20m', { repeat: 600 }, 'allow'],
      ['repeat: 5m', { repeat: 600 }, 'review'],
      ['ttl: 30m', { repeat: 600 }, 'review'],
    ])('under %s one for repeated use with %j gives %s', (asked, given, expected) => {
      const value = { status: 'approved', id, repeating: true, terms: { ...plain, ...given } } as const
      expect(asking(asked).decide(envelope(act()), { approval: { known: true, value } }).verdict).toBe(expected)
    })
  })

  it('never removes a block', () => {
    expect(withFact({ status: 'approved', id, terms }, shell('ls')).verdict).toBe('block')
  })

  it('that waits is named, one that was denied blocks with its words, one that is not known says so', () => {
    expect(withFact({ status: 'pending', id })).toMatchObject({ verdict: 'review', pending: id })
    expect(withFact({ status: 'denied', id, by: 'alice', comment: 'too wide' })).toMatchObject({
      verdict: 'block',
      reason: 'denied by alice: too wide',
    })
    const unknown = reviewed.decide(envelope(act()), { approval: { known: false, reason: 'the store is busy' } })
    expect(unknown).toMatchObject({ verdict: 'review', pending: null })
    expect(unknown.reason).toContain('the store is busy')
    expect(reviewed.decide(envelope(act()), {}).verdict).toBe('review')
  })

  it('is asked on the strictest terms of all that want a review', () => {
    const both = compilePolicy([
      document(policyText(['{ decision: review, approval: { ttl: 10m } }'], 'block', 'a')),
      document(
        policyText(['{ decision: review, approval: { ttl: 2h, reviewers: 2, same_session: true } }'], 'block', 'b'),
      ),
    ])
    expect(both.decide(envelope(act()), NONE)).toMatchObject({
      terms: { ttl: 600, reviewers: 2, sameSession: true, independent: false },
    })
  })
})

describe('what is critical', () => {
  const push = act({
    tool: 'github.push_files',
    capability: 'write',
    resource: { branch: { kind: 'named', name: 'main' } },
  })
  const text = (needs: string) =>
    `version: 1\nname: test\ndefault_decision: review\n${needs}rules:\n  - { tool: shell.ls, decision: allow }\n`
  const reviewersOf = (...documents: readonly string[]) => {
    const decision = compilePolicy(documents.map((one) => document(one))).decide(envelope(push), NONE)
    return decision.verdict === 'review' ? [decision.blastRadius.level, decision.terms.reviewers] : decision.verdict
  }

  it('needs as many people as the strictest document says, and as the rule says where it says nothing', () => {
    expect(reviewersOf(text(''))).toEqual(['critical', 1])
    expect(reviewersOf(text('critical_needs: 2\n'))).toEqual(['critical', 2])
    expect(reviewersOf(text('critical_needs: 2\n'), text('critical_needs: 3\n'))).toEqual(['critical', 3])
  })
})

describe('several documents', () => {
  it('judge together: the strictest wins, whatever their order', () => {
    const a = document(policyText(['{ tool: "github.*", decision: allow }'], 'allow', 'a'))
    const b = document(policyText(['{ tool: "github.get_*", decision: review }'], 'allow', 'b'))
    const [one, other] = [compilePolicy([a, b]), compilePolicy([b, a])]
    expect(one.decide(envelope(act()), NONE)).toEqual(other.decide(envelope(act()), NONE))
    expect(one.decide(envelope(act()), NONE)).toMatchObject({ verdict: 'review', rule: { policy: 'b' } })
    expect([one.name, one.digest]).toEqual([other.name, other.digest])
    expect(one.name).toBe('a+b')
  })

  it('have a digest that changes with anything that can change a decision', () => {
    const texts = [
      policyText(['{ tool: a.b, decision: allow }']),
      policyText(['{ tool: a.b, decision: block }']),
      policyText(['{ tool: a.b, decision: allow }'], 'review'),
      policyText(['{ tool: a.b, target: x, decision: allow }']),
      policyText(['{ tool: a.b, path: x, decision: allow }']),
    ]
    expect(new Set(texts.map((text) => compilePolicy([document(text)]).digest)).size).toBe(texts.length)
  })

  it('must be at least one', () => {
    expect(() => compilePolicy([])).toThrow('no policy is configured')
  })
})

describe('a tool', () => {
  const tool = (name: string, capability: 'read' | 'delete' = 'read') =>
    ({ surface: 'mcp', protocol: 'git', tool: name, capability }) as const
  it('is hidden only where no arguments could make it anything but blocked', () => {
    const compiled = policy([
      '{ tool: github.a, branch: x, decision: allow }',
      '{ tool: github.b, target: x, decision: block }',
      '{ tool: github.c, decision: block }',
      '{ capability: delete, decision: block }',
      '{ tool: "github.*", decision: review }',
    ])
    expect(['a', 'b', 'c', 'd'].map((name) => compiled.reachable(tool(`github.${name}`)))).toEqual([
      true,
      true,
      false,
      true,
    ])
    expect(compiled.reachable(tool('github.e', 'delete'))).toBe(false)
    expect(compiled.reachable(tool('jira.x'))).toBe(false)
  })
})

it('runs unattended where some arguments could make it allowed without a person', () => {
  const compiled = policy([
    '{ tool: github.a, branch: x, decision: allow }',
    '{ tool: github.b, target: x, decision: allow }',
    '{ tool: github.c, decision: review }',
    '{ tool: github.d, branch: x, decision: review }',
    '{ tool: ["github.d", "github.e"], capability: read, decision: allow }',
    '{ tool: "github.*", decision: review }',
  ])
  const tool = (name: string) =>
    ({ surface: 'mcp', protocol: 'git', tool: `github.${name}`, capability: 'write' }) as const
  expect(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => compiled.unattended(tool(name)))).toEqual([
    ...[true, true, false, false, false, false],
  ])
  expect(compiled.unattended({ ...tool('d'), capability: 'read' })).toBe(true)
})

const RULES = fc.array(
  fc
    .record({
      protocol: fc.constantFrom('', 'protocol: [git, api], ', 'protocol: [shell, mcp], ', 'protocol: "*", '),
      tool: fc.constantFrom(
        '',
        'tool: "shell.*", ',
        'tool: shell.cat, ',
        'tool: "*.get_*", ',
        'tool: ["shell.l?", "shell.cat"], ',
      ),
      target: fc.constantFrom(
        '',
        'target: "**", ',
        'target: ["a/**", b], ',
        'target: "{cat,ls} **", ',
        'target: cat b, ',
        'target: "**/x", ',
        'path: "*.md", ',
        'branch: main, ',
        'repo: "*/*", ',
        'capability: read, ',
      ),
      decision: fc.constantFrom('allow', 'review', 'block'),
    })
    .map(({ protocol, tool, target, decision }) => `{ ${protocol}${tool}${target}decision: ${decision} }`),
  { minLength: 1, maxLength: 6 },
)
const WORD = fc.oneof(fc.constantFrom('a/x', 'b', 'c.md', '../b', 'A/X', '.env'), fc.string())
const ACT = fc
  .record({
    command: fc.constantFrom('cat', 'ls'),
    words: fc.array(WORD, { maxLength: 3 }),
    paths: fc.array(WORD, { maxLength: 2 }),
    doubt: fc.constantFrom(null, 'unclear'),
    github: fc.boolean(),
    branch: fc.constantFrom<Branch>({ kind: 'none' }, { kind: 'default' }, named('main')),
  })
  .map(({ command, words, paths, doubt, github, branch }) => {
    const line = shell([command, ...words].join(' '), { doubt })
    const resource = { operands: words, paths, branch }
    return github ? act({ doubt, resource }) : { ...line, resource: { ...line.resource, ...resource } }
  })
const STRICTNESS = { allow: 0, rewrite: 0, review: 1, block: 2 }

/** Rules made at random may shadow one another, which a file may not: those runs are skipped. */
function tryPolicy(rules: readonly string[]) {
  try {
    return policy(rules, 'review')
  } catch {
    return null
  }
}

describe('a tool that goes by several names', () => {
  const trigger = act({ tool: 'github.actions_run_trigger', capability: 'deploy', method: 'run_workflow' })
  it.each([
    ['its present one', '{ tool: github.actions_run_trigger, decision: block }', 'block'],
    ['an old one', '{ tool: github.run_workflow, decision: block }', 'block'],
    ['a glob over an old one', '{ tool: "github.run_*", decision: block }', 'block'],
    ['an old one of another method', '{ tool: github.cancel_workflow_run, decision: block }', 'allow'],
    ['its method', '{ tool: github.actions_run_trigger, method: run_workflow, decision: block }', 'block'],
    ['another method', '{ tool: github.actions_run_trigger, method: [cancel_workflow_run], decision: block }', 'allow'],
  ])('is meant by %s', (_what, rule, verdict) => {
    expect(policy([rule], 'allow').decide(envelope(trigger), NONE).verdict).toBe(verdict)
  })

  it('is not written with a colon', () => {
    expect(problemsOf(policyText(['{ tool: "github.issue_write:update", decision: allow }']))).toEqual([
      expect.stringContaining('write `tool: github.issue_write` and `method: update`'),
    ])
  })
})

describe('for any rules and any act', () => {
  it('decide and simulate agree, and neither throws', () => {
    fc.assert(
      fc.property(RULES, ACT, (rules, one) => {
        const compiled = tryPolicy(rules)
        fc.pre(compiled !== null)
        const { decision, trace } = compiled.simulate(envelope(one), NONE)
        expect(compiled.decide(envelope(one), NONE)).toEqual(decision)
        const index = decision.rule.index
        if (index !== null)
          expect(trace.find((step) => step.ruleIndex === index)).toMatchObject({
            matched: true,
            failReason: null,
            rule: decision.rule.label,
          })
        for (const step of trace) expect(step.matched).toBe(step.failReason === null)
      }),
    )
  })

  it('a block put first never loosens', () => {
    const blocks = RULES.map(([first = '']) => first.replace(/decision: \w+/, 'decision: block'))
    fc.assert(
      fc.property(RULES, blocks, ACT, (rules, block, one) => {
        const [before, after] = [tryPolicy(rules), tryPolicy([block, ...rules])]
        fc.pre(before !== null && after !== null)
        const was = before.decide(envelope(one), NONE).verdict
        expect(STRICTNESS[after.decide(envelope(one), NONE).verdict]).toBeGreaterThanOrEqual(STRICTNESS[was])
      }),
    )
  })

  it('an unreachable rule is one whose removal changes no decision', () => {
    fc.assert(
      fc.property(RULES, RULES, ACT, (some, [last = ''], one) => {
        const before = tryPolicy(some)
        fc.pre(before !== null && tryPolicy([last]) !== null && tryPolicy([...some, last]) === null)
        // The last rule was refused as unreachable: deciding with it appended by hand must give the same verdict.
        const appended = compileUnchecked([...some, last])
        expect(appended.decide(envelope(one), NONE).verdict).toBe(before.decide(envelope(one), NONE).verdict)
      }),
    )
  })
})

/** Parses each rule alone, so that the check for unreachable rules does not see the others. */
function compileUnchecked(rules: readonly string[]) {
  const documents = rules.map((rule) => document(policyText([rule], 'review')))
  const [first, ...rest] = documents
  if (first === undefined) throw new Error('no rules')
  return compilePolicy([{ ...first, rules: [...first.rules, ...rest.flatMap((one) => one.rules)] }])
}
