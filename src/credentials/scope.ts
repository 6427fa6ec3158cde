import { GITHUB_METHODS, methodCapability } from '../core/catalog/github-methods.ts'
import { GATEWAY_STEPS } from '../core/catalog/index.ts'
import { AegisError } from '../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { excerpt } from '../core/paths.ts'
import type { GrantRequest } from './ports.ts'

export type Level = 'read' | 'write'
/** GitHub App permissions by name, as `POST /app/installations/{id}/access_tokens` takes them. */
export type Permissions = Readonly<Record<string, Level>>

const CONTENTS_READ: Permissions = { contents: 'read' }
const CONTENTS_WRITE: Permissions = { contents: 'write' }
const PULLS_READ: Permissions = { pull_requests: 'read' }
const PULLS_WRITE: Permissions = { pull_requests: 'write' }
const ISSUES_READ: Permissions = { issues: 'read' }
const ISSUES_WRITE: Permissions = { issues: 'write' }
const ACTIONS_READ: Permissions = { actions: 'read' }

/** What the facts about a repository are read with. Where an installation lacks one of them, its facts are unknown. */
const FACTS: Permissions = {
  administration: 'read',
  checks: 'read',
  contents: 'read',
  metadata: 'read',
  pull_requests: 'read',
  statuses: 'read',
}

/** Least permissions of each tool, by GitHub's "Permissions required for GitHub Apps". A tool that is not here gets no token. */
const PERMISSIONS: ReadonlyMap<string, Permissions> = new Map([
  [GATEWAY_STEPS.rewrite, { contents: 'write', pull_requests: 'write' }],
  [GATEWAY_STEPS.merge, { contents: 'write', pull_requests: 'write' }],
  [GATEWAY_STEPS.facts, FACTS],
  [GATEWAY_STEPS.comment, ISSUES_WRITE],
  [GATEWAY_STEPS.check, { checks: 'write', pull_requests: 'read' }],
  ...each(CONTENTS_WRITE, 'create_or_update_file push_files delete_file create_branch'),
  ...each({ pull_requests: 'write', contents: 'read' }, 'create_pull_request update_pull_request'),
  ...each({ contents: 'write', pull_requests: 'write' }, 'merge_pull_request update_pull_request_branch'),
  // GitHub counts it among the contents whether a pull request is a draft.
  ...each({ contents: 'write', pull_requests: 'write' }, 'update_pull_request_draft_state'),
  ...each(
    PULLS_WRITE,
    'update_pull_request_body update_pull_request_state update_pull_request_title',
    'pull_request_review_write create_pull_request_review submit_pending_pull_request_review',
    'delete_pending_pull_request_review add_comment_to_pending_review add_pull_request_review_comment',
    'add_pull_request_review_comment_reaction add_reply_to_pull_request_comment request_pull_request_reviewers',
  ),
  ...each(
    ISSUES_WRITE,
    'create_issue update_issue issue_write issue_dependency_write sub_issue_write add_issue_comment',
    'add_issue_comment_reaction add_issue_reaction add_sub_issue remove_sub_issue reprioritize_sub_issue',
    'set_issue_fields update_issue_assignees update_issue_body update_issue_labels update_issue_milestone',
    'update_issue_state update_issue_title update_issue_type label_write',
  ),
  ...each({ actions: 'write' }, 'actions_run_trigger'),
  ...each({ discussions: 'write' }, 'discussion_comment_write'),

  ...each(
    CONTENTS_READ,
    'get_file_contents get_file_blame get_repository_tree get_commit list_commits list_branches get_tag list_tags',
    'get_latest_release get_release_by_tag list_releases resources.read',
  ),
  ...each(
    PULLS_READ,
    'pull_request_read list_pull_requests get_pull_request get_pull_request_files get_pull_request_comments',
    'get_pull_request_reviews',
  ),
  ...each({ pull_requests: 'read', statuses: 'read' }, 'get_pull_request_status'),
  ...each(ISSUES_READ, 'issue_read get_issue list_issues issue_dependency_read find_duplicate get_label list_label'),
  ...each(ACTIONS_READ, 'actions_get actions_list get_job_logs'),
  ...each({ security_events: 'read' }, 'get_code_scanning_alert list_code_scanning_alerts'),
  ...each({ vulnerability_alerts: 'read' }, 'get_dependabot_alert list_dependabot_alerts'),
  ...each({ secret_scanning_alerts: 'read' }, 'get_secret_scanning_alert list_secret_scanning_alerts'),
  ...each({ repository_advisories: 'read' }, 'list_repository_security_advisories'),
  ...each(
    { discussions: 'read' },
    'get_discussion get_discussion_comments list_discussions list_discussion_categories',
  ),
  ...each({ metadata: 'read' }, 'list_repository_collaborators'),
])

