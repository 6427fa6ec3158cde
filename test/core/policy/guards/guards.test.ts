import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalize } from '../../../../src/core/canonical.ts'
import type { Act, ActionEnvelope } from '../../../../src/core/envelope.ts'
import type { Facts } from '../../../../src/core/facts.ts'
import { GUARD_NAMES } from '../../../../src/core/policy/guards/guard.ts'
import { CLASSIC } from '../../secrets/samples.ts'
import { action, ask, askPlan, facts, github, guardOf, push, readText, shell, uncatalogued, withPlan } from './ask.ts'

const SETTINGS = {
  protected_branches: '{ github: true }',
  freeze_windows: '[ { timezone: UTC, decision: review } ]',
  branch_naming: 'on',
  mandatory_pr: 'on',
  autonomous_merge: 'on',
  ci_required: 'on',
  repo_allowlist: '["acme/*"]',
  sensitive_paths: 'review',
  secrets: 'block',
  blast_radius: 'on',
  repo_taint: 'on',
} as const satisfies Record<(typeof GUARD_NAMES)[number], string>
const texts = GUARD_NAMES.map((name) => `${name}: ${SETTINGS[name]}`)
const guards = texts.map((text) => guardOf(text).guard)

const WRITES: readonly ActionEnvelope[] = [
  push('feat/x'),
  push('main', { '.github/x.yml': 'x' }),
  push(undefined),
  github('create_or_update_file', { path: 'a', content: 'x' }),
  github('delete_file', { branch: 'x', path: 'a' }),
  github('create_pull_request', { title: 't', head: 'x', base: 'main' }),
  github('merge_pull_request', { pullNumber: 7 }),
  github('update_pull_request', { pullNumber: 7, base: 'x', auto_merge: true }),
  github('update_pull_request_branch', { pullNumber: 7 }),
  github('create_gist', { files: {} }),
  github('fork_repository', {}),
  github('no_such_tool', { branch: 'main' }),
  shell('git push origin main feat/x; gh pr merge 7'),
  action('http', 'http.post', 'https://x.example/'),
  uncatalogued('post', { text: 'x' }),
]
const READS: readonly ActionEnvelope[] = [
  github('get_file_contents', { path: '.env' }),
  github('search_code', { query: 'x' }),
  github('pull_request_read', { method: 'get', pullNumber: 7 }),
  shell('ls src'),
  action('file', 'file.read', 'a'),
]

const hostile = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    '..',
    'main',
    'refs/heads/main',
    '\0',
    '\u202e',
    '__proto__',
    'a'.repeat(5000),
    '{}',
    '*',
    '[',
    '\\',
  ),
)
const hostileAct: fc.Arbitrary<Act> = fc.record({
  protocol: fc.constantFrom('git', 'shell', 'http', 'mcp', 'file', 'sql'),
  tool: fc.oneof(
    fc.constantFrom('github.push_files', 'github.merge_pull_request', 'shell.git', 'git.git_push'),
    hostile,
  ),
  capability: fc.constantFrom('read', 'write', 'delete', 'execute', 'merge', 'deploy', 'approve'),
  doubt: fc.constantFrom(null, 'x'),
  resource: fc.record({
    target: hostile,
    operands: fc.array(hostile, { maxLength: 3 }),
    repository: fc.option(fc.record({ owner: hostile, name: hostile })),
    branch: fc.oneof(
      fc.constant({ kind: 'none' } as const),
      fc.constant({ kind: 'default' } as const),
      hostile.map((name) => ({ kind: 'named', name }) as const),
    ),
    base: fc.option(hostile),
    paths: fc.array(hostile, { maxLength: 3 }),
    pull: fc.option(fc.integer()),
  }),
})

