import { describe, expect, it } from 'vitest'
import type { ActionEnvelope } from '../../../../src/core/envelope.ts'
import type { ChangedFile, ChangesFact } from '../../../../src/core/facts.ts'
import { ask, askPlan, DOWN, facts, github, needs, push, readText, shell, verdict, withPlan } from './ask.ts'

const GUARD = 'blast_radius: { review_at: high, block_at: critical }'
const lines = (count: number | null, path = 'a.ts'): ChangedFile => ({
  path,
  previousPath: null,
  status: 'modified',
  additions: count,
  deletions: 0,
  added: null,
})
const changes = (...files: readonly ChangedFile[]): ChangesFact => ({ files, complete: true })
const small = changes(lines(3))

describe('blast_radius', () => {
  it.each<[string, ActionEnvelope, ChangesFact | string, string]>([
    ['a small push', push('x'), small, '-'],
    ['a push of many lines', push('x'), changes(lines(401)), 'review'],
    ['a push of what cannot be counted', push('x'), changes(lines(null)), 'review'],
    ['a push of a size nobody knows', push('x'), DOWN, 'review'],
    ['a push to main', push('main'), small, 'block'],
    ['a push of a workflow', push('x', { '.github/x.yml': '' }), small, 'block'],
    [
      'a pull request that changes a workflow',
      github('create_pull_request', { title: 't', head: 'x', base: 'y' }),
      changes(lines(1, '.github/x.yml')),
      'block',
    ],
    ['a file deleted', github('delete_file', { branch: 'x', path: 'a' }), small, 'review'],
    ['an issue', github('create_issue', { title: 't' }), DOWN, '-'],
    ['a read', github('get_file_contents', { path: 'a' }), DOWN, '-'],
    ['a command', shell('ls && rm -rf /'), DOWN, 'block'],
  ])('rates %s', (_, envelope, known, expected) => {
    expect(verdict(GUARD, envelope, facts({ changes: known }))).toBe(expected)
  })

  it('tells level, score and reasons, once for a line of several commands', () => {
    expect(ask(GUARD, shell('rm a; rm b; pytest'))).toEqual([
      {
        verdict: 'review',
        reason: 'its blast radius is high (55 of 100): shell.rm deletes, shell.pytest runs a program',
        suggestion: 'Make the change smaller, or in steps that can be reviewed one by one.',
      },
    ])
  })

  it('asks for the size only where it can still raise the verdict', () => {
    expect(needs(GUARD, push('x'))).toEqual(['changes'])
    expect(needs(GUARD, push('main'))).toEqual([])
    expect(needs('blast_radius: { review_at: medium }', push('x'))).toEqual([])
    expect(needs(GUARD, github('create_issue', { title: 't' }))).toEqual([])
    expect(needs(GUARD, github('get_file_contents', { path: 'a' }))).toEqual([])
    expect(needs(GUARD, shell('pytest'))).toEqual([])
  })

  it('rates the steps of a plan, which write no main branch', () => {
    const plan = withPlan(push('main'), 'aegis/s/t')
    expect(askPlan(GUARD, plan, facts({ changes: small }))).toEqual([])
    expect(askPlan(GUARD, plan, facts({ changes: changes(lines(500)) }))).toHaveLength(1)
  })

  it.each([
    ['blast_radius: on', { review_at: 'high', block_at: null }],
    ['blast_radius: review', { review_at: 'high', block_at: null }],
    ['blast_radius: block', { review_at: null, block_at: 'high' }],
    ['blast_radius: { block_at: critical }', { review_at: null, block_at: 'critical' }],
  ])('reads %s', (text, settings) => {
    expect(readText(text).guards[0]?.settings).toEqual(settings)
  })

  it.each([
    ['blast_radius: { review_at: huge }', 'unknown level `huge`'],
    ['blast_radius: { review_at: high, block_at: high }', 'nothing is left for `review_at: high`'],
    ['blast_radius: { decision: block }', '`blast_radius` has no `decision`'],
  ])('refuses %s', (text, problem) => {
    expect(readText(text).problems.join()).toContain(problem)
  })
})
