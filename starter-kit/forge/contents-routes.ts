import { forRepository, READ_CONTENTS, WRITE_CONTENTS } from './access.ts'
import { optionalText, requiredText } from './body.ts'
import { base64Lines, contentEntry, gitCommit } from './commit-shapes.ts'
import type { TreeEntry } from './git.ts'
import { isTreePath } from './names.ts'
import { invalid, notFound, Refusal } from './problem.ts'
import { branchSha, resolveCommit } from './repository.ts'
import { created, ok, type Reply, type RepositoryAsk, type Route } from './router.ts'
import { moveBranch, signatureOf } from './writes.ts'

/** Files and folders by path (repository contents API), and raw files. */
export const contentsRoutes: readonly Route[] = [
  forRepository('GET /repos/{owner}/{repo}/contents', [READ_CONTENTS], read),
  forRepository('GET /repos/{owner}/{repo}/contents/{path+}', [READ_CONTENTS], read),
  forRepository('PUT /repos/{owner}/{repo}/contents/{path+}', [WRITE_CONTENTS], (ask) =>
    ask.repository.alone(() => write(ask, decodeContent(ask))),
  ),
  forRepository('DELETE /repos/{owner}/{repo}/contents/{path+}', [WRITE_CONTENTS], (ask) =>
    ask.repository.alone(() => write(ask, null)),
  ),
  // The form GitHub Enterprise serves: /raw/{owner}/{repo}/{ref}/{path}. A ref with slashes comes with its prefix.
  forRepository('GET /raw/{owner}/{repo}/refs/{kind}/{rest+}', [READ_CONTENTS], rawByRef),
  forRepository('GET /raw/{owner}/{repo}/{ref}/{path+}', [READ_CONTENTS], (ask) =>
    raw(ask, ask.part('ref'), ask.part('path')),
  ),
]

async function read(ask: RepositoryAsk): Promise<Reply> {
  const { site, repository, query } = ask
  const { git } = repository
  const ref = query.get('ref') ?? ''
  const commit = await resolveCommit(repository, ref)
  if (commit === null) throw new Refusal(404, `No commit found for the ref ${ref}`)
  const shown = ref === '' ? repository.defaultBranch : ref
  const path = ask.part('path').replace(/\/+$/, '')
  const list = async (tree: string, prefix: string): Promise<Reply> => {
    const entries = await git.tree(tree, false)
    return ok(entries.map((entry) => contentEntry(site, repository, shown, `${prefix}${entry.path}`, entry)))
  }
  if (path === '') return list(commit, '')
  const entry = await git.entry(commit, path)
  if (entry === null) throw notFound()
  if (entry.type === 'tree') return list(entry.sha, `${path}/`)
  const content = await git.blob(entry.sha)
  if (ask.accept.includes('raw')) return { status: 200, type: 'application/vnd.github.raw', content }
  const described = contentEntry(site, repository, shown, path, entry)
  return ok({ ...described, content: base64Lines(content), encoding: 'base64' })
}

async function rawByRef(ask: RepositoryAsk): Promise<Reply> {
  const rest = ask.part('rest').split('/')
  // Where the branch's name ends only the branches can tell: take the longest that exists.
  for (let words = rest.length - 1; words > 0; words -= 1) {
    const ref = `refs/${ask.part('kind')}/${rest.slice(0, words).join('/')}`
    if ((await resolveCommit(ask.repository, ref)) !== null) return raw(ask, ref, rest.slice(words).join('/'))
  }
  throw notFound()
}

async function raw(ask: RepositoryAsk, ref: string, path: string): Promise<Reply> {
  const { repository } = ask
  const commit = await resolveCommit(repository, ref)
  const entry = commit === null ? null : await repository.git.entry(commit, path)
  if (entry === null || entry.type !== 'blob') throw notFound()
  // Always as plain text: a file of the repository must never run as a page of this origin.
  return { status: 200, type: 'text/plain; charset=utf-8', content: await repository.git.blob(entry.sha) }
}

function decodeContent(ask: RepositoryAsk): Buffer {
  const text = optionalText(ask.body, 'content')
  if (text === undefined) throw new Refusal(422, 'Invalid request.\n\n"content" wasn\'t supplied.')
  const plain = text.replace(/\s/g, '')
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(plain)) throw new Refusal(422, 'content is not valid Base64')
  return Buffer.from(plain, 'base64')
}

/** Puts the content at the path in one commit; null deletes. The caller must name the blob it replaces. */
async function write(ask: RepositoryAsk, content: Buffer | null): Promise<Reply> {
  const { site, repository, body } = ask
  const { git } = repository
  const path = ask.part('path')
  if (!isTreePath(path)) throw new Refusal(422, 'path contains a malformed path component')
  const message = requiredText(body, 'message', 'Commit')
  const branch = optionalText(body, 'branch') ?? ask.query.get('branch') ?? repository.defaultBranch
  const head = await branchSha(repository, branch)
  if (head === null) throw new Refusal(404, `Branch ${branch} not found`)
  const before = await git.entry(head, path)
  checkReplaced(before, path, optionalText(body, 'sha') ?? ask.query.get('sha'), content === null)
  const sha = content === null ? null : await git.writeBlob(content)
  const mode = before?.type === 'blob' ? before.mode : '100644'
  const tree = await git.writeTree(head, [{ path, mode, sha }])
  const by = signatureOf(ask)
  const next = await git.writeCommit({ tree, parents: [head], author: by, committer: by, message })
  await moveBranch(ask, `refs/heads/${branch}`, head, next, { by: 'contents' })
  const [commit] = await git.commits([next])
  const after = await git.entry(next, path)
  if (commit === undefined) throw notFound()
  const reply = {
    content: after === null ? null : contentEntry(site, repository, branch, path, after),
    commit: gitCommit(site, repository, commit),
  }
  return before === null ? created(reply) : ok(reply)
}

function checkReplaced(before: TreeEntry | null, path: string, sha: string | null, deletes: boolean): void {
  if (before === null) {
    if (deletes) throw notFound()
    if (sha !== null) throw new Refusal(409, `${path} does not match ${sha}`)
    return
  }
  if (before.type !== 'blob') throw invalid('Commit', 'path', `${path} is not a file`)
  if (sha === null) throw new Refusal(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
  if (before.sha !== sha) throw new Refusal(409, `${path} does not match ${sha}`)
}
