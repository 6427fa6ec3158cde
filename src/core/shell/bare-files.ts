import { isAbbreviation } from './options.ts'
import type { ShellWord } from './words.ts'

/** A searcher's options that take the next word where nothing is glued to them. */
interface Searcher {
  readonly short: string
  readonly long: readonly string[]
}

const CONTEXT = ['regexp', 'file', 'max-count', 'after-context', 'before-context', 'context']
const GREP: Searcher = {
  short: 'efmABCdD',
  long: [...CONTEXT, 'include', 'exclude', 'exclude-dir', 'exclude-from', 'directories', 'devices', 'label'],
}
const RIPGREP: Searcher = {
  short: 'efmABCgtTjMErd',
  long: [...CONTEXT, 'glob', 'iglob', 'type', 'type-not', 'replace'],
}
const SEARCHERS: ReadonlyMap<string, Searcher> = new Map([
  ...['grep', 'egrep', 'fgrep', 'zgrep', 'git-grep'].map((name): [string, Searcher] => [name, GREP]),
  ['rg', RIPGREP],
])

/**
 * The words that name files by their place, whatever they look like: `grep x id_rsa`, `git diff -- id_rsa`. A git command
 * goes by `git-<subcommand>`. In doubt a word counts as a file, which only tightens.
 */
export function bareFiles(name: string, args: readonly ShellWord[]): ReadonlySet<ShellWord> {
  const searcher = SEARCHERS.get(name)
  const files = new Set(searcher === undefined ? [] : searched(searcher, args))
  if (!name.startsWith('git-')) return files
  const ended = args.findIndex((word) => word.text === '--')
  const outside = name === 'git-diff' && args.some((word) => isAbbreviation(word.text, 'no-index', 4))
  for (const word of outside ? args : ended < 0 ? [] : args.slice(ended + 1)) files.add(word)
  return files
}

/** Every operand of a search but its pattern, which is the first where no option gives one. */
function searched({ short, long }: Searcher, args: readonly ShellWord[]): readonly ShellWord[] {
  const operands: ShellWord[] = []
  let given = false
  let optionsEnded = false
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at]
    if (word === undefined) break
    const { text } = word
    if (optionsEnded || !/^-./.test(text)) operands.push(word)
    else if (text === '--') optionsEnded = true
    else {
      given ||= givesPattern(text)
      if (takesNext(text, short, long)) at += 1
    }
  }
  return given ? operands : operands.slice(1)
}

function givesPattern(option: string): boolean {
  if (option.startsWith('--')) {
    return option === '--files' || isAbbreviation(option, 'regexp', 1) || isAbbreviation(option, 'file', 1)
  }
  return /[ef]/.test(option)
}

function takesNext(option: string, short: string, long: readonly string[]): boolean {
  if (option.startsWith('--')) return long.includes(option.slice(2))
  const valued = [...option.slice(1)].findIndex((letter) => short.includes(letter))
  return valued >= 0 && valued === option.length - 2
}
