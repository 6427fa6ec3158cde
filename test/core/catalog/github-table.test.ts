import { describe, expect, it } from 'vitest'
import { GITHUB_ALIASES } from '../../../src/core/catalog/github-aliases.ts'
import { GITHUB_METHODS } from '../../../src/core/catalog/github-methods.ts'
import { GITHUB_TOOLS } from '../../../src/core/catalog/github-tools.ts'
import {
  canonicalToolName,
  classifyTool,
  describeAction,
  describeUpstreamCall,
  toolNames,
} from '../../../src/core/catalog/index.ts'
import type { Capability } from '../../../src/core/envelope.ts'
import type { JsonObject } from '../../../src/core/json.ts'

const REPO = { owner: 'aegisflow', repo: 'aegisflow' }
const call = (tool: string, parameters: JsonObject) =>
  describeUpstreamCall({ upstream: 'github', catalog: 'github', tool, parameters })
const act = (tool: string, parameters: JsonObject) => call(tool, { ...REPO, ...parameters }).acts[0]

/** Every tool that the official server has recorded a schema of, by what it does and what it acts on. */
const OFFICIAL: readonly [Capability, 'repository' | 'optional' | 'none', string][] = [
  [
    'read',
    'repository',
    `actions_get actions_list find_duplicate get_code_quality_finding get_code_scanning_alert get_commit
    get_dependabot_alert get_discussion get_discussion_comments get_file_blame get_file_contents get_job_logs get_label
    get_latest_release get_release_by_tag get_repository_tree get_secret_scanning_alert get_tag issue_dependency_read
    issue_read list_branches list_code_scanning_alerts list_commits list_dependabot_alerts list_issues list_label
    list_pull_requests list_releases list_repository_collaborators list_repository_security_advisories
    list_secret_scanning_alerts list_tags pull_request_read`,
  ],
  [
    'read',
    'optional',
    `list_discussion_categories list_discussions list_issue_fields list_issue_types list_notifications ui_get`,
  ],
  [
    'read',
    'none',
    `get_gist get_global_security_advisory get_me get_notification_details get_team_members get_teams list_gists
    list_global_security_advisories list_org_repository_security_advisories list_starred_repositories projects_get
    projects_list search_code search_commits search_issues search_orgs search_pull_requests search_repositories search_users`,
  ],
  [
    'write',
    'repository',
    `add_comment_to_pending_review add_issue_comment add_issue_comment_reaction add_issue_reaction
    add_pull_request_review_comment add_pull_request_review_comment_reaction add_reply_to_pull_request_comment
    add_sub_issue create_branch create_issue create_or_update_file create_pull_request create_pull_request_review
    fork_repository issue_dependency_write issue_write label_write manage_repository_notification_subscription
    pull_request_review_write push_files remove_sub_issue reprioritize_sub_issue request_pull_request_reviewers
    set_issue_fields star_repository sub_issue_write submit_pending_pull_request_review unstar_repository
    update_issue_assignees update_issue_body update_issue_labels update_issue_milestone update_issue_state
    update_issue_title update_issue_type update_pull_request update_pull_request_body update_pull_request_branch
    update_pull_request_draft_state update_pull_request_state update_pull_request_title`,
  ],
  ['write', 'optional', 'discussion_comment_write mark_all_notifications_read'],
  [
    'write',
    'none',
    `create_gist create_repository dismiss_notification manage_notification_subscription projects_write
    resolve_review_thread unresolve_review_thread update_gist`,
  ],
  ['delete', 'repository', 'delete_file delete_pending_pull_request_review delete_repository'],
  ['execute', 'repository', 'assign_copilot_to_issue assign_copilot_to_issue_with_intent request_copilot_review'],
  ['deploy', 'repository', 'actions_run_trigger'],
  ['merge', 'repository', 'merge_pull_request'],
]
const ROWS = OFFICIAL.flatMap(([capability, scope, names]) =>
  names.split(/\s+/).map((name) => ({ name, capability, scope })),
)

/** Tools of the archived npm server that the official one does not have. */
const ARCHIVED = [
  ...['update_issue', 'get_issue', 'get_pull_request', 'get_pull_request_files', 'get_pull_request_status'],
  ...['get_pull_request_comments', 'get_pull_request_reviews'],
]

