import type { DoubleQuotedChild, Word, WordPart } from 'unbash'
import { excerpt } from '../paths.ts'

/** One word of a simple command, dequoted. `doubt`: why its value is only known when it runs, or null where it is literal. */
export interface ShellWord {
  readonly text: string
  readonly doubt: string | null
}

/** The dequoted word. `$HOME` and a leading `~` become a literal `~`; every other expansion is kept as written and doubted. */
export function readWord(word: Word): ShellWord {
  const parts = word.parts
  if (parts === undefined) return { text: word.value, doubt: tildeDoubt(word.text) }
  let text = ''
  let doubt = tildeDoubt(word.text)
  for (const part of parts) {
    const read = readPart(part, text === '')
    text += read.text
    doubt ??= read.doubt
  }
  return { text, doubt }
}

/** `~` and `~/x` are the caller's home; `~user`, `~+` and `~-` are places only the shell knows. */
function tildeDoubt(source: string): string | null {
  return /^~[^/]/.test(source) ? `${excerpt(source)} names a directory only the shell knows` : null
}

function readPart(part: WordPart | DoubleQuotedChild, first: boolean): ShellWord {
  switch (part.type) {
    case 'Literal':
    case 'SingleQuoted':
    case 'AnsiCQuoted':
      return { text: part.value, doubt: null }
    case 'DoubleQuoted':
      return readQuoted(part.parts, first)
    case 'SimpleExpansion':
      if (first && part.text === '$HOME') return { text: '~', doubt: null }
      return unresolved(part.text)
    case 'ParameterExpansion':
      if (first && part.text === '${' + 'HOME}') return { text: '~', doubt: null }
      return unresolved(part.text)
    case 'Glob':
    case 'ExtendedGlob':
    case 'BraceExpansion':
      return { text: part.text, doubt: `the pattern ${excerpt(part.text)} stands for names only the shell knows` }
    case 'LocaleString':
    case 'CommandExpansion':
    case 'ArithmeticExpansion':
    case 'ProcessSubstitution':
      return unresolved(part.text)
    default:
      return part satisfies never
  }
}

function readQuoted(parts: readonly DoubleQuotedChild[], first: boolean): ShellWord {
  let text = ''
  let doubt: string | null = null
  for (const part of parts) {
    const read = readPart(part, first && text === '')
    text += read.text
    doubt ??= read.doubt
  }
  return { text, doubt }
}

function unresolved(text: string): ShellWord {
  return { text, doubt: `${excerpt(text)} is only known when it runs` }
}

/** The words as one line that can be read back in one way only: a word with blanks or quotes is quoted, so `'status; x'` never reads as `status; x`. */
export function commandLine(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./~^{}[\]*?!$#-]+$/.test(word) ? word : quoted(word))).join(' ')
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
