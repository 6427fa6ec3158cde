import type { StoredEntry } from '../ledger/store.ts'
import type { Field, ValueMatch } from './ports.ts'
import { catalogOf, hiddenTarget, storable, termsOf } from './terms.ts'

/** What entries are wanted; all that is given must hold. */
export interface SearchFilter {
  /** Any of these. */
  readonly kinds?: readonly string[]
  /** Canonical, or all that begin so where it ends in `*`. */
  readonly tool?: string
  readonly agent?: string
  /** Whose sessions. */
  readonly principal?: string
  /** The full id. */
  readonly session?: string
  readonly room?: string
  readonly policy?: string
  /** The principal of the person who decided. */
  readonly reviewer?: string
  /** What the action was about, in full. Found until the values that say it are erased. */
  readonly target?: string
  readonly envelope?: string
  /** Milliseconds since the epoch: from `since` to `until` (exclusive), by the entries' own claims. */
  readonly since?: number
  readonly until?: number
}

/** One thing that must hold: the field is any of these. */
export interface Criterion {
  readonly field: Field
  readonly any: readonly ValueMatch[]
}

const EQUAL = ['session', 'principal', 'agent', 'room', 'policy', 'reviewer'] as const satisfies readonly Field[]

/** What must hold of the values of an entry, as the index keeps them. The rarest kind of value first: what it rules out is not asked for again. */
export function criteriaOf(filter: SearchFilter, key: Uint8Array): readonly Criterion[] {
  const { target, tool, kinds } = filter
  const equal = EQUAL.flatMap((field) => {
    const value = filter[field]
    return value === undefined ? [] : [{ field, any: [{ value: storable(value) }] }]
  })
  return [
    ...(target === undefined ? [] : [{ field: 'target' as const, any: [{ value: hiddenTarget(key, target) }] }]),
    ...equal,
    ...(kinds === undefined
      ? []
      : [{ field: 'kind' as const, any: kinds.map((value) => ({ value: storable(value) })) }]),
    ...(tool === undefined ? [] : [toolCriterion(storable(tool))]),
  ]
}

/** `github.*` are all of one catalog, however many tools that are; `github.get_*` are some of them. */
function toolCriterion(tool: string): Criterion {
  if (!tool.endsWith('*')) return { field: 'tool', any: [{ value: tool }] }
  const prefix = tool.slice(0, -1)
  const catalog = catalogOf(prefix)
  if (prefix === `${catalog}.`) return { field: 'catalog', any: [{ value: catalog ?? '' }] }
  return { field: 'tool', any: [{ prefix }] }
}

export function fits(value: string, match: ValueMatch): boolean {
  return 'value' in match ? value === match.value : value.startsWith(match.prefix)
}

/**
 * Whether the entry itself is what the index says: nothing is shown on the index's word alone. Its target cannot be asked of it,
 * for that may have been erased.
 */
export function isWanted(entry: StoredEntry, filter: SearchFilter, criteria: readonly Criterion[]): boolean {
  const { terms, at } = termsOf(entry)
  if (filter.envelope !== undefined && entry.env !== filter.envelope) return false
  if ((filter.since !== undefined || filter.until !== undefined) && !isWithin(at, filter)) return false
  return criteria.every(
    ({ field, any }) =>
      field === 'target' || terms.some((term) => term.field === field && any.some((match) => fits(term.value, match))),
  )
}

export function isWithin(at: number, { since, until }: Pick<SearchFilter, 'since' | 'until'>): boolean {
  return at >= (since ?? Number.NEGATIVE_INFINITY) && at < (until ?? Number.POSITIVE_INFINITY)
}
