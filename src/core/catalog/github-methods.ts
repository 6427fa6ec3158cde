import type { Capability } from '../envelope.ts'

const of = (capability: Capability, ...methods: string[]): Record<string, Capability> =>
  Object.fromEntries(methods.map((method) => [method, capability]))

/**
 * What each of the 16 tools of the official server that do several things does under each `method` (`__toolsnaps__` of
 * github/github-mcp-server, August 2026). A method not named here is doubted.
 */
export const GITHUB_METHODS: ReadonlyMap<string, Readonly<Record<string, Capability>>> = new Map(
  Object.entries({
    actions_get: of(
      'read',
      ...['get_workflow', 'get_workflow_run', 'get_workflow_job', 'get_workflow_run_usage'],
      ...['get_workflow_run_logs_url', 'download_workflow_run_artifact'],
    ),
    actions_list: of(
      'read',
      ...['list_workflows', 'list_workflow_runs', 'list_workflow_jobs', 'list_workflow_run_artifacts'],
    ),
    actions_run_trigger: {
      ...of('deploy', 'run_workflow', 'rerun_workflow_run', 'rerun_failed_jobs'),
      ...of('write', 'cancel_workflow_run'),
      ...of('delete', 'delete_workflow_run_logs'),
    },
    discussion_comment_write: {
      ...of('write', 'add', 'reply', 'update', 'mark_answer', 'unmark_answer'),
      ...of('delete', 'delete'),
    },
    issue_dependency_read: of('read', 'get_blocked_by', 'get_blocking'),
    issue_dependency_write: of('write', 'add', 'remove'),
    issue_read: of('read', 'get', 'get_comments', 'get_sub_issues', 'get_parent', 'get_labels'),
    issue_write: of('write', 'create', 'update'),
    label_write: { ...of('write', 'create', 'update'), ...of('delete', 'delete') },
    projects_get: of(
      'read',
      ...['get_project', 'get_project_field', 'get_project_item', 'get_project_status_update', 'get_project_view'],
    ),
    projects_list: of(
      'read',
      ...['list_projects', 'list_project_fields', 'list_project_items', 'list_project_status_updates'],
      'list_project_views',
    ),
    projects_write: {
      ...of('write', 'add_project_item', 'update_project_item', 'update_project_items', 'create_project'),
      ...of('write', 'create_project_status_update', 'create_project_view', 'update_project_view'),
      ...of('write', 'create_iteration_field'),
      ...of('delete', 'delete_project_item', 'delete_project_view'),
    },
    pull_request_read: of(
      'read',
      ...['get', 'get_diff', 'get_status', 'get_files', 'get_commits', 'get_review_comments', 'get_reviews'],
      ...['get_comments', 'get_check_runs'],
    ),
    pull_request_review_write: {
      ...of('write', 'create', 'submit_pending', 'resolve_thread', 'unresolve_thread'),
      ...of('delete', 'delete_pending'),
    },
    sub_issue_write: of('write', 'add', 'remove', 'reprioritize'),
    ui_get: of(
      'read',
      ...['labels', 'assignees', 'milestones', 'issue_types', 'branches', 'issue_fields', 'reviewers'],
    ),
  } satisfies Record<string, Record<string, Capability>>),
)

/** What `method` makes of a tool, or undefined where the tool does not know it. */
export function methodCapability(tool: string, method: string): Capability | undefined {
  const methods = GITHUB_METHODS.get(tool)
  return methods !== undefined && Object.hasOwn(methods, method) ? methods[method] : undefined
}
