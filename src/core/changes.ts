import { diffArrays } from 'diff'
import type { ChangedFile } from './facts.ts'

/** Myers' search takes the square of the differences: beyond this many lines everything between the ends counts as changed. */
const MOST_EDITS = 1_000
/** Of all files of a change together, in squares: the search stands still for nobody else, so no push may make it long. */
const ALL_EDITS = 2_000_000

/**
 * What becomes of a file, line by line. Line ends (`\n`, `\r\n`) are no difference; what cannot be told, or would take too
 * long to find, is counted as if it had changed.
 * @param old what is there; null where nothing is, `unknown` where it could not be read: then all of `now` is new.
 * @param now what will be there; null where the file is removed.
 * @param among how many files the change has in all.
 */
export function changeOf(path: string, old: string | null | 'unknown', now: string | null, among = 1): ChangedFile {
  const status = now === null ? 'removed' : old === null ? 'added' : 'modified'
  const file = { path, previousPath: null, status } as const
  if (isBinary(now) || isBinary(old)) return { ...file, additions: null, deletions: null, added: null }
  const next = linesOf(now ?? '')
  if (old === 'unknown') return { ...file, additions: next.length, deletions: null, added: next.join('\n') }
  const { added, removed } = difference(linesOf(old ?? ''), next, among)
  return { ...file, additions: added.length, deletions: removed, added: added.join('\n') }
}

/** As git guesses it: text holds no NUL. */
function isBinary(text: string | null): boolean {
  return text?.includes('\0') === true
}

function linesOf(text: string): string[] {
  if (text === '') return []
  const lines = text.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}

function difference(
  old: readonly string[],
  now: readonly string[],
  among: number,
): { added: readonly string[]; removed: number } {
  let start = 0
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1
  let end = 0
  const most = Math.min(old.length, now.length) - start
  while (end < most && old[old.length - 1 - end] === now[now.length - 1 - end]) end += 1
  const before = old.slice(start, old.length - end)
  const after = now.slice(start, now.length - end)
  if (before.length === 0 || after.length === 0) return { added: after, removed: before.length }
  const maxEditLength = Math.min(MOST_EDITS, Math.floor(Math.sqrt(ALL_EDITS / among)))
  const parts = diffArrays(before, after, { maxEditLength })
  if (parts === undefined) return { added: after, removed: before.length }
  return {
    added: parts.flatMap((part) => (part.added ? part.value : [])),
    removed: parts.reduce((sum, part) => sum + (part.removed ? part.value.length : 0), 0),
  }
}

/** One line of a difference: `+` new, `-` gone, a space where it stays. */
export interface ChangedLine {
  readonly mark: '+' | '-' | ' '
  readonly text: string
}

/** What becomes of a text, line by line, all lines of both. Where the difference would take too long to find, all is replaced. */
export function lineChanges(old: string, now: string): readonly ChangedLine[] {
  const [before, after] = [linesOf(old), linesOf(now)]
  const parts = diffArrays(before, after, { maxEditLength: MOST_EDITS }) ?? [
    { value: before, removed: true, added: false },
    { value: after, removed: false, added: true },
  ]
  return parts.flatMap(({ value, added, removed }) =>
    value.map((text): ChangedLine => ({ mark: added ? '+' : removed ? '-' : ' ', text })),
  )
}
