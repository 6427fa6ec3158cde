import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GITHUB_METHODS } from '../../src/core/catalog/github-methods.ts'
import { GITHUB_TOOLS } from '../../src/core/catalog/github-tools.ts'
import { describeAction, describeUpstreamCall, GATEWAY_STEPS } from '../../src/core/catalog/index.ts'
import { AegisError } from '../../src/core/errors.ts'
import { permissionsFor, scopeText } from '../../src/credentials/index.ts'

const scope = (tool: string, parameters = {}, approved = true) =>
  scopeText(permissionsFor({ tool, parameters, approved }).permissions)

/** A method that the tool knows, where it needs one. */
const anyMethod = (name: string) => {
  const [method] = Object.keys(GITHUB_METHODS.get(name) ?? {})
  return method === undefined ? {} : { method }
}

/** Tools that act on a repository and yet get no token, each for a reason. */
const WITHOUT_TOKEN: Readonly<Record<string, string>> = {
  fork_repository: 'makes a repository elsewhere',
  delete_repository: 'needs administration of the repository',
  star_repository: 'acts on a user, whom an installation is not',
  unstar_repository: 'acts on a user, whom an installation is not',
  manage_repository_notification_subscription: 'acts on a user, whom an installation is not',
  assign_copilot_to_issue: 'starts another agent, which takes a user',
  assign_copilot_to_issue_with_intent: 'starts another agent, which takes a user',
  request_copilot_review: 'starts another agent, which takes a user',
  get_code_quality_finding: 'has no published permission',
  list_issue_fields: 'is of the organisation',
  list_issue_types: 'is of the organisation',
  list_notifications: 'is of a user',
  mark_all_notifications_read: 'is of a user',
  ui_get: 'is of the user interface',
}

