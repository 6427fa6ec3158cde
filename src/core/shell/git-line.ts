import type { Branch } from '../envelope.ts'
import { excerpt } from '../paths.ts'
import { hasFlag, isAbbreviation } from './options.ts'
import type { ShellWord } from './words.ts'

/** A git command in the one spelling policy globs see. */
export interface GitLine {
  /** Command lines (as words, without `git`): one, or two where a push both forces and deletes. */
  readonly lines: readonly (readonly string[])[]
  /** Words after the subcommand. */
  readonly args: readonly ShellWord[]
  readonly branch: Branch
  readonly doubts: readonly string[]
}

const GLOBAL_VALUED = ['-C', '--git-dir', '--work-tree', '--namespace', '--super-prefix', '--attr-source']
const GLOBAL_FLAGS =
  /^(?:--no-pager|-P|--bare|--no-replace-objects|--no-lazy-fetch|--no-optional-locks|--no-advice|--literal-pathspecs|--glob-pathspecs|--noglob-pathspecs|--icase-pathspecs|--version|--help|-h|-v)$/
const RUNS_SOMETHING = [
  ...['exec-path', 'upload-pack', 'receive-pack', 'exec', 'output', 'ext-diff', 'textconv', 'open-files-in-pager'],
  ...[
    'config',
    'config-env',
    'template',
    'upload-archive',
    'extcmd',
    'tool',
    'git-dir',
    'work-tree',
    'signature-program',
  ],
]
/** Short options that start a pager or program, set configuration, or write a file. */
const RISKY_SHORT: ReadonlyMap<string, string> = new Map([
  ['grep', 'O'],
  ['archive', 'o'],
  ['format-patch', 'o'],
  ['clone', 'uc'],
  ['rebase', 'x'],
])
/** Subcommands git itself ships and whose arguments are read here; another name may be an alias for anything. */
const KNOWN = new Set([
  ...[
    'status',
    'log',
    'diff',
    'show',
    'blame',
    'branch',
    'checkout',
    'switch',
    'fetch',
    'add',
    'commit',
    'stash',
    'push',
  ],
  ...['pull', 'merge', 'rebase', 'reset', 'restore', 'clean', 'rm', 'mv', 'tag', 'remote', 'clone', 'init', 'describe'],
  ...[
    'rev-parse',
    'rev-list',
    'ls-files',
    'ls-tree',
    'ls-remote',
    'cat-file',
    'show-ref',
    'shortlog',
    'reflog',
    'grep',
  ],
  ...[
    'cherry-pick',
    'revert',
    'apply',
    'am',
    'format-patch',
    'archive',
    'gc',
    'fsck',
    'count-objects',
    'diff-tree',
    'notes',
  ],
  ...[
    'merge-base',
    'name-rev',
    'symbolic-ref',
    'for-each-ref',
    'worktree',
    'version',
    'help',
    'whatchanged',
    'range-diff',
  ],
])
/** Flags moved to the front, so that one glob such as `git reset --hard*` sees them wherever they stood. */
const FRONTED: ReadonlyMap<string, readonly string[]> = new Map([
  ['reset', ['--hard', '--merge', '--keep']],
  ['branch', ['-D', '-d', '--delete', '-M', '-f', '--force']],
  ['checkout', ['-f', '--force', '-B']],
  ['switch', ['-f', '--force', '--discard-changes', '-C']],
  ['tag', ['-d', '--delete', '-f', '--force']],
  ['commit', ['--amend', '--no-verify', '-n']],
])

/** Reads the words after `git`. */
export function readGit(args: readonly ShellWord[]): GitLine {
  const doubts: string[] = []
  const at = skipGlobals(args, doubts)
  const subcommand = args[at]
  if (subcommand === undefined)
    return { lines: [args.map((word) => word.text)], args: [], branch: { kind: 'none' }, doubts }
  const rest = args.slice(at + 1)
  if (subcommand.doubt !== null) doubts.push(subcommand.doubt)
  else if (!KNOWN.has(subcommand.text))
    doubts.push(`git ${excerpt(subcommand.text)} may be an alias or runs other programs`)
  for (const word of rest) doubts.push(...riskyOption(subcommand.text, word.text))
  if (subcommand.text === 'push') return readPush(rest, doubts)
  const words = rest.map((word) => word.text)
  return {
    lines: [[subcommand.text, ...fronted(subcommand.text, words)]],
    args: rest,
    branch: { kind: 'none' },
    doubts,
  }
}

