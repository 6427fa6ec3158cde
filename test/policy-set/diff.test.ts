import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileSources, diffPolicies } from '../../src/policy-set/index.ts'

const side = (rules: string, more = '', fallback = 'review') =>
  compileSources(
    [{ file: 'team.yaml', text: `version: 1\nname: team\ndefault_decision: ${fallback}\nrules:\n${rules}${more}` }],
    [],
  )
const A = '  - { tool: shell.rm, decision: block }\n'
const B = '  - id: reads\n    tool: "github.get_*"\n    decision: allow # a note\n'
const C = '  - { id: pytest, tool: shell.pytest, decision: allow }\n'
const changes = (was: string, is: string) =>
  diffPolicies(side(was), side(is)).documents.flatMap(({ rules }) =>
    rules.map((change) => [
      change.kind,
      'was' in change ? change.was.line : null,
      'is' in change ? change.is.line : null,
    ]),
  )

describe('what differs between two policies', () => {
  it.each([
    ['nothing', A + B + C, A + B + C, []],
    ['a note', B, B.replace('a note', 'another'), []],
    ['a rule that came', A + B, A + C + B, [['added', null, 6]]],
    ['a rule that went', A + C + B, A + B, [['removed', 6, null]]],
    ['a rule that moved', A + B + C, A + C + B, [['moved', 6, 7]]],
    ['a rule with the same id', C, C.replace('allow', 'block'), [['changed', 5, 5]]],
    ['a rule about the same tool', A, A.replace('block', 'review'), [['changed', 5, 5]]],
    [
      'a rule of another tool and id',
      A,
      A.replace('shell.rm', 'shell.mv'),
      [
        ['added', null, 5],
        ['removed', 5, null],
      ],
    ],
  ])('tells of %s', (_, was, is, expected) => {
    expect(changes(was, is).sort()).toEqual([...expected].sort())
  })

  it('shows rules as they are written, without what they share of indentation', () => {
    const [document] = diffPolicies(side(A), side(A + B)).documents
    expect(document?.rules).toEqual([
      {
        kind: 'added',
        is: { index: 1, line: 6, text: '- id: reads\n  tool: "github.get_*"\n  decision: allow # a note' },
      },
    ])
  })

  it('tells of guards, of what holds where no rule matches, and of whole documents', () => {
    const guards = (settings: string) => side(A, `guards:\n${settings}`)
    const diff = diffPolicies(
      guards('  secrets: block\n  ci_required: on\n'),
      guards('  secrets: review\n  repo_taint: on\n'),
    )
    expect(diff.documents[0]?.guards).toEqual({ added: ['repo_taint'], removed: ['ci_required'], changed: ['secrets'] })
    expect(diffPolicies(side(A), side(A, '', 'block')).documents).toMatchObject([
      { kind: 'changed', defaultDecision: { was: 'review', is: 'block' }, rules: [] },
    ])
    expect(diffPolicies({ documents: [], sources: [] }, side(A)).documents).toMatchObject([
      { name: 'team', kind: 'added', rules: [{ kind: 'added' }] },
    ])
  })

  it('is empty exactly where the policies are the same', () => {
    const rules = fc.shuffledSubarray([A, B, C], { minLength: 1 }).map((some) => some.join(''))
    fc.assert(
      fc.property(rules, rules, (was, is) => {
        const [one, other] = [side(was), side(is)]
        expect(diffPolicies(one, other).documents.length === 0).toBe(one.policy.digest === other.policy.digest)
      }),
    )
  })

  it('shows the text around what changed, and nothing of files that stayed', () => {
    const long = Array.from({ length: 20 }, (_, n) => `# line ${n}\n`).join('')
    const { text } = diffPolicies(side(long + A), side(`${long}  - { tool: shell.rm, decision: review }\n`))
    expect(text.split('\n')).toEqual([
      ...['--- team.yaml', '+++ team.yaml', '@@', ' # line 17', ' # line 18', ' # line 19'],
      ...['-  - { tool: shell.rm, decision: block }', '+  - { tool: shell.rm, decision: review }', ''],
    ])
    expect(diffPolicies(side(A), side(A)).text).toBe('')
  })
})
