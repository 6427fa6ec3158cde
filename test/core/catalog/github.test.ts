import { describe, expect, it } from 'vitest'
import { GITHUB_TOOLS } from '../../../src/core/catalog/github-tools.ts'
import { classifyTool, describeAction, describeUpstreamCall } from '../../../src/core/catalog/index.ts'
import type { JsonObject } from '../../../src/core/json.ts'
import { refusal } from './refusal.ts'

const REPO = { owner: 'aegisflow', repo: 'aegisflow' }

function call(tool: string, parameters: JsonObject) {
  return describeUpstreamCall({ upstream: 'github', catalog: 'github', tool, parameters })
}
const act = (tool: string, parameters: JsonObject) => call(tool, { ...REPO, ...parameters }).acts[0]

/** git-check-ref-format(1), rule by rule. */
const REF_NAMES_REFUSED = [
  ...['.hidden', 'a/.b', 'a.lock', 'a.lock/b', 'a..b', 'a b', 'a~1', 'a^', 'a:b', 'a?', 'a*', 'a[b'],
  ...['/a', 'a/', 'a//b', 'a.', 'a@{1}', '@', 'a\\b', '-a', 'HEAD', 'refs/heads/HEAD', 'refs/heads/', 'a\u0000b'],
  ...['a\nb', 'a\u007fb', 'x'.repeat(245), '\u00e9'.repeat(123)],
]

describe('tools known and unknown', () => {
  it.each([
    ...GITHUB_TOOLS,
  ])('%s never throws without arguments, and a write without a repository is doubted', (name, tool) => {
    const [described] = call(name, {}).acts
    expect(described).toMatchObject({ protocol: 'git', tool: `github.${name}`, capability: tool.capability })
    if (tool.capability !== 'read') expect(described.doubt).not.toBeNull()
  })

  it.each([
    'constructor',
    '__proto__',
    'toString',
    'get_secrets',
    'GET_ME',
    'get_me ',
  ])('counts the unknown %j as a doubted write', (name) => {
    const [described] = call(name, REPO).acts
    expect(described).toMatchObject({ capability: 'write', resource: { target: 'aegisflow/aegisflow' } })
    expect(described.doubt).toContain('does not know')
    expect(classifyTool({ upstream: 'github', catalog: 'github', tool: name }).capability).toBe('write')
  })
})

