import { excerpt } from '../paths.ts'
import { WRAPPERS, type Wrapper } from './tables.ts'
import type { ShellWord } from './words.ts'

/** The command inside a wrapper (`sudo`, `env`, `xargs`), empty where there is none, and what makes either doubtful. */
export interface Wrapped {
  readonly words: readonly ShellWord[]
  readonly doubts: readonly string[]
}

/** Reads past a wrapper's own options, or null where `name` wraps nothing. */
export function unwrap(name: string, args: readonly ShellWord[]): Wrapped | null {
  const spec = WRAPPERS.get(name)
  if (spec === undefined) return null
  const doubts = spec.doubt === null ? [] : [spec.doubt]
  let at = 0
  while (at < args.length) {
    const text = args[at]?.text ?? ''
    if (text === '--') {
      at += 1
      break
    }
    if (!text.startsWith('-') || text === '-') break
    at += optionLength(name, spec, text, doubts)
  }
  at += spec.operands
  // `env A=1 cmd`, `sudo A=1 cmd`: a variable can change what the command runs.
  while (/^[A-Za-z_]\w*=/.test(args[at]?.text ?? '')) {
    doubts.push(`the variable ${excerpt(args[at]?.text.split('=', 1)[0] ?? '')} is set for the command`)
    at += 1
  }
  return { words: args.slice(at), doubts }
}

function optionLength(name: string, spec: Wrapper, text: string, doubts: string[]): number {
  if (text.startsWith('--')) {
    const option = text.slice(2).split('=', 1)[0] ?? ''
    if (spec.long.includes(option)) return 1
    if (spec.long.includes(`${option}=`)) return text.includes('=') ? 1 : 2
    doubts.push(`${name} has the unknown option ${excerpt(text)}`)
    return 1
  }
  for (let index = 1; index < text.length; index += 1) {
    const letter = text.charAt(index)
    if (spec.valued.includes(letter)) return index === text.length - 1 ? 2 : 1
    if (!spec.flags.includes(letter)) {
      if (!/^-\d+$/.test(text)) doubts.push(`${name} has the unknown option ${excerpt(text)}`)
      return 1
    }
  }
  return 1
}

/** The commands that `find` runs (`-exec`, `-ok` and their `dir` forms), and what it writes or deletes. */
export function findActions(args: readonly ShellWord[]): {
  readonly inner: ShellWord[][]
  readonly deletes: boolean
  readonly doubts: string[]
} {
  const inner: ShellWord[][] = []
  const doubts: string[] = []
  let deletes = false
  for (let at = 0; at < args.length; at += 1) {
    const text = args[at]?.text ?? ''
    if (text === '-delete') {
      deletes = true
      doubts.push('find deletes what it finds')
    } else if (/^-f(?:print|ls)/.test(text)) {
      doubts.push(`find ${text} writes a file`)
    } else if (/^-files0/.test(text)) {
      doubts.push('find reads its starting points from a file')
    } else if (/^-(?:exec|ok)(?:dir)?$/.test(text)) {
      const found = args.findIndex((word, index) => index > at && (word.text === ';' || word.text === '+'))
      const end = found < 0 ? args.length : found
      inner.push(args.slice(at + 1, end))
      // What it carries is read once, inside: reading it here too would double the work at every level.
      at = end
      doubts.push(`find ${text} runs a command on what it finds`)
    }
  }
  return { inner, deletes, doubts }
}
