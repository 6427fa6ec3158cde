import type { ChangedFile, ChangesFact } from '../../core/facts.ts'
import type { Json, JsonObject } from '../../core/json.ts'
import { repositoryPath } from '../../github/index.ts'
import type { Place } from './place.ts'
import type { PullState } from './pull.ts'
import { listOf, objectOf, text, whole } from './shapes.ts'

/** GitHub lists at most 3,000 files of a pull request. */
const PAGES = 30
/** GitHub lists at most 300 files of a comparison, all on its first page. */
const COMPARED_FILES = 300
const COMPARISON_LIMIT = 16 * 1024 * 1024

/** `GET /pulls/{n}/files`, all pages. */
export async function pullFiles(place: Place, pull: PullState): Promise<ChangesFact> {
  const path = place.path('pulls', String(pull.number), 'files')
  const found = await place.rest.pages(path, { ...place.mutable, most: PAGES })
  const files = found.items.map((item) => changedFile(item, pull.headSha))
  return { files, complete: found.complete && files.length >= pull.changedFiles }
}

/**
 * `GET /compare/{base}...{head}`: what a pull request between the two would hold. `head` may be `owner:branch`.
 * `commit`: the head's commit, where it is known.
 */
export async function comparedFiles(
  place: Place,
  base: string,
  head: string,
  commit: string | null,
): Promise<ChangesFact> {
  // Of the commits only one is asked for: the files are wanted.
  const path = `${repositoryPath(place.repository, 'compare', `${base}...${head}`)}?per_page=1&page=1`
  const { body } = await place.rest.get(path, { ...place.mutable, limit: COMPARISON_LIMIT })
  const list = listOf(objectOf(body, 'comparison')['files'], 'files')
  const files = list.map((item) => changedFile(item, commit))
  return { files, complete: files.length < COMPARED_FILES }
}

type Status = ChangedFile['status']
const STATUS: Readonly<Record<string, Status>> = {
  added: 'added',
  copied: 'added',
  modified: 'modified',
  changed: 'modified',
  unchanged: 'modified',
  removed: 'removed',
  renamed: 'renamed',
}

function changedFile(item: Json, commit: string | null): ChangedFile {
  const file = objectOf(item, 'file')
  const path = text(file, 'filename', 'a file')
  const said = text(file, 'status', 'a file')
  const status = Object.hasOwn(STATUS, said) ? STATUS[said] : undefined
  if (status === undefined) throw new Error('GitHub says nothing known of what happens to a file')
  // A removed file is shown where it last was, before the head.
  if (commit !== null && status !== 'removed') checkCommit(file, commit)
  const from = file['previous_filename']
  return { path, previousPath: typeof from === 'string' ? from : null, status, ...lines(file, status) }
}

/** The list is of whatever the head was when it was asked for: each file names the commit in its address. */
function checkCommit(file: JsonObject, commit: string): void {
  const address = text(file, 'contents_url', 'a file')
  if (!address.endsWith(`?ref=${commit}`)) throw new Error('the pull request changed while its files were read')
}

/** Counts and new lines. A binary or very large file has no patch: of the one GitHub counts no lines, of the other it shows none. */
function lines(file: JsonObject, status: Status): Pick<ChangedFile, 'additions' | 'deletions' | 'added'> {
  const additions = whole(file, 'additions', 'a file')
  const deletions = whole(file, 'deletions', 'a file')
  const patch = file['patch']
  if (typeof patch === 'string') {
    const added = patch
      .split('\n')
      .filter((line) => line.startsWith('+'))
      .map((line) => line.slice(1))
    // A patch that was cut shows fewer lines than were counted.
    return { additions, deletions, added: added.length === additions ? added.join('\n') : null }
  }
  const uncounted = additions === 0 && deletions === 0
  const moved = uncounted && status === 'renamed'
  if (moved) return { additions, deletions, added: '' }
  return uncounted ? { additions: null, deletions: null, added: null } : { additions, deletions, added: null }
}
