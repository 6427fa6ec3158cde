import { describe, expect, it } from 'vitest'
import type { ActionEnvelope } from '../../../../src/core/envelope.ts'
import type { ChangedFile, ChangesFact } from '../../../../src/core/facts.ts'
import { action, ask, DOWN, facts, github, needs, push, readText, shell, verdict } from './ask.ts'

const GUARD = 'sensitive_paths: review'
const file = (path: string, previousPath: string | null = null): ChangedFile => ({
  path,
  previousPath,
  status: previousPath === null ? 'modified' : 'renamed',
  additions: 1,
  deletions: 1,
  added: '',
})
const changes = (files: readonly ChangedFile[], complete = true): ChangesFact => ({ files, complete })
const merge = github('merge_pull_request', { pullNumber: 7 })
const opened = github('create_pull_request', { title: 't', head: 'x', base: 'main' })

describe('sensitive_paths', () => {
  it.each<[string, ActionEnvelope, string]>([
    ['a workflow', push('x', { '.github/workflows/ci.yml': '' }), 'review'],
    ['a workflow among others', push('x', { 'a.ts': '', 'b/Jenkinsfile': '' }), 'review'],
    ['infrastructure', github('create_or_update_file', { path: 'infra/main.tf', content: '', branch: 'x' }), 'review'],
    ['access control', github('delete_file', { path: 'src/auth/login.ts', branch: 'x' }), 'review'],
    ['secrets', push('x', { '.env.production': '' }), 'review'],
    ['the supply chain', push('x', { 'package-lock.json': '' }), 'review'],
    ['what agents obey', push('x', { 'CLAUDE.md': '' }), 'review'],
    ['git itself', push('x', { '.git/config': '' }), 'review'],
    ['code', push('x', { 'src/a.ts': '' }), '-'],
    ['an example', push('x', { '.env.example': '' }), '-'],
    ['a read', github('get_file_contents', { path: '.github/workflows/ci.yml' }), '-'],
    ['a file on this machine', action('file', 'file.write', '.mcp.json'), 'review'],
    ['a redirection into one', shell('echo x > .github/workflows/ci.yml'), 'review'],
    ['a deletion by command', shell('rm CODEOWNERS'), 'review'],
    ['a command that runs with one', shell('pytest src/auth/test_login.py'), '-'],
    ['a change staged by git', action('git', 'git.git_add', '/home/u/auth/repo', { files: ['.github/x.yml'] }), '-'],
  ])('sees %s', (_, envelope, expected) => {
    expect(verdict(GUARD, envelope)).toBe(expected)
  })

  it.each([
    '.GITHUB/workflows/ci.yml',
    './.github/workflows/ci.yml',
    'a/..//.github/x',
    '.github\\workflows\\ci.yml',
    '.github./workflows/ci.yml',
    '.ｇithub/workflows/ci.yml',
    '/.github/workflows/ci.yml',
    '.g\u200cithub/workflows/ci.yml',
    'GIT~1/config',
    'Dockerfile ',
    'K8S/x.yaml',
    'infra/main.TF',
  ])('takes %j for the file that a forgiving system would', (path) => {
    const found = action('file', 'file.write', path)
    expect(verdict(GUARD, found)).toBe('review')
  })

  it('blocks a path in a repository that climbs, wherever it ends', () => {
    expect(verdict(GUARD, push('x', { 'docs/../src/a.ts': '' }))).toBe('block')
    expect(verdict(GUARD, push('x', { 'docs/..a/b.ts': '' }))).toBe('-')
    expect(verdict(GUARD, shell('echo x > ../a.txt'))).toBe('-')
  })

  it.each([
    ['{ "scripts": { "postinstall": "node x.js" } }', 'review'],
    ['{ "scripts": { "prepare" :\n "husky" } }', 'review'],
    ['{ "scripts": { "post\\u0069nstall": "x" } }', 'review'],
    ['{ "scripts": { "build": "tsc" }, "dependencies": { "prepare": "1.0.0" } }', 'review'],
    ['{ "scripts": { "build": "tsc", "test": "vitest" }, "dependencies": { "a": "1" } }', '-'],
  ])('looks into a package for scripts that run at an install: %s', (content, expected) => {
    expect(verdict(GUARD, push('x', { 'a.ts': '', 'app/package.json': content }))).toBe(expected)
    const seen = (added: string | null) => facts({ changes: changes([{ ...file('package.json'), added }]) })
    expect(verdict(GUARD, merge, seen(content))).toBe(expected)
    expect(verdict(GUARD, merge, seen(null))).toBe('review')
    expect(verdict('sensitive_paths: { classes: { supply_chain: off } }', merge, seen(null))).toBe('-')
  })

  it('sees that a file may be a link to another', () => {
    const link = github('create_or_update_file', { path: 'a', content: '', branch: 'x', allow_symlink_write: true })
    expect(ask(GUARD, link)[0]?.reason).toContain('symbolic link')
  })

  it('names the files and why, and how many more', () => {
    const paths = Object.fromEntries(Array.from({ length: 7 }, (_, at) => [`.github/${at}.yml`, '']))
    expect(ask(GUARD, push('x', paths))[0]?.reason).toBe(
      `it changes ".github/0.yml" (CI configuration), ".github/1.yml" (CI configuration), ".github/2.yml" (CI configuration), ".github/3.yml" (CI configuration), ".github/4.yml" (CI configuration), and 2 more`,
    )
  })

  it.each<[string, ChangesFact | string, string]>([
    ['code alone', changes([file('a.ts')]), '-'],
    ['a workflow', changes([file('a.ts'), file('.github/x.yml')]), 'review'],
    ['a workflow that is moved away', changes([file('a.ts', '.github/x.yml')]), 'review'],
    ['more than can be listed', changes([file('a.ts')], false), 'review'],
    ['nobody knows what', DOWN, 'review'],
  ])('looks into pull requests that are opened or merged: %s', (_, known, expected) => {
    for (const envelope of [merge, opened]) expect(verdict(GUARD, envelope, facts({ changes: known }))).toBe(expected)
    expect(verdict(GUARD, github('update_pull_request', { pullNumber: 7, base: 'b' }), facts({ changes: known }))).toBe(
      expected,
    )
  })

  it('looks nothing up for what its arguments tell', () => {
    expect(needs(GUARD, push('x', { '.github/x.yml': '' }))).toEqual([])
    expect(needs(GUARD, merge)).toEqual(['changes'])
    expect(needs(GUARD, github('update_pull_request', { pullNumber: 7, title: 't' }))).toEqual([])
    expect(needs(GUARD, github('pull_request_read', { method: 'get', pullNumber: 7 }))).toEqual([])
  })

  it.each<[string, string, string]>([
    ['sensitive_paths: block', '.github/x', 'block'],
    ['sensitive_paths: { classes: { ci: block } }', '.github/x', 'block'],
    ['sensitive_paths: { classes: { ci: block } }', 'main.tf', 'review'],
    ['sensitive_paths: { classes: { ci: off } }', '.github/x', '-'],
    ['sensitive_paths: { classes: [infra] }', '.github/x', '-'],
    ['sensitive_paths: { classes: [infra], decision: block }', 'main.tf', 'block'],
    ['sensitive_paths: { paths: ["core/**"] }', 'core/a.ts', 'review'],
    ['sensitive_paths: { paths: ["core/**"] }', './CORE/a.ts', 'review'],
    ['sensitive_paths: { paths: ["core/**"] }', 'src/a.ts', '-'],
  ])('%s: %s', (text, path, expected) => {
    expect(verdict(text, push('x', { [path]: '' }))).toBe(expected)
  })

  it.each([
    ['sensitive_paths: { classes: [cl] }', 'unknown class `cl`'],
    ['sensitive_paths: { classes: { infre: off } }', 'unknown key `infre` in `classes`, did you mean `infra`?'],
    ['sensitive_paths: { classes: { ci: maybe } }', 'unknown decision `maybe`'],
    ['sensitive_paths: { paths: ["a["] }', 'malformed glob'],
  ])('refuses %s', (text, problem) => {
    expect(readText(text).problems.join()).toContain(problem)
  })
})