/** Every method of the tools that do several things. */
const METHODS: readonly [string, Capability, string][] = [
  ['actions_get', 'read', 'get_workflow get_workflow_run get_workflow_job get_workflow_run_usage'],
  ['actions_get', 'read', 'get_workflow_run_logs_url download_workflow_run_artifact'],
  ['actions_list', 'read', 'list_workflows list_workflow_runs list_workflow_jobs list_workflow_run_artifacts'],
  ['actions_run_trigger', 'deploy', 'run_workflow rerun_workflow_run rerun_failed_jobs'],
  ['actions_run_trigger', 'write', 'cancel_workflow_run'],
  ['actions_run_trigger', 'delete', 'delete_workflow_run_logs'],
  ['discussion_comment_write', 'write', 'add reply update mark_answer unmark_answer'],
  ['discussion_comment_write', 'delete', 'delete'],
  ['issue_dependency_read', 'read', 'get_blocked_by get_blocking'],
  ['issue_dependency_write', 'write', 'add remove'],
  ['issue_read', 'read', 'get get_comments get_sub_issues get_parent get_labels'],
  ['issue_write', 'write', 'create update'],
  ['label_write', 'write', 'create update'],
  ['label_write', 'delete', 'delete'],
  ['projects_get', 'read', 'get_project get_project_field get_project_item get_project_status_update get_project_view'],
  [
    'projects_list',
    'read',
    'list_projects list_project_fields list_project_items list_project_status_updates list_project_views',
  ],
  ['projects_write', 'write', 'add_project_item update_project_item update_project_items create_project'],
  ['projects_write', 'write', 'create_project_status_update create_project_view update_project_view'],
  ['projects_write', 'write', 'create_iteration_field'],
  ['projects_write', 'delete', 'delete_project_item delete_project_view'],
  ['pull_request_read', 'read', 'get get_diff get_status get_files get_commits get_review_comments get_reviews'],
  ['pull_request_read', 'read', 'get_comments get_check_runs'],
  ['pull_request_review_write', 'write', 'create submit_pending resolve_thread unresolve_thread'],
  ['pull_request_review_write', 'delete', 'delete_pending'],
  ['sub_issue_write', 'write', 'add remove reprioritize'],
  ['ui_get', 'read', 'labels assignees milestones issue_types branches issue_fields reviewers'],
]
const METHOD_ROWS = METHODS.flatMap(([tool, capability, methods]) =>
  methods.split(' ').map((method) => ({ tool, method, capability })),
)

describe('the table of GitHub tools', () => {
  it('holds all 117 of the official server, 58 reads and 59 others, and no tool that nobody knows', () => {
    expect(ROWS).toHaveLength(117)
    expect(ROWS.filter(({ capability }) => capability === 'read')).toHaveLength(58)
    expect([...GITHUB_TOOLS.keys()].toSorted()).toEqual([...ROWS.map(({ name }) => name), ...ARCHIVED].toSorted())
  })

  it.each(ROWS)('$name is a $capability, its repository: $scope', ({ name, capability, scope }) => {
    expect(GITHUB_TOOLS.get(name)).toMatchObject({ capability, scope })
    expect(classifyTool({ upstream: 'github', catalog: 'github', tool: name })).toEqual({
      protocol: 'git',
      tool: `github.${name}`,
      capability,
      ...(scope === 'none' && { scoped: false }),
    })
  })

  it('knows every method of the 16 tools that do several things', () => {
    const multiplexed = [...GITHUB_TOOLS].filter(([, tool]) => tool.parts.includes('method')).map(([name]) => name)
    expect(multiplexed).toHaveLength(16)
    expect(multiplexed.toSorted()).toEqual([...GITHUB_METHODS.keys()].toSorted())
    const known = [...GITHUB_METHODS].flatMap(([tool, methods]) =>
      Object.keys(methods).map((method) => `${tool}:${method}`),
    )
    expect(METHOD_ROWS.map(({ tool, method }) => `${tool}:${method}`).toSorted()).toEqual(known.toSorted())
  })

  it.each(METHOD_ROWS)('$tool with method $method is a $capability', ({ tool, method, capability }) => {
    expect(act(tool, { pullNumber: 1, method })).toMatchObject({ tool: `github.${tool}`, method, capability })
  })

  it.each(['get_everything', 'Get', 'constructor', 'get '])('doubts the method %j of a read', (method) => {
    expect(act('issue_read', { method }).doubt).toContain('does not know the method')
  })

  it('shows rules no method that is not a plain word', () => {
    expect(act('issue_read', { method: 'get\n' })).not.toHaveProperty('method')
    expect(act('issue_read', { method: 'get_new' })).toMatchObject({ method: 'get_new', capability: 'read' })
  })
})

