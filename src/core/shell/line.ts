import { type Command, forEachChild, parse, type Redirection, type SyntaxNode } from 'unbash'
import { doubtOf, NO_RESOURCE } from '../acts.ts'
import type { Act } from '../envelope.ts'
import { excerpt, readPath } from '../paths.ts'
import { hiddenInLines } from '../visible-text.ts'
import { commandActs, holdsSubscript, lineAct } from './commands.ts'
import { readOperands } from './operands.ts'
import { readWord, type ShellWord } from './words.ts'

const MAX_LENGTH = 64 * 1024
const MAX_NODES = 2000
const MAX_DEPTH = 64

/**
 * The acts of a shell line, in order: one per simple command wherever it hides (lists, pipelines, subshells, loops,
 * functions, substitutions, wrappers, `bash -c`), one per file that a redirection reads or writes, and one `shell.line`
 * with the doubt where something could not be read. Never empty, never throws.
 */
export function describeLine(line: string): readonly [Act, ...Act[]] {
  const acts = readLine(line, 0)
  const [first, ...rest] = acts
  return first === undefined ? [lineAct(line, 'the line holds no command')] : [first, ...rest]
}

interface Walk {
  readonly acts: Act[]
  readonly doubts: string[]
  readonly directories: string[]
  readonly depth: number
  /** Loops around what is being visited. */
  loops: number
  nodes: number
}

function readLine(line: string, depth: number): Act[] {
  if (line.length > MAX_LENGTH) return [lineAct(line, `the line is longer than ${MAX_LENGTH} characters`)]
  const walk: Walk = { acts: [], doubts: [], directories: [], depth, loops: 0, nodes: 0 }
  const hidden = hiddenInLines(line)
  if (hidden !== null) walk.doubts.push(`the line holds the hidden character ${hidden}`)
  try {
    visit(parse(line), walk, 0)
  } catch {
    // The parser is not ours: whatever it chokes on is unread text, hence doubted.
    walk.doubts.push('the line could not be parsed')
  }
  const doubt = doubtOf(walk.doubts)
  return doubt === null ? walk.acts : [...walk.acts, lineAct(line, doubt)]
}

function visit(node: SyntaxNode, walk: Walk, depth: number): void {
  walk.nodes += 1
  if (walk.nodes > MAX_NODES || depth > MAX_DEPTH) {
    const limit = depth > MAX_DEPTH ? `nested deeper than ${MAX_DEPTH}` : `longer than ${MAX_NODES} parts`
    if (!walk.doubts.includes(`the line is ${limit}`)) walk.doubts.push(`the line is ${limit}`)
    return
  }
  if (node.type === 'Script') {
    for (const error of node.errors ?? []) walk.doubts.push(`syntax error: ${error.message}`)
  } else if (node.type === 'Command') {
    visitCommand(node, walk)
  } else if (node.type === 'Redirect') {
    walk.acts.push(...redirectActs(node, walk))
  } else if (node.type === 'Function') {
    walk.doubts.push(`it defines the function ${excerpt(node.name.text)}`)
  } else if (node.type === 'ArithmeticCommand' || node.type === 'ArithmeticFor') {
    // Arithmetic evaluates what variables and subscripts hold, commands included.
    walk.doubts.push('it evaluates arithmetic')
  } else if (node.type === 'TestUnary' || node.type === 'TestBinary') {
    const words = node.type === 'TestUnary' ? [node.operand] : [node.left, node.right]
    if (words.some((word) => holdsSubscript(word.value))) walk.doubts.push('a test runs its subscript')
  } else if (node.type === 'Coproc') {
    walk.doubts.push('it starts a coprocess')
  }
  const loops = LOOPS.has(node.type)
  if (loops) walk.loops += 1
  forEachChild(node, (child) => visit(child, walk, depth + 1))
  if (loops) walk.loops -= 1
}

const LOOPS: ReadonlySet<string> = new Set(['For', 'While', 'Select', 'ArithmeticFor'])

function visitCommand(node: Command, walk: Walk): void {
  const assigned = node.prefix.flatMap((item) => (item.type === 'Assignment' ? [item.name] : []))
  const doubts = [
    ...assigned.map((name) => `the variable ${excerpt(name)} is set`),
    ...node.redirects.flatMap(inlineDoubt),
  ]
  if (node.name === undefined) {
    walk.doubts.push(...doubts)
    return
  }
  const args = node.args.map(
    (arg): ShellWord =>
      arg.type === 'Word' ? readWord(arg) : { text: arg.text, doubt: `${excerpt(arg.text)} sets a variable` },
  )
  const words = [readWord(node.name), ...args]
  const redirected = node.redirects.flatMap((redirect) => fileOf(redirect)?.word ?? [])
  const script = (text: string, depth: number) => readLine(text, depth)
  const { directories, depth } = walk
  walk.acts.push(...commandActs(words, { doubts, redirected, directories: [...directories], depth, script }))
  noteDirectory(words, walk)
}

/** After a literal `cd`, relative paths of later commands may lie there: they are shown to policy in both places. */
function noteDirectory(words: readonly ShellWord[], walk: Walk): void {
  const [command, ...args] = words
  if (command?.text !== 'cd' && command?.text !== 'pushd') return
  // The next round runs what stands before it, in the new place.
  if (walk.loops > 0) walk.doubts.push(`${command.text} changes the directory in a loop`)
  const target = args.find((word) => word.text !== '--')
  if (target === undefined && command.text === 'cd') walk.directories.push('~')
  else if (target === undefined || target.doubt !== null || /^[-+]/.test(target.text)) {
    walk.doubts.push(`${command.text} goes where only the shell knows`)
  } else {
    const { path } = readPath(target.text)
    const under = walk.directories.map((directory) => readPath(`${directory}/${path}`).path)
    walk.directories.push(path, ...(path.startsWith('/') || path.startsWith('~') ? [] : under))
    if (walk.directories.length > 16) walk.doubts.push('it changes the directory too often')
    walk.directories.splice(16)
  }
}

/** Why the text of a here-string or here-document is only known when it runs. */
function inlineDoubt(redirect: Redirection): string[] {
  if (redirect.type === 'HereString') {
    const doubt = redirect.target === undefined ? null : readWord(redirect.target).doubt
    return doubt === null ? [] : [doubt]
  }
  if (redirect.type !== 'HereDoc') return []
  const literal = (redirect.body.parts ?? []).every((part) => part.type === 'Literal')
  return literal ? [] : ['its here-document holds values only known when it runs']
}

/** The file a redirection opens; null for here-documents, duplicated descriptors and the null device. */
function fileOf(redirect: Redirection): { word: ShellWord; writes: boolean } | null {
  if (redirect.type !== 'Redirect' || redirect.target === undefined) return null
  const word = readWord(redirect.target)
  if (/^[<>]&$/.test(redirect.operator) && /^(?:\d+-?|-)$/.test(word.text)) return null
  if (word.doubt === null && /^\/dev\/(?:null|stdin|stdout|stderr)$/.test(word.text)) return null
  return { word, writes: redirect.operator !== '<' && redirect.operator !== '<&' }
}

function redirectActs(redirect: Redirection, walk: Walk): Act[] {
  const file = fileOf(redirect)
  if (file === null) return []
  const { operands, paths, doubts } = readOperands('cat', [file.word], walk.directories)
  const verb = file.writes ? 'write' : 'read'
  const resource = { ...NO_RESOURCE, target: paths[0] ?? file.word.text, operands, paths }
  return [{ protocol: 'file', tool: `file.${verb}`, capability: verb, resource, doubt: doubtOf(doubts) }]
}