describe('what is taken from the arguments', () => {
  it.each<[string, JsonObject, object]>([
    ['get_file_contents', { path: './src//a.ts' }, { capability: 'read', resource: { paths: ['src/a.ts'] } }],
    ['get_file_contents', { path: '/' }, { resource: { paths: ['.'] } }],
    [
      'push_files',
      { branch: 'agent/x', files: [{ path: 'a', content: '' }, { path: './b' }] },
      { resource: { branch: named('agent/x'), operands: ['a', 'b'], paths: ['a', 'b'] } },
    ],
    ['create_or_update_file', { path: 'a' }, { resource: { branch: { kind: 'default' }, paths: ['a'] } }],
    ['create_or_update_file', { path: 'a', branch: '' }, { resource: { branch: { kind: 'default' } } }],
    ['delete_file', { path: 'a', branch: 'main' }, { capability: 'delete', resource: { branch: named('main') } }],
    ['create_branch', { branch: 'feat/x' }, { resource: { branch: named('feat/x') } }],
    ['create_pull_request', { head: 'feat/x', base: 'main' }, { resource: { branch: named('feat/x'), base: 'main' } }],
    ['create_pull_request', { head: 'AegisFlow:feat/x', base: 'main' }, { resource: { branch: named('feat/x') } }],
    ['update_pull_request', { pullNumber: 7, base: 'main' }, { resource: { pull: 7, base: 'main' } }],
    [
      'merge_pull_request',
      { pull_number: 7 },
      { capability: 'merge', resource: { pull: 7, branch: { kind: 'default' } } },
    ],
    ['merge_pull_request', { pull_number: 7, pullNumber: 7 }, { resource: { pull: 7 } }],
    ['pull_request_review_write', { pullNumber: 7, method: 'create', event: 'APPROVE' }, { capability: 'approve' }],
    ['pull_request_review_write', { pullNumber: 7, method: 'delete_pending' }, { capability: 'delete' }],
    ['create_pull_request_review', { pull_number: 7, event: 'COMMENT' }, { capability: 'write' }],
    ['label_write', { method: 'delete', name: 'x' }, { capability: 'delete' }],
    [
      'actions_run_trigger',
      { method: 'run_workflow', ref: 'main' },
      { capability: 'deploy', resource: { branch: named('main') } },
    ],
    ['actions_run_trigger', { method: 'delete_workflow_run_logs', run_id: 1 }, { capability: 'delete' }],
  ])('%s %j', (tool, parameters, expected) => {
    expect(act(tool, parameters)).toMatchObject({ ...expected, doubt: null })
  })

  it.each<[string, JsonObject, string]>([
    ['push_files', { branch: 'x' }, '`files` is missing'],
    ['push_files', { branch: 'x', files: [{ path: '../../other' }] }, 'climbs'],
    ['push_files', { branch: 'x', files: [{ path: '.github%2Fworkflows%2Fa.yml' }] }, 'URL would decode'],
    ['create_or_update_file', { path: 'a?ref=x' }, 'URL would decode'],
    ['create_or_update_file', { path: 'a\\b' }, 'backslash'],
    ['create_or_update_file', { path: '.env.' }, 'ending in a dot'],
    ['create_or_update_file', { path: '.env ' }, 'ending in a dot or a space'],
    ['create_or_update_file', { path: '.github /workflows./x.yml' }, 'ending in a dot or a space'],
    ['delete_file', { path: '..', branch: 'x' }, 'climbs'],
    ['create_or_update_file', { path: 'a', branch: 'x', allow_symlink_write: true }, 'symbolic link'],
    ['create_or_update_file', { path: 'a', branch: 'x', allow_symlink_write: 'yes' }, 'symbolic link'],
    ['get_file_contents', { path: 'a/../../b' }, 'climbs'],
    ['push_files', { branch: 'x', files: [{ path: 'a\\..\\b' }] }, 'backslash'],
    ['create_or_update_file', { path: 'a\u0000b' }, 'U+0000'],
    ['create_or_update_file', { path: 'a\u202eb' }, 'U+202E'],
    ['create_or_update_file', { path: '' }, '`path` is missing'],
    ['create_or_update_file', { path: 'a', branch: 'refs/heads/main' }, 'full ref'],
    ['create_or_update_file', { path: 'a', branch: 'refs/pull/7/head' }, 'full ref'],
    ['create_or_update_file', { path: 'a', branch: 'refs/heads/refs/heads/main' }, 'full ref'],
    ['create_or_update_file', { path: 'a', branch: 'feat/e\u0301t\u00e9' }, 'decomposed'],
    ['create_or_update_file', { path: 'a', branch: 'ma\u200bin' }, 'U+200B'],
    ['create_or_update_file', { path: 'a', branch: 'main%20' }, 'not a plain branch name'],
    ['create_pull_request', { head: 'mallory:feat/x', base: 'main' }, "another account's fork"],
    ['create_pull_request', { head: 'feat/x' }, '`base` is missing'],
    ['merge_pull_request', {}, 'pull request number is missing'],
    ['label_write', { method: 'destroy', name: 'x' }, 'does not know the method "destroy"'],
    ['label_write', { method: 'constructor', name: 'x' }, 'does not know the method'],
    ['create_pull_request_review', { pull_number: 7, event: 'approve' }, 'does not know the event'],
    ['issue_dependency_write', { method: 'add', related_owner: 'other' }, 'also touches'],
    ['fork_repository', { organization: 'mallory' }, 'copies the repository into "mallory"'],
    ['create_gist', { filename: 'a', content: '' }, 'name no repository'],
  ])('doubts %s %j', (tool, parameters, reason) => {
    expect(act(tool, parameters).doubt).toContain(reason)
  })

  it('takes no repository from an argument that the tool does not read', () => {
    expect(act('projects_list', { method: 'list_projects' }).resource.repository).toBeNull()
    expect(act('projects_get', { method: 'get_project', project_number: 1 }).resource.repository).toBeNull()
  })

  it.each<[string, JsonObject, boolean]>([
    ['get_commit', { sha: '../../../other/private/commits/main' }, true],
    ['get_file_contents', { path: '../../../other/private/contents/a' }, true],
    ['get_file_contents', { path: '%2e%2e/%2e%2e/a' }, true],
    ['get_file_contents', { path: '..\\..\\a' }, true],
    ['issue_dependency_write', { method: 'add', related_repo: 'private' }, true],
    ['fork_repository', { organization: 'mallory' }, true],
    ['create_pull_request', { head: 'mallory:x', base: 'main' }, true],
    ['transfer_issue', { new_repo: 'private' }, true],
    ['label_write', { method: 'Delete', name: 'x' }, true],
    ['create_pull_request_review', { pull_number: 7, event: 'approve' }, false],
    ['get_file_contents', { path: 'c#/a' }, false],
  ])('tells of %s %j whether it may reach another repository', (tool, parameters, strays) => {
    expect(act(tool, parameters)).toMatchObject({ doubt: expect.any(String) })
    expect(act(tool, parameters).strays === true).toBe(strays)
  })

  it('composes what is spelt with decomposed characters, so that one rule holds for both', () => {
    expect(act('create_or_update_file', { path: 're\u0301sume\u0301.md' }).resource.paths).toEqual([
      'r\u00e9sum\u00e9.md',
    ])
    expect(act('push_files', { branch: 'e\u0301', files: [] }).resource.branch).toEqual(named('\u00e9'))
  })

  it.each([
    ['fork_repository', { organization: 'AegisFlow' }, {}],
    ['fork_repository', {}, {}],
    ['create_or_update_file', { path: 'a', branch: 'x', allow_symlink_write: false }, { paths: ['a'] }],
    ['assign_copilot_to_issue', { issue_number: 1, base_ref: 'release/1' }, { base: 'release/1' }],
    ['create_branch', { branch: 'feat/x', from_branch: 'release/1.2' }, { branch: named('feat/x') }],
  ])('takes %s %j as it stands', (tool, parameters, resource) => {
    expect(act(tool, parameters)).toMatchObject({ doubt: null, resource })
  })

  it.each<[string, JsonObject, string]>([
    ...REF_NAMES_REFUSED.map((branch): [string, JsonObject, string] => ['push_files', { branch, files: [] }, 'branch']),
    ['create_branch', { branch: 'HEAD' }, 'branch'],
    [
      'create_branch',
      { branch: 'feat/x', from_branch: '../../../../other/private/git/refs/heads/main' },
      'from_branch',
    ],
    ['create_branch', { branch: 'feat/x', from_branch: 'release/1.2..x' }, 'from_branch'],
    ['create_pull_request', { head: 'feat/x', base: 'ma in' }, 'base'],
    ['create_pull_request', { head: 'aegisflow:feat..x', base: 'main' }, 'head'],
    ['create_pull_request', { head: 'aegisflow:', base: 'main' }, 'head'],
    ['update_pull_request', { pullNumber: 1, base: 'x.lock' }, 'base'],
    ['actions_run_trigger', { method: 'run_workflow', ref: 'a:b' }, 'ref'],
    ['assign_copilot_to_issue', { base_ref: '-x' }, 'base_ref'],
  ])('refuses %s %j, for git has no branch of that name', (tool, parameters, key) => {
    const error = refusal(() => act(tool, parameters))
    expect(error).toMatchObject({ code: 'invalid_params', path: `parameters.${key}`, advice: expect.any(String) })
    expect(error.message).toContain(`\`${key}\` is `)
  })

  it('matches a full ref as the branch it means', () => {
    expect(act('push_files', { branch: 'refs/heads/main', files: [] }).resource.branch).toEqual(named('main'))
  })

  it.each<[string, JsonObject, string]>([
    ['push_files', { owner: 7 }, 'parameters.owner'],
    ['push_files', { owner: 'a/b' }, 'parameters.owner'],
    ['push_files', { repo: '..' }, 'parameters.repo'],
    ['push_files', { repo: 'a?b' }, 'parameters.repo'],
    ['push_files', { repo: 'aegisflow.git' }, 'parameters.repo'],
    ['push_files', { repo: 'aegisflow.GIT' }, 'parameters.repo'],
    ['push_files', { owner: '-aegisflow' }, 'parameters.owner'],
    ['push_files', { owner: 'aegisflow ' }, 'parameters.owner'],
    ['push_files', { branch: 'x', files: 'a' }, 'parameters.files'],
    ['push_files', { branch: 'x', files: ['a'] }, 'parameters.files[0].path'],
    ['push_files', { branch: 'x', files: [{ path: 7 }] }, 'parameters.files[0].path'],
    ['create_or_update_file', { path: ['a'] }, 'parameters.path'],
    ['create_or_update_file', { path: 'a', branch: 7 }, 'parameters.branch'],
    ['merge_pull_request', { pullNumber: '7' }, 'parameters.pullNumber'],
    ['merge_pull_request', { pullNumber: 0 }, 'parameters.pullNumber'],
    ['merge_pull_request', { pullNumber: 7, pull_number: 8 }, 'parameters.pull_number'],
    ['merge_pull_request', { pullNumber: 7, PullNumber: 8 }, 'parameters.PullNumber'],
  ])('refuses %s %j, naming %s', (tool, parameters, path) => {
    expect(refusal(() => act(tool, parameters)).path).toBe(path)
  })
})

