import { excerpt } from '../paths.ts'
import { hasFlag } from './options.ts'
import type { ShellWord } from './words.ts'

/** What a shell was given to run: literal text (read with the same grammar), or something not read. */
export type ShellScript = { readonly script: string } | { readonly doubt: string }

/** `bash -c TEXT` and its spellings (`-lc`, `-e -c`). A script file, standard input or an unknown option is doubted. */
export function shellScript(name: string, args: readonly ShellWord[]): ShellScript {
  let wantsText = false
  for (const word of args) {
    if (word.doubt !== null) return { doubt: word.doubt }
    if (wantsText && !/^[-+]/.test(word.text)) return { script: word.text }
    if (!/^-[a-zA-Z]+$/.test(word.text)) return { doubt: `${name} runs ${excerpt(word.text)}, which was not read` }
    if (/[oOis]/.test(word.text.slice(1))) return { doubt: `${name} ${word.text} reads more than its arguments` }
    wantsText ||= word.text.includes('c')
  }
  return { doubt: `${name} runs what comes in on its standard input` }
}

/** Why an interpreter's code was not seen, or null where it runs a named file or module. */
export function interpreterDoubt(name: string, args: readonly ShellWord[]): string | null {
  for (const { text } of args) {
    if (text === '-') break
    if (!text.startsWith('-')) return null
    if (text === '-m' && /^(?:python|pypy)/i.test(name)) return null
    if (/^(?:--version|--help|-V)$/.test(text)) return null
    if (/^--(?:ev|pr|re|im|lo|ex|in|he|te|wa|con|env)/.test(text))
      return `${name} ${excerpt(text)} carries or loads code`
    if (hasFlag(text, 'cCeEprRxXfFBiIMnlSZ')) return `${name} ${excerpt(text)} carries or loads code`
  }
  return `${name} runs what comes in on its standard input`
}

/** awk, sed and jq are languages: only programs that plainly neither run, read nor write anything pass. */
export function filterDoubt(name: string, args: readonly ShellWord[]): string | null {
  const words = args.map((word) => word.text)
  if (name === 'sed') return isPlainSed(words) ? null : 'the sed script may write files or run commands'
  if (name === 'jq')
    return words.some((word) => /env\b|ENV|input|import|include/.test(word)) ? 'jq may show the environment' : null
  if (words.some((word) => hasFlag(word, 'fEiDlL') || word.startsWith('--')))
    return `${name} loads a program or writes files`
  // Every word is searched: which of them is the program depends on options.
  const harmless = words.every((word) => !/system|getline|[|>@]|close|ENVIRON/.test(word))
  return harmless ? null : `the ${name} program may run commands or write files`
}

const SED_OPTION = /^-[nErsuz]+$|^--(?:quiet|silent|regexp-extended|null-data|separate|unbuffered)$/
const SED_COMMAND =
  /^(?:\d+|\$|\/[^/\\]*\/)?(?:,(?:\d+|\$|\/[^/\\]*\/))?(?:[pdq=]|s([/|#,])[^\\\n]*?\1[^\\\n]*?\1[gpIi0-9]*)?$/

function isPlainSed(words: readonly string[]): boolean {
  const scripts: string[] = []
  let given = false
  for (const [index, word] of words.entries()) {
    if (words[index - 1] === '-e') scripts.push(word)
    else if (word === '-e') given = true
    else if (word.startsWith('-') && !SED_OPTION.test(word)) return false
  }
  // Without -e the first operand is the script: `sed e` runs its input, `sed wout` writes a file.
  if (!given) scripts.push(words.find((word) => !word.startsWith('-')) ?? '')
  return scripts.every((script) => script.length <= 200 && script.split(/[;\n]/).every(isPlainCommand))
}

function isPlainCommand(text: string): boolean {
  return SED_COMMAND.test(text.trim())
}
