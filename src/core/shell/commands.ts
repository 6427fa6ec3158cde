import { doubtOf, NO_RESOURCE } from '../acts.ts'
import type { Act, Capability, Resource } from '../envelope.ts'
import { excerpt } from '../paths.ts'
import { readGit } from './git-line.ts'
import { filterDoubt, interpreterDoubt, shellScript } from './interpreters.ts'
import { readOperands } from './operands.ts'
import { hasFlag, isAbbreviation } from './options.ts'
import {
  CARRIERS,
  COMMAND_CAPABILITIES,
  INTERPRETERS,
  REBINDING,
  RISKY_OPTIONS,
  SHELLS,
  TRUSTED_BINS,
} from './tables.ts'
import { commandLine, type ShellWord } from './words.ts'
import { findActions, unwrap } from './wrapped.ts'

/** What surrounds a simple command in its line. */
export interface Surroundings {
  /** Doubts from outside its words: variables set for it, operands it will get. */
  readonly doubts: readonly string[]
  /** Targets of its redirections. */
  readonly redirected: readonly ShellWord[]
  /** Directories that an earlier `cd` of the line went to. */
  readonly directories: readonly string[]
  /** Wrappers and `-c` texts around it. */
  readonly depth: number
  /** Reads the text given to `bash -c`. */
  readonly script: (text: string, depth: number) => readonly Act[]
}

const MAX_DEPTH = 8

/** The acts of one simple command: its own, and those of the commands it wraps or carries in literal form. */
export function commandActs(words: readonly ShellWord[], around: Surroundings): Act[] {
  const first = words[0]
  if (first === undefined) return []
  if (first.doubt !== null)
    return [lineAct(commandLine(words.map((word) => word.text)), `the command itself: ${first.doubt}`)]
  const name = programName(first.text)
  const args = words.slice(1)
  const doubts = [...around.doubts, ...nameDoubts(first.text, name), ...optionDoubts(name, args)]
  if (name === 'git') return gitActs(args, around, doubts)
  const capability = capabilityOf(name, args)
  const inner = innerActs(name, args, around, doubts)
  const own = act(name, capability, [name, ...args.map((word) => word.text)], args, around, doubts)
  return [own, ...inner]
}

/** `/usr/bin/rm` is `rm`. On a file system that folds case `RM` is too, so a known name is recognised in any case. */
function programName(text: string): string {
  const base = text.slice(text.lastIndexOf('/') + 1)
  const lower = base.toLowerCase()
  const known = COMMAND_CAPABILITIES.has(lower) || REBINDING.has(lower) || CARRIERS.has(lower) || SHELLS.has(lower)
  return known || lower === 'git' ? lower : base
}

function nameDoubts(text: string, name: string): string[] {
  const slash = text.lastIndexOf('/')
  if (slash >= 0 && !TRUSTED_BINS.has(text.slice(0, slash))) return [`${excerpt(text)} is a program of its own`]
  if (text.slice(slash + 1) !== name) return [`${excerpt(text)} is ${name} only where case does not count`]
  if (name === '' || !/^[\w.+[\]:@-]+$/.test(name)) return [`${excerpt(text)} is not a plain command name`]
  return []
}

function capabilityOf(name: string, args: readonly ShellWord[]): Capability {
  if (name === 'find') {
    const { deletes, inner } = findActions(args)
    return deletes ? 'delete' : inner.length > 0 ? 'execute' : 'read'
  }
  return COMMAND_CAPABILITIES.get(name) ?? 'execute'
}

