import type { Branch } from '../envelope.ts'
import { excerpt } from '../paths.ts'
import { hiddenCharacter } from '../visible-text.ts'

/** A branch as policy globs see it, and why it cannot be trusted to be that branch. */
export interface BranchReading {
  readonly branch: Branch
  readonly name: string
  readonly doubt: string | null
}

/** git takes longer ones in some places and not in others; GitHub takes 255 bytes with `refs/heads/`. */
const MAX_REF_BYTES = 244

/** What git-check-ref-format(1) refuses, `HEAD` and a leading `-` as with its `--branch`. */
const NO_REF_NAME = /[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|(?:^|\/)\.|\.lock(?:\/|$)|^[-/]|[/.]$|^(?:@|HEAD)?$/

/** Why git could have no branch of this name, or null where it could. */
export function refNameFault(name: string): string | null {
  if (Buffer.byteLength(name) > MAX_REF_BYTES) return `is longer than ${MAX_REF_BYTES} bytes`
  return NO_REF_NAME.test(name) ? 'is no name that git gives to branches' : null
}

/** `refs/heads/main` and `heads/main` as `main`. */
export function shortBranch(text: string): string {
  return text.normalize('NFC').replace(/^(?:refs\/)?heads\//, '')
}

/**
 * Reads a branch argument: `refs/heads/main` and `heads/main` are matched as `main` and doubted, for servers disagree
 * on what they mean. Anything git-check-ref-format(1) refuses is doubted, and so is `%`, which a server that pastes the
 * name into a URL would decode.
 */
export function readBranch(text: string): BranchReading {
  const name = shortBranch(text)
  return { branch: { kind: 'named', name }, name, doubt: branchDoubt(text, name) }
}

function branchDoubt(text: string, name: string): string | null {
  const hidden = hiddenCharacter(text)
  if (hidden !== null) return `a branch name holds the hidden character ${hidden}`
  const shown = excerpt(text)
  const composed = text.normalize('NFC')
  if (composed !== name || name.startsWith('refs/')) return `the branch ${shown} is spelt as a full ref`
  // To git these are two branches, to a reader they are one.
  if (composed !== text) return `the branch ${shown} is spelt with decomposed characters`
  return refNameFault(name) !== null || /[%#]/.test(name) ? `${shown} is not a plain branch name` : null
}
