import { describe, expect, it } from 'vitest'
import type { ActionEnvelope } from '../../../../src/core/envelope.ts'
import type { BranchFact, PullFact } from '../../../../src/core/facts.ts'
import { action, ask, askPlan, DOWN, facts, github, needs, push, readText, shell, verdict, withPlan } from './ask.ts'

const REWRITE = 'protected_branches: { branches: [main, "release/**"], decision: rewrite }'
const BLOCK = 'protected_branches: { branches: [main, "release/**"], decision: block }'
const GITHUB = 'protected_branches: { branches: [main], decision: block, github: true }'
const can = { rewriting: { possible: true } } as const
const branch = (name: string, part: Partial<BranchFact> = {}): BranchFact => ({
  name,
  isDefault: false,
  sha: 'a',
  protected: false,
  requiredChecks: [],
  ...part,
})
const pull = (headRef: string): PullFact => ({
  number: 7,
  url: '',
  state: 'open',
  draft: false,
  title: '',
  author: 'alice',
  base: 'main',
  headRef,
  headSha: 'a',
  headRepository: { owner: 'acme', name: 'app' },
})

describe('protected_branches', () => {
  it.each<[string, ActionEnvelope, string]>([
    ['a push to main', push('main'), 'rewrite'],
    ['a push to a branch of a glob', push('release/2.0'), 'rewrite'],
    ['a push that names no branch, for that is the default one', push(undefined), 'rewrite'],
    ['a file written to main', github('create_or_update_file', { branch: 'main', path: 'a', content: 'x' }), 'rewrite'],
    ['a file deleted on main', github('delete_file', { branch: 'main', path: 'a' }), 'rewrite'],
    ['a push to a branch of its own', push('feat/x'), '-'],
    ['a pull request from main', github('create_pull_request', { title: 't', head: 'main', base: 'x' }), '-'],
    ['a merge', github('merge_pull_request', { pullNumber: 7 }), '-'],
    ['a workflow that runs on main', github('actions_run_trigger', { method: 'run_workflow', ref: 'main' }), '-'],
    ['a read of main', github('get_file_contents', { path: 'a', ref: 'main' }), '-'],
    ['a branch made under a protected name', github('create_branch', { branch: 'release/3.0' }), 'block'],
    ['a branch deleted by a tool of no catalog', github('delete_branch', { branch: 'main' }), 'block'],
    ['a branch renamed by one', github('rename_branch', { branch: 'x', new_name: 'main' }), 'block'],
    ['a ref moved by one', github('update_ref', { ref: 'refs/heads/main', sha: 'a' }), 'block'],
    ['another branch deleted by one', github('delete_branch', { branch: 'x' }), '-'],
    ['another tool of no catalog', github('ping', { branch: 'main' }), '-'],
    ['a push by git', shell('git push origin main'), 'block'],
    ['a push by git to the other end of a refspec', shell('git push origin feat/x:main'), 'block'],
    ['a push by git of several refs', shell('git push origin feat/x feat/y:refs/heads/main'), 'block'],
    ['a deletion by git', shell('git push origin --delete main'), 'block'],
    ['a push by git that leaves the branch to its configuration', shell('git push'), 'block'],
    ['a push by git to a branch of its own', shell('git push origin feat/x'), '-'],
    ['a commit', shell('git commit -m main'), '-'],
    ['a push through a local git server', action('git', 'git.git_push', '.', { branch: 'main' }), 'block'],
    ['a checkout of main', action('git', 'git.git_checkout', '.', { branch_name: 'main' }), '-'],
  ])('sees %s', (_, envelope, expected) => {
    expect(verdict(REWRITE, envelope, facts(can))).toBe(expected)
  })

  it.each([
    'MAIN',
    'Main',
    'refs/heads/main',
    'heads/main',
    'refs/heads/refs/heads/main',
    'ｍａｉｎ',
    'RELEASE/x',
  ])('takes %s for the branch that a forgiving reader would', (name) => {
    expect(verdict(REWRITE, push(name), facts(can))).toBe('rewrite')
  })

  it.each([
    ['[Z-a]x', 'Zx'],
    ['[Z-a]x', 'ax'],
    ['[!b]x', 'ax'],
    ['Release/[A-C]*', 'release/b1'],
    ['STABLE', 'stable'],
  ])('matches the glob %s with %s', (glob, name) => {
    expect(verdict(`protected_branches: { branches: ["${glob}"], decision: block }`, push(name))).toBe('block')
  })

  it('says what to do instead, where a change cannot become a pull request', () => {
    const [told] = ask(REWRITE, push('main'), facts({ rewriting: { possible: false, reason: 'no App is set up' } }))
    expect(told).toEqual({
      verdict: 'block',
      reason: '"main" of acme/app is protected (main), and cannot become a pull request: no App is set up',
      suggestion: 'Push to a branch of your own and open a pull request.',
    })
    expect(ask(REWRITE, push('main'))[0]?.reason).toContain('is unknown: nobody looked')
    expect(ask(REWRITE, shell('git push'))[0]?.suggestion).toBe('Name the branch: git push origin <branch>.')
  })

  it('asks for facts only where they can change something', () => {
    expect(needs(REWRITE, push('feat/x'))).toEqual([])
    expect(needs(REWRITE, push('main'))).toEqual(['rewriting'])
    expect(needs(REWRITE, push(undefined))).toEqual(['branch', 'rewriting'])
    expect(needs(BLOCK, push(undefined))).toEqual([])
    expect(needs(GITHUB, push('feat/x'))).toEqual(['branch'])
    expect(needs(GITHUB, push('main'))).toEqual([])
    expect(needs(GITHUB, shell('git push origin feat/x'))).toEqual([])
    expect(needs(GITHUB, github('get_file_contents', { path: 'a' }))).toEqual([])
    expect(needs(GITHUB, github('update_pull_request_branch', { pullNumber: 7 }))).toEqual(['pull'])
  })

  it.each<[string, BranchFact | string, string]>([
    ['one that GitHub protects', branch('feat/x', { protected: true }), 'block'],
    ['the default one', branch('feat/x', { isDefault: true }), 'block'],
    ['another', branch('feat/x'), '-'],
    ['nobody knows which', DOWN, 'block'],
    ['one that was not the one asked about', branch('other'), 'block'],
  ])('with `github: true` asks what it is: %s', (_, known, expected) => {
    expect(verdict(GITHUB, push('feat/x'), facts({ branch: known }))).toBe(expected)
  })

  it('says which fact is unknown and why', () => {
    const [told] = ask(GITHUB, push('feat/x'), facts({ branch: DOWN }))
    expect(told?.reason).toBe('whether GitHub protects "feat/x" of acme/app is unknown: GitHub answered 503')
  })

  it.each<[string, PullFact | string, string]>([
    ['a branch of its own', pull('feat/x'), '-'],
    ['a protected one', pull('release/1'), 'block'],
    ['nobody knows which', DOWN, 'review'],
  ])('counts an update of a pull request as a write to its own branch: %s', (_, known, expected) => {
    const update = github('update_pull_request_branch', { pullNumber: 7 })
    expect(verdict(REWRITE, update, facts({ pull: known }))).toBe(expected)
  })

  it('looks at the steps of a plan, whose own branch must be no protected one', () => {
    const asked = push('main')
    const planned = (name: string) => withPlan(asked, name)
    expect(askPlan(REWRITE, planned('aegis/s/t'), facts(can))).toEqual([])
    expect(ask(REWRITE, planned('aegis/s/t'), facts(can))[0]?.verdict).toBe('rewrite')
    expect(askPlan(GITHUB, planned('aegis/s/t'), facts({ branch: branch('main', { isDefault: true }) }))).toEqual([])
    const all = 'protected_branches: { branches: ["**"], decision: rewrite }'
    expect(askPlan(all, planned('aegis/s/t'), facts(can))[0]).toMatchObject({
      verdict: 'block',
      reason: '"aegis/s/t" of acme/app is protected (**)',
    })
  })

  it.each([
    [
      'protected_branches: on',
      { decision: 'rewrite', branches: ['main', 'master', 'release/**', 'release-*'], github: false },
    ],
    [
      'protected_branches: deny',
      { decision: 'block', branches: ['main', 'master', 'release/**', 'release-*'], github: false },
    ],
    ['protected_branches: [trunk]', { decision: 'rewrite', branches: ['trunk'], github: false }],
  ])('reads %s', (text, settings) => {
    expect(readText(text).guards[0]?.settings).toEqual(settings)
  })

  it.each([
    ['protected_branches: { branches: ["a["] }', '1:44 malformed glob `a[`: '],
    [
      'protected_branches: { brunches: [main] }',
      '1:33 unknown key `brunches` in `protected_branches`, did you mean `branches`?',
    ],
    ['protected_branches: rewrit', '1:31 unknown decision `rewrit`, did you mean `rewrite`?'],
    ['protected_branches: { decision: 7 }', '1:43 `decision` must be a text; 7 is a number'],
    ['protected_branches: { branches: [] }', 'is an empty list'],
    ['protected_branches: { github: maybe }', '`github` must be true or false'],
    ['protected_branches: 3', 'is one of on, off, rewrite, review, block, or a mapping such as'],
  ])('refuses %s', (text, problem) => {
    expect(readText(text).problems.join()).toContain(problem)
    expect(readText(text).guards).toEqual([])
  })
})