describe('guards', () => {
  it('never throw, whatever they are shown, and say things in one line', () => {
    const envelope = push('x')
    fc.assert(
      fc.property(hostileAct, fc.dictionary(hostile, hostile, { maxKeys: 3 }), (act, parameters) => {
        const asked = {
          ...envelope,
          action: { ...envelope.action, parameters, acts: [act] },
          resource: act.resource,
        } as const
        for (const guard of guards) {
          guard.needs({ act, envelope: asked })
          for (const { reason } of guard.judge({ act, envelope: asked, facts: {} })) {
            expect(reason).not.toMatch(/[\n\r\0\u202e]/)
            expect(reason.length).toBeLessThan(2000)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it('have nothing to say of reads, and look nothing up for them, but where a repository is off the list', () => {
    for (const envelope of READS) {
      for (const guard of guards) {
        for (const act of envelope.action.acts) {
          expect([guard.name, ...guard.needs({ act, envelope })]).toEqual([guard.name])
          const allowed = guard.name === 'blast_radius' ? 1 : 0
          expect(guard.judge({ act, envelope, facts: {} }).length).toBeLessThanOrEqual(allowed)
        }
      }
    }
  })

  it('tighten where a fact they asked for is not known', () => {
    const unknown: Facts = facts({
      ...{ repository: 'down', branch: 'down', pull: 'down', checks: 'down', reviews: 'down', changes: 'down' },
      ...{ taint: 'down', rewriting: 'down' },
    })
    for (const envelope of WRITES) {
      for (const guard of guards) {
        for (const act of envelope.action.acts) {
          const asked = guard.needs({ act, envelope }).filter((key) => !(guard.name === 'secrets' && key === 'changes'))
          if (asked.length === 0) continue
          const found = guard.judge({ act, envelope, facts: unknown })
          expect([guard.name, act.tool, found.length > 0]).toEqual([guard.name, act.tool, true])
        }
      }
    }
  })

  it('say the same of the same', () => {
    for (const envelope of [...WRITES, ...READS]) {
      for (const guard of guards) {
        for (const act of envelope.action.acts) {
          const once = guard.judge({ act, envelope, facts: {} })
          expect(guard.judge({ act, envelope, facts: {} })).toEqual(once)
        }
      }
    }
  })

  it('rewrite nothing that is a plan already', () => {
    for (const envelope of [push('main'), push(undefined)]) {
      const planned = withPlan(envelope, 'aegis/sess-1/x')
      for (const guard of guards) {
        for (const act of planned.plan?.acts ?? []) {
          const verdicts = guard.judge({ act, envelope: planned, facts: facts({ rewriting: { possible: true } }) })
          expect(verdicts.map((one) => one.verdict)).not.toContain('rewrite')
        }
      }
    }
  })

  it('that look at contents say nothing more of a plan, which holds what was asked for', () => {
    const asked = push('main', { '.github/x.yml': `token ${CLASSIC}` })
    const planned = withPlan(asked, 'aegis/sess-1/x')
    const known = facts({
      changes: {
        files: [
          { path: '.github/x.yml', previousPath: null, status: 'modified', additions: 1, deletions: 0, added: 'y' },
        ],
        complete: true,
      },
    })
    for (const text of ['secrets: block', 'sensitive_paths: review', 'repo_allowlist: ["acme/*"]']) {
      const said = (envelope: ActionEnvelope) => new Set(ask(text, envelope, known).map(({ reason }) => reason))
      for (const { reason } of askPlan(text, planned, known)) expect(said(asked)).toContain(reason)
    }
    expect(ask('secrets: block', asked, known)).toEqual([])
    expect(askPlan('secrets: block', planned, known)).toEqual([])
  })

  it('put all that decides into the settings, for the digest of the policy', () => {
    const { guards: read } = readText(texts.join('\n'))
    expect(read.map(({ guard }) => guard.name)).toEqual(GUARD_NAMES)
    for (const { settings } of read) expect(() => canonicalize(settings)).not.toThrow()
    const digests = [
      ...['secrets: block', 'secrets: review', 'secrets: { generic: off }'],
      ...['ci_required: on', 'ci_required: { on_none: block }', 'branch_naming: on', 'branch_naming: "a/**"'],
      ...['sensitive_paths: on', 'sensitive_paths: { classes: [ci] }', 'sensitive_paths: { paths: [a] }'],
      ...['freeze_windows: { timezone: UTC }', 'freeze_windows: { timezone: UTC, days: [fri] }'],
    ].map((text) => canonicalize(guardOf(text).settings))
    expect(new Set(digests).size).toBe(digests.length)
  })

  it('are read at once, with every mistake', () => {
    const { problems } = readText('secret: block\nci_required: rd\nrepo_allowlist: [a]\nsecrets: block\nsecrets: block')
    expect(problems).toHaveLength(4)
    expect(readText('').guards).toEqual([])
  })
})