/** The server's own table of old names. */
const OLD: readonly [string, string, string | null][] = [
  ...['list_workflows', 'list_workflow_runs', 'list_workflow_jobs', 'list_workflow_run_artifacts'].map(
    (name): [string, string, string] => [name, 'actions_list', name],
  ),
  ...['get_workflow', 'get_workflow_run', 'get_workflow_job', 'get_workflow_run_usage'].map(
    (name): [string, string, string] => [name, 'actions_get', name],
  ),
  ['get_workflow_run_logs', 'actions_get', 'get_workflow_run_logs_url'],
  ['get_workflow_job_logs', 'actions_get', null],
  ['download_workflow_run_artifact', 'actions_get', 'download_workflow_run_artifact'],
  ...[
    ...['run_workflow', 'rerun_workflow_run', 'rerun_failed_jobs', 'cancel_workflow_run'],
    'delete_workflow_run_logs',
  ].map((name): [string, string, string] => [name, 'actions_run_trigger', name]),
  ...['list_projects', 'list_project_fields', 'list_project_items'].map((name): [string, string, string] => [
    name,
    'projects_list',
    name,
  ]),
  ...['get_project', 'get_project_field', 'get_project_item'].map((name): [string, string, string] => [
    name,
    'projects_get',
    name,
  ]),
  ...['add_project_item', 'update_project_item', 'delete_project_item'].map((name): [string, string, string] => [
    name,
    'projects_write',
    name,
  ]),
]

describe('an old name of a tool', () => {
  it('is known where the server still takes it', () => {
    expect([...GITHUB_ALIASES.keys()].toSorted()).toEqual(OLD.map(([name]) => name).toSorted())
    for (const name of GITHUB_ALIASES.keys()) expect(GITHUB_TOOLS.has(name)).toBe(false)
  })

  it.each(OLD)('%s is judged as %s with method %s', (name, tool, method) => {
    const [judged] = call(name, { owner: 'aegisflow', repo: 'aegisflow' }).acts
    const today = act(tool, method === null ? {} : { method })
    expect(judged).toEqual(today)
    expect(judged.tool).toBe(`github.${tool}`)
    expect(classifyTool({ upstream: 'github', catalog: 'github', tool: name })).toEqual({
      protocol: 'git',
      tool: today.tool,
      capability: today.capability,
      ...(today.resource.repository === null && { scoped: false }),
      ...(method !== null && { method }),
    })
  })

  it('leaves what is forwarded as the client wrote it', () => {
    const parameters = { ...REPO, workflow_id: 'deploy.yml', ref: 'main' }
    expect(call('run_workflow', parameters).parameters).toEqual(parameters)
  })

  it('becomes tool and method where an action is asked for by its canonical name', () => {
    const claim = { protocol: 'git', tool: 'github.run_workflow', target: 'aegisflow/aegisflow', capability: null }
    const described = describeAction({ ...claim, parameters: { workflow_id: 'deploy.yml', ref: 'main' } })
    expect(described).toMatchObject({ tool: 'github.actions_run_trigger', capability: 'deploy' })
    expect(described.parameters).toEqual({
      ...REPO,
      workflow_id: 'deploy.yml',
      ref: 'main',
      method: 'run_workflow',
    })
  })

  it('does not hide another method behind it', () => {
    const judged = act('list_workflows', { method: 'list_workflow_runs' })
    expect(judged).toMatchObject({ method: 'list_workflow_runs', doubt: expect.stringContaining('old name means') })
    expect(act('cancel_workflow_run', { method: 'delete_workflow_run_logs' })).toMatchObject({
      capability: 'delete',
      doubt: expect.any(String),
    })
    expect(act('run_workflow', { method: 'run_workflow', ref: 'main' }).doubt).toBeNull()
  })

  it.each([
    ['github.actions_run_trigger', 'run_workflow', ['github.actions_run_trigger:run_workflow', 'github.run_workflow']],
    ['github.actions_get', undefined, ['github.get_workflow_job_logs']],
    ['github.issue_write', 'create', ['github.issue_write:create']],
    ['github.push_files', undefined, []],
    ['shell.rm', undefined, []],
    ['mine.run_workflow', undefined, []],
  ])('is among the names of %s with method %s', (tool, method, others) => {
    expect(toolNames(tool, method)).toEqual([tool, ...others])
  })

  it.each([
    ['github.run_workflow', 'github.actions_run_trigger:run_workflow'],
    ['github.get_workflow_job_logs', 'github.actions_get'],
    ['github.create_issue', 'github.create_issue'],
    ['mine.run_workflow', 'mine.run_workflow'],
    ['github.constructor', 'github.constructor'],
  ])('%s in a rule means %s', (name, canonical) => {
    expect(canonicalToolName(name)).toBe(canonical)
  })
})
