/** A tool by its present name, and the `method` that an old name stands for. */
export interface GithubName {
  readonly tool: string
  /** Null where the name is the present one, or stands for no single method. */
  readonly method: string | null
}

/** Old names by the tool they went into, where the old name is the method's name. */
const MERGED: Readonly<Record<string, readonly string[]>> = {
  actions_list: ['list_workflows', 'list_workflow_runs', 'list_workflow_jobs', 'list_workflow_run_artifacts'],
  actions_get: [
    ...['get_workflow', 'get_workflow_run', 'get_workflow_job', 'get_workflow_run_usage'],
    'download_workflow_run_artifact',
  ],
  actions_run_trigger: [
    ...['run_workflow', 'rerun_workflow_run', 'rerun_failed_jobs', 'cancel_workflow_run'],
    'delete_workflow_run_logs',
  ],
  projects_list: ['list_projects', 'list_project_fields', 'list_project_items'],
  projects_get: ['get_project', 'get_project_field', 'get_project_item'],
  projects_write: ['add_project_item', 'update_project_item', 'delete_project_item'],
}

/**
 * The names that the official server still takes for tools it has merged (`deprecated_tool_aliases.go`, v1.9.0). It resolves
 * them before it looks at anything else, so they are resolved before any rule is.
 */
export const GITHUB_ALIASES: ReadonlyMap<string, GithubName> = new Map<string, GithubName>([
  ...Object.entries(MERGED).flatMap(([tool, names]) =>
    names.map((name): [string, GithubName] => [name, { tool, method: name }]),
  ),
  ['get_workflow_run_logs', { tool: 'actions_get', method: 'get_workflow_run_logs_url' }],
  // The present server has this under another tool; the old name still leads to `actions_get`, whatever method is sent.
  ['get_workflow_job_logs', { tool: 'actions_get', method: null }],
])

/** A tool as a client may name it, by its present name. Names the server never had come back as they are. */
export function presentName(name: string): GithubName {
  return GITHUB_ALIASES.get(name) ?? { tool: name, method: null }
}

const PREFIX = 'github.'

/** What the gateway itself does at GitHub, by the canonical names that credentials are lent to. No client's tool may bear one. */
export const GATEWAY_STEPS = {
  /** Branch, commit and pull request in place of a direct write; `parameters` are the write's. */
  rewrite: 'github.rewrite_to_pull_request',
  /** A merge bound to the commit that was reviewed. */
  merge: 'github.merge_reviewed_head',
  /** Looking up what policy asks about a repository. */
  facts: 'github.read_facts',
  /** A comment on a pull request, or a check of its head, that tells of approvals. */
  comment: 'github.tell_by_comment',
  check: 'github.tell_by_check',
} as const

const STEP_NAMES: ReadonlySet<string> = new Set(Object.values(GATEWAY_STEPS))

/** True for the name, at a server, that would make a client's tool look like a step of the gateway. */
export function isStepName(name: string): boolean {
  return STEP_NAMES.has(PREFIX + name)
}

const OLD_NAMES: ReadonlyMap<string, readonly string[]> = namesByMeaning()

function namesByMeaning(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const [name, { tool, method }] of GITHUB_ALIASES) {
    const meaning = method === null ? tool : `${tool}:${method}`
    found.set(meaning, [...(found.get(meaning) ?? []), PREFIX + name])
  }
  return found
}

/**
 * Every name under which a rule may mean a canonical tool with this method: the tool, `tool:method`, and old names of both.
 * A rule that names one of them means the act, whichever of them the client used.
 */
export function toolNames(tool: string, method?: string): readonly string[] {
  const whole = method === undefined ? [tool] : [tool, `${tool}:${method}`]
  if (!tool.startsWith(PREFIX)) return whole
  const bare = tool.slice(PREFIX.length)
  const old = OLD_NAMES.get(method === undefined ? bare : `${bare}:${method}`) ?? []
  return old.length === 0 ? whole : [...whole, ...old]
}

/** A name as it stands in a rule or a role's map (`github.run_workflow`) in the form of today: `github.actions_run_trigger:run_workflow`. */
export function canonicalToolName(name: string): string {
  const found = name.startsWith(PREFIX) ? GITHUB_ALIASES.get(name.slice(PREFIX.length)) : undefined
  if (found === undefined) return name
  return found.method === null ? PREFIX + found.tool : `${PREFIX}${found.tool}:${found.method}`
}
