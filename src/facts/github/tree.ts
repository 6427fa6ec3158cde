import type { Place } from './place.ts'
import { flag, listOf, objectOf, sha, text, whole } from './shapes.ts'

/** Bytes of the list of a very large repository: GitHub cuts it at 100,000 entries or 7 MB. */
const TREE_LIMIT = 40 * 1024 * 1024
/** Most files of a folder that are named where a file takes its place. */
const FOLDER_FILES = 300

export interface Blob {
  readonly sha: string
  readonly size: number
  /** A link: its text is the path it stands for. */
  readonly link: boolean
}

/** What lies at a path that is to be written. */
export type Was =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'file'; readonly blob: Blob }
  /** A part of the path is a file or a link: `rest` is what comes after it. */
  | { readonly kind: 'under-file'; readonly at: string; readonly blob: Blob; readonly rest: string }
  /** A file there takes the place of all these. */
  | { readonly kind: 'folder'; readonly files: readonly string[]; readonly complete: boolean }
  | { readonly kind: 'submodule' }
  /** The list was cut, and this path is not in what is left. */
  | { readonly kind: 'unlisted' }

/** What the tree holds at the paths, at their parents and below them; of the rest nothing is kept. */
export interface Tree {
  readonly blobs: ReadonlyMap<string, Blob>
  readonly folders: ReadonlyMap<string, readonly string[]>
  readonly submodules: ReadonlySet<string>
  readonly whole: boolean
}

/** `GET /git/trees/{sha}?recursive=1`, once for each tree. */
export async function readTree(place: Place, tree: string, wanted: ReadonlySet<string>): Promise<Tree> {
  const path = `${place.path('git/trees', tree)}?recursive=1`
  const { body } = await place.rest.get(path, { ...place.immutable, limit: TREE_LIMIT })
  const found = objectOf(body, 'tree')
  if (sha(found, 'sha', 'the tree') !== tree) throw new Error('GitHub answers with another tree than asked for')
  const relevant = new Set([...wanted].flatMap(withParents))
  const blobs = new Map<string, Blob>()
  const folders = new Map<string, string[]>()
  const submodules = new Set<string>()
  for (const item of listOf(found['tree'], 'entries of a tree')) {
    const entry = objectOf(item, 'entry of a tree')
    const at = text(entry, 'path', 'a tree')
    const type = text(entry, 'type', 'a tree')
    for (const parent of type === 'tree' ? [] : parents(at)) {
      if (wanted.has(parent)) folders.set(parent, [...(folders.get(parent) ?? []).slice(0, FOLDER_FILES), at])
    }
    if (!relevant.has(at)) continue
    if (type === 'commit') submodules.add(at)
    else if (type === 'blob') {
      const link = text(entry, 'mode', 'a tree') === '120000'
      blobs.set(at, { sha: sha(entry, 'sha', 'a tree'), size: whole(entry, 'size', 'a tree'), link })
    }
  }
  return { blobs, folders, submodules, whole: !flag(found, 'truncated', 'the tree') }
}

export function lookUp(tree: Tree, path: string): Was {
  const blob = tree.blobs.get(path)
  if (blob !== undefined) return { kind: 'file', blob }
  for (const at of parents(path)) {
    if (tree.submodules.has(at)) return { kind: 'submodule' }
    const above = tree.blobs.get(at)
    if (above !== undefined) return { kind: 'under-file', at, blob: above, rest: path.slice(at.length + 1) }
  }
  if (tree.submodules.has(path)) return { kind: 'submodule' }
  if (!tree.whole) return { kind: 'unlisted' }
  const files = tree.folders.get(path)
  if (files === undefined) return { kind: 'nothing' }
  return { kind: 'folder', files: files.slice(0, FOLDER_FILES), complete: files.length <= FOLDER_FILES }
}

const withParents = (path: string): string[] => [path, ...parents(path)]

/** `a/b/c` -> `a/b`, `a`. */
function parents(path: string): string[] {
  const found: string[] = []
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) found.push(path.slice(0, at))
  return found
}