function skipGlobals(args: readonly ShellWord[], doubts: string[]): number {
  let at = 0
  for (; at < args.length; at += 1) {
    const text = args[at]?.text ?? ''
    if (!text.startsWith('-')) return at
    const option = text.split('=', 1)[0] ?? ''
    if (GLOBAL_VALUED.includes(option)) {
      // Another repository has other hooks, configuration and remotes; a plain `-C .` has not.
      const value = text.includes('=') ? text.slice(option.length + 1) : (args[++at]?.text ?? '')
      if (option !== '-C' || value !== '.') doubts.push(`git works on another place: ${excerpt(`${option} ${value}`)}`)
    } else if (!GLOBAL_FLAGS.test(text)) {
      doubts.push(`git's option ${excerpt(option)} can start other programs`)
      if (text === '-c' || text === '--config-env' || text === '--exec-path') at += 1
    }
  }
  return at
}

function riskyOption(subcommand: string, word: string): string[] {
  if (/^[a-z][a-z0-9-]*::/.test(word)) return [`${excerpt(word)} starts a remote helper`]
  if (!word.startsWith('-')) return []
  if (subcommand === 'commit' && (isAbbreviation(word, 'no-verify', 4) || /^-[aeiopqsvz]*n/.test(word))) {
    return ['git commit skips the hooks']
  }
  const short = RISKY_SHORT.get(subcommand)
  const risky =
    RUNS_SOMETHING.some((long) => isAbbreviation(word, long, leastLetters(long))) ||
    (short !== undefined && hasFlag(word, short))
  return risky ? [`git ${subcommand} ${excerpt(word)} can start a program or write a file`] : []
}

/** git takes any prefix that means one option only: `git grep --op` is enough, `--ou` and `--ex` mean several. */
function leastLetters(long: string): number {
  return long === 'open-files-in-pager' ? 2 : 3
}

function fronted(subcommand: string, words: readonly string[]): readonly string[] {
  const flags = FRONTED.get(subcommand)
  if (flags === undefined) return words
  const end = words.includes('--') ? words.indexOf('--') : words.length
  const front = flags.filter((flag) =>
    words.slice(0, end).some((word) => isAbbreviation(word, flag.replace(/^-+/, ''), 2) || word === flag),
  )
  return [...front, ...words.filter((word, index) => index >= end || !front.includes(word))]
}

/** Words of `git push` read for what they do to the remote. */
function readPush(rest: readonly ShellWord[], doubts: string[]): GitLine {
  let force = false
  let remove = false
  const kept: string[] = []
  const positional: string[] = []
  for (const { text } of rest) {
    const flags = /^-[A-Za-z]+$/.test(text) ? text.slice(1) : ''
    if (pushes(text, ['force', 'force-with-lease', 'force-if-includes', 'mirror', 'prune']) || flags.includes('f'))
      force = true
    if (pushes(text, ['delete', 'mirror', 'prune']) || flags.includes('d')) remove = true
    if (pushes(text, ['all', 'branches', 'tags', 'mirror', 'follow-tags']))
      doubts.push(`git push ${text} touches many refs`)
    if (text === '-o' || text === '--push-option' || pushes(text, ['repo', 'push-option']))
      doubts.push(`git push takes ${excerpt(text)}`)
    if (text.startsWith('+')) force = true
    if (text.startsWith(':') || text.startsWith('+:')) remove = true
    if (!['-f', '-d', '--force', '--delete'].includes(text)) kept.push(text)
    if (!text.startsWith('-')) positional.push(text)
  }
  const refspecs = positional.slice(1)
  if (refspecs.length > 1) doubts.push('git push names several refs')
  const flags = [...(force ? ['--force'] : []), ...(remove ? ['--delete'] : [])]
  const lines = [['push', ...flags, ...kept]]
  // Globs such as `git push --delete*` must see a push that both forces and deletes.
  if (flags.length === 2) lines.push(['push', ...flags.toReversed(), ...kept])
  return { lines, args: rest, branch: pushed(refspecs[0]), doubts }
}

function pushes(word: string, options: readonly string[]): boolean {
  return options.some((option) => isAbbreviation(word, option, 2))
}

/** The remote branch a refspec writes; without one, git's configuration decides. */
function pushed(refspec: string | undefined): Branch {
  if (refspec === undefined) return { kind: 'default' }
  const destination = refspec.slice(refspec.lastIndexOf(':') + 1).replace(/^\+/, '')
  const name = destination.replace(/^(?:refs\/)?heads\//, '')
  return name === '' || name === 'HEAD' || name === '@' ? { kind: 'default' } : { kind: 'named', name }
}
