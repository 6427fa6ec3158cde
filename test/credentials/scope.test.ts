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
  projects_get: 'is of the organisation',
  projects_list: 'is of the organisation',
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
        fc.dictionary(fc.string(), fc.jsonValue()),
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

  it('is lent to nothing else', () => {
    const tools = [
      ...[...GITHUB_TOOLS.keys()].map((name) => `github.${name}`),
      GATEWAY_STEPS.merge,
      GATEWAY_STEPS.facts,
    ]
    const files = ['create_or_update_file', 'push_files', 'delete_file'].map((name) => `github.${name}`)
    for (const tool of tools.filter((one) => !files.includes(one))) {
      const name = tool.replace('github.', '')
      if (name in WITHOUT_TOKEN || GITHUB_TOOLS.get(name)?.scope === 'none') continue
      expect([tool, scope(tool, { ...WORKFLOW, ...anyMethod(name) }, true)]).not.toContain('workflows')
    }
  })
})

describe('what the gateway does itself', () => {
  it.each([
    [GATEWAY_STEPS.rewrite, 'contents:write,pull_requests:write'],
    [GATEWAY_STEPS.merge, 'contents:write,pull_requests:write'],
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
