import { describe, expect, it } from 'vitest'
import type { Act, ActionEnvelope } from '../../../../src/core/envelope.ts'
import type { SessionId } from '../../../../src/core/ids.ts'
import { refSafe } from '../../../../src/core/policy/guards/ref-safe.ts'
import { ask, askPlan, github, needs, push, readText, shell, verdict, withPlan } from './ask.ts'

const GUARD = 'branch_naming: on'
const inSession = (envelope: ActionEnvelope, label: string): ActionEnvelope => ({
  ...envelope,
  subject: { ...envelope.subject, session: `key_test/${label}` as SessionId },
})

describe('branch_naming', () => {
  it.each<[string, ActionEnvelope, string]>([
    ['a branch made as agreed', github('create_branch', { branch: 'aegis/sess-1/fix' }), '-'],
    ['a branch made otherwise', github('create_branch', { branch: 'feat/x' }), 'block'],
    ['a push as agreed', push('aegis/sess-1/fix-7'), '-'],
    ['a push in the name of another session', push('aegis/sess-2/fix-7'), 'block'],
    ['a push to main', push('main'), 'block'],
    ['a push that names no branch', push(undefined), 'block'],
    ['a task of two parts', push('aegis/sess-1/a/b'), 'block'],
    ['other letters of the same name', push('AEGIS/sess-1/fix'), 'block'],
    [
      'a pull request from such a branch',
      github('create_pull_request', { title: 't', head: 'aegis/sess-1/x', base: 'main' }),
      '-',
    ],
    [
      'a pull request from another',
      github('create_pull_request', { title: 't', head: 'feat/x', base: 'main' }),
      'block',
    ],
    [
      'a pull request from a fork',
      github('create_pull_request', { title: 't', head: 'mallory:aegis/sess-1/x', base: 'main' }),
      '-',
    ],
    ['an update of a pull request', github('update_pull_request_branch', { pullNumber: 7 }), '-'],
    ['a merge', github('merge_pull_request', { pullNumber: 7 }), '-'],
    ['a push by git', shell('git push origin aegis/sess-1/x'), '-'],
    ['a push by git to another', shell('git push origin x'), 'block'],
    ['a push by git of several', shell('git push origin aegis/sess-1/x y'), 'block'],
    ['a read', github('get_file_contents', { path: 'a', ref: 'feat/x' }), '-'],
    ['an issue', github('create_issue', { title: 'main' }), '-'],
  ])('sees %s', (_, envelope, expected) => {
    expect(verdict(GUARD, envelope)).toBe(expected)
  })

  it.each([
    'aegis/sess-1/',
    'aegis/sess-1/a..b',
    'aegis/sess-1/a\u0000b',
    'aegis/sess-1/a.lock',
    'aegis/sess-1/a b',
  ])('takes %j for no branch at all', (name) => {
    const envelope = push('x')
    const [act] = envelope.action.acts
    const named: Act = { ...act, resource: { ...act.resource, branch: { kind: 'named', name } } }
    expect(verdict(GUARD, { ...envelope, action: { ...envelope.action, acts: [named] } })).toBe('block')
  })

  it('says what the branch is to be called', () => {
    expect(ask(GUARD, push('feat/x'))).toEqual([
      {
        verdict: 'block',
        reason: 'the branch "feat/x" is not called aegis/{session}/{task}',
        suggestion: 'Call the branch aegis/sess-1/<task>.',
      },
    ])
  })

  it.each([
    ['sess:7', 'aegis/sess-7/x'],
    ['a..b', 'aegis/a.b/x'],
    ['x.lock', 'aegis/x-lock/x'],
    ['[*]', 'aegis/session/x'],
  ])('writes the session %s as a ref may hold it', (label, name) => {
    expect(verdict(GUARD, inSession(push(name), label))).toBe('-')
    expect(refSafe(label)).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]*$/)
  })

  it('never takes the label for a pattern', () => {
    expect(verdict(GUARD, inSession(push('aegis/anything/x'), '*'))).toBe('block')
    expect(verdict(GUARD, inSession(push('aegis/anything/x'), '{a,anything}'))).toBe('block')
  })

  it('leaves alone what a plan is for, and looks at the branch it makes', () => {
    expect(askPlan(GUARD, withPlan(push('main'), 'aegis/sess-1/fix-1a2b'))).toEqual([])
    expect(askPlan(GUARD, withPlan(push('main'), 'feat/x')).map((one) => one.verdict)).toEqual([
      'block',
      'block',
      'block',
    ])
  })

  it('needs no facts', () => {
    expect(needs(GUARD, push('x'))).toEqual([])
  })

  it.each<[string, string, string]>([
    ['branch_naming: "agent/**"', 'agent/a/b', '-'],
    ['branch_naming: ["agent/*", "bot-{task}"]', 'bot-7', '-'],
    ['branch_naming: ["agent/*", "bot-{task}"]', 'x', 'block'],
    ['branch_naming: { patterns: ["agent/*"], decision: review }', 'x', 'review'],
    ['branch_naming: review', 'x', 'review'],
  ])('%s: %s', (text, name, expected) => {
    expect(verdict(text, push(name))).toBe(expected)
  })

  it.each([
    ['branch_naming: "aegis/{sesion}/{task}"', '1:26 unknown placeholder `{sesion}`, did you mean `session`?'],
    ['branch_naming: ["a["]', 'malformed pattern `a[`'],
    ['branch_naming: { pattern: x }', 'unknown key `pattern` in `branch_naming`, did you mean `patterns`?'],
    ['branch_naming: allow', 'unknown decision `allow`'],
  ])('refuses %s', (text, problem) => {
    expect(readText(text).problems.join()).toContain(problem)
  })
})
