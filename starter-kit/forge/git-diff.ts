/** One changed file between two trees, with its patch as GitHub shows it (hunks only). */
export interface Change {
  readonly status: 'added' | 'removed' | 'modified' | 'renamed' | 'changed'
  readonly path: string
  readonly previousPath: string | null
  /** The blob after the change; before it, for a removed file. */
  readonly sha: string
  readonly additions: number
  readonly deletions: number
  /** Absent for binary files and pure renames. */
  readonly patch: string | null
}

const STATUS: Readonly<Record<string, Change['status']>> = {
  A: 'added',
  D: 'removed',
  M: 'modified',
  R: 'renamed',
  T: 'changed',
}

/** Reads `git diff-tree -z --raw --numstat`: first all raw records, then all counts, in one order; `patches` holds the same files in that order. */
export function parseRaw(output: string, patches: string): Change[] {
  const fields = output.split('\0')
  const records: Omit<Change, 'additions' | 'deletions' | 'patch'>[] = []
  let at = 0
  while (fields[at]?.startsWith(':')) {
    const [, , before = '', after = '', letter = 'M'] = (fields[at] ?? '').slice(1).split(' ')
    const renamed = letter.startsWith('R')
    const first = fields[at + 1] ?? ''
    records.push({
      status: STATUS[letter.charAt(0)] ?? 'modified',
      path: renamed ? (fields[at + 2] ?? '') : first,
      previousPath: renamed ? first : null,
      sha: letter === 'D' ? before : after,
    })
    at += renamed ? 3 : 2
  }
  const sections = splitPatches(patches)
  return records.map((record) => {
    const [additions = '0', deletions = '0', path] = (fields[at] ?? '').split('\t')
    at += path === '' ? 3 : 1
    // A change of type (a file becomes a link) is shown as a removal and an addition: two sections.
    const [patch] = sections.splice(0, record.status === 'changed' ? 2 : 1)
    return { ...record, additions: count(additions), deletions: count(deletions), patch: patch ?? null }
  })
}

// A binary file is counted `-`.
const count = (field: string): number => (field === '-' ? 0 : Number(field))

/** Every line of a hunk starts with a space, a sign or a backslash, so `diff --git` at a line's start is always a header. */
function splitPatches(output: string): (string | null)[] {
  return output
    .split(/^diff --git .*$/m)
    .slice(1)
    .map((section) => {
      const start = section.search(/^@@ /m)
      return start === -1 ? null : section.slice(start).replace(/\n$/, '')
    })
}
