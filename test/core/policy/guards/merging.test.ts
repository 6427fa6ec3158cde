import { describe, expect, it } from 'vitest'
import type { ActionEnvelope } from '../../../../src/core/envelope.ts'
import type { ChecksFact, PullFact, ReviewsFact } from '../../../../src/core/facts.ts'
import { ask, DOWN, facts, github, needs, push, readText, shell, uncatalogued, verdict } from './ask.ts'

const SHA = 'a1b2c3d4e5'
const pull: PullFact = {
  number: 7,
  url: '',
  state: 'open',
  draft: false,
  title: 't',
  author: 'alice',
  base: 'main',
  headRef: 'feat/x',
  headSha: SHA,
  headRepository: { owner: 'acme', name: 'app' },
}
const reviews = (part: Partial<ReviewsFact> = {}): ReviewsFact => ({
  sha: SHA,
  approvedBy: ['bob'],
  changesRequestedBy: [],
  ...part,
})
const checks = (part: Partial<ChecksFact> = {}): ChecksFact => ({
  sha: SHA,
  state: 'green',
  failing: [],
  pending: [],
  ...part,
})
const merge = github('merge_pull_request', { pullNumber: 7 })
const GUARD = 'autonomous_merge: on'

describe('autonomous_merge', () => {
  it.each<[string, PullFact | string, ReviewsFact | string, string]>([
    ['approved by another', pull, reviews(), '-'],
    ['approved by nobody', pull, reviews({ approvedBy: [] }), 'block'],
    ['approved by its author', pull, reviews({ approvedBy: ['Alice'] }), 'block'],
    ['approved by a bot', pull, reviews({ approvedBy: ['build[bot]', 'Renovate[BOT]'] }), 'block'],
    ['approved, with changes asked for by a third', pull, reviews({ changesRequestedBy: ['carol'] }), 'block'],
    ['approved at another commit', pull, reviews({ sha: 'b' }), 'block'],
    ['whose reviews are not known', pull, DOWN, 'block'],
    ['that is not known', DOWN, reviews(), 'block'],
  ])('a pull request %s', (_, known, given, expected) => {
    expect(verdict(GUARD, merge, facts({ pull: known, reviews: given }))).toBe(expected)
  })

  it.each<[string, ActionEnvelope, string]>([
    ['auto-merge by a tool of its own', github('enable_pull_request_auto_merge', { pullNumber: 7 }), 'block'],
    ['auto-merge as an argument', github('update_pull_request', { pullNumber: 7, auto_merge: true }), 'block'],
    [
      'auto-merge as an argument of another spelling',
      github('update_pull_request', { pullNumber: 7, enableAutoMerge: 'squash' }),
      'block',
    ],
    ['a label that bots merge by', github('issue_write', { method: 'update', labels: ['ok', 'auto-merge'] }), 'block'],
    [
      'one in another form',
      github('update_issue_labels', { issue_number: 7, labels: [{ name: 'automerge' }] }),
      'block',
    ],
    ['other labels', github('issue_write', { method: 'update', labels: ['bug', 7] }), '-'],
    ['an argument that says no', github('update_pull_request', { pullNumber: 7, auto_merge: false }), '-'],
    ['auto-merge switched off', github('disable_auto_merge', { pullNumber: 7 }), '-'],
    ['a merge by command', shell('gh pr merge 7 --squash'), 'block'],
    ['a merge that names its repository first', shell('gh pr -R acme/app merge 7'), 'block'],
    ['a merge that names it before all', shell('gh --repo=acme/app pr merge 7'), 'block'],
    ['a merge by GraphQL', shell('gh api graphql -f query=mutation{mergePullRequest(input:{})}'), 'block'],
    ['a question about merging', shell('gh api graphql -f query={repository{mergeCommitAllowed}}'), '-'],
    ['an approval by command', shell('gh pr review 7 --approve'), 'review'],
    ['another base by command', shell('gh pr edit 7 --base main'), 'review'],
    ['auto-merge by command', shell('gh pr merge --auto 7'), 'block'],
    ['a merge by GitHub’s API', shell('gh api -X PUT repos/acme/app/pulls/7/merge'), 'block'],
    ['another base', github('update_pull_request', { pullNumber: 7, base: 'release/1' }), 'review'],
    [
      'an approval',
      github('pull_request_review_write', { method: 'create', pullNumber: 7, event: 'APPROVE' }),
      'review',
    ],
    [
      'a comment on it',
      github('pull_request_review_write', { method: 'create', pullNumber: 7, event: 'COMMENT' }),
      '-',
    ],
    ['another title', github('update_pull_request', { pullNumber: 7, title: 'x' }), '-'],
    ['a push', push('x'), '-'],
    ['a read', github('pull_request_read', { method: 'get', pullNumber: 7 }), '-'],
    ['a tool of no catalog', uncatalogued('note'), '-'],
  ])('sees %s', (_, envelope, expected) => {
    expect(verdict(GUARD, envelope)).toBe(expected)
  })

  it('never takes approvals for auto-merge, which merges what is there later', () => {
    const auto = github('enable_auto_merge', { pullNumber: 7 })
    expect(verdict(GUARD, auto, facts({ pull, reviews: reviews() }))).toBe('block')
  })

  it('says why, and how it is approved', () => {
    expect(ask(GUARD, merge, facts({ pull, reviews: reviews({ approvedBy: [] }) }))).toEqual([
      {
        verdict: 'block',
        reason: 'no person has approved pull request #7 at a1b2c3d',
        suggestion: 'Ask somebody other than its author to approve it on GitHub, then merge again.',
      },
    ])
    expect(ask(GUARD, merge, facts({ pull, reviews: DOWN }))[0]?.reason).toBe(
      'whether a person approved pull request #7 is unknown: GitHub answered 503',
    )
  })

  it.each<[string, readonly string[], string]>([
    ['autonomous_merge: { accept_aegis_approval: true }', [], 'review'],
    ['autonomous_merge: review', [], 'review'],
    ['autonomous_merge: { reviews: 2 }', ['bob'], 'block'],
    ['autonomous_merge: { reviews: 2 }', ['bob', 'Bob'], 'block'],
    ['autonomous_merge: { reviews: 2 }', ['bob', 'carol'], '-'],
    ['autonomous_merge: { agents: [Bob] }', ['bob'], 'block'],
  ])('%s with approvals of %j', (text, approvedBy, expected) => {
    expect(verdict(text, merge, facts({ pull, reviews: reviews({ approvedBy }) }))).toBe(expected)
  })

  it('looks things up for merges alone', () => {
    expect(needs(GUARD, merge)).toEqual(['pull', 'reviews'])
    expect(needs(GUARD, push('main'))).toEqual([])
    expect(needs('ci_required: on', merge)).toEqual(['pull', 'checks'])
    expect(needs('ci_required: on', push('main'))).toEqual([])
  })

  it('refuses settings that disagree', () => {
    const text = 'autonomous_merge: { decision: block, accept_aegis_approval: true }'
    expect(readText(text).problems.join()).toContain('disagree; keep one of them')
  })
})