/** What one `method` of a multiplexed tool needs on top. GitHub counts the threads of a review among the contents. */
const BY_METHOD: Readonly<Record<string, Readonly<Record<string, Permissions>>>> = {
  'github.pull_request_read': {
    get_status: { statuses: 'read' },
    get_check_runs: { checks: 'read' },
  },
  'github.pull_request_review_write': { resolve_thread: CONTENTS_WRITE, unresolve_thread: CONTENTS_WRITE },
}

/** What changes the files that its arguments name; of a merge an argument called `path` says nothing. */
const NAMES_FILES: ReadonlySet<string> = new Set([
  'github.create_or_update_file',
  'github.push_files',
  'github.delete_file',
  GATEWAY_STEPS.rewrite,
])

/** What changes files: under `.github/workflows/` GitHub asks for one more permission, of a merge too. */
const CHANGES_FILES: ReadonlySet<string> = new Set([
  ...NAMES_FILES,
  'github.merge_pull_request',
  'github.update_pull_request_branch',
  GATEWAY_STEPS.merge,
])

/** The permissions of one call, and whether it can do with the part of them that an installation has. */
export interface Needs {
  readonly permissions: Permissions
  readonly narrowable: boolean
}

/**
 * The least permissions for one call of a canonical tool. `workflows: write` is among them only where the call touches a
 * workflow and a person approved it: a workflow runs with the repository's secrets, and without this permission GitHub
 * itself refuses the write, whatever policy said.
 * @throws AegisError `forbidden` (data.sent: false) for a tool without an entry, or a method that the catalog does not know of
 *   a tool that writes: no narrow token is known for it.
 */
export function permissionsFor(
  request: Pick<GrantRequest, 'tool' | 'method' | 'parameters' | 'paths' | 'approved'>,
): Needs {
  const { tool, parameters, paths = [], approved } = request
  const method = request.method ?? textMember(parameters, 'method')
  const base = PERMISSIONS.get(tool)
  if (base === undefined || isUnknownWrite(tool, base, method)) throw noToken(tool, method)
  const methods = BY_METHOD[tool]
  const more =
    method !== undefined && methods !== undefined && Object.hasOwn(methods, method) ? methods[method] : undefined
  const workflows =
    approved && CHANGES_FILES.has(tool) && touchesWorkflows(NAMES_FILES.has(tool) ? parameters : {}, paths)
  const draft = tool === 'github.update_pull_request' && typeof parameters['draft'] === 'boolean'
  return {
    permissions: {
      ...base,
      ...more,
      ...(draft ? CONTENTS_WRITE : {}),
      ...(workflows ? { workflows: 'write' } : {}),
    },
    narrowable: tool === GATEWAY_STEPS.facts,
  }
}

const PREFIX = 'github.'

/** True for a method that nobody knows of a tool that writes in several ways. An unknown way of reading reads. */
function isUnknownWrite(tool: string, base: Permissions, method: string | undefined): boolean {
  const name = tool.slice(PREFIX.length)
  if (isReadOnly(base) || !GITHUB_METHODS.has(name)) return false
  return method === undefined || methodCapability(name, method) === undefined
}

function noToken(tool: string, method: string | undefined): AegisError {
  const what = GITHUB_METHODS.has(tool.slice(PREFIX.length)) && method !== undefined ? `${tool}:${method}` : tool
  return new AegisError('forbidden', `no credential can be narrowed to what ${excerpt(what)} needs, so none is lent`, {
    advice: 'use a tool that acts on one repository, or an upstream without `credential`',
    data: { sent: false },
  })
}

/** `pull_requests:write,contents:read`: writes first, then names in order. */
export function scopeText(permissions: Permissions): string {
  const order = (level: Level) => (level === 'write' ? 0 : 1)
  return Object.entries(permissions)
    .sort(([a, x], [b, y]) => order(x) - order(y) || (a < b ? -1 : 1))
    .map(([name, level]) => `${name}:${level}`)
    .join(',')
}

export function isReadOnly(permissions: Permissions): boolean {
  return Object.values(permissions).every((level) => level === 'read')
}

/** True only for a path that is plainly a workflow. A spelling that hides it gets no permission, and GitHub refuses the write. */
function touchesWorkflows(parameters: JsonObject, known: readonly string[]): boolean {
  const { path, files } = parameters
  const paths: (Json | undefined)[] = [...known, path, ...(Array.isArray(files) ? files.map(pathOf) : [])]
  return paths.some((each) => typeof each === 'string' && /^\/?(?:\.\/)*\.github\/workflows\//.test(each))
}

function pathOf(file: Json): Json | undefined {
  return isObject(file) ? file['path'] : undefined
}

function each(permissions: Permissions, ...names: string[]): [string, Permissions][] {
  return names.flatMap((list) => list.split(' ')).map((name) => [`github.${name}`, permissions])
}