describe('a claimed GitHub action', () => {
  const claim = { protocol: 'git', tool: 'github.push_files', target: 'aegisflow/aegisflow', capability: null }

  it('fills owner and repository from the target and keeps what the parameters say', () => {
    const parameters = { owner: 'AegisFlow', branch: 'x', files: [] }
    expect(describeAction({ ...claim, parameters }).parameters).toEqual({ ...parameters, repo: 'aegisflow' })
  })

  it.each([
    [{ parameters: { owner: 'other' } }, 'target'],
    [{ parameters: { repo: 'other' } }, 'target'],
    [{ target: 'aegisflow' }, 'target'],
    [{ target: 'a/b/c' }, 'target'],
    [{ protocol: 'mcp' }, 'protocol'],
    [{ protocol: 'shell' }, 'protocol'],
    [{ protocol: 'ftp' }, 'protocol'],
    [{ capability: 'read' }, 'capability'],
    [{ capability: 'harmless' }, 'capability'],
    [{ tool: 'github.push files' }, 'tool'],
  ])('refuses %j, naming %s', (change, path) => {
    expect(refusal(() => describeAction({ ...claim, parameters: {}, ...change }))).toMatchObject({
      code: 'invalid_params',
      path,
    })
  })

  it('describes the same call the same way over MCP and over the API', () => {
    const parameters = { ...REPO, branch: 'x', files: [{ path: 'a', content: '' }] }
    expect(describeAction({ ...claim, parameters })).toEqual(call('push_files', parameters))
  })
})

