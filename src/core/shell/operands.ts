import { readPath } from '../paths.ts'
import { bareFiles } from './bare-files.ts'
import { FILE_COMMANDS, TEXT_COMMANDS } from './tables.ts'
import type { ShellWord } from './words.ts'

/** The operands of one simple command, paths in normal form, and why some could not be read. */
export interface Operands {
  readonly operands: readonly string[]
  readonly paths: readonly string[]
  readonly doubts: readonly string[]
}

const LOOKS_LIKE_A_PATH = /[/\\]|^~|^\.|\.[A-Za-z][A-Za-z0-9]{0,9}$/
const URL_SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//
/** Options of many commands whose value is a file: `--from-file=id_rsa`, `--file=x`. */
const FILE_OPTION = /^--(?:from|to|[a-z0-9-]*(?:file|from|contents))[a-z0-9-]*=/
/** Subcommands of git that take `<revision>:<path>`, whatever the path looks like. */
const GIT_OBJECTS: ReadonlySet<string> = new Set(['git-show', 'git-diff', 'git-log', 'git-blame', 'git-cat-file'])

/**
 * Reads operands. Every non-option word counts, and the values hidden in `--file=x`, `-fx`, `if=x`, `@x` and `host:x`.
 * A git command goes by `git-<subcommand>`. Policy globs see a path as written: relative, absolute, or `~/` for home; write `**\/.ssh/**` to catch them all.
 * @param directories literal directories an earlier `cd` of the line went to: a relative path may lie in any of them.
 */
export function readOperands(name: string, args: readonly ShellWord[], directories: readonly string[]): Operands {
  const operands: string[] = []
  const paths: string[] = []
  const doubts: string[] = []
  const bare = bareFiles(name, args)
  let optionsEnded = false
  for (const word of args) {
    if (word.doubt !== null) doubts.push(word.doubt)
    if (!optionsEnded && word.text === '--') {
      optionsEnded = true
      continue
    }
    const option = !optionsEnded && word.text.startsWith('-') && word.text !== '-'
    for (const value of option ? optionValues(word.text) : [word.text]) {
      const found = pathsIn(
        name,
        value,
        option ? FILE_OPTION.test(word.text) : bare.has(word) || FILE_COMMANDS.has(name),
      )
      if (found.length > 0) operands.push(...found)
      else if (!option) operands.push(value)
      for (const path of found) note(path, paths, doubts)
    }
  }
  const placed = directories.flatMap((directory) =>
    paths.filter(isRelative).map((path) => readPath(`${directory}/${path}`).path),
  )
  return { operands: [...operands, ...placed], paths: [...paths, ...placed], doubts }
}

function note(path: string, paths: string[], doubts: string[]): void {
  paths.push(path)
  const { doubt } = readPath(path)
  if (doubt !== null) doubts.push(doubt)
}

function optionValues(word: string): string[] {
  const equals = word.indexOf('=')
  if (equals > 0) return [word.slice(equals + 1)]
  const glued = /^-[A-Za-z](.+)$/.exec(word)?.[1]
  // `git log -L1,9:file` names its file behind the colon.
  return glued !== undefined && (LOOKS_LIKE_A_PATH.test(glued) || glued.includes(':')) ? [glued] : []
}

/** The paths a word may name, normalised: itself, the value of `k=v`, what follows `@`, what follows the last `:`. */
function pathsIn(name: string, word: string, file: boolean): string[] {
  if (word === '-' || word === '' || URL_SCHEME.test(word) || TEXT_COMMANDS.has(name)) return []
  const whole = word.replace(/^@/, '')
  const assigned = !file && /^[A-Za-z_]\w*=/.test(word)
  const candidates = file || (LOOKS_LIKE_A_PATH.test(whole) && !assigned) ? [whole] : []
  for (const separator of ['=', ':', '@']) {
    const at = word.lastIndexOf(separator)
    const tail = word.slice(at + 1)
    const named = LOOKS_LIKE_A_PATH.test(tail) || (separator === ':' && tail !== '' && GIT_OBJECTS.has(name))
    if (at >= 0 && tail !== whole && named) candidates.push(tail)
  }
  return candidates.map((path) => readPath(path).path)
}

export function isRelative(path: string): boolean {
  return !path.startsWith('/') && !path.startsWith('~')
}
