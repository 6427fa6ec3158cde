/** The evidence format. A body with another `v` is not ours to judge. */
export const VERSION = 'aegis-evidence/1'

/** Entries of a session's chain. Log-level leaves (`manifest`, `boot`, ...) are made inside `ledger/` only. */
export const ENTRY_KINDS = [
  'allow',
  'block',
  'review',
  'rewrite',
  'approve',
  'deny',
  'expire',
  'result',
  'override',
  'orphan',
] as const
export type EntryKind = (typeof ENTRY_KINDS)[number]

/** The values an entry commits to without showing them. */
export const COMMITTED = ['params', 'target', 'result', 'comment', 'justification', 'plan'] as const
export type Committed = (typeof COMMITTED)[number]

export function isCommitted(path: string): path is Committed {
  return COMMITTED.some((known) => known === path)
}

/** In the findings of an `approve` entry, with a number of seconds behind it: for so long the approval may be used again and again. */
export const REPEAT_FINDING = 'repeat:'
