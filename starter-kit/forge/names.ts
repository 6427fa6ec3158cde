/**
 * Names that a caller chose, checked before git sees them. Every one of these ends up as an argument or a line of input
 * of a git process, so what is not plainly a name is refused here: no options, no revision syntax, no path tricks.
 */

/** A full object name, SHA-1. */
export function isSha(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text)
}

// git-check-ref-format(1): control characters, space, ~ ^ : ? * [ \, `..`, `@{`, `//`, a dot or `.lock` at a component's ends.
const FORBIDDEN_IN_REF = /[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.\/|\.lock(?:\/|$)/

/** A branch or tag name without its `refs/heads/`, by the rules of git-check-ref-format(1), and never an option. */
export function isRefName(text: string): boolean {
  if (text === '' || text === '@' || Buffer.byteLength(text) > 244) return false
  if (FORBIDDEN_IN_REF.test(text) || !text.isWellFormed()) return false
  return !/^[-/.]|[/.]$/.test(text)
}

/** `refs/heads/x` or `refs/tags/x`: the only refs a caller may make, move or delete. */
export function isWritableRef(text: string): boolean {
  const name = /^refs\/(?:heads|tags)\/(.+)$/s.exec(text)?.[1]
  return name !== undefined && isRefName(name)
}

/** A path inside a tree: relative, no empty, `.`, `..` or `.git` component (in any case), no control characters. */
export function isTreePath(text: string): boolean {
  if (text === '' || Buffer.byteLength(text) > 4096 || !text.isWellFormed()) return false
  if (/[\u0000-\u001f\u007f\\]/.test(text)) return false
  return text.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && !isGitDirectory(part))
}

// HFS+ and NTFS read these as `.git`: ignorable code points, trailing dots and spaces, streams, the short name.
function isGitDirectory(component: string): boolean {
  const plain = component
    .replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '')
    .replace(/[. ]+$/, '')
    .toLowerCase()
  return plain === '.git' || plain === 'git~1' || plain.startsWith('.git:')
}

/** `owner/name` as GitHub allows it. */
export function isRepositoryName(text: string): boolean {
  return /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})\/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/.test(text)
}
