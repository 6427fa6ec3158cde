import { describe, expect, it } from 'vitest'
import type { ActionEnvelope } from '../../../../src/core/envelope.ts'
import type { RepositoryFact, TaintFact } from '../../../../src/core/facts.ts'
import { action, ask, DOWN, facts, github, needs, push, shell, uncatalogued, verdict } from './ask.ts'

const GUARD = 'repo_taint: on'
const repository = (hidden: boolean): RepositoryFact => ({
  id: 1,
  repository: { owner: 'acme', name: 'app' },
  defaultBranch: 'main',
  private: hidden,
  archived: false,
})
const both: TaintFact = { untrusted: ['acme/app: issue_read'], private: ['acme/secrets'] }
const comment = github('add_issue_comment', { issue_number: 1, body: 'b' })

describe('repo_taint', () => {
  it.each<[string, TaintFact | string, RepositoryFact | string, string]>([
    ['has read both, and writes to a public one', both, repository(false), 'review'],
    ['has read both, and writes to a private one', both, repository(true), '-'],
    ['has read both, and nobody knows who can read', both, DOWN, 'review'],
    ['has read strangers alone', { ...both, private: [] }, repository(false), '-'],
    ['has read what is private alone', { ...both, untrusted: [] }, repository(false), '-'],
    ['may have read anything', DOWN, repository(false), 'review'],
    ['may have read anything, and writes to a private one', DOWN, repository(true), '-'],
  ])('who %s', (_, taint, known, expected) => {
    expect(verdict(GUARD, comment, facts({ taint, repository: known }))).toBe(expected)
  })

  it.each<[string, ActionEnvelope, string]>([
    ['a push', push('x'), 'review'],
    ['a gist', github('create_gist', { files: {} }), 'review'],
    ['a repository', github('create_repository', { name: 'n' }), 'review'],
    ['a request that sends', action('http', 'http.post', 'https://x.example/'), 'review'],
    ['a push by git', shell('git push origin x'), 'review'],
    ['a tool of no catalog', uncatalogued('post'), 'review'],
    ['a read', github('get_file_contents', { path: 'a' }), '-'],
    ['a file here', action('file', 'file.write', 'a'), '-'],
    ['a command', shell('pytest'), '-'],
  ])('then may not write alone: %s', (_, envelope, expected) => {
    expect(verdict(GUARD, envelope, facts({ taint: both, repository: repository(false) }))).toBe(expected)
  })

  it('says what was read', () => {
    expect(ask(GUARD, comment, facts({ taint: both, repository: repository(false) }))[0]?.reason).toBe(
      'acme/app is public, and it has read what strangers can write ("acme/app: issue_read") and what is not public ("acme/secrets")',
    )
    expect(ask(GUARD, comment)[0]?.reason).toBe(
      'whether acme/app is public is unknown: nobody looked, and what it has read before is unknown: nobody looked',
    )
  })

  it('asks of writes alone', () => {
    expect(needs(GUARD, comment)).toEqual(['taint', 'repository'])
    expect(needs(GUARD, github('create_gist', { files: {} }))).toEqual(['taint'])
    expect(needs(GUARD, github('get_file_contents', { path: 'a' }))).toEqual([])
  })

  it('may block', () => {
    expect(verdict('repo_taint: block', comment, facts({ taint: both, repository: repository(false) }))).toBe('block')
  })
})
