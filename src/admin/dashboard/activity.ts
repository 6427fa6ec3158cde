import type { SeenEntry } from './entry-view.ts'
import type { Bar } from './parts/chart-bars.tsx'
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

const NONE = { allow: 0, rewrite: 0, review: 0, block: 0 }

/** Decisions by equal stretches of time. */
export function columnsOf(
  counted: readonly { readonly kind: string; readonly at: number }[],
  { from, to, count }: { readonly from: number; readonly to: number; readonly count: number },
): readonly Column[] {
  const step = Math.max(1, (to - from) / count)
  const columns = Array.from({ length: count }, (_, index) => {
    const start = new Date(from + index * step)
    return { from: start.toISOString(), label: shortTime(start, false), counts: { ...NONE } }
  })
  for (const { kind, at } of counted) {
    const column = columns[Math.min(count - 1, Math.floor((at - from) / step))]
    if (column !== undefined && isDecision(kind)) column.counts[kind] += 1
  }
  return columns
}

/** The most frequent names, most first. */
export function topOf(names: readonly string[], most: number): readonly Bar[] {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts]
    .map(([name, count]) => ({ name, count }))
    .sort((one, two) => two.count - one.count || (one.name < two.name ? -1 : 1))
    .slice(0, most)
}
