import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseAllDocuments } from 'yaml'
import type { Position, Problem, Tree, TreeEntry } from '../core/policy/index.ts'

export type YamlReading =
  | { readonly ok: true; readonly tree: Tree }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** 10,000 rules take about 2 MiB. */
const MAX_BYTES = 4 << 20
const MAX_DEPTH = 32
const START: Position = { line: 1, column: 1 }

/** Reads one YAML 1.2 document to a tree with positions. Anchors, aliases, tags and several documents are refused: a policy says what it means where it stands. */
export function readYaml(text: string): YamlReading {
  if (Buffer.byteLength(text) > MAX_BYTES) return refused([{ ...START, message: 'the file is larger than 4 MiB' }])
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    uniqueKeys: false,
    strict: true,
    version: '1.2',
    logLevel: 'silent',
  })
  const [document, second] = 'empty' in documents ? [] : documents
  if (document === undefined) return refused([{ ...START, message: 'the file is empty' }])
  const place = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const problems: Problem[] = [...document.errors, ...document.warnings].map((error) => ({
    ...place(error.pos[0]),
    message: `not valid YAML: ${firstSentence(error.message)}`,
  }))
  if (second !== undefined) {
    problems.push({ ...place(second.range[0]), message: 'a second document begins here; one file holds one policy' })
  }
  if (problems.length > 0) return refused(problems)
  const note = (at: Position, message: string) => void problems.push({ ...at, message })
  const tree = toTree(document.contents, START, { place, note, depth: 0 })
  return problems.length > 0 ? refused(problems) : { ok: true, tree }
}

interface Context {
  readonly place: (offset: number) => Position
  readonly note: (at: Position, message: string) => void
  readonly depth: number
}

function toTree(node: Node | null | undefined, fallback: Position, context: Context): Tree {
  const at = node?.range ? context.place(node.range[0]) : fallback
  const nothing: Tree = { kind: 'scalar', value: null, at }
  const inner = { ...context, depth: context.depth + 1 }
  if (inner.depth > MAX_DEPTH) {
    context.note(at, `nested deeper than ${MAX_DEPTH} levels`)
    return nothing
  }
  if (isAlias(node)) {
    context.note(at, `aliases are not read; write out what \`*${node.source}\` stands for`)
    return nothing
  }
  if (node !== null && node !== undefined && 'anchor' in node && node.anchor)
    context.note(at, 'anchors are not read; write the value out where it is needed')
  if (node?.tag?.startsWith('!')) context.note(at, `the tag \`${node.tag}\` is not read; remove it`)
  if (isSeq<Node>(node)) return { kind: 'list', items: node.items.map((item) => toTree(item, at, inner)), at }
  if (isMap<Node, Node | null>(node))
    return { kind: 'mapping', entries: node.items.flatMap((pair) => toEntry(pair, at, inner)), at }
  if (!isScalar(node)) return nothing
  const { value } = node
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return { kind: 'scalar', value, at }
  context.note(at, 'only texts, numbers, true and false are read here')
  return nothing
}

function toEntry(pair: Pair<Node, Node | null>, fallback: Position, context: Context): TreeEntry[] {
  const key = pair.key
  const keyAt = key.range ? context.place(key.range[0]) : fallback
  if (!isScalar(key) || typeof key.value !== 'string') {
    context.note(keyAt, 'a key must be a text')
    return []
  }
  return [{ key: key.value, keyAt, value: toTree(pair.value, keyAt, context) }]
}

/** The parser's message without its own position and excerpt. */
function firstSentence(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '')
}

function refused(problems: readonly Problem[]): YamlReading {
  return { ok: false, problems }
}
