import { hint } from '../spelling.ts'
import type { MappingTree, Position, Problem, ScalarTree, Tree, TreeEntry } from './tree.ts'

/** Reads typed values off a tree. Nothing throws: what is wrong is noted and read as absent, so that all mistakes come out at once. */
export interface Reader {
  readonly problems: readonly Problem[]
  problem(at: Position, message: string): void
  /** The members of a mapping by key, each once; an unknown or repeated key is a problem. */
  members<K extends string>(tree: MappingTree, what: string, known: readonly K[]): Members<K>
  text(entry: TreeEntry | undefined): string | undefined
  /** A text that people and agents are shown: one line, printable, bounded. */
  sentence(entry: TreeEntry | undefined): string | undefined
  flag(entry: TreeEntry | undefined): boolean | undefined
  whole(entry: TreeEntry | undefined, least: number, most: number): number | undefined
  /** A text or a list of texts, with the place of each. */
  texts(entry: TreeEntry | undefined): readonly PlacedText[] | undefined
  choice<T extends string>(
    value: PlacedText,
    what: string,
    known: readonly T[],
    aliases?: Readonly<Record<string, T>>,
  ): T | undefined
}

export type Members<K extends string> = Readonly<Partial<Record<K, TreeEntry>>>

export interface PlacedText {
  readonly text: string
  readonly at: Position
}

const MAX_SENTENCE = 400

export function createReader(): Reader {
  const problems: Problem[] = []
  const problem = ({ line, column }: Position, message: string) => void problems.push({ line, column, message })

  function scalar<T>(
    entry: TreeEntry | undefined,
    wanted: string,
    pick: (value: ScalarTree['value']) => T | undefined,
  ): T | undefined {
    if (entry === undefined) return undefined
    const value = entry.value.kind === 'scalar' ? pick(entry.value.value) : undefined
    if (value === undefined) problem(entry.value.at, `\`${entry.key}\` must be ${wanted}${got(entry.value)}`)
    return value
  }

  const text = (entry: TreeEntry | undefined) =>
    scalar(entry, 'a text', (value) => (typeof value === 'string' && value !== '' ? value : undefined))

  return {
    problems,
    problem,
    members: (tree, what, known) => readMembers(tree, what, known, problem),
    text,
    sentence(entry) {
      const value = text(entry)
      if (entry === undefined || value === undefined) return undefined
      if (value.length <= MAX_SENTENCE && !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(value)) return value
      problem(entry.value.at, `\`${entry.key}\` must be one line of at most ${MAX_SENTENCE} printable characters`)
      return undefined
    },
    flag: (entry) => scalar(entry, 'true or false', (value) => (typeof value === 'boolean' ? value : undefined)),
    whole: (entry, least, most) =>
      scalar(entry, `a whole number from ${least} to ${most}`, (value) =>
        typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most ? value : undefined,
      ),
    texts: (entry) => readTexts(entry, problem),
    choice(value, what, known, aliases = {}) {
      const found =
        known.find((one) => one === value.text) ??
        (Object.hasOwn(aliases, value.text) ? aliases[value.text] : undefined)
      if (found === undefined)
        problem(value.at, `unknown ${what} \`${value.text}\`${hint(value.text, known, Object.keys(aliases))}`)
      return found
    },
  }
}

type Note = (at: Position, message: string) => void

function readMembers<K extends string>(
  tree: MappingTree,
  what: string,
  known: readonly K[],
  problem: Note,
): Members<K> {
  const found: Partial<Record<K, TreeEntry>> = {}
  for (const entry of tree.entries) {
    const key = known.find((one) => one === entry.key)
    if (key === undefined) problem(entry.keyAt, `unknown key \`${entry.key}\` in ${what}${hint(entry.key, known)}`)
    else if (found[key] !== undefined) problem(entry.keyAt, `\`${key}\` is written twice in ${what}; keep one of them`)
    else found[key] = entry
  }
  return found
}

function readTexts(entry: TreeEntry | undefined, problem: Note): readonly PlacedText[] | undefined {
  if (entry === undefined) return undefined
  const { key, value } = entry
  const items = value.kind === 'list' ? value.items : [value]
  if (items.length === 0)
    problem(value.at, `\`${key}\` is an empty list, which nothing can match; leave the key out to match anything`)
  const texts: PlacedText[] = []
  for (const item of items) {
    if (item.kind === 'scalar' && typeof item.value === 'string' && item.value !== '')
      texts.push({ text: item.value, at: item.at })
    else problem(item.at, `\`${key}\` must be a text or a list of texts${got(item)}`)
  }
  return texts.length === items.length && items.length > 0 ? texts : undefined
}

function got(tree: Tree): string {
  if (tree.kind === 'list') return ', not a list'
  if (tree.kind === 'mapping') return ', not a mapping'
  if (tree.value === null || tree.value === '') return '; it is empty here'
  return typeof tree.value === 'string'
    ? ''
    : `; ${String(tree.value)} is a ${typeof tree.value}, put it in quotes if it is meant as text`
}
