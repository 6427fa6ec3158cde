import { describe, expect, it } from 'vitest'
import type { ActionEnvelope } from '../../../../src/core/envelope.ts'
import type { RepositoryFact } from '../../../../src/core/facts.ts'
import { ask, DOWN, facts, github, needs, push, readText, shell, verdict } from './ask.ts'

const GUARD = 'repo_allowlist: ["acme/*"]'
const called = (owner: string, name: string): RepositoryFact => ({
  id: 1,
  repository: { owner, name },
  defaultBranch: 'main',
  private: true,
  archived: false,
})
const here = facts({ repository: called('acme', 'app') })

describe('repo_allowlist', () => {
  it.each<[string, ActionEnvelope, string]>([
    ['a write to a repository on it', push('x'), '-'],
    ['a read of a repository on it', github('get_file_contents', { path: 'a' }), '-'],
    ['other letters of the same name', github('create_issue', { owner: 'ACME', repo: 'App', title: 't' }), '-'],
    ['a write to another', github('create_issue', { owner: 'mallory', title: 't' }), 'block'],
    ['a read of another', github('get_file_contents', { owner: 'mallory', path: 'a' }), 'block'],
    ['a search, which names none', github('search_code', { query: 'x' }), '-'],
    ['a gist', github('create_gist', { files: {} }), 'block'],
    ['a fork into an organisation on it', github('fork_repository', { organization: 'acme' }), '-'],
    ['a fork into another', github('fork_repository', { organization: 'mallory' }), 'block'],
    ['a fork into one that only looks like it', github('fork_repository', { organization: 'ａcme' }), 'block'],
    ['a fork into one with the Kelvin sign', github('fork_repository', { organization: 'acm\u212a' }), 'block'],
    ['a fork into the credential’s own account', github('fork_repository', {}), 'block'],
    [
      'a repository made in an organisation on it',
      github('create_repository', { organization: 'acme', name: 'n' }),
      '-',
    ],
    ['a repository made for oneself', github('create_repository', { name: 'n' }), 'block'],
    [
      'a pull request from its own branch',
      github('create_pull_request', { title: 't', head: 'acme:x', base: 'main' }),
      '-',
    ],
    [
      'a pull request from a fork elsewhere',
      github('create_pull_request', { title: 't', head: 'mallory:x', base: 'main' }),
      'block',
    ],
    [
      'an issue that depends on one elsewhere',
      github('issue_dependency_write', { method: 'add', related_owner: 'mallory' }),
      'block',
    ],
    ['a push by git, whose repository is not known', shell('git push origin x'), 'review'],
    ['a command', shell('pytest'), '-'],
  ])('sees %s', (_, envelope, expected) => {
    expect(verdict(GUARD, envelope, here)).toBe(expected)
  })

  it.each<[string, RepositoryFact | string, string]>([
    ['as it was', called('acme', 'app'), '-'],
    ['otherwise, on the list', called('acme', 'new'), '-'],
    ['otherwise, off the list', called('mallory', 'app'), 'block'],
    ['nobody knows how', DOWN, 'review'],
  ])('looks at what a repository is called by now: %s', (_, repository, expected) => {
    expect(verdict(GUARD, push('x'), facts({ repository }))).toBe(expected)
  })

  it('asks that only of writes to what is on the list', () => {
    expect(needs(GUARD, push('x'))).toEqual(['repository'])
    expect(needs(GUARD, github('get_file_contents', { path: 'a' }))).toEqual([])
    expect(needs(GUARD, github('create_issue', { owner: 'mallory', title: 't' }))).toEqual([])
    expect(needs('repo_allowlist: { repos: ["acme/*"], renames: false }', push('x'))).toEqual([])
  })

  it('says which name it missed on the list', () => {
    expect(ask(GUARD, push('x'), facts({ repository: called('mallory', 'app') }))[0]?.reason).toBe(
      'acme/app is "mallory/app" by now, which is not on the list of repositories',
    )
    expect(ask(GUARD, push('x'), facts({ repository: DOWN }))[0]?.reason).toBe(
      'what acme/app is called by now is unknown: GitHub answered 503',
    )
  })

  it.each([
    ['repo_allowlist: [acme]', '`acme` can match none, write `acme/*` or `*/acme`'],
    ['repo_allowlist: block', '`repo_allowlist` has no `repos`'],
    ['repo_allowlist: { repo: ["a/b"] }', 'unknown key `repo` in `repo_allowlist`, did you mean `repos`?'],
    ['repo_allowlist: ["a/["]', 'malformed glob'],
    ['repo_allowlist: []', 'is an empty list'],
  ])('refuses %s', (text, problem) => {
    expect(readText(text).problems.join()).toContain(problem)
  })
})