describe('ci_required', () => {
  it.each<[string, PullFact | string, ChecksFact | string, string]>([
    ['green', pull, checks(), '-'],
    ['running', pull, checks({ state: 'pending', pending: ['build'] }), 'review'],
    ['red', pull, checks({ state: 'red', failing: ['test'] }), 'block'],
    ['not set up', pull, checks({ state: 'none' }), 'review'],
    ['those of another commit', pull, checks({ sha: 'b' }), 'review'],
    ['not known', pull, DOWN, 'review'],
    ['of a pull request that is not known', DOWN, checks(), 'review'],
  ])('merges where the checks are green, not where they are %s', (_, known, given, expected) => {
    expect(verdict('ci_required: on', merge, facts({ pull: known, checks: given }))).toBe(expected)
  })

  it('names what failed, in one line whatever it is called', () => {
    const failing = ['test', 'a\u202eb\n', ...Array.from({ length: 6 }, (_, at) => `c${at}`)]
    const [told] = ask('ci_required: on', merge, facts({ pull, checks: checks({ state: 'red', failing }) }))
    expect(told?.reason).toBe(
      'checks of pull request #7 failed: "test", "a<U+202E>b<U+000A>", "c0", "c1", "c2", and 3 more',
    )
  })

  it.each<[string, ChecksFact | string, string]>([
    ['ci_required: block', checks({ state: 'pending' }), 'block'],
    ['ci_required: review', checks({ state: 'red' }), 'review'],
    ['ci_required: { on_unknown: block }', DOWN, 'block'],
    ['ci_required: { on_unknown: block }', checks({ state: 'pending' }), 'review'],
    ['ci_required: { decision: block, on_none: review }', checks({ state: 'none' }), 'review'],
  ])('%s', (text, given, expected) => {
    expect(verdict(text, merge, facts({ pull, checks: given }))).toBe(expected)
  })

  it('refuses to let red pass', () => {
    expect(readText('ci_required: { on_red: allow }').problems.join()).toContain('unknown decision `allow`')
  })
})
