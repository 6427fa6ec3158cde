import { isObject, type JsonObject } from '../../src/core/json.ts'
import { forRepository, READ_CONTENTS, WRITE_CONTENTS } from './access.ts'
import { flag, objectList, optionalText, requiredText, textList } from './body.ts'
import { gitCommit } from './commit-shapes.ts'
import type { Signature, TreeChange, TreeEntry } from './git.ts'
import { isSha, isTreePath, isWritableRef } from './names.ts'
import { notFound, Refusal } from './problem.ts'
import { guardDeletion } from './protection.ts'
import { type Repository, resolveCommit } from './repository.ts'
import { created, ok, type Reply, type RepositoryAsk, type Route, type Site } from './router.ts'
import { nodeId, repositoryApi } from './shapes.ts'
import { moveBranch, signatureOf } from './writes.ts'

/** Git data API: refs, trees, commits, blobs. */
export const gitRoutes: readonly Route[] = [
  forRepository('GET /repos/{owner}/{repo}/git/ref/{ref+}', [READ_CONTENTS], readRef),
  // Not documented any more, still served by GitHub and used by clients.
  forRepository('GET /repos/{owner}/{repo}/git/refs/{ref+}', [READ_CONTENTS], readRef),
  forRepository('GET /repos/{owner}/{repo}/git/matching-refs/{ref+}', [READ_CONTENTS], async (ask) => {
    const prefix = `refs/${ask.part('ref')}`
    if (!/^refs\/(?:heads|tags)(?:\/|$)/.test(prefix)) return ok([])
    const refs = await ask.repository.git.refs(prefix.startsWith('refs/tags') ? 'refs/tags/' : 'refs/heads/')
    const matching = refs.filter(({ name }) => name.startsWith(prefix))
    return ok(matching.map(({ name, sha }) => refShape(ask.site, ask.repository, name, sha)))
  }),
  forRepository('POST /repos/{owner}/{repo}/git/refs', [WRITE_CONTENTS], createRef),
  forRepository('PATCH /repos/{owner}/{repo}/git/refs/{ref+}', [WRITE_CONTENTS], (ask) =>
    ask.repository.alone(() => updateRef(ask)),
  ),
  forRepository('DELETE /repos/{owner}/{repo}/git/refs/{ref+}', [WRITE_CONTENTS], async (ask) => {
    const name = `refs/${ask.part('ref')}`
    const sha = isWritableRef(name) ? await ask.repository.git.ref(name) : null
    if (sha === null) throw new Refusal(422, 'Reference does not exist')
    guardDeletion(ask, name)
    await ask.repository.git.moveRef(name, sha, null)
    return { status: 204 }
  }),
  forRepository('POST /repos/{owner}/{repo}/git/blobs', [WRITE_CONTENTS], createBlob),
  forRepository('GET /repos/{owner}/{repo}/git/blobs/{sha}', [READ_CONTENTS], readBlob),
  forRepository('POST /repos/{owner}/{repo}/git/trees', [WRITE_CONTENTS], createTree),
  forRepository('GET /repos/{owner}/{repo}/git/trees/{ref+}', [READ_CONTENTS], readTree),
  forRepository('POST /repos/{owner}/{repo}/git/commits', [WRITE_CONTENTS], createCommit),
  forRepository('GET /repos/{owner}/{repo}/git/commits/{sha}', [READ_CONTENTS], async (ask) =>
    ok(await commitReply(ask, ask.part('sha'))),
  ),
]

function refShape(site: Site, repository: Repository, name: string, sha: string): JsonObject {
  const api = repositoryApi(site, repository)
  return {
    ref: name,
    node_id: nodeId('Ref', `${repository.key}:${name}`),
    url: `${api}/git/${name}`,
    object: { sha, type: 'commit', url: `${api}/git/commits/${sha}` },
  }
}

async function readRef(ask: RepositoryAsk): Promise<Reply> {
  const name = `refs/${ask.part('ref').replace(/^refs\//, '')}`
  const sha = isWritableRef(name) ? await ask.repository.git.ref(name) : null
  if (sha === null) throw notFound()
  return ok(refShape(ask.site, ask.repository, name, sha))
}

async function knownCommit(ask: RepositoryAsk, sha: string): Promise<string> {
  if ((await ask.repository.git.objectType(sha)) !== 'commit') throw new Refusal(422, 'Object does not exist')
  return sha
}

async function createRef(ask: RepositoryAsk): Promise<Reply> {
  const name = requiredText(ask.body, 'ref', 'Reference')
  if (!isWritableRef(name)) throw new Refusal(422, `${name} is not a valid ref name.`)
  const sha = await knownCommit(ask, requiredText(ask.body, 'sha', 'Reference'))
  return ask.repository.alone(async () => {
    if ((await ask.repository.git.ref(name)) !== null) throw new Refusal(422, 'Reference already exists')
    await moveBranch(ask, name, null, sha, { by: 'ref' })
    return created(refShape(ask.site, ask.repository, name, sha))
  })
}

async function updateRef(ask: RepositoryAsk): Promise<Reply> {
  const { git } = ask.repository
  const name = `refs/${ask.part('ref')}`
  const from = isWritableRef(name) ? await git.ref(name) : null
  if (from === null) throw new Refusal(422, 'Reference does not exist')
  const to = await knownCommit(ask, requiredText(ask.body, 'sha', 'Reference'))
  if (!flag(ask.body, 'force') && (await git.mergeBase(from, to)) !== from) {
    throw new Refusal(422, 'Update is not a fast forward')
  }
  await moveBranch(ask, name, from, to, { by: 'ref' })
  return ok(refShape(ask.site, ask.repository, name, to))
}

