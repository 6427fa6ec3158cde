import type { SeenEntry } from '../entry-view.ts'
import { labelOf, sessionPath } from '../queue.ts'
import { Blast, Decision, Tool } from './badges.tsx'
import { Sentence } from './phrase.tsx'
import { Said } from './said.tsx'
import { Outcome } from './timeline.tsx'
import { When } from './when.tsx'

/** Entries of the log, one a row. */
export function EntryTable({
  entries,
  session = true,
}: {
  readonly entries: readonly SeenEntry[]
  readonly session?: boolean
}) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Time (UTC)</th>
          <th scope="col">Entry</th>
          <th scope="col">What</th>
          {session ? <th scope="col">Agent and session</th> : null}
          <th scope="col">By</th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <Row entry={entry} session={session} />
        ))}
      </tbody>
    </table>
  )
}

const DECIDES = new Set(['allow', 'block', 'review', 'rewrite', 'override'])

function Row({ entry, session }: { readonly entry: SeenEntry; readonly session: boolean }) {
  return (
    <tr>
      <td class="time">
        <When at={entry.ts} />
      </td>
      <td>
        <Decision kind={entry.kind} />{' '}
        {entry.blast === null || entry.blast.level === 'low' ? null : (
          <Blast level={entry.blast.level} score={entry.blast.score} />
        )}
      </td>
      <td class="what">
        {entry.kind === 'manifest' ? (
          'all entries of the session so far, under one hash'
        ) : (
          <>
            <a href={`/actions/${entry.env}`}>
              {DECIDES.has(entry.kind) ? <Sentence of={entry.summary} /> : <Tool name={entry.tool} />}
            </a>
            <Outcome entry={entry} />
          </>
        )}
      </td>
      {session ? (
        <td>
          <Said text={entry.agent} name="strict" brief={60} />
          <br />
          <a class="dim" href={sessionPath(entry.session)}>
            <Said text={labelOf(entry.session)} brief={60} />
          </a>
        </td>
      ) : null}
      <td class="dim">
        {entry.reviewer === null ? (
          <code>
            <Said text={entry.rule === '' ? '–' : entry.rule} brief={80} />
          </code>
        ) : (
          <Said text={entry.reviewer.name} brief={60} />
        )}
      </td>
    </tr>
  )
}