function optionDoubts(name: string, args: readonly ShellWord[]): string[] {
  if (REBINDING.has(name)) return [`${name} changes what later words mean, or runs text`]
  if (CARRIERS.has(name)) return [`${name} carries a command, a script or a session that was not read`]
  if (name === 'find') return findActions(args).doubts
  if (INTERPRETERS.test(name)) return some(interpreterDoubt(name, args))
  if (name === 'sed' || name === 'jq' || /^[gmn]?awk$/.test(name)) return some(filterDoubt(name, args))
  // `test -v 'a[$(cmd)]'` runs cmd: bash evaluates the subscript.
  if ((name === 'test' || name === '[') && args.some((word) => holdsSubscript(word.text)))
    return ['a test runs its subscript']
  if (/^g?make$/.test(name) && args.some((word) => /^[A-Za-z_]\w*:?[:+?]?=/.test(word.text)))
    return ['make takes a variable']
  // `-` is an operand too: `uniq - out` reads standard input and writes out.
  if ((name === 'uniq' || name === 'xxd') && args.filter((word) => !/^-./.test(word.text)).length > 1)
    return [`${name} writes its second operand`]
  const risky = RISKY_OPTIONS.get(name)
  if (risky === undefined) return []
  const found = args.find(
    ({ text }) => hasFlag(text, risky.short) || risky.long.some((long) => isAbbreviation(text, long, 2)),
  )
  return found === undefined ? [] : [`${name} ${excerpt(found.text)} can write a file or start a program`]
}

/** Whether text may be an array subscript with a command in it. */
export function holdsSubscript(text: string): boolean {
  return text.includes('[') && /[$`]/.test(text)
}

function some(doubt: string | null): string[] {
  return doubt === null ? [] : [doubt]
}

/** Acts of the commands inside. What keeps them from being read is added to the outer command's doubts. */
function innerActs(name: string, args: readonly ShellWord[], around: Surroundings, doubts: string[]): readonly Act[] {
  const depth = around.depth + 1
  if (depth > MAX_DEPTH) {
    doubts.push(`commands are wrapped more than ${MAX_DEPTH} deep`)
    return []
  }
  if (name === 'find') {
    const carried = ['find gives it operands']
    return findActions(args).inner.flatMap((words) =>
      commandActs(words, { ...around, doubts: carried, redirected: [], depth }),
    )
  }
  if (SHELLS.has(name)) {
    const found = shellScript(name, args)
    if ('script' in found) return around.script(found.script, depth)
    doubts.push(found.doubt)
    return []
  }
  // `command -v rm` only asks where rm is.
  if (name === 'command' && hasFlag(args[0]?.text ?? '', 'vV')) return []
  const wrapped = unwrap(name, args)
  if (wrapped === null) return []
  doubts.push(...wrapped.doubts)
  return commandActs(wrapped.words, { ...around, doubts: wrapped.doubts, redirected: [], depth })
}

function gitActs(args: readonly ShellWord[], around: Surroundings, doubts: readonly string[]): Act[] {
  const git = readGit(args)
  // As `-C`: a folder may be a bare repository whose configuration names programs, and a hostile project can carry one.
  const elsewhere = around.directories.find((directory) => directory !== '.')
  const moved = elsewhere === undefined ? [] : [`git works on another place: cd ${excerpt(elsewhere)}`]
  return git.lines.map((line) => {
    const made = act('git', 'execute', ['git', ...line], git.args, around, [...doubts, ...moved, ...git.doubts])
    return { ...made, resource: { ...made.resource, branch: git.branch } }
  })
}

function act(
  name: string,
  capability: Capability,
  line: readonly string[],
  args: readonly ShellWord[],
  around: Surroundings,
  doubts: readonly string[],
): Act {
  const given = readOperands(name === 'git' ? `git-${line[1] ?? ''}` : name, args, around.directories)
  const redirected = readOperands('cat', around.redirected, around.directories)
  const resource: Resource = {
    ...NO_RESOURCE,
    target: commandLine(line),
    operands: [...given.operands, ...redirected.operands],
    paths: [...given.paths, ...redirected.paths],
  }
  const all = [...doubts, ...given.doubts, ...redirected.doubts]
  return { protocol: 'shell', tool: `shell.${name}`, capability, resource, doubt: doubtOf(all) }
}

/** An act that stands for text which is no readable command. */
export function lineAct(line: string, doubt: string): Act {
  const target = line.length > 1024 ? `${line.slice(0, 1021)}...` : line
  return { protocol: 'shell', tool: 'shell.line', capability: 'execute', resource: { ...NO_RESOURCE, target }, doubt }
}
