/** Permissions of an App, an installation or a token: name to level, as in GitHub's `app-permissions`. */
export type Level = 'read' | 'write'
export type Permissions = Readonly<Record<string, Level>>

/** The names a token may ask for here: what the forge can judge by. */
export const PERMISSION_NAMES: ReadonlySet<string> = new Set([
  'actions',
  'administration',
  'checks',
  'contents',
  'deployments',
  'issues',
  'metadata',
  'pull_requests',
  'statuses',
  'workflows',
])

/** What the local App is granted, where nothing else is said: enough for every tool, so that narrowing is the broker's work. */
export const DEFAULT_GRANTS: Permissions = {
  checks: 'read',
  contents: 'write',
  issues: 'write',
  metadata: 'read',
  pull_requests: 'write',
  statuses: 'write',
  workflows: 'write',
}

export function covers(granted: Permissions, needed: Permissions): boolean {
  return Object.entries(needed).every(([name, level]) => granted[name] === 'write' || granted[name] === level)
}

/** `contents=write,workflows=write`, as in the header `X-Accepted-GitHub-Permissions`. */
export function permissionText(needed: Permissions): string {
  return Object.entries(needed)
    .map(([name, level]) => `${name}=${level}`)
    .join(',')
}
