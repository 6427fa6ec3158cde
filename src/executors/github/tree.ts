import type { PlannedFile, Repository } from '../../core/envelope.ts'
import type { Json } from '../../core/json.ts'
import { excerpt, readPath } from '../../core/paths.ts'
import { type GithubRest, repositoryPath } from '../../github/index.ts'
import { listIn, objectIn, shaIn, textIn } from './answers.ts'
import { Refused } from './refused.ts'

/** What a tree holds under one name. Modes as git writes them. */
interface TreeEntry {
  readonly mode: string
  readonly sha: string
}

const FILE = '100644'
const EXECUTABLE = '100755'
const SYMLINK = '120000'
const FOLDER = '040000'
/** Answers hold one folder; 100,000 names of 60 bytes and their addresses are still bounded. */
const FOLDER_LIMIT = 32 * 1024 * 1024

/**
 * The entries that turn one tree into the planned one, for `POST git/trees`. Every path is looked up folder by folder: what runs
 * through a symbolic link or a submodule, or replaces one, would be another file than was judged.
 * @throws Refused where a path cannot be written as planned
 */
export async function plannedEntries(
  rest: GithubRest,
  repository: Repository,
  rootTree: string,
  files: readonly PlannedFile[],
): Promise<Json[]> {
  const folders = new Map<string, Promise<ReadonlyMap<string, TreeEntry>>>()
  const folder = (sha: string) => {
    const known = folders.get(sha) ?? readFolder(rest, repository, sha)
    folders.set(sha, known)
    return known
  }
  const entries: Json[] = []
  for (const file of files) {
    const path = plainPath(file.path)
    const present = await find(folder, rootTree, path)
    entries.push(entryFor(file, path, present))
  }
  return entries
}

/** @throws Refused for a path that git could read in two ways */
function plainPath(text: string): string {
  const { path, doubt } = readPath(text)
  if (doubt !== null) throw new Refused(422, doubt)
  if (path.startsWith('/') || path === '.' || path.split('/').some((part) => part.toLowerCase() === '.git')) {
    throw new Refused(422, `${excerpt(text)} is not a path inside the repository`)
  }
  return path
}

async function find(
  folder: (sha: string) => Promise<ReadonlyMap<string, TreeEntry>>,
  root: string,
  path: string,
): Promise<TreeEntry | null> {
  const names = path.split('/')
  const last = names.pop() ?? ''
  let tree = root
  for (const name of names) {
    const entry = (await folder(tree)).get(name)
    if (entry === undefined) return null
    if (entry.mode !== FOLDER)
      throw new Refused(422, `${excerpt(path)} runs through ${excerpt(name)}, which is no folder`)
    tree = entry.sha
  }
  return (await folder(tree)).get(last) ?? null
}

function entryFor({ content, expects }: PlannedFile, path: string, present: TreeEntry | null): Json {
  if (present?.mode === SYMLINK) throw new Refused(422, `${excerpt(path)} is a symbolic link`)
  if (present !== null && present.mode !== FILE && present.mode !== EXECUTABLE)
    throw new Refused(422, `${excerpt(path)} is no file`)
  if (expects !== null && present?.sha !== expects)
    throw new Refused(409, `${excerpt(path)} does not match ${excerpt(expects)}`)
  const mode = present?.mode ?? FILE
  if (content !== null) return { path, mode, type: 'blob', content }
  if (present === null) throw new Refused(404, `${excerpt(path)} is not there`)
  return { path, mode, type: 'blob', sha: null }
}

async function readFolder(
  rest: GithubRest,
  repository: Repository,
  sha: string,
): Promise<ReadonlyMap<string, TreeEntry>> {
  const { body } = await rest.get(repositoryPath(repository, 'git', 'trees', sha), {
    keep: 'for good',
    limit: FOLDER_LIMIT,
  })
  const tree = objectIn(body)
  if (tree['truncated'] === true) throw new Refused(422, 'a folder on the way holds more files than GitHub lists')
  const entries = listIn(tree['tree'] ?? null, 'tree')
  return new Map(entries.map((entry) => [textIn(entry, 'path'), { mode: textIn(entry, 'mode'), sha: shaIn(entry) }]))
}
