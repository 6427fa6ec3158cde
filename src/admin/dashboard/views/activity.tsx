import type { OpenedEntry } from '../../../oversight/contents.ts'
import { type Activity, activities, columnsOf, isDecision, topOf } from '../activity.ts'
import { type SeenEntry, seen } from '../entry-view.ts'
import { ActivityTable } from '../parts/activity-table.tsx'
import { Bars } from '../parts/chart-bars.tsx'
import { DecisionColumns } from '../parts/chart-columns.tsx'
import type { View, Viewing } from '../viewing.ts'

/** Entries that the list is made of. */
const LISTED = 120
/** Entries that the charts look at. */
const CHARTED = 1000
const COLUMNS = 30
const TOP = 6
/** Kinds whose arguments are read for the list. */
export const DECIDED: ReadonlySet<string> = new Set(['allow', 'block', 'review', 'rewrite', 'approve', 'deny'])

/** What agents do, as they do it. */
export const activityView: View = async (viewing) => {
  const { parts, visitor, now } = viewing
  const { evidence, contents } = parts.oversight
  const entries = await evidence.entries(visitor.key, { limit: CHARTED })
  const listed = await contents.open(visitor.key, entries.slice(0, LISTED), DECIDED)
  const rows = activities(listed.map(seen))
  return {
    ...{ title: 'Activity', place: 'activity', live: true },
    body: (
      <>
        <h1>Activity</h1>
        <div id="charts" data-region="charts" class="charts">
          <Charts entries={await charted(viewing, entries)} now={now} />
        </div>
        <section aria-labelledby="latest">
          <h2 id="latest">Latest actions</h2>
          <div id="list" data-region="list">
            <List rows={rows} />
          </div>
        </section>
      </>
    ),
  }
}

async function charted({ parts, visitor }: Viewing, entries: Parameters<typeof parts.oversight.contents.open>[1]) {
  const opened: readonly OpenedEntry[] = await parts.oversight.contents.open(visitor.key, entries, new Set())
  return opened.map(seen).filter(({ kind }) => isDecision(kind))
}

function Charts({ entries, now }: { readonly entries: readonly SeenEntry[]; readonly now: number }) {
  const times = entries.map(({ kind, ts }) => ({ kind, at: Date.parse(ts) }))
  const from = Math.min(now - 60 * 60_000, ...times.map(({ at }) => at))
  const blocked = entries.filter(({ kind }) => kind === 'block').map(({ tool }) => tool)
  return (
    <>
      <DecisionColumns title="Decisions" columns={columnsOf(times, { from, to: now, count: COLUMNS })} />
      <Bars title="Most blocked tools" bars={topOf(blocked, TOP)} empty="Nothing was blocked." />
    </>
  )
}

function List({ rows }: { readonly rows: readonly Activity[] }) {
  return rows.length === 0 ? (
    <p class="dim">No agent has called yet. What they do appears here by itself.</p>
  ) : (
    <>
      <ActivityTable rows={rows} />
      <p>
        <a href="/audit">Everything before: the audit trail</a>
      </p>
    </>
  )
}
