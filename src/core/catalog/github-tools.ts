import type { Capability } from '../envelope.ts'

/**
 * What a tool acts on. `repository`: `owner` and `repo` are needed. `optional`: either may be absent.
 * `none`: the arguments name no repository, so a policy cannot scope it. A write that names none is always doubted.
 */
export type GithubScope = 'repository' | 'optional' | 'none'

/** An argument (or group of them) that policy looks at; see `github.ts` for how each is read. */
export type GithubPart =
  | 'path'
  | 'files'
  | 'branch'
  | 'new-branch'
  | 'ref'
  | 'head'
  | 'base'
  | 'new-base'
  | 'source-branch'
  | 'agent-base'
  | 'pull'
  | 'unnamed-branch'
  | 'related'
  | 'fork'
  | 'method'
  | 'event'

export interface GithubTool {
  readonly capability: Capability
  readonly scope: GithubScope
  readonly parts: readonly GithubPart[]
}

function tool(capability: Capability, scope: GithubScope, ...parts: GithubPart[]): GithubTool {
  return { capability, scope, parts }
}
const write = (...parts: GithubPart[]) => tool('write', 'repository', ...parts)
const remove = (...parts: GithubPart[]) => tool('delete', 'repository', ...parts)

/** Tools that change something: the official server's 59 (`__toolsnaps__` of github/github-mcp-server, August 2026) and the archived npm server's. */
const WRITES = {
  create_or_update_file: write('branch', 'path'),
  push_files: write('branch', 'files'),
  delete_file: remove('branch', 'path'),
  create_branch: write('new-branch', 'source-branch'),
  create_pull_request: write('head', 'base'),
  update_pull_request: write('pull', 'new-base'),
  update_pull_request_branch: write('pull', 'unnamed-branch'),
  update_pull_request_body: write('pull'),
  update_pull_request_draft_state: write('pull'),
  update_pull_request_state: write('pull'),
  update_pull_request_title: write('pull'),
  merge_pull_request: tool('merge', 'repository', 'pull', 'unnamed-branch'),
  pull_request_review_write: write('pull', 'method', 'event'),
  create_pull_request_review: write('pull', 'event'),
  submit_pending_pull_request_review: write('pull', 'event'),
  delete_pending_pull_request_review: remove('pull'),
  add_comment_to_pending_review: write('pull'),
  add_pull_request_review_comment: write('pull'),
  add_pull_request_review_comment_reaction: write(),
  add_reply_to_pull_request_comment: write(),
  request_copilot_review: tool('execute', 'repository', 'pull'),
  request_pull_request_reviewers: write('pull'),
  resolve_review_thread: tool('write', 'none'),
  unresolve_review_thread: tool('write', 'none'),
  create_issue: write(),
  update_issue: write(),
  issue_write: write('method'),
  issue_dependency_write: write('method', 'related'),
  sub_issue_write: write('method'),
  add_issue_comment: write(),
  add_issue_comment_reaction: write(),
  add_issue_reaction: write(),
  add_sub_issue: write(),
  remove_sub_issue: write(),
  reprioritize_sub_issue: write(),
  set_issue_fields: write(),
  update_issue_assignees: write(),
  update_issue_body: write(),
  update_issue_labels: write(),
  update_issue_milestone: write(),
  update_issue_state: write(),
  update_issue_title: write(),
  update_issue_type: write(),
  // Starts another agent on the repository.
  assign_copilot_to_issue: tool('execute', 'repository', 'agent-base'),
  assign_copilot_to_issue_with_intent: tool('execute', 'repository', 'agent-base'),
  actions_run_trigger: tool('deploy', 'repository', 'method', 'ref'),
  label_write: write('method'),
  discussion_comment_write: tool('write', 'optional', 'method'),
  projects_write: tool('write', 'none', 'method'),
  create_repository: tool('write', 'none'),
  fork_repository: write('fork'),
  delete_repository: remove(),
  // A gist leaves every repository: a way out for anything the agent has read.
  create_gist: tool('write', 'none'),
  update_gist: tool('write', 'none'),
  star_repository: write(),
  unstar_repository: write(),
  dismiss_notification: tool('write', 'none'),
  manage_notification_subscription: tool('write', 'none'),
  manage_repository_notification_subscription: write(),
  mark_all_notifications_read: tool('write', 'optional'),
} as const satisfies Record<string, GithubTool>

const READS_OF_A_PATH = ['get_file_contents', 'get_file_blame']
const READS_OF_A_PULL = [
  'get_pull_request',
  'get_pull_request_files',
  'get_pull_request_status',
  'get_pull_request_comments',
  'get_pull_request_reviews',
]
const READS_OF_A_REPOSITORY = [
  ...['find_duplicate', 'get_code_quality_finding', 'get_code_scanning_alert'],
  ...['get_commit', 'get_dependabot_alert', 'get_discussion', 'get_discussion_comments', 'get_job_logs', 'get_label'],
  ...['get_latest_release', 'get_release_by_tag', 'get_repository_tree', 'get_secret_scanning_alert', 'get_tag'],
  ...['get_issue', 'list_branches', 'list_code_scanning_alerts', 'list_commits'],
  ...['list_dependabot_alerts', 'list_issues', 'list_label', 'list_pull_requests', 'list_releases'],
  ...[
    'list_repository_collaborators',
    'list_repository_security_advisories',
    'list_secret_scanning_alerts',
    'list_tags',
  ],
]
const READS_OF_A_REPOSITORY_OR_MORE = [
  ...['list_discussion_categories', 'list_discussions', 'list_issue_fields', 'list_issue_types', 'list_notifications'],
]
const READS_OF_THE_SITE = [
  ...[
    'get_gist',
    'get_global_security_advisory',
    'get_me',
    'get_notification_details',
    'get_team_members',
    'get_teams',
  ],
  ...['list_gists', 'list_global_security_advisories', 'list_org_repository_security_advisories'],
  ...['list_starred_repositories', 'search_code', 'search_commits', 'search_issues', 'search_orgs'],
  ...['search_pull_requests', 'search_repositories', 'search_users'],
]

function reads(names: readonly string[], scope: GithubScope, ...parts: GithubPart[]): [string, GithubTool][] {
  return names.map((name) => [name, tool('read', scope, ...parts)])
}

/** Every known tool by its name at the server. A `Map`, so that a tool named `constructor` is simply unknown. */
export const GITHUB_TOOLS: ReadonlyMap<string, GithubTool> = new Map([
  ...Object.entries<GithubTool>(WRITES),
  ...reads(READS_OF_A_PATH, 'repository', 'path'),
  ...reads(READS_OF_A_PULL, 'repository', 'pull'),
  ...reads(['pull_request_read'], 'repository', 'pull', 'method'),
  ...reads(['actions_get', 'actions_list', 'issue_read', 'issue_dependency_read'], 'repository', 'method'),
  // Of an account: a `repo` among their arguments, which they do not read, must not make them a repository's.
  ...reads(['projects_get', 'projects_list'], 'none', 'method'),
  ...reads(['ui_get'], 'optional', 'method'),
  ...reads(READS_OF_A_REPOSITORY, 'repository'),
  ...reads(READS_OF_A_REPOSITORY_OR_MORE, 'optional'),
  ...reads(READS_OF_THE_SITE, 'none'),
])
