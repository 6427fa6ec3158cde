import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GITHUB_TOOLS } from '../../src/core/catalog/github-tools.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { plainText } from '../../src/oversight/phrase.ts'
import { pullRequestOf, summaryOf } from '../../src/oversight/summary.ts'

const summary = (tool: string, target: string, parameters: JsonObject | null) =>
  plainText(summaryOf({ tool, target, parameters }))

describe('what an action does, in plain words', () => {
  it.each<[string, string, JsonObject, string]>([
    [
      'github.create_pull_request',
      'acme/app',
      { title: 'fix: a race', head: 'feat/x', base: 'main' },
      'Open the pull request fix: a race from feat/x into main in acme/app',
    ],
    ['github.push_files', 'acme/app', { branch: 'b', files: [{}, {}] }, 'Push 2 files to b in acme/app'],
    ['github.push_files', 'acme/app', { files: [{}] }, 'Push 1 file to the default branch in acme/app'],
    ['github.create_or_update_file', 'acme/app', { path: 'a.ts', branch: 'b' }, 'Write a.ts on b in acme/app'],
    ['github.delete_file', 'acme/app', { path: 'a.ts', branch: 'b' }, 'Delete a.ts on b in acme/app'],
    ['github.merge_pull_request', 'acme/app', { pull_number: 7 }, 'Merge pull request #7 in acme/app'],
    [
      'github.merge_pull_request',
      'acme/app',
      { pullNumber: 7, merge_method: 'squash' },
      'Merge pull request #7 (squash) in acme/app',
    ],
    ['github.delete_repository', 'acme/app', {}, 'Delete the whole repository in acme/app'],
    ['github.update_pull_request_title', 'acme/app', { pullNumber: 3 }, 'Change pull request #3 in acme/app'],
    ['github.list_issues', 'acme/app', {}, 'Read a list in acme/app'],
    ['shell.rm', '-rf /workspace', { command: 'rm -rf /workspace' }, 'Run rm -rf /workspace'],
    ['shell.pytest', 'tests/', {}, 'Run tests/'],
    ['sql.query', '', { sql: 'DELETE FROM users' }, 'Run SQL: DELETE FROM users'],
    ['file.edit', 'a.ts', { path: 'a.ts' }, 'Edit the file a.ts'],
    ['filesystem.move_file', 'a -> b', { source: 'a', destination: 'b' }, 'Move a to b'],
    ['filesystem.write_file', 'a.ts', { path: 'a.ts' }, 'Write the file a.ts'],
    ['http.post', 'https://x.example/y', { method: 'post' }, 'Send POST to https://x.example/y'],
    ['deploy.production', 'cluster-1', {}, 'Call deploy.production on cluster-1'],
    ['deploy.production', '', {}, 'Call deploy.production'],
  ])('%s on %s', (tool, target, parameters, expected) => {
    expect(summary(tool, target, parameters)).toBe(expected)
  })

  it('says what runs in place of what was asked', () => {
    const plan = { kind: 'pull_request', branch: 'aegis/x', base: 'main', title: 'tidy', body: '' } as const
    const said = plainText(summaryOf({ tool: 'github.push_files', target: 'acme/app', parameters: {}, plan }))
    expect(said).toBe('Open the pull request tidy from aegis/x into main in acme/app, in place of a direct write')
  })

  it('has words for every tool of the GitHub catalog, whatever its arguments are', () => {
    for (const name of GITHUB_TOOLS.keys()) {
      for (const parameters of [null, {}, { title: 1, pull_number: 'x', files: 'y', branch: [] }]) {
        expect(summary(`github.${name}`, 'acme/app', parameters).length, name).toBeGreaterThan(5)
      }
    }
  })

  it('never takes a text of the agent for one of ours', () => {
    fc.assert(
      fc.property(fc.constantFrom(...GITHUB_TOOLS.keys(), 'x'), fc.string({ minLength: 1 }), (name, text) => {
        const marked = `\u0001${text}`
        const parameters = { title: marked, path: marked, branch: marked, head: marked, base: marked, query: marked }
        const ours = summaryOf({ tool: `github.${name}`, target: marked, parameters }).filter(
          (one) => typeof one === 'string',
        )
        expect(ours.join('')).not.toContain('\u0001')
      }),
    )
  })
})

describe('the pull request that an action is about', () => {
  it.each<[string, string, JsonObject, ReturnType<typeof pullRequestOf>]>([
    ['github.merge_pull_request', 'acme/app', { pull_number: 7 }, { repository: 'acme/app', number: 7 }],
    ['github.merge_pull_request', 'x', { owner: 'a', repo: 'b', pullNumber: 7 }, { repository: 'a/b', number: 7 }],
    ['github.merge_pull_request', 'acme/app', { pull_number: '7' }, null],
    ['github.merge_pull_request', 'acme/app', { pull_number: -1 }, null],
    ['github.merge_pull_request', 'https://evil.example/x', { pull_number: 7 }, null],
    ['github.merge_pull_request', '', { owner: '../..', repo: 'b/c', pull_number: 7 }, null],
    ['wiki.edit', 'acme/app', { pull_number: 7 }, null],
  ])('%s on %s with %j', (tool, target, parameters, expected) => {
    expect(pullRequestOf({ tool, target, parameters })).toEqual(expected)
  })
})