describe('the scope of a credential', () => {
  it.each([
    ['github.create_pull_request', {}, 'pull_requests:write,contents:read'],
    ['github.merge_pull_request', {}, 'contents:write,pull_requests:write'],
    ['github.push_files', { files: [{ path: 'src/a.ts' }] }, 'contents:write'],
    [
      'github.push_files',
      { files: [{ path: 'a' }, { path: '.github/workflows/ci.yml' }] },
      'contents:write,workflows:write',
    ],
    ['github.create_or_update_file', { path: './.github/workflows/ci.yml' }, 'contents:write,workflows:write'],
    ['github.delete_file', { path: '.github/dependabot.yml' }, 'contents:write'],
    ['github.create_branch', { path: '.github/workflows/ci.yml' }, 'contents:write'],
    ['github.create_issue', {}, 'issues:write'],
    ['github.add_issue_comment', {}, 'issues:write'],
    ['github.actions_run_trigger', { method: 'run_workflow' }, 'actions:write'],
    ['github.get_file_contents', {}, 'contents:read'],
    ['github.get_pull_request_status', {}, 'pull_requests:read,statuses:read'],
    ['github.pull_request_read', { method: 'get' }, 'pull_requests:read'],
    ['github.pull_request_read', { method: 'get_check_runs' }, 'checks:read,pull_requests:read'],
    ['github.pull_request_read', { method: 'constructor' }, 'pull_requests:read'],
    ['github.pull_request_review_write', { method: 'create' }, 'pull_requests:write'],
    ['github.pull_request_review_write', { method: 'resolve_thread' }, 'contents:write,pull_requests:write'],
    ['github.pull_request_review_write', { method: 'unresolve_thread' }, 'contents:write,pull_requests:write'],
    ['github.actions_run_trigger', { method: 'delete_workflow_run_logs' }, 'actions:write'],
    ['github.update_pull_request', { title: 'x', draft: 'no' }, 'pull_requests:write,contents:read'],
    ['github.update_pull_request', { draft: false }, 'contents:write,pull_requests:write'],
    ['github.update_pull_request_draft_state', { draft: true }, 'contents:write,pull_requests:write'],
    ['github.actions_list', { method: 'list_workflows' }, 'actions:read'],
    ['github.label_write', { method: 'delete' }, 'issues:write'],
    ['github.discussion_comment_write', { method: 'mark_answer' }, 'discussions:write'],
  ])('of %s %j is %s', (tool, parameters, text) => {
    expect(scope(tool, parameters)).toBe(text)
  })

  it.each([
    ['github.actions_run_trigger', {}],
    ['github.actions_run_trigger', { method: 'disable_workflow' }],
    ['github.label_write', { method: 'constructor' }],
    ['github.pull_request_review_write', { method: 7 }],
  ])('is known for no unknown way of writing: %s %j', (tool, parameters) => {
    expect(() => scope(tool, parameters)).toThrow('no credential can be narrowed')
  })

  it('takes the method from the catalog, where an old name stood for it', () => {
    const request = { tool: 'github.actions_run_trigger', method: 'run_workflow', parameters: {}, approved: false }
    expect(scopeText(permissionsFor(request).permissions)).toBe('actions:write')
  })

  it.each([
    '../x/.github/workflows/a.yml',
    'src/.github/workflows/a.yml',
    '.GITHUB/workflows/a.yml',
    '.github\\workflows\\a',
  ])('leaves workflows out for the path %s, so that GitHub refuses what it hides', (path) =>
    expect(scope('github.create_or_update_file', { path })).toBe('contents:write'))

  it('knows every catalogued tool that acts on a repository, or names why it gets no token', () => {
    const lacking = [...GITHUB_TOOLS]
      .filter(([, tool]) => tool.scope !== 'none')
      .map(([name]) => name)
      .filter((name) => {
        try {
          scope(`github.${name}`, anyMethod(name))
          return false
        } catch {
          return true
        }
      })
    expect(lacking.sort()).toEqual(Object.keys(WITHOUT_TOKEN).sort())
  })

  it('permits no write to a tool that the catalog calls a read, and some write to every other', () => {
    for (const [name, tool] of GITHUB_TOOLS) {
      if (tool.scope === 'none' || name in WITHOUT_TOKEN) continue
      expect([name, scope(`github.${name}`, anyMethod(name)).includes(':write')]).toEqual([
        name,
        tool.capability !== 'read',
      ])
    }
  })

  it('is known for no other tool, whatever it is called', () => {
    const names = fc.oneof(
      fc.string(),
      fc.string().map((text) => `github.${text}`),
      fc.constantFrom('__proto__', 'constructor'),
    )
    fc.assert(
      fc.property(names, (tool) => {
        fc.pre(!GITHUB_TOOLS.has(tool.replace(/^github\./, '')) && !(STEPS as readonly string[]).includes(tool))
        expect(() => scope(tool)).toThrow(AegisError)
      }),
    )
  })

  it('never grows with what stands in the arguments, but for workflows', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...GITHUB_TOOLS.keys()),
        fc.dictionary(
          fc.string().filter((key) => key !== 'draft'),
          fc.jsonValue(),
        ),
        (name, parameters) => {
          fc.pre(!(name in WITHOUT_TOKEN) && GITHUB_TOOLS.get(name)?.scope !== 'none')
          const method = anyMethod(name)
          const plain = scope(`github.${name}`, method)
          const given = scope(`github.${name}`, Object.assign({}, parameters, method))
          expect(given.replace(/,?workflows:write/, '')).toBe(plain)
        },
      ),
    )
  })
})

const STEPS = Object.values(GATEWAY_STEPS)
const WORKFLOW = { branch: 'x', path: '.github/workflows/ci.yml', files: [{ path: '.github/workflows/ci.yml' }] }

/** Every tool of the catalog that writes and gets a token, by what it gets. */
const WRITES: Readonly<Record<string, string>> = {
  'contents:write': 'create_or_update_file push_files delete_file create_branch',
  'pull_requests:write,contents:read': 'create_pull_request update_pull_request',
  'contents:write,pull_requests:write': 'merge_pull_request update_pull_request_branch update_pull_request_draft_state',
  'pull_requests:write': `update_pull_request_body update_pull_request_state update_pull_request_title
    pull_request_review_write create_pull_request_review submit_pending_pull_request_review
    delete_pending_pull_request_review add_comment_to_pending_review add_pull_request_review_comment
    add_pull_request_review_comment_reaction add_reply_to_pull_request_comment request_pull_request_reviewers`,
  'issues:write': `create_issue update_issue issue_write issue_dependency_write sub_issue_write add_issue_comment
    add_issue_comment_reaction add_issue_reaction add_sub_issue remove_sub_issue reprioritize_sub_issue set_issue_fields
    update_issue_assignees update_issue_body update_issue_labels update_issue_milestone update_issue_state
    update_issue_title update_issue_type label_write`,
  'actions:write': 'actions_run_trigger',
  'discussions:write': 'discussion_comment_write',
}

