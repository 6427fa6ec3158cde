import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml'
import { hint, nearest } from '../core/spelling.ts'

/** One mistake in a file, where it stands, and how to mend it. Lines and columns count from 1. */
export interface Problem {
  readonly line: number
  readonly column: number
  readonly message: string
}

/** A value of the file with its place. Reading never throws: what is wrong is noted and reads as absent, so that all mistakes come out at once. */
export interface Place {
  /** Path of keys, for messages: `upstreams.github.url`. */
  readonly path: string
  problem(message: string): void
  text(): string | undefined
  /** An integer between the bounds. */
  integer(least: number, most: number): number | undefined
  choice<T extends string>(values: readonly T[]): T | undefined
  /** A text, or a list of texts. */
  texts(): readonly string[] | undefined
  /** The items of a list. */
  items(): readonly Place[]
  /** The members, each once, unknown ones refused where `known` is given. */
  members(known?: readonly string[]): ReadonlyMap<string, Place>
}

export interface Reading {
  readonly root: Place
  readonly problems: readonly Problem[]
}

const MAX_BYTES = 1 << 20

/** Parses one YAML document. Aliases and merge keys are refused: a configuration says what it means where it stands. */
export function readYaml(source: string): Reading {
  const problems: Problem[] = []
  const lines = new LineCounter()
  if (Buffer.byteLength(source) > MAX_BYTES) {
    problems.push({ line: 1, column: 1, message: 'the file is larger than 1 MiB' })
    return { root: place(null, '', 0, () => {}), problems }
  }
  const document = parseDocument(source, { lineCounter: lines, uniqueKeys: true, strict: true, version: '1.2' })
  const note = (offset: number, message: string) => {
    const { line, col } = lines.linePos(offset)
    problems.push({ line, column: col, message })
  }
  for (const error of [...document.errors, ...document.warnings]) {
    note(error.pos[0], error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? 'not valid YAML')
  }
  return { root: place(document.contents, '', 0, note), problems }
}

type Note = (offset: number, message: string) => void

function place(node: Node | null, path: string, keyOffset: number, note: Note): Place {
  const offset = node?.range?.[0] ?? keyOffset
  const name = path === '' ? 'the file' : `\`${path}\``
  const problem = (message: string) => note(offset, message)
  const wrong = (wanted: string): undefined => {
    problem(isAlias(node) ? `${name}: aliases are not read here; write the value out` : `${name} must be ${wanted}`)
    return undefined
  }
  const text = () => {
    const value = isScalar(node) ? node.value : undefined
    return typeof value === 'string' && value !== '' ? value : wrong('a text')
  }
  return {
    path,
    problem,
    text,
    integer(least, most) {
      const value = isScalar(node) ? node.value : undefined
      if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
      return wrong(`a whole number from ${least} to ${most}`)
    },
    choice(values) {
      const value = isScalar(node) ? String(node.value) : ''
      const found = values.find((known) => known === value)
      if (found !== undefined) return found
      const near = nearest(value, values)
      return wrong(`one of ${values.join(', ')}${near ? `; did you mean \`${near}\`?` : ''}`)
    },
    texts() {
      if (!isSeq(node)) {
        const one = text()
        return one === undefined ? undefined : [one]
      }
      const items = this.items().map((item) => item.text())
      const whole = items.filter((item) => item !== undefined)
      return whole.length === items.length ? whole : undefined
    },
    items() {
      if (!isSeq(node)) {
        wrong('a list')
        return []
      }
      return node.items.map((item, index) => place(item as Node, `${path}[${index}]`, offset, note))
    },
    members(known) {
      const found = new Map<string, Place>()
      if (!isMap(node)) {
        wrong('a mapping')
        return found
      }
      for (const pair of node.items) member(pair, path, offset, note, found, known)
      return found
    },
  }
}

function member(
  pair: Pair,
  path: string,
  offset: number,
  note: Note,
  into: Map<string, Place>,
  known: readonly string[] | undefined,
): void {
  const keyNode = pair.key as Node
  const at = keyNode?.range?.[0] ?? offset
  const key = isScalar(keyNode) && typeof keyNode.value === 'string' ? keyNode.value : null
  if (key === null) {
    note(at, 'a key must be a text')
    return
  }
  const full = path === '' ? key : `${path}.${key}`
  if (known === undefined || known.includes(key)) {
    into.set(key, place(pair.value as Node | null, full, at, note))
    return
  }
  note(at, `unknown key \`${full}\`${hint(key, known)}`)
}
