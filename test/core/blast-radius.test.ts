import { describe, expect, it } from 'vitest'
import { rateBlastRadius } from '../../src/core/blast-radius.ts'
import { describeAction, describeUpstreamCall } from '../../src/core/catalog/index.ts'
import { BLAST_LEVELS } from '../../src/core/decision.ts'
import type { ChangedFile } from '../../src/core/facts.ts'
import type { JsonObject } from '../../src/core/json.ts'

const REPO = { owner: 'aegisflow', repo: 'aegisflow' }
function acts(tool: string, parameters: JsonObject) {
  return describeUpstreamCall({ upstream: 'github', catalog: 'github', tool, parameters: { ...REPO, ...parameters } })
    .acts
}
function github(tool: string, parameters: JsonObject) {
  return rateBlastRadius(acts(tool, parameters))
}
function shell(target: string) {
  return rateBlastRadius(
    describeAction({ protocol: 'shell', tool: 'shell', target, capability: null, parameters: {} }).acts,
  )
}
const files = (count: number) => Array.from({ length: count }, (_, index) => ({ path: `src/${index}.ts`, content: '' }))

describe('rateBlastRadius', () => {
  it.each<[string, JsonObject, string]>([
    ['get_file_contents', { path: 'a' }, 'low'],
    ['create_issue', { title: 'x' }, 'low'],
    ['create_branch', { branch: 'x' }, 'low'],
    ['push_files', { branch: 'feat/x', files: files(1) }, 'medium'],
    ['create_pull_request', { head: 'feat/x', base: 'main' }, 'medium'],
    ['push_files', { branch: 'feat/x', files: files(11) }, 'high'],
    ['get_file_contents', { path: '.env' }, 'high'],
    ['delete_file', { branch: 'feat/x', path: 'a' }, 'high'],
    ['push_files', { branch: 'main', files: files(1) }, 'critical'],
    ['create_or_update_file', { path: 'a' }, 'critical'],
    ['push_files', { branch: 'feat/x', files: [{ path: '.github/workflows/ci.yml', content: '' }] }, 'critical'],
    ['push_files', { branch: 'feat/x', files: [{ path: 'infra/MAIN.TF', content: '' }] }, 'critical'],
    ['push_files', { branch: 'feat/x', files: [{ path: '.claude/settings.json', content: '' }] }, 'critical'],
    ['merge_pull_request', { pullNumber: 7 }, 'critical'],
    ['update_pull_request_branch', { pullNumber: 7 }, 'medium'],
    ['delete_repository', {}, 'critical'],
  ])('rates %s %j as %s', (tool, parameters, level) => {
    expect(github(tool, parameters).level).toBe(level)
  })

  it.each([
    ['ls src', 'low'],
    ['pytest', 'medium'],
    ['cat ~/.ssh/id_rsa', 'high'],
    ['rm -rf build', 'high'],
    ['rm -rf /', 'critical'],
    ['rm -rf ~', 'critical'],
    ['echo x > .github/workflows/ci.yml', 'critical'],
    ['git push origin main', 'critical'],
    ['$X', 'high'],
    ['git branch -m old new', 'high'],
    ['git branch --move old new', 'high'],
    ['git branch -a', 'medium'],
  ])('rates the line %s as %s', (line, level) => {
    expect(shell(line).level).toBe(level)
  })

  it('gives the level that its score says, and the reasons that raised it', () => {
    const { score, level, reasons } = shell('ls && rm -rf /etc && cat .env.example')
    expect(score).toBeGreaterThanOrEqual(75)
    expect(BLAST_LEVELS).toContain(level)
    expect(reasons).toContain('deletes a whole place')
    expect(reasons.join()).not.toContain('.env.example')
  })

  const changed = (path: string, part: Partial<ChangedFile> = {}): ChangedFile => ({
    path,
    previousPath: null,
    status: 'modified',
    additions: 1,
    deletions: 0,
    added: '',
    ...part,
  })
  const many = (count: number, part: Partial<ChangedFile> = {}) =>
    Array.from({ length: count }, (_, index) => changed(`src/${index}.ts`, part))
  const push = acts('push_files', { branch: 'feat/x', files: files(1) })
  const merge = acts('enable_auto_merge', {})

  it.each<[string, readonly ChangedFile[], string, string]>([
    ['a line', [changed('a.ts')], 'medium', ''],
    ['400 lines', [changed('a.ts', { additions: 300, deletions: 100 })], 'medium', ''],
    ['401 lines', [changed('a.ts', { additions: 300, deletions: 101 })], 'high', 'changes 401 lines'],
    ['10 files', many(10), 'medium', ''],
    ['11 files', many(11), 'high', 'touches 11 files'],
    ['3 files taken away', many(3, { status: 'removed' }), 'medium', ''],
    ['4 files taken away', many(4, { status: 'removed' }), 'high', 'deletes 4 files'],
    [
      'what cannot be counted',
      [changed('a.png', { additions: null })],
      'high',
      'changes "a.png" by lines that cannot be counted',
    ],
    ['a workflow', [changed('.github/x.yml')], 'critical', 'touches CI configuration'],
    [
      'a workflow moved away',
      [changed('a', { previousPath: '.github/x.yml' })],
      'critical',
      'touches CI configuration',
    ],
  ])('rates a change of %s', (_, changes, level, reason) => {
    const rated = rateBlastRadius(push, { known: true, value: { files: changes, complete: true } })
    expect(rated.level).toBe(level)
    if (reason !== '') expect(rated.reasons).toContain(reason)
  })

  it('rates what nobody knows as large', () => {
    const unknown = rateBlastRadius(push, { known: false, reason: 'GitHub answered 503' })
    expect(unknown).toMatchObject({ level: 'high', score: 60 })
    expect(unknown.reasons).toContain('how much it changes is unknown: GitHub answered 503')
    const cut = rateBlastRadius(merge, { known: true, value: { files: [], complete: false } })
    expect(cut.reasons).toContain('changes more files than could be listed')
  })

  it('never falls by what is known of the change', () => {
    for (const one of [push, merge, acts('delete_repository', {})]) {
      const rated = rateBlastRadius(one, { known: true, value: { files: [changed('a')], complete: true } })
      expect(rated.score).toBeGreaterThanOrEqual(rateBlastRadius(one).score)
    }
  })

  it('never falls when an act is added', () => {
    for (const line of ['ls', 'pytest', 'rm x', 'cat .env']) {
      expect(shell(`${line} && rm y`).score).toBeGreaterThanOrEqual(shell(line).score)
    }
  })
})