describe('the scope of a write', () => {
  const rows = Object.entries(WRITES).flatMap(([text, names]) =>
    names.split(/\s+/).map((name) => [name, text] as const),
  )

  it.each(rows)('%s is %s', (name, text) => {
    expect(scope(`github.${name}`, anyMethod(name), false)).toBe(text)
  })

  it('is told for every tool of the official server that writes, or there is a reason why it has none', () => {
    const writing = [...GITHUB_TOOLS].filter(([, tool]) => tool.capability !== 'read')
    const told = [...rows.map(([name]) => name), ...Object.keys(WITHOUT_TOKEN)]
    // A tool whose arguments name no repository never gets as far: no token could be limited to one.
    const untold = writing.filter(([name, tool]) => tool.scope !== 'none' && !told.includes(name))
    expect(untold).toEqual([])
  })
})

describe('a permission to change workflows', () => {
  it.each([
    'github.create_or_update_file',
    'github.push_files',
    'github.delete_file',
    GATEWAY_STEPS.rewrite,
  ])('is lent to %s where a person approved it, and not otherwise', (tool) => {
    expect(scope(tool, WORKFLOW, true)).toContain('workflows:write')
    expect(scope(tool, WORKFLOW, false)).not.toContain('workflows')
    expect(scope(tool, { branch: 'x', path: 'README.md', files: [{ path: 'a' }] }, true)).not.toContain('workflows')
  })

  it.each([
    'github.merge_pull_request',
    'github.update_pull_request_branch',
    GATEWAY_STEPS.merge,
  ])('is lent to %s by the files that it lands, which its arguments do not name', (tool) => {
    const request = { tool, parameters: { pullNumber: 1 }, approved: true }
    const given = (more: object) => Object.keys(permissionsFor({ ...request, ...more }).permissions)
    expect(given({ paths: ['README.md', '.github/workflows/ci.yml'] })).toContain('workflows')
    expect(given({ paths: ['.github/workflows/ci.yml'], approved: false })).not.toContain('workflows')
    expect(given({ paths: ['README.md'] })).not.toContain('workflows')
    expect(given({})).not.toContain('workflows')
    expect(given({ parameters: { pullNumber: 1, ...WORKFLOW } })).not.toContain('workflows')
  })

  it('is lent to nothing else', () => {
    const tools = [...[...GITHUB_TOOLS.keys()].map((name) => `github.${name}`), GATEWAY_STEPS.facts]
    const changing = ['create_or_update_file', 'push_files', 'delete_file', 'merge_pull_request'].map(
      (name) => `github.${name}`,
    )
    changing.push('github.update_pull_request_branch')
    for (const tool of tools.filter((one) => !changing.includes(one))) {
      const name = tool.replace('github.', '')
      if (name in WITHOUT_TOKEN || GITHUB_TOOLS.get(name)?.scope === 'none') continue
      const parameters = { ...WORKFLOW, ...anyMethod(name) }
      const { permissions } = permissionsFor({ tool, parameters, paths: [WORKFLOW.path], approved: true })
      expect(Object.keys(permissions), tool).not.toContain('workflows')
    }
  })
})

describe('what the gateway does itself', () => {
  it.each([
    [GATEWAY_STEPS.rewrite, 'contents:write,pull_requests:write'],
    [GATEWAY_STEPS.merge, 'contents:write,pull_requests:write'],
    [GATEWAY_STEPS.comment, 'issues:write'],
    [GATEWAY_STEPS.check, 'checks:write,pull_requests:read'],
    [
      GATEWAY_STEPS.facts,
      'administration:read,checks:read,contents:read,metadata:read,pull_requests:read,statuses:read',
    ],
  ])('%s gets %s', (tool, text) => expect(scope(tool)).toBe(text))

  it('cannot be asked for by a tool of its name', () => {
    for (const step of STEPS) {
      const tool = step.replace('github.', '')
      const call = () => describeUpstreamCall({ upstream: 'github', catalog: 'github', tool, parameters: {} })
      expect(call).toThrow('a step of the gateway')
      const claim = { protocol: 'git', tool: step, target: '', capability: null, parameters: {} }
      expect(() => describeAction(claim)).toThrow('a step of the gateway')
    }
  })

  it('can do with less only where it reads facts', () => {
    const narrowable = (tool: string) => permissionsFor({ tool, parameters: {}, approved: true }).narrowable
    expect(STEPS.filter(narrowable)).toEqual([GATEWAY_STEPS.facts])
    expect(narrowable('github.push_files')).toBe(false)
  })
})