async function createBlob(ask: RepositoryAsk): Promise<Reply> {
  const content = optionalText(ask.body, 'content')
  const encoding = optionalText(ask.body, 'encoding') ?? 'utf-8'
  if (content === undefined || (encoding !== 'utf-8' && encoding !== 'base64')) {
    throw new Refusal(422, 'Invalid request.\n\n"content" and an encoding of utf-8 or base64 are needed.')
  }
  const sha = await ask.repository.git.writeBlob(Buffer.from(content, encoding))
  return created({ sha, url: `${repositoryApi(ask.site, ask.repository)}/git/blobs/${sha}` })
}

async function readBlob(ask: RepositoryAsk): Promise<Reply> {
  const { git } = ask.repository
  const sha = ask.part('sha')
  if ((await git.objectType(sha)) !== 'blob') throw notFound()
  const content = await git.blob(sha)
  if (ask.accept.includes('raw')) return { status: 200, type: 'application/vnd.github.raw', content }
  return ok({
    sha,
    node_id: nodeId('Blob', sha),
    size: content.length,
    url: `${repositoryApi(ask.site, ask.repository)}/git/blobs/${sha}`,
    content: content.toString('base64'),
    encoding: 'base64',
  })
}

const MODES: ReadonlySet<string> = new Set(['100644', '100755', '120000'])

async function createTree(ask: RepositoryAsk): Promise<Reply> {
  const { git } = ask.repository
  const base = optionalText(ask.body, 'base_tree') ?? null
  if (base !== null) {
    const type = await git.objectType(base)
    if (type !== 'commit' && type !== 'tree') throw new Refusal(422, 'base_tree is not a valid tree oid')
  }
  const changes = await Promise.all(objectList(ask.body, 'tree').map((entry) => treeChange(ask, entry)))
  if (changes.length === 0) throw new Refusal(422, 'Invalid tree info')
  const sha = await git.writeTree(base, changes)
  const listed = await git.tree(sha, false)
  return created(treeShape(ask, sha, listed))
}

async function treeChange(ask: RepositoryAsk, entry: JsonObject): Promise<TreeChange> {
  const { git } = ask.repository
  const path = requiredText(entry, 'path', 'Tree')
  if (!isTreePath(path)) throw new Refusal(422, 'tree.path contains a malformed path component')
  const mode = optionalText(entry, 'mode') ?? '100644'
  if (!MODES.has(mode)) throw new Refusal(422, 'tree.mode must be 100644, 100755 or 120000 here')
  const content = optionalText(entry, 'content')
  if (content !== undefined) return { path, mode, sha: await git.writeBlob(Buffer.from(content)) }
  if (entry['sha'] === null) return { path, mode, sha: null }
  const sha = requiredText(entry, 'sha', 'Tree')
  if ((await git.objectType(sha)) !== 'blob') throw new Refusal(422, `tree.sha ${sha.slice(0, 40)} is not a valid blob`)
  return { path, mode, sha }
}

async function readTree(ask: RepositoryAsk): Promise<Reply> {
  const { git } = ask.repository
  const name = ask.part('ref')
  const tree = isSha(name) && (await git.objectType(name)) === 'tree' ? name : await resolveCommit(ask.repository, name)
  if (tree === null) throw notFound()
  const entries = await git.tree(tree, ask.query.has('recursive'))
  return ok(treeShape(ask, tree, entries))
}

function treeShape(ask: RepositoryAsk, sha: string, entries: readonly TreeEntry[]): JsonObject {
  const api = `${repositoryApi(ask.site, ask.repository)}/git`
  return {
    sha,
    url: `${api}/trees/${sha}`,
    tree: entries.map((entry) => ({
      path: entry.path,
      mode: entry.mode,
      type: entry.type,
      sha: entry.sha,
      ...(entry.size === null ? {} : { size: entry.size }),
      url: `${api}/${entry.type === 'tree' ? 'trees' : 'blobs'}/${entry.sha}`,
    })),
    truncated: false,
  }
}

async function createCommit(ask: RepositoryAsk): Promise<Reply> {
  const { git } = ask.repository
  const message = requiredText(ask.body, 'message', 'Commit')
  const tree = requiredText(ask.body, 'tree', 'Commit')
  if ((await git.objectType(tree)) !== 'tree') throw new Refusal(422, 'Tree SHA does not exist')
  const parents = textList(ask.body, 'parents') ?? []
  for (const parent of parents) {
    if ((await git.objectType(parent)) !== 'commit')
      throw new Refusal(422, 'Parent SHA does not exist or is not a commit object')
  }
  const committer = signatureOf(ask)
  const author = authorOf(ask.body, committer)
  const sha = await git.writeCommit({ tree, parents, author, committer, message })
  return created(await commitReply(ask, sha))
}

/** The author a caller names, kept to what a commit header can hold: no line ends, no angle brackets. */
function authorOf(body: JsonObject, fallback: Signature): Signature {
  const author = body['author']
  if (!isObject(author)) return fallback
  const plain = (key: string): string =>
    requiredText(author, key, 'Commit')
      .replace(/[\u0000-\u001f<>]/g, '')
      .trim()
  const at = Date.parse(optionalText(author, 'date') ?? '')
  const name = plain('name')
  if (name === '') throw new Refusal(422, "Invalid request.\n\n'author.name' is empty.")
  return { name, email: plain('email'), at: Number.isNaN(at) || at < 0 ? fallback.at : at }
}

async function commitReply(ask: RepositoryAsk, sha: string): Promise<JsonObject> {
  if ((await ask.repository.git.objectType(sha)) !== 'commit') throw notFound()
  const [commit] = await ask.repository.git.commits([sha])
  if (commit === undefined) throw notFound()
  return gitCommit(ask.site, ask.repository, commit)
}
