import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GITHUB_TOOLS } from '../../src/core/catalog/github-tools.ts'
import { AegisError } from '../../src/core/errors.ts'
import { permissionsFor, scopeText } from '../../src/credentials/index.ts'

const scope = (tool: string, parameters = {}) => scopeText(permissionsFor(tool, parameters))

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
  ])('of %s %j is %s', (tool, parameters, text) => {
    expect(scope(tool, parameters)).toBe(text)
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
          permissionsFor(`github.${name}`, {})
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
      expect([name, scope(`github.${name}`).includes(':write')]).toEqual([name, tool.capability !== 'read'])
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
        fc.pre(!GITHUB_TOOLS.has(tool.replace(/^github\./, '')))
        expect(() => permissionsFor(tool, {})).toThrow(AegisError)
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
          const plain = scope(`github.${name}`)
          const given = scope(`github.${name}`, Object.assign({}, parameters))
          expect(given.replace(/,?workflows:write/, '').replace(/(checks|statuses):read,?/, '')).toBe(
            plain.replace(/(checks|statuses):read,?/, ''),
          )
        },
      ),
    )
  })
})
