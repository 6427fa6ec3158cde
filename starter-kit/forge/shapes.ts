/** GitHub's JSON for accounts, repositories and App objects. Every address in it is the forge's own. */
import { createHash } from 'node:crypto'
import type { JsonObject } from '../../src/core/json.ts'
import { rfc3339 } from '../../src/core/runtime.ts'
import type { Repository } from './repository.ts'
import type { Site } from './router.ts'

/** RFC 3339 without fractions, as GitHub writes it. */
export const instant = (at: number): string => rfc3339(at).replace(/\.\d{3}Z$/, 'Z')
export const maybeInstant = (at: number | null): string | null => (at === null ? null : instant(at))

export function nodeId(kind: string, id: number | string): string {
  return Buffer.from(`${kind}:${id}`).toString('base64url')
}

/** A stable number for a name, as accounts are kept by their login alone. */
export function numberFor(name: string): number {
  return createHash('sha256').update(name.toLowerCase()).digest().readUInt32BE(0) >>> 1
}

export const repositoryApi = (site: Site, repository: Repository): string =>
  `${site.origin}/repos/${repository.fullName}`

export function account(site: Site, login: string): JsonObject {
  const url = `${site.origin}/users/${encodeURIComponent(login)}`
  const owner = [...site.repositories.values()].some((repository) => repository.owner === login)
  return {
    login,
    id: numberFor(login),
    node_id: nodeId('User', login),
    avatar_url: `${site.origin}/avatars/${encodeURIComponent(login)}`,
    gravatar_id: '',
    url,
    html_url: `${site.origin}/${encodeURIComponent(login)}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: login.endsWith('[bot]') ? 'Bot' : owner ? 'Organization' : 'User',
    site_admin: false,
  }
}

/** `<name>_url` -> what follows the repository's own address (RFC 6570 templates). */
const LINKS = {
  archive: '/{archive_format}{/ref}',
  assignees: '/assignees{/user}',
  blobs: '/git/blobs{/sha}',
  branches: '/branches{/branch}',
  collaborators: '/collaborators{/collaborator}',
  comments: '/comments{/number}',
  commits: '/commits{/sha}',
  compare: '/compare/{base}...{head}',
  contents: '/contents/{+path}',
  contributors: '/contributors',
  deployments: '/deployments',
  downloads: '/downloads',
  events: '/events',
  forks: '/forks',
  git_commits: '/git/commits{/sha}',
  git_refs: '/git/refs{/sha}',
  git_tags: '/git/tags{/sha}',
  hooks: '/hooks',
  issue_comment: '/issues/comments{/number}',
  issue_events: '/issues/events{/number}',
  issues: '/issues{/number}',
  keys: '/keys{/key_id}',
  labels: '/labels{/name}',
  languages: '/languages',
  merges: '/merges',
  milestones: '/milestones{/number}',
  notifications: '/notifications{?since,all,participating}',
  pulls: '/pulls{/number}',
  releases: '/releases{/id}',
  stargazers: '/stargazers',
  statuses: '/statuses/{sha}',
  subscribers: '/subscribers',
  subscription: '/subscription',
  tags: '/tags',
  teams: '/teams',
  trees: '/git/trees{/sha}',
} as const

export function repositoryShape(site: Site, repository: Repository): JsonObject {
  const api = repositoryApi(site, repository)
  const html = `${site.origin}/${repository.fullName}`
  const links = Object.fromEntries(Object.entries(LINKS).map(([name, path]) => [`${name}_url`, `${api}${path}`]))
  const open = site.state
    .current()
    .threads.filter((thread) => thread.repository === repository.key && thread.state === 'open').length
  return {
    id: repository.id,
    node_id: nodeId('Repository', repository.id),
    name: repository.name,
    full_name: repository.fullName,
    private: repository.private,
    visibility: repository.private ? 'private' : 'public',
    owner: account(site, repository.owner),
    html_url: html,
    description: null,
    fork: false,
    url: api,
    ...links,
    git_url: `${html}.git`,
    ssh_url: `${html}.git`,
    clone_url: `${html}.git`,
    svn_url: html,
    mirror_url: null,
    homepage: null,
    language: 'Go',
    license: null,
    default_branch: repository.defaultBranch,
    created_at: instant(repository.createdAt),
    updated_at: instant(repository.createdAt),
    pushed_at: instant(repository.createdAt),
    size: 0,
    open_issues: open,
    open_issues_count: open,
    archived: repository.archived,
    ...NOTHING_YET,
  }
}

const NOTHING_YET = {
  forks: 0,
  forks_count: 0,
  stargazers_count: 0,
  watchers: 0,
  watchers_count: 0,
  has_issues: true,
  has_projects: false,
  has_wiki: false,
  has_pages: false,
  has_downloads: false,
  has_discussions: false,
  disabled: false,
} as const

/** `full-repository`: what `GET /repos/{owner}/{repo}` adds. */
export function fullRepository(site: Site, repository: Repository): JsonObject {
  return { ...repositoryShape(site, repository), network_count: 0, subscribers_count: 0 }
}

export function integration(site: Site): JsonObject {
  const { appId, slug, grants } = site.desk.config
  const [first] = site.repositories.values()
  return {
    id: appId,
    slug,
    node_id: nodeId('App', appId),
    owner: account(site, first?.owner ?? slug),
    name: slug,
    description: 'The local forge: no account at GitHub is involved.',
    external_url: site.origin,
    html_url: `${site.origin}/apps/${slug}`,
    created_at: instant(first?.createdAt ?? 0),
    updated_at: instant(first?.createdAt ?? 0),
    permissions: { ...grants },
    events: [],
  }
}

export function installation(site: Site): JsonObject {
  const { appId, slug, grants, installationId } = site.desk.config
  const [first] = site.repositories.values()
  const holder = account(site, first?.owner ?? slug)
  return {
    id: installationId,
    account: holder,
    repository_selection: 'all',
    access_tokens_url: `${site.origin}/app/installations/${installationId}/access_tokens`,
    repositories_url: `${site.origin}/installation/repositories`,
    html_url: `${site.origin}/settings/installations/${installationId}`,
    app_id: appId,
    app_slug: slug,
    target_id: holder['id'] ?? 0,
    target_type: 'Organization',
    permissions: { ...grants },
    events: [],
    created_at: instant(first?.createdAt ?? 0),
    updated_at: instant(first?.createdAt ?? 0),
    single_file_name: null,
    suspended_by: null,
    suspended_at: null,
  }
}
