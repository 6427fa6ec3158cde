/** GitHub's JSON for commits, trees' entries, contents and changed files. */
import type { JsonObject } from '../../src/core/json.ts'
import type { Commit, Signature, TreeEntry } from './git.ts'
import type { Change } from './git-diff.ts'
import type { Repository } from './repository.ts'
import type { Site } from './router.ts'
import { account, instant, nodeId, repositoryApi } from './shapes.ts'

/** `git hash-object` of nothing: what a first commit is compared with. */
export const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

const UNSIGNED = { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null } as const

export const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/')

function signature(by: Signature): JsonObject {
  return { name: by.name, email: by.email, date: instant(by.at) }
}

/** `git-commit`: the commit object itself (git data API). */
export function gitCommit(site: Site, repository: Repository, commit: Commit): JsonObject {
  const api = repositoryApi(site, repository)
  const html = `${site.origin}/${repository.fullName}/commit`
  return {
    sha: commit.sha,
    node_id: nodeId('Commit', commit.sha),
    url: `${api}/git/commits/${commit.sha}`,
    html_url: `${html}/${commit.sha}`,
    author: signature(commit.author),
    committer: signature(commit.committer),
    message: commit.message,
    tree: { sha: commit.tree, url: `${api}/git/trees/${commit.tree}` },
    parents: commit.parents.map((sha) => ({ sha, url: `${api}/git/commits/${sha}`, html_url: `${html}/${sha}` })),
    verification: UNSIGNED,
  }
}

/** `commit`: the commit as repository listings show it. */
export function commitShape(site: Site, repository: Repository, commit: Commit): JsonObject {
  const api = repositoryApi(site, repository)
  const html = `${site.origin}/${repository.fullName}/commit`
  return {
    sha: commit.sha,
    node_id: nodeId('Commit', commit.sha),
    url: `${api}/commits/${commit.sha}`,
    html_url: `${html}/${commit.sha}`,
    comments_url: `${api}/commits/${commit.sha}/comments`,
    commit: {
      url: `${api}/git/commits/${commit.sha}`,
      author: signature(commit.author),
      committer: signature(commit.committer),
      message: commit.message,
      comment_count: 0,
      tree: { sha: commit.tree, url: `${api}/git/trees/${commit.tree}` },
      verification: UNSIGNED,
    },
    author: accountOf(site, commit.author),
    committer: accountOf(site, commit.committer),
    parents: commit.parents.map((sha) => ({ sha, url: `${api}/commits/${sha}`, html_url: `${html}/${sha}` })),
  }
}

/** GitHub knows a commit's account by its address; here only the no-reply ones are anyone's. */
function accountOf(site: Site, by: Signature): JsonObject | null {
  const login = /^(.+)@users\.noreply\.github\.com$/.exec(by.email)?.[1]?.replace(/^\d+\+/, '')
  return login === undefined ? null : account(site, login)
}

export function noReply(login: string): string {
  return `${login}@users.noreply.github.com`
}

/** `diff-entry`. */
export function changedFile(site: Site, repository: Repository, commit: string, change: Change): JsonObject {
  const html = `${site.origin}/${repository.fullName}`
  const path = encodePath(change.path)
  return {
    sha: change.sha,
    filename: change.path,
    status: change.status,
    additions: change.additions,
    deletions: change.deletions,
    changes: change.additions + change.deletions,
    blob_url: `${html}/blob/${commit}/${path}`,
    raw_url: `${html}/raw/${commit}/${path}`,
    contents_url: `${repositoryApi(site, repository)}/contents/${path}?ref=${commit}`,
    ...(change.patch === null ? {} : { patch: change.patch }),
    ...(change.previousPath === null ? {} : { previous_filename: change.previousPath }),
  }
}

/** A file or folder as the contents API lists it, without its content. */
export function contentEntry(
  site: Site,
  repository: Repository,
  ref: string,
  path: string,
  entry: TreeEntry,
): JsonObject {
  const api = repositoryApi(site, repository)
  const query = `?ref=${encodeURIComponent(ref)}`
  const self = `${api}/contents/${encodePath(path)}${query}`
  const folder = entry.type === 'tree'
  const html = `${site.origin}/${repository.fullName}/${folder ? 'tree' : 'blob'}/${encodePath(ref)}/${encodePath(path)}`
  const git = `${api}/git/${folder ? 'trees' : 'blobs'}/${entry.sha}`
  return {
    name: path.slice(path.lastIndexOf('/') + 1),
    path,
    sha: entry.sha,
    size: entry.size ?? 0,
    url: self,
    html_url: html,
    git_url: git,
    download_url: folder ? null : `${site.origin}/raw/${repository.fullName}/${encodePath(ref)}/${encodePath(path)}`,
    type: folder ? 'dir' : entry.type === 'commit' ? 'submodule' : entry.mode === '120000' ? 'symlink' : 'file',
    _links: { self, git, html },
  }
}

/** Base64 in lines of 60, as GitHub sends it. */
export function base64Lines(content: Buffer): string {
  return content.toString('base64').replace(/.{1,60}/g, '$&\n')
}
