import { describe, expect, it } from 'vitest'
import type { ActionEnvelope } from '../../../../src/core/envelope.ts'
import type { RepositoryFact } from '../../../../src/core/facts.ts'
import { ask, askPlan, DOWN, facts, github, needs, push, readText, shell, verdict, withPlan } from './ask.ts'

const GUARD = 'mandatory_pr: on'
const repository: RepositoryFact = {
  id: 1,
  repository: { owner: 'acme', name: 'app' },
  defaultBranch: 'develop',
  private: true,
  archived: false,
}
const opened = github('create_pull_request', { title: 't', head: 'x', base: 'develop' })
const merged = github('merge_pull_request', { pullNumber: 7 })

describe('mandatory_pr', () => {
  it.each<[string, ActionEnvelope, RepositoryFact | string, string]>([
    ['a write to the default branch', push('develop'), repository, 'review'],
    ['a write that names no branch', push(undefined), repository, 'review'],
    ['a write to another branch, which is to end in a pull request', push('feat/x'), repository, '-'],
    ['a write while nobody knows the default branch', push('feat/x'), DOWN, 'review'],
    ['a pull request', opened, repository, 'review'],
    ['a merge', merged, repository, 'review'],
    ['a merge by command', shell('gh pr merge 7'), repository, 'review'],
    ['a push by git, whose repository is not known', shell('git push origin x'), repository, 'review'],
    ['a comment', github('add_issue_comment', { issue_number: 1, body: 'b' }), repository, '-'],
    ['a read', github('pull_request_read', { method: 'get', pullNumber: 7 }), repository, '-'],
  ])('holds or leaves %s', (_, envelope, known, expected) => {
    expect(verdict(GUARD, envelope, facts({ repository: known }))).toBe(expected)
  })

  it('asks for the default branch only where a branch is written by name', () => {
    expect(needs(GUARD, push('x'))).toEqual(['repository'])
    expect(needs(GUARD, push(undefined))).toEqual([])
    expect(needs(GUARD, merged)).toEqual([])
  })

  it('says what it does not know', () => {
    expect(ask(GUARD, push('x'), facts({ repository: DOWN }))[0]?.reason).toBe(
      'whether "x" of acme/app is the default branch is unknown: GitHub answered 503',
    )
  })

  it('of a plan holds the pull request alone', () => {
    const plan = withPlan(push('develop'), 'aegis/sess-1/x')
    expect(askPlan(GUARD, plan).map((one) => one.reason)).toEqual(['a person looks at every pull request'])
  })

  it.each<[string, ActionEnvelope, string]>([
    ['mandatory_pr: block', push('develop'), 'block'],
    ['mandatory_pr: block', opened, 'review'],
    ['mandatory_pr: { hold: [merge] }', opened, '-'],
    ['mandatory_pr: { hold: [merge] }', merged, 'review'],
  ])('%s', (text, envelope, expected) => {
    expect(verdict(text, envelope, facts({ repository }))).toBe(expected)
  })

  it('refuses steps that are none', () => {
    expect(readText('mandatory_pr: { hold: [close] }').problems.join()).toContain('unknown step `close`')
  })
})
