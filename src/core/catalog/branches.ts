import type { Branch } from '../envelope.ts'
import { excerpt } from '../paths.ts'
import { hiddenCharacter } from '../visible-text.ts'

/** A branch as policy globs see it, and why it cannot be trusted to be that branch. */
export interface BranchReading {
  readonly branch: Branch
  readonly name: string
  readonly doubt: string | null
}

/**
 * Reads a branch argument: `refs/heads/main` and `heads/main` are matched as `main` and doubted, for servers disagree
 * on what they mean. Anything git-check-ref-format(1) refuses is doubted, and so is `%`, which a server that pastes the
 * name into a URL would decode.
 */
export function readBranch(text: string): BranchReading {
  const name = text.normalize('NFC').replace(/^(?:refs\/)?heads\//, '')
  return { branch: { kind: 'named', name }, name, doubt: branchDoubt(text, name) }
}

function branchDoubt(text: string, name: string): string | null {
  const hidden = hiddenCharacter(text)
  if (hidden !== null) return `a branch name holds the hidden character ${hidden}`
  const shown = excerpt(text)
  if (text !== name) return `the branch ${shown} is spelt as a full ref`
  if (/[ ~^:?*[\\%#]|\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)|^[-/.]|[/.]$|^@?$/.test(name)) {
    return `${shown} is not a plain branch name`
  }
  return null
}
