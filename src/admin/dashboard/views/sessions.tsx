import type { SessionSummary } from '../../../ledger/store.ts'
import { Decision } from '../parts/badges.tsx'
import { Said } from '../parts/said.tsx'
import { Sparkline } from '../parts/sparkline.tsx'
import { When } from '../parts/when.tsx'
import { sessionPath } from '../queue.ts'
import { askedNumber, type View, type Viewing } from '../viewing.ts'

const ROWS = 30
const MOST = 600
/** Columns of a session's line, and the newest entries it is drawn of. */
const COLUMNS = 24
const DRAWN = 200
const COUNTED = ['allow', 'rewrite', 'review', 'block'] as const

/** What agents did by session, the most recent first. */
export const sessionsView: View = async (viewing) => {
  const { parts, visitor } = viewing
  const rows = askedNumber(viewing, 'rows', ROWS, MOST)
  const sessions = await parts.oversight.evidence.sessions(visitor.key, rows + 1)
  const shown = sessions.slice(0, rows)
  const lines = await Promise.all(shown.map(async (session) => ({ session, line: await lineOf(viewing, session) })))
  return {
    ...{ title: 'Sessions', place: 'sessions', live: true },
    body: (
      <>
        <h1>Sessions</h1>
        <div id="list" data-region="list">
          {lines.length === 0 ? <p class="dim">There is none yet.</p> : <List lines={lines} />}
          {sessions.length > rows ? <a href={`/sessions?rows=${rows * 4}`}>Show more</a> : null}
        </div>
      </>
    ),
  }
}

interface Line {
  readonly session: SessionSummary
  readonly line: readonly number[]
}

async function lineOf({ parts, visitor }: Viewing, { session }: SessionSummary): Promise<readonly number[]> {
  const entries = await parts.oversight.evidence.entries(visitor.key, { session, limit: DRAWN }).catch(() => [])
  const times = entries.flatMap(({ ts }) => (ts === null ? [] : [Date.parse(ts)])).filter(Number.isFinite)
  const [from, to] = [Math.min(...times), Math.max(...times)]
  const counts = Array.from({ length: COLUMNS }, () => 0)
  for (const time of times) {
    const at = to === from ? 0 : Math.min(COLUMNS - 1, Math.floor(((time - from) / (to - from)) * COLUMNS))
    counts[at] = (counts[at] ?? 0) + 1
  }
  return counts
}

function List({ lines }: { readonly lines: readonly Line[] }) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Session</th>
          <th scope="col">Key</th>
          <th scope="col">Decisions</th>
          <th scope="col">Entries</th>
          <th scope="col">Over time</th>
          <th scope="col">Last (UTC)</th>
        </tr>
      </thead>
      <tbody>
        {lines.map(({ session, line }) => (
          <tr>
            <th scope="row">
              <a href={sessionPath(session.session)}>
                <Said text={session.label} brief={80} />
              </a>
              {session.status === 'closed' ? <span class="dim"> closed</span> : null}
            </th>
            <td class="dim">
              <code>
                <Said text={session.principal} brief={40} />
              </code>
            </td>
            <td>
              <Counts counts={session.counts} />
            </td>
            <td class="num" data-name="entries">
              {session.entries}
            </td>
            <td>
              <Sparkline counts={line} />
            </td>
            <td class="time">
              <When at={session.last} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** How often what was decided, without what never was. */
export function Counts({ counts }: { readonly counts: SessionSummary['counts'] }) {
  return (
    <span class="line">
      {COUNTED.filter((kind) => (counts[kind] ?? 0) > 0).map((kind) => (
        <span>
          {counts[kind]} <Decision kind={kind} />
        </span>
      ))}
    </span>
  )
}