function named(name: string) {
  return { kind: 'named', name }
}

describe('arguments that lead elsewhere', () => {
  it.each<[string, JsonObject]>([
    ['get_commit', { sha: '../../../user' }],
    ['get_commit', { sha: 'main/..' }],
    ['get_file_contents', { path: 'a', ref: 'x?ref=y' }],
    ['get_tag', { tag: 'v1%2f..' }],
    ['get_release_by_tag', { tag: 'v1#x' }],
  ])('%s %j is doubted', (tool, parameters) => {
    expect(act(tool, parameters)?.doubt).toContain('climb out of its URL')
  })

  it.each<[string, JsonObject]>([
    ['get_commit', { sha: 'HEAD~1' }],
    ['get_release_by_tag', { tag: 'v1.2.3' }],
  ])('%s %j is not', (tool, parameters) => {
    expect(act(tool, parameters)?.doubt).toBeNull()
  })

  it('refuses two spellings of one member inside a file of push_files', () => {
    const files = [{ path: 'a.ts', Path: '.github/workflows/x.yml', content: '' }]
    const error = refusal(() => call('push_files', { ...REPO, branch: 'feat/x', message: 'm', files }))
    expect(error).toMatchObject({ code: 'invalid_request', path: 'files[0].Path' })
  })
})
