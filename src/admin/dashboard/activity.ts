import type { SearchStats } from '../../search/index.ts'
import type { SeenEntry } from './entry-view.ts'
import type { Column } from './parts/chart-columns.tsx'
import { shortTime } from './parts/when.tsx'

const DECISIONS = ['allow', 'rewrite', 'review', 'block'] as const
export type DecisionKind = (typeof DECISIONS)[number]

/** One action: its decision, and what became of it. */
export interface Activity {
  readonly asked: SeenEntry
  /** The newest entry about it: the decision itself, a reviewer's word or its result. */
  readonly newest: SeenEntry
}

export function isDecision(kind: string): kind is DecisionKind {
  return DECISIONS.some((known) => known === kind)
}

/** Entries, newest first, folded into the actions they are about. Those whose decision is older than the list stand for themselves. */
export function activities(entries: readonly SeenEntry[]): readonly Activity[] {
  const found = new Map<string, Activity>()
  for (const entry of entries) {
    const known = found.get(entry.env)
    if (known === undefined) found.set(entry.env, { asked: entry, newest: entry })
    else if (!isDecision(known.asked.kind) && isDecision(entry.kind)) {
      found.set(entry.env, { ...known, asked: entry })
    }
  }
  return [...found.values()]
}

/** Columns that are drawn at least: what is older than the log is empty. */
const LEAST_COLUMNS = 24

/** Decisions by stretches of time, as the index counts them. */
export function columnsOf({ buckets, bucketMs }: Pick<SearchStats, 'buckets' | 'bucketMs'>): readonly Column[] {
  const first = buckets[0]?.at ?? 0
  const missing = Math.max(0, LEAST_COLUMNS - buckets.length)
  const before = Array.from({ length: missing }, (_, index) => ({
    at: first - (missing - index) * bucketMs,
    kinds: {},
  }))
  const all: SearchStats['buckets'] = buckets.length === 0 ? [] : [...before, ...buckets]
  return all.map(({ at, kinds }) => {
    const start = new Date(at)
    const counts = Object.fromEntries(DECISIONS.map((kind) => [kind, kinds[kind] ?? 0]))
    const { allow = 0, rewrite = 0, review = 0, block = 0 } = counts
    return { from: start.toISOString(), label: shortTime(start, false), counts: { allow, rewrite, review, block } }
  })
}
