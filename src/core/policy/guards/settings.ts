import { compileGlobs, type GlobSet, matchesGlobs } from '../glob.ts'
import { foldCase } from '../match.ts'
import type { Members, PlacedText, Reader } from '../reader.ts'
import type { MappingTree, TreeEntry } from '../tree.ts'
import type { GuardFinding } from './guard.ts'

/** What a guard may be set to do. */
export type GuardVerdict = GuardFinding['verdict']
/** Words of other products for the same verdicts. */
const VERDICT_ALIASES = { deny: 'block', require_approval: 'review' } as const

/** What stands behind a guard's name: a word (`secrets: block`), or a mapping with `decision` among its keys. */
export interface GuardSettings<D extends string, K extends string> {
  /** As written; undefined where the guard's own default holds. */
  readonly decision: D | undefined
  readonly members: Members<K | 'decision'>
}

export interface SettingsForm<D extends string, K extends string> {
  readonly decisions: readonly (D | 'block' | 'review')[]
  readonly keys: readonly K[]
  /** Shown where the settings are of no known form. */
  readonly example: string
}

/** Null where it is of no known form; that and all other problems are told the reader. `on` stands for all defaults. */
export function readSettings<D extends string, K extends string>(
  reader: Reader,
  entry: TreeEntry,
  form: SettingsForm<D, K>,
): GuardSettings<D | 'block' | 'review', K> | null {
  const { key, value } = entry
  const choose = (word: PlacedText) => reader.choice(word, 'decision', form.decisions, VERDICT_ALIASES)
  if (value.kind === 'mapping') {
    const members = membersOf(reader, value, entry, form)
    const written = reader.text(members.decision)
    const at = members.decision?.value.at
    return {
      decision: written === undefined || at === undefined ? undefined : choose({ text: written, at }),
      members,
    }
  }
  const none = membersOf(reader, { kind: 'mapping', entries: [], at: value.at }, entry, form)
  if (value.kind === 'scalar' && (value.value === 'on' || value.value === true))
    return { decision: undefined, members: none }
  if (value.kind === 'scalar' && typeof value.value === 'string' && value.value !== '') {
    const decision = choose({ text: value.value, at: value.at })
    return decision === undefined ? null : { decision, members: none }
  }
  const words = ['on', 'off', ...form.decisions].join(', ')
  reader.problem(value.at, `\`${key}\` is one of ${words}, or a mapping such as ${form.example}`)
  return null
}

/** A key that says `block` or `review`; undefined where it is absent, or has a problem, which the reader is told. */
export function readVerdict(reader: Reader, entry: TreeEntry | undefined): 'block' | 'review' | undefined {
  const text = reader.text(entry)
  if (entry === undefined || text === undefined) return undefined
  const known = ['block', 'review'] as const
  return reader.choice<'block' | 'review'>({ text, at: entry.value.at }, 'decision', known, VERDICT_ALIASES)
}

/** True for `off`, which is as if the key were not there. */
export function isOff({ value }: TreeEntry): boolean {
  return value.kind === 'scalar' && (value.value === 'off' || value.value === false)
}

function membersOf<D extends string, K extends string>(
  reader: Reader,
  tree: MappingTree,
  { key }: TreeEntry,
  form: SettingsForm<D, K>,
): Members<K | 'decision'> {
  return reader.members<K | 'decision'>(tree, `\`${key}\``, ['decision', ...form.keys])
}

/** Globs that only ever tighten: case and compatibility forms are ignored. */
export interface TighteningGlobs {
  readonly texts: readonly string[]
  /** The glob that matches, as written; null where none does. */
  matching(text: string): string | null
}

/** Reads globs of paths, branches or `owner/name`. Null where one is malformed, which the reader is told. */
export function readGlobs(reader: Reader, texts: readonly PlacedText[]): TighteningGlobs | null {
  const globs: Glob[] = []
  for (const { text, at } of texts) {
    const glob = compile(text)
    if ('fault' in glob) reader.problem(at, `malformed glob \`${text}\`: ${glob.fault}`)
    else globs.push(glob)
  }
  return globs.length === texts.length ? tightening(globs) : null
}

/** Globs of our own, which are well-formed. */
export function ownGlobs(texts: readonly string[]): TighteningGlobs {
  return tightening(
    texts.flatMap((text) => {
      const glob = compile(text)
      return 'fault' in glob ? [] : [glob]
    }),
  )
}

/** One glob as it is written, and with case folded. */
interface Glob {
  readonly text: string
  readonly sets: readonly GlobSet[]
}

function compile(text: string): Glob | { readonly fault: string } {
  const exact = compileGlobs([text], 'path')
  if ('fault' in exact) return exact
  const fold = foldCase(text)
  // Folding can turn a range around (`[Z-a]`): then the glob as written must do.
  const folded = fold === text ? exact : compileGlobs([fold], 'path')
  return { text, sets: 'fault' in folded || folded === exact ? [exact] : [folded, exact] }
}

function tightening(globs: readonly Glob[]): TighteningGlobs {
  return {
    texts: globs.map(({ text }) => text),
    matching(text) {
      const folded = foldCase(text)
      const meant = (set: GlobSet) => matchesGlobs(set, folded) || (folded !== text && matchesGlobs(set, text))
      return globs.find(({ sets }) => sets.some(meant))?.text ?? null
    },
  }
}
