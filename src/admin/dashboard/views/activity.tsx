import type { Statistics } from '../../../oversight/audit.ts'
import { type Activity, activities, columnsOf } from '../activity.ts'
import { seen } from '../entry-view.ts'
import { ActivityTable } from '../parts/activity-table.tsx'
import { Bars } from '../parts/chart-bars.tsx'
import { DecisionColumns } from '../parts/chart-columns.tsx'
import { duration } from '../parts/when.tsx'
import { asked, type View } from '../viewing.ts'

/** Entries that the list is made of. */
const LISTED = 20
const TOP = 6
/** Kinds whose arguments are read for the list. */
export const DECIDED: ReadonlySet<string> = new Set(['allow', 'block', 'review', 'rewrite', 'approve', 'deny'])
const HOUR_MS = 3_600_000
const SPANS = { '1h': HOUR_MS, '24h': 24 * HOUR_MS, '7d': 168 * HOUR_MS, '30d': 720 * HOUR_MS } as const
type Span = keyof typeof SPANS
const SPAN_NAMES = Object.keys(SPANS) as Span[]

/** What agents do, as they do it. */
export const activityView: View = async (viewing) => {
  const { parts, visitor, now } = viewing
  const { evidence, contents, audit } = parts.oversight
  const span = SPAN_NAMES.find((known) => known === asked(viewing, 'over')) ?? '24h'
  const [entries, stats] = await Promise.all([
    evidence.entries(visitor.key, { limit: LISTED }),
    audit.stats(visitor.key, now - SPANS[span]),
  ])
  const listed = await contents.open(visitor.key, entries, DECIDED)
  return {
    ...{ title: 'Activity', place: 'activity', live: true },
    body: (
      <>
        <div class="line head">
          <h1>Activity</h1>
          <Spans chosen={span} />
        </div>
        <div id="charts" data-region="charts">
          <Charts stats={stats} />
        </div>
        <section aria-labelledby="latest">
          <h2 id="latest">Latest actions</h2>
          <div id="list" data-region="list">
            <List rows={activities(listed.map(seen))} />
          </div>
        </section>
      </>
    ),
  }
}

function Spans({ chosen }: { readonly chosen: Span }) {
  return (
    <nav class="spans" aria-label="Charts over">
      {SPAN_NAMES.map((span) => (
        <a href={span === '24h' ? '/' : `/?over=${span}`} aria-current={span === chosen ? 'true' : undefined}>
          {span}
        </a>
      ))}
    </nav>
  )
}

function Charts({ stats }: { readonly stats: Statistics }) {
  const { reviews, blockedTools, complete } = stats
  const bars = blockedTools.slice(0, TOP).map(({ name, blocked }) => ({ name, count: blocked }))
  return (
    <>
      <div class="charts">
        <DecisionColumns title="Decisions" columns={columnsOf(stats)} />
        <Bars title="Most blocked tools" bars={bars} empty="Nothing was blocked." />
      </div>
      <p class="dim">
        {stats.pending} {stats.pending === 1 ? 'waits' : 'wait'} for a person.
        {reviews.medianWaitMs === null
          ? ''
          : ` ${reviews.resolved} answered, half of them within ${duration(reviews.medianWaitMs)}.`}
        {complete ? '' : ' The charts show the newest part of this time.'}
      </p>
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
